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
    // Answers what has come since `from`.
    void refuse_all(std::size_t& from, errc code, std::uint32_t retry_after_ms) {
        for (; from < bench.server.handlings.size(); ++from) answer_later(from, code, retry_after_ms);
    }
    void store(std::size_t which) {
        bench.server.table.finish(bench.server.handlings.at(which),
                                  {wire::ReceiptStatus::stored, errc::ok, {}, 0, {{7, which + 1}, 1}}, nullptr,
                                  bench.now());
    }
    // The session ends, so that the next carrier brings another one.
    void lose_session() {
        bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
        bench.live(100ms);
    }
    // What the client sends now, in order: the numbers of messages, and "change" and "read".
    std::vector<std::string> sent_now(CarrierKey key = 1) {
        std::vector<std::string> sent;
        const std::string up = bench.from_client(key);
        for (const wire::FrameView& frame : frames_of(up)) {
            if (frame.kind == wire::FrameKind::data)
                sent.emplace_back(wire::decode_data(frame.body).value().message->payload);
            if (frame.kind == wire::FrameKind::request)
                sent.emplace_back(wire::writes(wire::decode_request(frame.body).value().verb) ? "change" : "read");
        }
        (void)bench.to_server(key, up);
        bench.client.session.check_invariants();
        return sent;
    }
    std::vector<std::string> sent_after(Duration time) {
        bench.pass(time);
        bench.client.session.on_time(bench.now());
        return sent_now();
    }
    using Sent = std::vector<std::string>;
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

// One goes at a time: the time of those that wait behind it runs, too.
TEST_F(Later, AFullDiskIsToldTenMinutesAfterEachMessageThatItRefuses) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    const TimePoint began = bench.now();
    std::size_t answered = 0;
    std::size_t told = 0;
    for (std::size_t second = 0; second < 22 * 60; ++second) {
        if (second % 60 == 0 && second < 600) post(second / 60);
        bench.exchange();
        refuse_all(answered, errc::storage_full, 5'000);
        bench.live(1s, 1s);
        bench.client.session.check_invariants();
        for (; told < bench.client.outcomes.size(); ++told) {
            const Outcome& outcome = bench.client.outcomes[told];
            EXPECT_EQ(outcome.message_id, numbered_id(told)) << "in order";
            EXPECT_EQ(outcome.error, errc::storage_full);
            EXPECT_TRUE(outcome.forgotten);
            EXPECT_GE(bench.now() - began, told * 1min + 9min + 50s);
            EXPECT_LE(bench.now() - began, told * 1min + 10min + 10s);
        }
    }
    EXPECT_EQ(told, 10u);
}

TEST_F(Later, WhatWasPostedTogetherIsGivenUpTogether) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    for (std::size_t i = 0; i < 100; ++i) post(i);
    std::size_t answered = 0;
    for (int minute = 0; minute < 11; ++minute) {
        bench.exchange();
        refuse_all(answered, errc::storage_full, 59'000);
        bench.live(1min, 1s);
    }
    EXPECT_EQ(bench.client.outcomes.size(), 100u);
    EXPECT_LE(answered, 100u + 10u);
}

TEST_F(Later, NothingIsGivenUpWhileOthersOfItsConversationAreStored) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    for (std::size_t i = 0; i < 5; ++i) post(i);
    const TimePoint began = bench.now();
    TimePoint room_at = began + 4min;
    std::size_t answered = 0;
    while (bench.client.outcomes.size() < 5 && bench.now() < began + 1h) {
        bench.live(10s, 1s);
        for (; answered < bench.server.handlings.size(); ++answered) {
            if (bench.now() >= room_at) {
                store(answered);
                room_at = bench.now() + 4min;
            } else {
                answer_later(answered, errc::rate_limited, 30'000);
            }
        }
    }
    EXPECT_GE(bench.now() - began, 18min);
    ASSERT_EQ(bench.client.outcomes.size(), 5u);
    for (const Outcome& outcome : bench.client.outcomes) EXPECT_EQ(outcome.error, errc::ok);
}

TEST_F(Later, NothingGoesAgainBeforeAllThatWentWithItIsAnswered) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    for (std::size_t i = 0; i < 20; ++i) post(i);
    bench.exchange();
    std::size_t next = 0;
    refuse_all(next, errc::rate_limited, 10);
    bench.exchange();
    bench.live(100ms);
    while (bench.server.handlings.size() - next < 4) {
        ASSERT_LT(next, bench.server.handlings.size());
        for (const std::size_t all = bench.server.handlings.size(); next < all; ++next) store(next);
        bench.live(100ms);
    }
    const std::size_t sent = bench.server.texts.size();
    ASSERT_EQ(sent - next, 4u);
    answer_later(next, errc::rate_limited, 10);
    bench.live(500ms);
    EXPECT_EQ(bench.server.texts.size(), sent) << "three have no answer yet";
    for (std::size_t i = 1; i < 4; ++i) answer_later(next + i, errc::busy, 10);
    bench.exchange();
    bench.live(100ms);
    ASSERT_EQ(bench.server.texts.size(), sent + 1);
    EXPECT_EQ(bench.server.texts.back(), bench.server.texts[next]) << "the first that was put off";
}

