// Messages that the server asks to send again later: users who are expected back after a restart, and any other `busy`
// with a time. docs/protocol.md, "Receipts".
#include "session/expected.hpp"

#include "support.hpp"

namespace flare::session::test {
namespace {

constexpr TimePoint kBack = kStart + 10s;
constexpr TimePoint kUntil = kStart + 60s;

// ---- whom a server expects ----

TEST(ExpectedUsers, AreWaitedForUntilTheirTimeIsOver) {
    Expected expected;
    EXPECT_FALSE(expected.wait("bob", kStart));
    expected.add("bob", kBack, kUntil);
    EXPECT_EQ(expected.wait("bob", kStart), 10s + Expected::kLate);
    EXPECT_EQ(expected.wait("bob", kStart + 20s), Expected::kAgain) << "late, but perhaps on the way";
    EXPECT_FALSE(expected.wait("bob", kUntil));
    EXPECT_FALSE(expected.wait("eve", kStart));
    expected.expire(kUntil - 1ms);
    EXPECT_EQ(expected.size(), 1u);
    expected.expire(kUntil);
    EXPECT_TRUE(expected.empty());
}

TEST(ExpectedUsers, WithSeveralDevicesTheFirstCounts) {
    Expected expected;
    expected.add("bob", kBack, kUntil);
    expected.add("bob", kBack - 5s, kUntil - 20s);
    EXPECT_EQ(expected.wait("bob", kStart), 5s + Expected::kLate);
    EXPECT_TRUE(expected.wait("bob", kUntil - 1ms));
    expected.came("bob");
    EXPECT_FALSE(expected.wait("bob", kStart));
}

struct ATable : ::testing::Test {
    Receipt send(TimePoint now) {
        wire::Forms forms(data_of(1, "hello", "ann"));
        return server.table.send_to_user("bob", "ann", forms, Priority::normal, now);
    }
    void come(CarrierKey key, const std::string& user, TimePoint now) {
        wire::Hello hello;
        hello.user = user;
        hello.device = "phone";
        hello.attempt_id = id_of(static_cast<std::uint8_t>(key));
        hello.epoch = 1;
        ASSERT_FALSE(server.table.attach_new(key, hello, SessionCredential{user}, now));
    }
    ServerBench server{Settings{}};
};

TEST_F(ATable, AnswersBusyWithTheTimeForAUserWhoIsExpected) {
    server.table.expect("bob", kBack, kUntil);
    const Receipt receipt = send(kStart);
    EXPECT_EQ(receipt.status, wire::ReceiptStatus::refused);
    EXPECT_EQ(receipt.code, errc::busy);
    EXPECT_EQ(receipt.retry_after_ms, 10'500u);
    EXPECT_NE(receipt.text.find("expected back"), std::string::npos);
    EXPECT_EQ(send(kUntil).code, errc::user_offline) << "the time is over";
}

TEST_F(ATable, TheUserWhoComesIsExpectedNoLonger) {
    server.table.expect("bob", kBack, kUntil);
    come(1, "eve", kStart);
    EXPECT_EQ(server.table.expected().size(), 1u);
    come(2, "bob", kStart);
    EXPECT_TRUE(server.table.expected().empty());
    EXPECT_EQ(send(kStart).status, wire::ReceiptStatus::delivered);
    server.table.end(*server.table.by_carrier(2), errc::kicked, "out", 0, kStart);
    server.table.carrier_gone(2, kStart);
    EXPECT_EQ(send(kStart).code, errc::user_offline) << "gone of their own accord";
}

TEST_F(ATable, ForgetsByItselfWhoDoesNotCome) {
    server.table.expect("bob", kBack, kUntil);
    EXPECT_LE(server.table.next_deadline(), kUntil);
    server.table.on_time(kUntil);
    EXPECT_TRUE(server.table.expected().empty());
    EXPECT_EQ(server.table.next_deadline(), kNever);
}

// ---- what the sender's outbox makes of it ----

struct Busy : ::testing::Test {
    Busy() {
        bench.connect(1);
        bench.server.answers = false;
    }
    // The server's answer to the n-th message that it has taken.
    void answer(std::size_t n, Receipt receipt) {
        bench.server.table.finish(bench.server.handlings.at(n), std::move(receipt), nullptr, bench.now());
        bench.exchange();
    }
    static Receipt busy(std::uint32_t retry_after_ms) {
        return {wire::ReceiptStatus::refused, errc::busy, "not yet", retry_after_ms};
    }
    const Receipt delivered{wire::ReceiptStatus::delivered, errc::ok, {}, 0};
    Bench bench;
};

TEST_F(Busy, AMessageIsKeptAndSentAgainUnderTheSameIdWhenItsTimeComes) {
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(0, busy(3'000));
    EXPECT_TRUE(bench.client.outcomes.empty());
    EXPECT_EQ(bench.client.session.queue_length(), 1u);
    bench.live(2'900ms);
    EXPECT_EQ(bench.server.texts.size(), 1u);
    bench.live(200ms);
    ASSERT_EQ(bench.server.texts, (std::vector<std::string>{"hello", "hello"}))
        << "as new: the refusal is not remembered";
    EXPECT_EQ(bench.server.handlings[1].message_id, id_of(1));
    answer(1, delivered);
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
    EXPECT_EQ(bench.client.outcomes[0].retry_count, 1u);
}

TEST_F(Busy, WhatFollowsToTheSameTargetWaitsBehindItAndOthersDoNot) {
    ASSERT_TRUE(bench.send(1, "first", "bob"));
    bench.exchange();
    answer(0, busy(1'000));
    ASSERT_TRUE(bench.send(2, "second", "bob"));
    ASSERT_TRUE(bench.send(3, "other", "eve"));
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"first", "other"}));
    bench.live(1'100ms);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"first", "other", "first", "second"}));
}

TEST_F(Busy, ThoseThatWereUnderWayTogetherGoAgainTogetherAndInOrder) {
    for (std::uint8_t i = 1; i <= 3; ++i) ASSERT_TRUE(bench.send(i, std::to_string(i), "bob"));
    bench.exchange();
    for (std::size_t n = 0; n < 3; ++n) answer(n, busy(static_cast<std::uint32_t>(1'000 * (n + 1))));
    bench.live(2'900ms);
    EXPECT_EQ(bench.server.texts.size(), 3u) << "the last that was said counts for all";
    bench.live(200ms);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"1", "2", "3", "1", "2", "3"}));
    for (std::size_t n = 3; n < 6; ++n) answer(n, delivered);
    EXPECT_EQ(bench.client.outcomes.size(), 3u);
    EXPECT_EQ(bench.client.session.queue_length(), 0u);
}

// Streams of lanes overtake each other, and an acknowledgement goes with the first frame, whatever its lane.
TEST_F(Busy, TheReceiptMayComeBeforeTheAcknowledgement) {
    ASSERT_TRUE(bench.send(1, "first", "bob"));
    bench.to_server(1, bench.from_client(1));
    bench.server.table.finish(bench.server.handlings.at(0), busy(1'000), nullptr, bench.now());
    const std::string batch = bench.from_server(1);
    for (const wire::FrameView& frame : frames_of(batch)) {
        if (frame.kind == wire::FrameKind::receipt)
            bench.to_client(1, numbered(frame.lane, frame.seq, wire::encode(*wire::decode_receipt(frame.body))));
    }
    bench.client.session.check_invariants();
    bench.pass(1'100ms);
    bench.client.session.on_time(bench.now());  // it goes once more, and the first time is not acknowledged yet
    bench.client.session.check_invariants();
    bench.to_client(1, batch);
    bench.client.session.check_invariants();
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"first", "first"}));
    answer(1, delivered);
    EXPECT_EQ(bench.client.outcomes.size(), 1u);
}

TEST_F(Busy, TheyGoAgainWhenAllThatWasSentIsAnswered) {
    for (std::uint8_t i = 1; i <= 3; ++i) ASSERT_TRUE(bench.send(i, std::to_string(i), "bob"));
    bench.exchange();
    ASSERT_TRUE(bench.send(4, "other", "eve"));
    bench.exchange();
    answer(0, busy(1'000));
    answer(3, busy(2'000));
    bench.live(5'000ms);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"1", "2", "3", "other", "other"}))
        << "2 and 3 may still be told to wait";
    answer(2, delivered);
    answer(1, busy(1));
    bench.live(100ms);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"1", "2", "3", "other", "other", "1", "2"}));
}

TEST_F(Busy, WhatIsUnderWayWhenTheSessionIsLostIsWaitedForNoLonger) {
    ASSERT_TRUE(bench.send(1, "1", "bob"));
    ASSERT_TRUE(bench.send(2, "2", "bob"));
    bench.exchange();
    answer(0, busy(1'000));
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    bench.exchange();
    bench.connect(2);
    EXPECT_EQ(bench.server.texts.size(), 2u);
    bench.live(1'100ms);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"1", "2", "1"})) << "2 is being handled still";
}

TEST_F(Busy, WhatIsQueuedBehindAndHasNoNumberWaitsToo) {
    ASSERT_TRUE(bench.send(1, "first", "bob"));
    bench.exchange();
    ASSERT_TRUE(bench.send(2, "queued", "bob"));  // its batch is not written yet
    bench.server.table.finish(bench.server.handlings.at(0), busy(1'000), nullptr, bench.now());
    bench.to_client(1, bench.from_server(1));
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"first"}));
    bench.live(1'100ms);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"first", "first", "queued"}));
}

TEST(BusyForWantOfMemory, IsTheOutcomeBecauseWhatIsBehindItIsActedOn) {
    Bench bench({}, Bench::client_settings(), 150'000);
    bench.connect(1);
    bench.server.budget.take_anyway(60'000);
    ASSERT_TRUE(bench.send(1, std::string(100'000, 'x'), "bob"));
    ASSERT_TRUE(bench.send(2, "behind it", "bob"));
    bench.exchange();
    ASSERT_EQ(bench.server.refused, (std::vector<errc>{errc::busy}));
    ASSERT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_EQ(bench.client.outcomes[0].message_id, id_of(1));
    EXPECT_EQ(bench.client.outcomes[0].error, errc::busy);
    EXPECT_EQ(bench.client.outcomes[0].retry_after_ms, 0u);
    bench.server.budget.give(60'000);
    bench.live(2min, 1s);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"behind it"})) << "never after its successor";
}

TEST_F(Busy, WithoutATimeItIsTheOutcome) {
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(0, busy(0));
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::busy);
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    EXPECT_EQ(bench.server.texts.size(), 1u) << "and is remembered";
}

TEST_F(Busy, AnyOtherRefusalThatNamesATimeIsTheOutcome) {
    for (const errc code : {errc::recipient_busy, errc::rate_limited, errc::user_offline}) {
        bench.client.outcomes.clear();
        const auto number = static_cast<std::uint8_t>(100 + bench.server.handlings.size());
        ASSERT_TRUE(bench.send(number, "hello", "bob"));
        bench.exchange();
        answer(bench.server.handlings.size() - 1, {wire::ReceiptStatus::refused, code, "no", 1'000});
        ASSERT_EQ(bench.client.outcomes.size(), 1u) << name(code);
        EXPECT_EQ(bench.client.outcomes[0].error, code);
    }
}

TEST_F(Busy, TheApplicationHearsOfItAfterTenMinutesAndOfLongerTimesAtOnce) {
    ASSERT_TRUE(bench.send(1, "far", "bob"));
    bench.exchange();
    answer(0, busy(UINT32_MAX));
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::busy);
    EXPECT_EQ(bench.client.outcomes[0].retry_after_ms, UINT32_MAX);

    ASSERT_TRUE(bench.send(2, "again and again", "bob"));
    bench.exchange();
    const TimePoint began = bench.now();
    while (bench.client.outcomes.size() == 1 && bench.now() < began + 1h) {
        answer(bench.server.handlings.size() - 1, busy(60'000));
        bench.live(61s, 500ms);
    }
    ASSERT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_EQ(bench.client.outcomes[1].error, errc::busy);
    EXPECT_LE(bench.now() - began, 12min);
    EXPECT_GE(bench.now() - began, 8min);
}

TEST_F(Busy, WhatIsKeptCanBeCancelledAndIsGivenUpWithTheRest) {
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(0, busy(5'000));
    ASSERT_TRUE(bench.send(2, "behind", "bob"));
    EXPECT_EQ(bench.client.session.clear_queue(bench.now()), 2u);
    ASSERT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::cancelled);
    bench.live(6s);
    EXPECT_EQ(bench.server.texts.size(), 1u);

    ASSERT_TRUE(bench.send(3, "hello", "bob"));
    bench.exchange();
    answer(1, busy(5'000));
    bench.client.session.fail_all(errc::not_connected, "over", bench.now());
    ASSERT_EQ(bench.client.outcomes.size(), 3u);
    EXPECT_EQ(bench.client.outcomes[2].error, errc::not_connected) << "nobody has acted on it";
}

TEST_F(Busy, WhatIsKeptOutlivesItsSessionAndWaitsForItsTimeInTheNext) {
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(0, busy(20'000));
    const SessionId old = bench.session().id();
    bench.server.table.end(bench.session(), errc::shutting_down, "down", 0, bench.now());
    bench.live(200ms);
    ASSERT_EQ(bench.client.ended.size(), 1u);
    bench.connect(2);
    ASSERT_NE(bench.session().id(), old);
    bench.live(10s);
    EXPECT_EQ(bench.server.texts.size(), 1u);
    bench.live(10s);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"hello", "hello"}));
    answer(1, delivered);
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
}

TEST_F(Busy, WhoseTimeCameWithoutASessionGoesWithTheNextOnce) {
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(0, busy(1'000));
    bench.server.table.end(bench.session(), errc::shutting_down, "down", 0, bench.now());
    bench.live(5s);
    bench.connect(2);
    bench.live(2s);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"hello", "hello"}));
}

// What a peer repeats or says too late must not bring a message twice or keep one for ever.
TEST_F(Busy, ReceiptsThatComeTwiceChangeNothing) {
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(0, busy(1'000));
    bench.cut(1);  // the receipt is unacknowledged, and comes again
    bench.connect(2);
    EXPECT_TRUE(bench.client.outcomes.empty());
    bench.live(1'100ms);
    ASSERT_EQ(bench.server.texts.size(), 2u);
    answer(1, delivered);
    EXPECT_EQ(bench.client.outcomes.size(), 1u);
}

}  // namespace
}  // namespace flare::session::test
