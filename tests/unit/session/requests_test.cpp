// Requests and responses: docs/protocol.md, "Requests".
#include "support.hpp"

#include "session/client_requests.hpp"

namespace flare::session::test {
namespace {

using wire::Verb;
using Ids = std::vector<std::pair<Uuid, errc>>;

class Requests : public ::testing::Test {
protected:
    static ClientSettings asks() {
        ClientSettings settings = Bench::client_settings();
        settings.conversations = true;
        return settings;
    }
    // A session with conversations.
    static Settings short_lived() {
        Settings settings;
        settings.session_life = 10s;
        return settings;
    }
    void start(Settings settings = short_lived(), ClientSettings client = asks()) {
        bench = std::make_unique<Bench>(settings, std::move(client));
        bench->server.table.offer(nullptr, true);
        bench->connect(1);
    }
    Result<void> ask(std::uint8_t number, Verb verb, std::string_view body = "body",
                     std::string_view conversation = "room:lunch") {
        wire::RequestView request;
        request.id = id_of(number);
        request.verb = verb;
        request.body = body;
        return bench->client.session.request(request, conversation, bench->now());
    }
    Result<void> respond(std::size_t which, std::string_view body, bool more = false, errc code = errc::ok) {
        wire::ResponseView response;
        response.code = code;
        response.body = body;
        response.more = more;
        return bench->server.table.respond(bench->server.requests.at(which).pending, response, bench->now());
    }
    // The session is over on the server before its client comes back.
    void lose_session(CarrierKey next) {
        bench->cut(bench->carriers.front());
        bench->pass(11s);
        bench->server.table.on_time(bench->now());
        bench->connect(next);
    }
    void check() {
        bench->client.session.check_invariants();
        (void)bench->server.table.check_invariants();
    }
    // Views of `batch`.
    static std::vector<wire::ResponseView> responses_in(const std::string& batch) {
        std::vector<wire::ResponseView> found;
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind == wire::FrameKind::response) found.push_back(wire::decode_response(frame.body).value());
        }
        return found;
    }
    std::vector<std::string> bodies() const {
        std::vector<std::string> all;
        for (const auto& each : bench->server.requests) all.push_back(each.body);
        return all;
    }
    std::vector<std::string> answers() const {
        std::vector<std::string> all;
        for (const auto& each : bench->client.responses) all.push_back(each.body);
        return all;
    }

    std::unique_ptr<Bench> bench;
};

TEST_F(Requests, AreHandedUpAndAnsweredInTheLaneOfTheirConversation) {
    start();
    ASSERT_TRUE(ask(1, Verb::history, "what was"));
    ASSERT_TRUE(ask(2, Verb::conversation_create, "a new room", ""));
    bench->exchange();
    ASSERT_EQ(bench->server.requests.size(), 2u);
    const auto& of_room =
        bench->server.requests[0].body == "what was" ? bench->server.requests[0] : bench->server.requests[1];
    EXPECT_EQ(of_room.verb, Verb::history);
    EXPECT_EQ(of_room.first_sent_ms_ago, 0u);
    EXPECT_EQ(of_room.pending.lane, lane_of("room:lunch", 4));
    for (std::size_t i = 0; i < 2; ++i) ASSERT_TRUE(respond(i, "answer"));
    const std::string down = bench->from_server(1);
    for (const wire::FrameView& frame : frames_of(down)) {
        if (frame.kind != wire::FrameKind::response) continue;
        const bool room = wire::decode_response(frame.body).value().id == id_of(1);
        EXPECT_EQ(frame.lane, room ? lane_of("room:lunch", 4) : 0u);
    }
    bench->to_client(1, down);
    EXPECT_EQ(answers(), (std::vector<std::string>{"answer", "answer"}));
    EXPECT_TRUE(bench->client.failed.empty());
    check();
}

