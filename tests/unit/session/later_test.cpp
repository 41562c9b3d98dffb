// A client whose server has no room for the messages and the changes of a conversation: docs/conversations.md, "Later".
#include "session/client_requests.hpp"
#include "support.hpp"

#include <map>
#include <set>

namespace flare::session::test {
namespace {

using wire::Verb;

// A server that stores `rate` messages a second and `burst` at once, and says "later" to everything that comes behind a
// message that it has put off, until that one comes again.
class RoomServer {
public:
    RoomServer(Bench& bench, Rate rate) : bench_(bench), rate_(rate) {
        bench.server.answers = false;
        bench.server.into_a_log = true;
    }
    // Answers all that has come.
    void serve() {
        for (; next_ < bench_.server.handlings.size(); ++next_) {
            const PendingMessage& pending = bench_.server.handlings[next_];
            const std::string& text = bench_.server.texts[next_];
            if (held_ && *held_ != pending.message_id) {
                later(pending);
                continue;
            }
            held_.reset();
            if (bucket_.wait(rate_, 1, bench_.now()) > std::chrono::nanoseconds(0)) {
                held_ = pending.message_id;
                later(pending);
                continue;
            }
            bucket_.take(rate_, 1, bench_.now());
            log.push_back(text);
            bench_.server.table.finish(pending, {wire::ReceiptStatus::stored, errc::ok, {}, 0, {{7, log.size()}, 1}},
                                       nullptr, bench_.now());
        }
    }
    // Time passes, a step of 1 ms after the other.
    void live(Duration by) {
        for (const TimePoint end = bench_.now() + by; bench_.now() < end;) {
            bench_.live(1ms, 1ms);
            serve();
            bench_.exchange();
            bench_.client.session.check_invariants();
        }
    }

    std::vector<std::string> log;
    errc code = errc::rate_limited;

private:
    void later(const PendingMessage& pending) {
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(bucket_.wait(rate_, 1, bench_.now()));
        const auto ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, wait.count()));
        bench_.server.table.finish(pending, {wire::ReceiptStatus::refused, code, "later", ms}, nullptr, bench_.now());
    }

    Bench& bench_;
    const Rate rate_;
    Bucket bucket_{};
    std::optional<Uuid> held_;
    std::size_t next_ = 0;
};

class Later : public ::testing::Test {
protected:
    static ClientSettings asking() {
        ClientSettings settings = Bench::client_settings();
        settings.conversations = true;
        settings.send_timeout = 20s;
        return settings;
    }
    Later() : bench({}, asking()) {
        bench.server.table.offer(nullptr, true);
        bench.connect(1);
    }
    ~Later() override {
        bench.client.session.check_invariants();
        (void)bench.server.table.check_invariants();
    }
    static Uuid numbered_id(std::size_t number) {
        Uuid id = id_of(1);
        id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
        id.bytes[15] = static_cast<std::uint8_t>(number);
        return id;
    }
    void post(std::size_t number, std::string_view to = "room:tea") {
        const std::string text = std::to_string(number);
        wire::MessageView message = message_of(1, text, to);
        message.id = numbered_id(number);
        ASSERT_TRUE(bench.client.session.send(message, Priority::normal, bench.now()));
    }
    static std::vector<std::string> upto(std::size_t count) {
        std::vector<std::string> all;
        for (std::size_t i = 0; i < count; ++i) all.push_back(std::to_string(i));
        return all;
    }
    Result<void> ask(std::uint8_t number, Verb verb, std::string_view conversation = "room:tea") {
        wire::RequestView request;
        request.id = id_of(number);
        request.verb = verb;
        request.body = "body";
        return bench.client.session.request(request, conversation, bench.now());
    }
    void respond(std::size_t which, errc code, std::uint32_t retry_after_ms = 0) {
        wire::ResponseView response;
        response.code = code;
        response.retry_after_ms = retry_after_ms;
        (void)bench.server.table.respond(bench.server.requests.at(which).pending, response, bench.now());
        bench.exchange();
        bench.client.session.check_invariants();
    }
    // The server's answer to the n-th message that it was given.
    void answer_later(std::size_t which, errc code, std::uint32_t retry_after_ms) {
        const Receipt later{wire::ReceiptStatus::refused, code, "later", retry_after_ms};
        bench.server.table.finish(bench.server.handlings.at(which), later, nullptr, bench.now());
    }
    Bench bench;
};

