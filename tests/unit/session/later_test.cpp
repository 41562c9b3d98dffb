// Messages that the server puts off: docs/conversations.md, "Later".
#include "later.hpp"

namespace flare::session::test {
namespace {

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

}  // namespace
}  // namespace flare::session::test