TEST_F(Later, AMessageOfALostSessionThatIsGivenUpHasAnUnknownOutcome) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    bench.exchange();
    lose_session();
    bench.connect(2);
    ASSERT_EQ(bench.server.handlings.size(), 2u);
    answer_later(1, errc::busy, 3'600'000);
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::outcome_unknown);
}

// ---- messages behind changes ----

TEST_F(Later, AMessageDoesNotOvertakeAChangeThatWasPutOff) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(1);
    bench.exchange();
    ASSERT_EQ(bench.server.handlings.size(), 1u);
    respond(0, errc::rate_limited, 1'000);
    answer_later(0, errc::busy, 500);
    bench.exchange();
    post(2);
    post(3, "room:soup");
    EXPECT_EQ(sent_after(900ms), Sent{"3"}) << "other conversations do not wait";
    EXPECT_EQ(sent_after(200ms), (Sent{"change", "1"}));
    bench.exchange();
    store(2);
    bench.exchange();
    bench.live(100ms);
    EXPECT_EQ(bench.server.texts.back(), "2");
}

// Were it sent earlier, what is posted then would be stored before what the server puts off meanwhile.
TEST_F(Later, AChangeThatWasPutOffWaitsForTheAnswersToAllThatWentBehindIt) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(1);
    post(2);
    bench.exchange();
    ASSERT_EQ(bench.server.handlings.size(), 2u);
    respond(0, errc::rate_limited, 100);
    bench.exchange();
    post(3);
    EXPECT_EQ(sent_after(1s), Sent{}) << "1 and 2 have no answer";
    answer_later(0, errc::busy, 100);
    EXPECT_EQ(sent_after(1s), Sent{}) << "2 has no answer";
    answer_later(1, errc::busy, 100);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_after(200ms), (Sent{"change", "1"})) << "2 and 3 wait for the answer to 1";
}

TEST_F(Later, AMessageThatWasPutOffWaitsForTheAnswersToTheChangesBehindIt) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    ASSERT_TRUE(ask(1, Verb::member_add));
    ASSERT_TRUE(ask(2, Verb::member_add));
    bench.exchange();
    answer_later(0, errc::rate_limited, 100);
    EXPECT_EQ(sent_after(1s), Sent{}) << "two changes have no answer";
    respond(0, errc::busy, 100);
    EXPECT_EQ(sent_after(1s), Sent{}) << "one has none";
    respond(1, errc::busy, 100);
    ASSERT_EQ(bench.server.texts.size(), 2u) << "it goes with the last answer";
    store(1);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_after(200ms), (Sent{"change", "change"}));
}

TEST_F(Later, MessagesAfterAChangeWaitUntilThoseBeforeItHaveGone) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    bench.exchange();
    answer_later(0, errc::rate_limited, 1'000);
    bench.exchange();
    ASSERT_TRUE(ask(1, Verb::conversation_leave));
    post(2);
    ASSERT_TRUE(ask(2, Verb::conversation_join));
    post(3);
    EXPECT_EQ(sent_after(1'100ms), (Sent{"1", "change"})) << "2 waits for the answer to 1, and the rest for 2";
    store(1);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_now(), (Sent{"2", "change"}));
    store(2);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_now(), Sent{"3"});
}

TEST_F(Later, AMessageWaitsForAChangeThatWaitsForItsTurn) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    for (std::uint8_t i = 1; i <= wire::kMaxOpenRequests; ++i) ASSERT_TRUE(ask(i, Verb::history, "room:soup"));
    bench.exchange();
    ASSERT_TRUE(ask(20, Verb::conversation_join));
    post(1);
    post(2, "room:soup");
    EXPECT_EQ(sent_now(), Sent{"2"});
    wire::ResponseView response;
    (void)bench.server.table.respond(bench.server.requests.at(0).pending, response, bench.now());
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_now(), (Sent{"change", "1"}));
}

TEST_F(Later, InANewSessionAllGoInTheOrderOfTheCalls) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(2);
    bench.exchange();
    lose_session();
    ASSERT_TRUE(ask(2, Verb::conversation_leave));
    post(3);
    ASSERT_TRUE(ask(3, Verb::conversation_join));
    ASSERT_TRUE(ask(4, Verb::member_add));
    post(4);
    bench.client.session.check_invariants();
    bench.client.session.begin_attempt("token");
    bench.open(2);
    (void)bench.to_server(2, bench.from_client(2));
    bench.to_client(2, bench.from_server(2));
    EXPECT_EQ(sent_now(2), (Sent{"1", "change", "2", "change", "3", "change", "change", "4"}));
}

TEST_F(Later, AMessageGoesWhenTheChangeBeforeItIsGivenUp) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    respond(0, errc::rate_limited, 500'000);
    post(1);
    EXPECT_EQ(sent_now(), Sent());
    bench.live(510s, 1s);
    ASSERT_EQ(bench.server.requests.size(), 2u);
    EXPECT_EQ(bench.server.texts, Sent{"1"});
    respond(1, errc::rate_limited, 500'000);
    ASSERT_EQ(bench.client.responses.size(), 1u) << "it is given up";
    post(2);
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (Sent{"1", "2"}));
}