// ---- messages ----

TEST_F(Later, ThreeHundredAtOnceAreStoredInOrderOnceAndHardlyRepeated) {
    RoomServer room(bench, {20, 100});
    for (std::size_t i = 0; i < 300; ++i) post(i);
    room.live(11s);
    EXPECT_EQ(room.log, upto(300));
    EXPECT_EQ(bench.client.outcomes.size(), 300u);
    for (const Outcome& outcome : bench.client.outcomes) EXPECT_EQ(outcome.error, errc::ok);
    // Each of the 200 was put off once with the burst, and its turn was tried about once too early.
    EXPECT_LE(bench.server.texts.size(), 300u + 200u + 250u);
}

TEST_F(Later, AFullDiskIsLeftAloneAndThenFilledFast) {
    RoomServer room(bench, {1'000'000, 1'000'000});
    room.code = errc::storage_full;
    bench.server.answers = false;
    for (std::size_t i = 0; i < 500; ++i) post(i);
    bench.exchange();
    for (std::size_t i = 0; i < 500; ++i) answer_later(i, errc::storage_full, 2'000);
    bench.server.handlings.erase(bench.server.handlings.begin(), bench.server.handlings.begin() + 500);
    bench.server.texts.clear();
    room.live(1'900ms);
    EXPECT_TRUE(bench.server.texts.empty());
    room.live(200ms);
    EXPECT_EQ(room.log, upto(500));
    EXPECT_EQ(bench.server.texts.size(), 500u) << "none was repeated";
}

TEST_F(Later, OtherTargetsDoNotWait) {
    RoomServer room(bench, {1, 2});
    for (std::size_t i = 0; i < 4; ++i) post(i);
    room.live(10ms);
    ASSERT_EQ(room.log.size(), 2u);
    post(99, "server");
    bench.exchange();
    EXPECT_EQ(bench.server.texts.back(), "99");
}

TEST_F(Later, TheOrderOutlivesTheSession) {
    RoomServer room(bench, {1, 2});
    for (std::size_t i = 0; i < 6; ++i) post(i);
    room.live(1'500ms);
    ASSERT_EQ(room.log, upto(3));
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    bench.live(100ms);
    bench.connect(2);
    room.live(5s);
    EXPECT_EQ(room.log, upto(6));
}

TEST_F(Later, WhatWasPutOffOftenIsNotGivenUpWhenAConnectionIsSuspected) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    bench.exchange();
    for (std::size_t i = 0; i < 5; ++i) {
        answer_later(i, errc::rate_limited, 100);
        bench.exchange();
        if (i < 4) bench.live(200ms);
    }
    bench.silence(1);
    bench.live(200ms);
    EXPECT_FALSE(bench.from_client(1).empty()) << "it goes into the void";
    bench.live(3s);
    EXPECT_FALSE(bench.client.suspected.empty());
    EXPECT_TRUE(bench.client.outcomes.empty()) << "it has not been repeated once for want of an acknowledgement";
    bench.client.session.carrier_gone(1, errc::connection_lost, "gone", bench.now());
    bench.connect(2);
    ASSERT_EQ(bench.server.handlings.size(), 6u);
    bench.server.table.finish(bench.server.handlings[5], {wire::ReceiptStatus::stored, errc::ok, {}, 0, {{7, 1}, 1}},
                              nullptr, bench.now());
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_GE(bench.client.outcomes[0].retry_count, 5u) << "and the application hears of all of them";
}

TEST_F(Later, NothingIsSentBehindAGoodbye) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    post(2, "server");
    bench.exchange();
    answer_later(0, errc::rate_limited, 1'000);
    bench.exchange();
    bench.client.session.disconnect(bench.now());
    bench.exchange();
    EXPECT_TRUE(bench.client.disconnected.empty()) << "the server still works on the other one";
    bench.pass(1'100ms);
    bench.client.session.on_time(bench.now());
    const std::string up = bench.from_client(1);
    for (const wire::FrameView& frame : frames_of(up)) EXPECT_EQ(frame.seq, 0u) << "it has said how many there are";
    EXPECT_GT(bench.client.session.next_deadline(), bench.now());
    bench.live(5s);
    EXPECT_EQ(bench.client.disconnected.size(), 1u);
    EXPECT_EQ(bench.client.session.queue_length(), 2u);
}

TEST_F(Later, NothingIsSentAgainWhileTheServerOwesAnAnswer) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    for (std::size_t i = 0; i < 3; ++i) post(i);
    bench.exchange();
    answer_later(0, errc::rate_limited, 100);
    bench.live(500ms);
    EXPECT_EQ(bench.server.texts.size(), 3u);
    answer_later(1, errc::rate_limited, 1);
    bench.live(100ms);
    EXPECT_EQ(bench.server.texts.size(), 3u);
    answer_later(2, errc::rate_limited, 1);
    bench.live(200ms);
    ASSERT_EQ(bench.server.texts.size(), 4u);
    EXPECT_EQ(bench.server.texts[3], "0");
}

TEST_F(Later, AMessageThatIsGivenUpMayBeSentAgainUnderItsId) {
    post(1);
    post(2, "server");
    bench.server.answers = false;
    bench.exchange();
    for (std::size_t i = 0; i < 2; ++i) answer_later(i, errc::rate_limited, 3'600'000);
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 2u) << "an hour is longer than a client goes on trying";
    for (const Outcome& outcome : bench.client.outcomes) {
        EXPECT_EQ(outcome.error, errc::rate_limited);
        EXPECT_EQ(outcome.forgotten, outcome.message_id == numbered_id(1));
    }
}

// ---- changes ----

TEST_F(Later, AChangeIsSentAgainWhenTheServerSays) {
    for (const errc code : {errc::busy, errc::rate_limited, errc::storage_full, errc::storage_failed}) {
        bench.server.requests.clear();
        bench.client.responses.clear();
        ASSERT_TRUE(ask(1, Verb::conversation_join));
        bench.exchange();
        respond(0, code, 1'000);
        EXPECT_TRUE(bench.client.responses.empty()) << name(code);
        bench.live(900ms);
        EXPECT_EQ(bench.server.requests.size(), 1u) << name(code);
        bench.live(200ms);
        ASSERT_EQ(bench.server.requests.size(), 2u) << name(code);
        EXPECT_EQ(bench.server.requests[1].pending.request_id, id_of(1));
        EXPECT_EQ(bench.server.requests[1].first_sent_ms_ago, 0u) << "nobody has acted on it";
        respond(1, errc::ok);
        ASSERT_EQ(bench.client.responses.size(), 1u) << name(code);
    }
}

TEST_F(Later, AChangeThatWasExecutedWithoutAnAnswerIsAskedForAgainAsARepeat) {
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    respond(0, errc::recipient_busy, 1'000);
    bench.live(1'100ms);
    ASSERT_EQ(bench.server.requests.size(), 2u);
    EXPECT_GE(bench.server.requests[1].first_sent_ms_ago, 1'000u);
}

TEST_F(Later, ChangesOfAConversationKeepTheirOrderAndOthersDoNotWait) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench.exchange();
    respond(0, errc::rate_limited, 1'000);
    ASSERT_TRUE(ask(2, Verb::member_remove));
    ASSERT_TRUE(ask(3, Verb::history));
    ASSERT_TRUE(ask(4, Verb::member_add, "room:soup"));
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), 3u);
    bench.live(1'100ms);
    ASSERT_EQ(bench.server.requests.size(), 5u);
    EXPECT_EQ(bench.server.requests[3].pending.request_id, id_of(1));
    EXPECT_EQ(bench.server.requests[4].pending.request_id, id_of(2));
}

TEST_F(Later, AChangeWaitsBehindTheMessagesThatWereSentBeforeIt) {
    RoomServer room(bench, {1, 2});
    for (std::size_t i = 0; i < 4; ++i) post(i);
    room.live(10ms);
    ASSERT_TRUE(ask(1, Verb::conversation_leave));
    post(4);
    ASSERT_TRUE(ask(2, Verb::history));
    room.live(900ms);
    ASSERT_EQ(bench.server.requests.size(), 1u) << "reading does not wait";
    EXPECT_EQ(bench.server.requests[0].pending.request_id, id_of(2));
    EXPECT_EQ(room.log, upto(2));
    room.live(2'000ms);
    EXPECT_EQ(room.log, upto(4));
    EXPECT_EQ(bench.server.requests.size(), 2u) << "and what was sent behind it does not hold it up";
}

TEST_F(Later, AChangeGoesWhenTheMessagesBeforeItAreCancelled) {
    RoomServer room(bench, {1, 1});
    for (std::size_t i = 0; i < 3; ++i) post(i);
    room.live(10ms);
    ASSERT_TRUE(ask(1, Verb::conversation_leave));
    bench.exchange();
    ASSERT_TRUE(bench.server.requests.empty());
    EXPECT_EQ(bench.client.session.clear_queue(bench.now()), 2u);
    bench.exchange();
    EXPECT_EQ(bench.server.requests.size(), 1u);
}

TEST_F(Later, AfterTenMinutesTheCallerHearsOfIt) {
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    const TimePoint began = bench.now();
    while (bench.client.responses.empty() && bench.now() < began + 1h) {
        respond(bench.server.requests.size() - 1, errc::storage_full, 60'000);
        bench.live(61s, 1s);
    }
    ASSERT_EQ(bench.client.responses.size(), 1u);
    EXPECT_EQ(bench.client.responses[0].code, errc::storage_full);
    EXPECT_LE(bench.now() - began, 12min);
    EXPECT_GE(bench.now() - began, 8min);
}

// ---- a server that does not answer ----

TEST_F(Later, WhatIsNeverAnsweredIsGivenUp) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    ASSERT_TRUE(ask(2, Verb::history));
    bench.exchange();
    bench.live(19s, 1s);
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(2s, 1s);
    EXPECT_EQ(bench.client.failed,
              (std::vector<std::pair<Uuid, errc>>{{id_of(1), errc::outcome_unknown}, {id_of(2), errc::busy}}));
    EXPECT_TRUE(bench.client.lost.empty()) << "the session goes on";
    respond(0, errc::ok);
    respond(1, errc::ok);
    EXPECT_TRUE(bench.client.responses.empty()) << "nobody waits any more";
}

TEST_F(Later, ASeriesThatGoesOnIsWaitedFor) {
    ASSERT_TRUE(ask(1, Verb::history));
    bench.exchange();
    for (int i = 0; i < 4; ++i) {
        bench.live(15s, 1s);
        wire::ResponseView piece;
        piece.more = true;
        ASSERT_TRUE(bench.server.table.respond(bench.server.requests.at(0).pending, piece, bench.now()));
        bench.exchange();
    }
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(21s, 1s);
    EXPECT_EQ(bench.client.failed.size(), 1u);
}

TEST_F(Later, TheTimeWithoutAConnectionDoesNotCount) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench.exchange();
    bench.live(15s, 1s);
    bench.cut(1);
    bench.live(15s, 1s);
    EXPECT_TRUE(bench.client.failed.empty()) << "15 s without an answer, and 15 s without a connection";
    bench.connect(2);
    bench.live(15s, 1s);
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(6s, 1s);
    EXPECT_EQ(bench.client.failed.size(), 1u);
}

}  // namespace
}  // namespace flare::session::test