TEST_F(Requests, KeepTheirPlaceAmongTheMessagesOfTheirConversation) {
    start();
    bench->server.answers = false;
    ASSERT_TRUE(bench->send(1, "before", "bob"));
    ASSERT_TRUE(ask(2, Verb::conversation_leave, "leave", "bob"));
    ASSERT_TRUE(bench->send(3, "after", "bob"));
    std::vector<wire::FrameKind> kinds;
    const std::string up = bench->from_client(1);
    for (const wire::FrameView& frame : frames_of(up)) {
        if (frame.seq != 0) kinds.push_back(frame.kind);
    }
    using enum wire::FrameKind;
    EXPECT_EQ(kinds, (std::vector<wire::FrameKind>{data, request, data}));
}

TEST_F(Requests, ASeriesOfResponsesEndsWithTheLast) {
    start();
    ASSERT_TRUE(ask(1, Verb::history));
    bench->exchange();
    ASSERT_TRUE(respond(0, "one", true));
    ASSERT_TRUE(respond(0, "two", true));
    bench->exchange();
    EXPECT_EQ(answers(), (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(code_of(ask(1, Verb::history)), errc::duplicate_message_id) << "it is open";
    ASSERT_TRUE(respond(0, "three"));
    bench->exchange();
    EXPECT_EQ(answers().back(), "three");
    EXPECT_FALSE(bench->client.responses.back().more);
    EXPECT_TRUE(ask(1, Verb::history)) << "it is over, and its id is free";
    check();
}

TEST_F(Requests, AnErrorIsToldWithItsTextAndTime) {
    start();
    ASSERT_TRUE(ask(1, Verb::history));
    bench->exchange();
    wire::ResponseView response;
    response.code = errc::storage_full;
    response.text = "the store is full";
    response.retry_after_ms = 5'000;
    ASSERT_TRUE(bench->server.table.respond(bench->server.requests[0].pending, response, bench->now()));
    bench->exchange();
    ASSERT_EQ(bench->client.responses.size(), 1u);
    EXPECT_EQ(bench->client.responses[0].code, errc::storage_full);
    EXPECT_EQ(bench->client.responses[0].text, "the store is full");
    EXPECT_EQ(bench->client.responses[0].retry_after_ms, 5'000u);
}

TEST_F(Requests, ReplayHandsUpNoneTwiceAndLosesNoResponse) {
    start();
    ASSERT_TRUE(ask(1, Verb::member_add));
    (void)bench->to_server(1, bench->from_client(1));  // its acknowledgement is lost with the carrier
    ASSERT_EQ(bench->server.requests.size(), 1u);
    bench->cut(1);
    ASSERT_TRUE(respond(0, "done"));  // while the client is away
    bench->connect(2);
    EXPECT_EQ(bench->client.ready.back(), (std::pair<CarrierKey, bool>{2, true}));
    EXPECT_EQ(bench->server.requests.size(), 1u);
    EXPECT_EQ(answers(), std::vector<std::string>{"done"});
    bench->cut(2);  // and the response is given once, too
    bench->connect(3);
    EXPECT_EQ(answers().size(), 1u);
    check();
}

TEST_F(Requests, OneThatWritesIsSentAgainInTheNextSessionUnderItsId) {
    start();
    ASSERT_TRUE(ask(1, Verb::member_add));
    (void)bench->to_server(1, bench->from_client(1));
    lose_session(2);
    ASSERT_EQ(bench->client.gaps.size(), 1u);
    ASSERT_EQ(bench->server.requests.size(), 2u) << "handed up again: the store decides by its id";
    EXPECT_EQ(bench->server.requests[1].pending.request_id, id_of(1));
    EXPECT_EQ(bench->server.requests[1].first_sent_ms_ago, 11'000u);
    EXPECT_EQ(code_of(respond(0, "into the void")), errc::session_ended);
    ASSERT_TRUE(respond(1, "done"));
    bench->exchange();
    EXPECT_EQ(answers(), std::vector<std::string>{"done"});
    EXPECT_TRUE(bench->client.failed.empty());
    check();
}

TEST_F(Requests, OneThatReadsFailsWithItsSession) {
    start();
    ASSERT_TRUE(ask(1, Verb::history));
    (void)bench->to_server(1, bench->from_client(1));
    lose_session(2);
    EXPECT_EQ(bench->client.failed, (Ids{{id_of(1), errc::connection_lost}}));
    EXPECT_EQ(bench->server.requests.size(), 1u);
    check();
}

TEST_F(Requests, AfterAnOrderlyEndOneIsSentAsIfForTheFirstTime) {
    start();
    bench->server.table.end(bench->session(), errc::shutting_down, "down", 0, bench->now());
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench->live(300ms);  // it is written, and not acted on
    ASSERT_EQ(bench->client.ended.size(), 1u);
    EXPECT_TRUE(bench->server.requests.empty());
    bench->connect(2);
    ASSERT_EQ(bench->server.requests.size(), 1u);
    EXPECT_EQ(bench->server.requests[0].first_sent_ms_ago, 0u);
    check();
}

TEST_F(Requests, AShutdownWaitsForTheirResponses) {
    start();
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench->exchange();
    bench->server.table.end(bench->session(), errc::shutting_down, "down", 0, bench->now());
    bench->live(500ms);
    EXPECT_TRUE(bench->client.ended.empty());
    ASSERT_TRUE(respond(0, "done"));
    bench->live(500ms);
    EXPECT_EQ(answers(), std::vector<std::string>{"done"});
    EXPECT_EQ(bench->client.ended, std::vector<errc>{errc::shutting_down});
}

TEST_F(Requests, ADisconnectWaitsForThoseUnderWayAndBeginsNone) {
    start();
    for (std::uint8_t i = 1; i <= 9; ++i) ASSERT_TRUE(ask(i, i == 9 ? Verb::history : Verb::member_add));
    bench->exchange();
    ASSERT_EQ(bench->server.requests.size(), 8u);
    bench->client.session.disconnect(bench->now());
    EXPECT_EQ(code_of(ask(10, Verb::history)), errc::shutting_down);
    bench->live(300ms);
    EXPECT_TRUE(bench->client.disconnected.empty());
    for (std::size_t i = 0; i < 8; ++i) ASSERT_TRUE(respond(i, "done"));
    bench->live(300ms);
    EXPECT_EQ(bench->client.disconnected.size(), 1u);
    EXPECT_EQ(answers().size(), 8u);
    EXPECT_EQ(bench->server.requests.size(), 8u) << "the ninth got no number behind the goodbye";
    EXPECT_EQ(bench->client.failed, (Ids{{id_of(9), errc::connection_lost}}));
    check();
}

// ---- limits ----

TEST_F(Requests, EightAreOpenAtATimeAndOthersWaitInOrder) {
    start();
    for (std::uint8_t i = 1; i <= 12; ++i) ASSERT_TRUE(ask(i, Verb::history, std::to_string(i)));
    bench->exchange();
    ASSERT_EQ(bench->server.requests.size(), wire::kMaxOpenRequests);
    ASSERT_TRUE(respond(3, "done"));
    bench->exchange();
    ASSERT_EQ(bench->server.requests.size(), 9u);
    EXPECT_EQ(bench->server.requests[8].body, "9");
    ASSERT_TRUE(respond(0, "a part", true));
    bench->exchange();
    EXPECT_EQ(bench->server.requests.size(), 9u) << "it is still open";
    for (std::size_t i = 0; i < 12; ++i) {
        if (i == 3) continue;
        ASSERT_TRUE(respond(i, "done"));
        bench->exchange();
    }
    EXPECT_EQ(bodies(), (std::vector<std::string>{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}));
    check();
}

TEST_F(Requests, TheNinthOfAPeerThatDoesNotWaitIsRefusedWithBusy) {
    start();
    const LaneIndex lane = lane_of("room:lunch", 4);
    for (std::uint8_t i = 1; i <= 9; ++i) {
        wire::RequestView request{id_of(i), Verb::history, "body", 0};
        (void)bench->to_server(1, numbered(lane, i, wire::encode(request)));
    }
    EXPECT_EQ(bench->server.requests.size(), 8u);
    const std::string down = bench->from_server(1);
    const auto refused = responses_in(down);
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].id, id_of(9));
    EXPECT_EQ(refused[0].code, errc::busy);
    EXPECT_GT(refused[0].retry_after_ms, 0u);
    EXPECT_TRUE(bench->server.errors.empty()) << "no fault of the protocol";
    (void)bench->server.table.check_invariants();
}

TEST_F(Requests, TheClientKeepsSixtyFour) {
    start();
    for (std::uint8_t i = 1; i <= ClientRequests::kMost; ++i) ASSERT_TRUE(ask(i, Verb::member_add));
    EXPECT_EQ(code_of(ask(200, Verb::member_add)), errc::outbox_full);
    check();
}

TEST_F(Requests, WithoutASessionOnlyThoseThatWriteWait) {
    bench = std::make_unique<Bench>(Settings(), asks());
    bench->server.table.offer(nullptr, true);
    EXPECT_EQ(code_of(ask(1, Verb::history)), errc::not_connected);
    EXPECT_TRUE(ask(2, Verb::conversation_join));
    bench->connect(1);
    ASSERT_EQ(bench->server.requests.size(), 1u);
    EXPECT_EQ(bench->server.requests[0].first_sent_ms_ago, 0u);
}

TEST_F(Requests, ThoseThatCannotBeSentAreRefusedAtOnce) {
    start();
    EXPECT_EQ(code_of(ask(1, Verb::unspecified)), errc::not_supported);
    EXPECT_EQ(code_of(ask(1, Verb::history, std::string(wire::kMaxRequestBytes + 1, 'x'))), errc::message_too_large);
    EXPECT_EQ(code_of(ask(1, Verb::history, "", std::string(257, 'r'))), errc::invalid_name);
    EXPECT_EQ(code_of(bench->client.session.request({{}, Verb::history, {}, 0}, "", bench->now())),
              errc::invalid_message_id);
}

TEST_F(Requests, AServerWithoutConversationsGetsNone) {
    bench = std::make_unique<Bench>(Settings(), asks());
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench->connect(1);
    EXPECT_EQ(bench->client.failed, (Ids{{id_of(1), errc::not_supported}}));
    EXPECT_EQ(code_of(ask(2, Verb::member_add)), errc::not_supported);
    Bench plain;
    EXPECT_EQ(code_of(plain.client.session.request({id_of(1), Verb::member_add, {}, 0}, "", plain.now())),
              errc::not_supported)
        << "this client has not asked for conversations";
}

TEST_F(Requests, ThatWaitTooLongWithoutAConnectionAreFailed) {
    ClientSettings settings = asks();
    settings.send_timeout = 5s;
    start(Settings(), settings);
    ASSERT_TRUE(ask(1, Verb::member_add));
    ASSERT_TRUE(ask(2, Verb::history));
    ASSERT_TRUE(ask(4, Verb::sync));
    (void)bench->to_server(1, bench->from_client(1));
    bench->cut(1);
    ASSERT_TRUE(ask(3, Verb::member_remove));
    EXPECT_LE(bench->client.session.next_deadline(), bench->now() + 5s);
    bench->live(4900ms);
    EXPECT_TRUE(bench->client.failed.empty());
    bench->live(200ms);
    EXPECT_EQ(
        bench->client.failed,
        (Ids{{id_of(1), errc::outcome_unknown}, {id_of(2), errc::connection_lost}, {id_of(3), errc::not_connected}}));
    check();
    bench->connect(2);
    for (std::size_t i = 0; i < bench->server.requests.size(); ++i) ASSERT_TRUE(respond(i, "late"));
    bench->exchange();
    EXPECT_EQ(bench->server.requests.size(), 3u) << "the one without a session was withdrawn";
    ASSERT_EQ(bench->client.responses.size(), 1u) << "nobody waits for the others any more";
    EXPECT_EQ(bench->client.responses[0].id, id_of(4)) << "a page counts as delivered when it arrives";
    check();
}

TEST_F(Requests, GivingUpEverythingGivesThemUp) {
    start();
    ASSERT_TRUE(ask(1, Verb::member_add));
    ASSERT_TRUE(ask(2, Verb::history));
    bench->exchange();
    ASSERT_TRUE(ask(3, Verb::history));
    bench->client.session.fail_all(errc::client_closed, "closed", bench->now());
    EXPECT_EQ(
        bench->client.failed,
        (Ids{{id_of(1), errc::outcome_unknown}, {id_of(2), errc::connection_lost}, {id_of(3), errc::client_closed}}));
    check();
}

TEST_F(Requests, CountAgainstTheRateOfTheDevice) {
    Settings settings;
    settings.message_rate = {1, 2};
    start(settings);
    for (std::uint8_t i = 1; i <= 3; ++i) ASSERT_TRUE(ask(i, Verb::history));
    bench->exchange();
    EXPECT_EQ(bench->server.requests.size(), 2u);
    ASSERT_EQ(bench->client.responses.size(), 1u);
    EXPECT_EQ(bench->client.responses[0].code, errc::rate_limited);
    EXPECT_GT(bench->client.responses[0].retry_after_ms, 0u);
}

TEST_F(Requests, ResponsesForWhichThereIsNoRoomBecomeARefusal) {
    Settings settings;
    settings.max_queued_bytes = 64 * 1024;
    start(settings);
    ASSERT_TRUE(ask(1, Verb::history));
    bench->exchange();
    const std::string page(30'000, 'p');
    ASSERT_TRUE(respond(0, page, true));
    ASSERT_TRUE(respond(0, page, true));
    EXPECT_EQ(code_of(respond(0, page, true)), errc::outbox_full);
    bench->exchange();
    ASSERT_EQ(bench->client.responses.size(), 3u);
    EXPECT_EQ(bench->client.responses[2].code, errc::recipient_busy);
    EXPECT_FALSE(bench->client.responses[2].more);
    check();
}

TEST_F(Requests, AResponseThatIsTooLargeBecomesARefusal) {
    start();
    ASSERT_TRUE(ask(1, Verb::history));
    ASSERT_TRUE(ask(2, Verb::history));
    bench->exchange();
    EXPECT_EQ(code_of(respond(0, std::string(wire::kMaxResponseBytes + 1, 'p'))), errc::message_too_large);
    ASSERT_TRUE(respond(1, std::string(wire::kMaxResponseBytes, 'p')));
    bench->live(100ms);
    ASSERT_EQ(bench->client.responses.size(), 2u);
    EXPECT_EQ(bench->client.responses[0].code, errc::message_too_large);
    EXPECT_EQ(bench->client.responses[1].body.size(), wire::kMaxResponseBytes);
    check();
}

// ---- large ones ----

TEST_F(Requests, LargeOnesTravelInPieces) {
    start();
    std::string body(wire::kMaxRequestBytes, 'r');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
    ASSERT_TRUE(ask(1, Verb::conversation_create, body));
    const std::string up = bench->from_client(1);
    std::vector<std::uint32_t> kinds;
    for (const wire::FrameView& frame : frames_of(up)) {
        if (frame.kind == wire::FrameKind::chunk) kinds.push_back(wire::decode_chunk(frame.body).value().kind);
    }
    ASSERT_GT(kinds.size(), 2u);
    EXPECT_EQ(kinds[0], static_cast<std::uint32_t>(wire::FrameKind::request));
    EXPECT_EQ(kinds[1], 0u);
    (void)bench->to_server(1, up);
    bench->exchange();
    ASSERT_EQ(bench->server.requests.size(), 1u);
    EXPECT_EQ(bench->server.requests[0].body, body);
    ASSERT_TRUE(respond(0, body));
    bench->exchange();
    EXPECT_EQ(answers(), std::vector<std::string>{body});
    check();
}

TEST_F(Requests, LargeMessagesNameNoKindSoThatOldPeersReadThem) {
    start();
    ASSERT_TRUE(bench->send(1, std::string(100'000, 'm')));
    const std::string up = bench->from_client(1);
    std::size_t chunks = 0;
    for (const wire::FrameView& frame : frames_of(up)) {
        if (frame.kind != wire::FrameKind::chunk) continue;
        ++chunks;
        EXPECT_EQ(wire::decode_chunk(frame.body).value().kind, 0u);
    }
    EXPECT_GT(chunks, 2u);
}

TEST_F(Requests, APieceOfAKindThatWasNotAgreedIsUnexpected) {
    for (const std::uint32_t kind : {24u, 25u, 26u, 27u, 16u, 99u, 256u + 17u}) {
        Bench plain;
        plain.connect(1);
        wire::Batch batch;
        wire::FrameHeader header;
        header.seq = 1;
        batch.add_chunk(header, 100'000, Bytes("a piece"), kind);
        (void)plain.to_server(1, batch.str());
        EXPECT_EQ(plain.server.errors, std::vector<errc>{errc::unexpected_frame}) << kind;
        Bench other;
        other.connect(1);
        other.to_client(1, batch.str());
        EXPECT_EQ(other.client.closed, (std::vector<Closed>{{1, errc::unexpected_frame}})) << kind;
    }
}

TEST_F(Requests, AreUnexpectedFromAPeerThatHasNotAgreed) {
    Bench plain;
    plain.connect(1);
    const wire::Body request = wire::encode(wire::RequestView{id_of(1), Verb::history, {}, 0});
    (void)plain.to_server(1, numbered(0, 1, request));
    EXPECT_EQ(plain.server.errors, std::vector<errc>{errc::unexpected_frame});
    EXPECT_TRUE(plain.server.ended.empty()) << "the session survives";
    Bench other;
    other.connect(1);
    other.to_client(1, numbered(0, 1, wire::encode(wire::ResponseView{})));
    EXPECT_EQ(other.client.closed, (std::vector<Closed>{{1, errc::unexpected_frame}}));
    EXPECT_TRUE(other.client.gaps.empty()) << "the session survives";
}

TEST_F(Requests, AreSentByClientsAndAnsweredByServersOnly) {
    start();
    (void)bench->to_server(1, numbered(0, 1, wire::encode(wire::ResponseView{})));
    EXPECT_EQ(bench->server.errors, std::vector<errc>{errc::unexpected_frame});
    start();
    bench->to_client(1, numbered(0, 1, wire::encode(wire::RequestView{id_of(1), Verb::history, {}, 0})));
    EXPECT_EQ(bench->client.closed, (std::vector<Closed>{{1, errc::unexpected_frame}}));
}

TEST_F(Requests, ThatCannotBeReadEndTheSession) {
    start();
    wire::Body body = wire::encode(wire::RequestView{id_of(1), Verb::history, "abc", 0});
    std::string bytes(body.bytes.view());
    bytes[body.content_offset + 1] = 15;  // an id of 15 bytes
    body.bytes = Bytes(bytes);
    (void)bench->to_server(1, numbered(0, 1, body));
    ASSERT_EQ(bench->server.ended.size(), 1u);
    EXPECT_EQ(bench->server.ended[0].second, errc::malformed_frame);
}

TEST_F(Requests, ARequestOfALaterVersionIsNotSupported) {
    start();
    std::string content = "\x0a\x10" + std::string(16, 'i') + "\x10\x63";  // verb 99
    wire::Body body;
    body.kind = wire::FrameKind::request;
    body.bytes = Bytes("\xc2\x01" + std::string(1, static_cast<char>(content.size())) + content);
    (void)bench->to_server(1, numbered(0, 1, body));
    const std::string down = bench->from_server(1);
    EXPECT_TRUE(bench->server.requests.empty());
    const auto responses = responses_in(down);
    ASSERT_EQ(responses.size(), 1u);
    EXPECT_EQ(responses[0].code, errc::not_supported);
}

TEST_F(Requests, WithoutAnIdAreRefused) {
    start();
    (void)bench->to_server(1, numbered(0, 1, wire::encode(wire::RequestView{{}, Verb::history, {}, 0})));
    const std::string down = bench->from_server(1);
    EXPECT_TRUE(bench->server.requests.empty());
    const auto responses = responses_in(down);
    ASSERT_EQ(responses.size(), 1u);
    EXPECT_EQ(responses[0].code, errc::invalid_message_id);
}

TEST_F(Requests, ForWhichTheServerHasNoMemoryAreRefusedWithBusy) {
    bench = std::make_unique<Bench>(Settings(), asks(), 150'000);
    bench->server.table.offer(nullptr, true);
    bench->connect(1);
    bench->server.budget.take_anyway(60'000);
    ASSERT_TRUE(ask(1, Verb::history, std::string(100'000, 'r')));
    bench->exchange();
    EXPECT_TRUE(bench->server.requests.empty());
    ASSERT_EQ(bench->client.responses.size(), 1u);
    EXPECT_EQ(bench->client.responses[0].id, id_of(1));
    EXPECT_EQ(bench->client.responses[0].code, errc::busy);
    ASSERT_TRUE(ask(2, Verb::conversation_create, std::string(100'000, 'r')));
    bench->live(500ms);
    EXPECT_TRUE(bench->server.requests.empty());
    bench->server.budget.give(60'000);
    bench->live(1s);
    EXPECT_EQ(bench->server.requests.size(), 1u) << "one that changes something is sent again";
    check();
}

// docs/protocol.md, "The first flight": what may be a copy acts on messages alone.
TEST_F(Requests, InEarlyDataWait) {
    start();
    bench->cut(1);
    ASSERT_TRUE(ask(1, Verb::member_add, "small"));
    ASSERT_TRUE(bench->send(2, "behind it", "room:lunch"));
    bench->client.session.begin_attempt("token");
    bench->open(2);
    const std::string first = bench->from_client(2);
    std::string_view rest;
    const auto hello = read_hello(first, rest).value();
    bench->server.table.take_early(hello, rest, bench->now());
    EXPECT_TRUE(bench->server.requests.empty());
    EXPECT_TRUE(bench->server.texts.empty()) << "it does not overtake";
    (void)bench->to_server(2, first);
    EXPECT_EQ(bodies(), std::vector<std::string>{"small"});
    EXPECT_EQ(bench->server.texts, std::vector<std::string>{"behind it"});
}

TEST_F(Requests, TheLastPieceOfOneInEarlyDataWaits) {
    start();
    ASSERT_TRUE(ask(1, Verb::conversation_create, std::string(70'000, 'r')));
    const std::string up = bench->from_client(1, 1u << 20);
    const auto frames = frames_of(up);
    std::size_t last = 0;
    for (const wire::FrameView& frame : frames) last = frame.seq != 0 ? last + 1 : last;
    ASSERT_GT(last, 2u);
    std::string pieces;
    std::size_t n = 0;
    for (const wire::FrameView& frame : frames) {
        if (frame.seq == 0 || ++n == last) continue;
        const auto chunk = wire::decode_chunk(frame.body).value();
        wire::Batch batch;
        wire::FrameHeader header;
        header.lane = frame.lane;
        header.seq = frame.seq;
        batch.add_chunk(header, chunk.total, Bytes(chunk.part), chunk.kind);
        pieces += batch.str();
    }
    (void)bench->to_server(1, pieces);
    bench->pass(100ms);
    bench->server.table.on_time(bench->now());
    bench->to_client(1, bench->from_server(1));  // its acknowledgements: only the last piece is left
    bench->cut(1);
    bench->client.session.begin_attempt("token");
    bench->open(2);
    const std::string first = bench->from_client(2);
    std::string_view rest;
    const auto hello = read_hello(first, rest).value();
    bench->server.table.take_early(hello, rest, bench->now());
    EXPECT_TRUE(bench->server.requests.empty());
    (void)bench->to_server(2, first);
    bench->exchange();
    EXPECT_EQ(bench->server.requests.size(), 1u);
}

}  // namespace
}  // namespace flare::session::test