TEST_F(Later, AMessageGoesWhenTheServerTurnsOutToHaveNoConversations) {
    lose_session();
    bench.server.table.offer(nullptr, false);
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(1, "bob");
    ASSERT_TRUE(ask(2, Verb::conversation_leave, "bob"));
    post(2, "bob");
    bench.connect(2);
    EXPECT_EQ(bench.client.failed.size(), 2u);
    EXPECT_EQ(bench.server.texts, (Sent{"1", "2"}));
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

TEST_F(Later, NoChangeGoesAgainBeforeThoseBehindItAreAnswered) {
    for (std::uint8_t i = 1; i <= 4; ++i) ASSERT_TRUE(ask(i, Verb::member_add));
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), 4u);
    respond(0, errc::rate_limited, 100);
    respond(1, errc::busy, 100);
    ASSERT_TRUE(ask(5, Verb::member_add));
    bench.live(1s);
    EXPECT_EQ(bench.server.requests.size(), 4u) << "the third and the fourth may be put off, too";
    respond(2, errc::busy, 100);
    bench.live(1s);
    EXPECT_EQ(bench.server.requests.size(), 4u);
    respond(3, errc::busy, 100);
    bench.live(200ms);
    ASSERT_EQ(bench.server.requests.size(), 9u);
    for (std::uint8_t i = 1; i <= 5; ++i) EXPECT_EQ(bench.server.requests[3u + i].pending.request_id, id_of(i));
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
    ASSERT_EQ(bench.server.requests.size(), 2u) << "and what was sent behind it does not hold it up";
    respond(1, errc::busy, 10);  // it stands behind one that was put off once more
    room.live(2'000ms);
    EXPECT_EQ(room.log, upto(4));
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

// Eight are open at a time: the time of the others runs, too.
TEST_F(Later, AfterTenMinutesTheCallersOfAllChangesThatWaitHearOfIt) {
    for (std::uint8_t i = 1; i <= 20; ++i) ASSERT_TRUE(ask(i, Verb::member_add));
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), wire::kMaxOpenRequests);
    const TimePoint began = bench.now();
    std::size_t answered = 0;
    const auto told = [&] { return bench.client.responses.size() + bench.client.failed.size(); };
    while (told() < 20 && bench.now() < began + 1h) {
        while (answered < bench.server.requests.size()) respond(answered++, errc::storage_full, 5'000);
        bench.live(5s, 1s);
    }
    EXPECT_GE(bench.now() - began, 9min + 50s);
    EXPECT_LE(bench.now() - began, 10min + 10s);
    for (const auto& each : bench.client.responses) EXPECT_EQ(each.code, errc::storage_full);
    for (const auto& each : bench.client.failed) EXPECT_EQ(each.second, errc::storage_full);
    EXPECT_EQ(bench.client.failed.size(), 12u) << "that were never sent";
}

TEST_F(Later, AChangeThatMayHaveBeenMadeIsNotToldAsRefused) {
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    const TimePoint began = bench.now();
    while (bench.client.failed.empty() && bench.now() < began + 1h) {
        respond(bench.server.requests.size() - 1, errc::recipient_busy, 60'000);
        bench.live(61s, 1s);
    }
    EXPECT_EQ(bench.client.failed, (std::vector<std::pair<Uuid, errc>>{{id_of(1), errc::outcome_unknown}}))
        << "it was executed, and the answer found no room";
    EXPECT_TRUE(bench.client.responses.empty());
    EXPECT_LE(bench.now() - began, 12min);

    bench.client.failed.clear();
    ASSERT_TRUE(ask(2, Verb::conversation_join));
    bench.exchange();
    lose_session();
    bench.connect(2);
    respond(bench.server.requests.size() - 1, errc::rate_limited, 3'600'000);
    EXPECT_EQ(bench.client.failed, (std::vector<std::pair<Uuid, errc>>{{id_of(2), errc::outcome_unknown}}))
        << "a server may have acted on it in the session that is lost";

    bench.client.failed.clear();
    ASSERT_TRUE(ask(3, Verb::conversation_join));
    bench.exchange();
    bench.client.session.disconnect(bench.now());
    respond(bench.server.requests.size() - 1, errc::recipient_busy, 1'000);
    EXPECT_EQ(bench.client.failed, (std::vector<std::pair<Uuid, errc>>{{id_of(3), errc::outcome_unknown}}))
        << "behind a goodbye it is not asked for again";
}

// ---- a server that does not answer ----

TEST_F(Later, TheTimeForAnAnswerBeginsWhenTheRequestIsSent) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench.pass(15s);  // the connection takes nothing
    bench.client.session.on_time(bench.now());
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), 1u);
    bench.live(15s, 1s);
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(6s, 1s);
    EXPECT_EQ(bench.client.failed.size(), 1u);
}

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
