// Subscriptions of a client in the next session, and subscribing once more in the same one.
#include "unit/client/subscribing.hpp"

namespace flare::client {
namespace {

using namespace std::chrono_literals;

class RenewedSubscriptions : public test::Subscribing {};

// ---- in the next session ----

TEST_F(RenewedSubscriptions, IsAskedForAgainBehindTheLastEntry) {
    subscribe("room:tea", SubscribeOptions().with_after({7, 5}, id(5)).with_complete());
    EXPECT_EQ(asked(), "subscribe room:tea 7:5 complete");
    EXPECT_EQ(requests[0].subscribe().id, id(5));
    begun(3, 6, 10);
    (void)tell(3, {message(6), message(7)});
    feeds.on_stored("room:tea", {{7, 8}, {}}, id(8));
    lose_session();
    (void)heard();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 7:8 complete");
    EXPECT_EQ(requests[0].subscribe().id, id(8)) << "which shows that the log is the same";
    EXPECT_TRUE(*tell(3, {message(9)})) << "its number is of the session before";
    begun(1, 9, 10);
    (void)tell(1, {message(9)});
    EXPECT_EQ(heard(), "room:tea 9; ");
}

// Else nothing would show that the log has become another one, which is as long.
TEST_F(RenewedSubscriptions, OneThatBeginsWhereItIsKnowsTheEntryThereStill) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    subscribe("room:tea");
    EXPECT_EQ(asked(), "subscribe room:tea 0:0");
    begun(4, 12, 11);
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 7:11");
    EXPECT_EQ(requests[0].subscribe().id, id(11));
    begun(1, 12, 11);
    subscribe("room:tea");
    begun(2, 13, 12);
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
    EXPECT_TRUE(requests[0].subscribe().id.is_nil()) << "nobody has told it";
}

TEST_F(RenewedSubscriptions, AResumedSessionGoesOnAsItIs) {
    subscribed("room:tea", 3);
    feeds.go_on();
    EXPECT_EQ(asked(), "");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(RenewedSubscriptions, AGapIsToldBeforeWhatComesBehindIt) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    begun(1, 5'001, 5'050, reset(wire::im::FeedResetReason::too_far_behind, 5'001));
    (void)tell(1, {message(5'001)});
    EXPECT_EQ(heard(), "too_far_behind 11-5000; room:tea 5001; ");
    lose_session();
    next_session();
    begun(1, 41, 40, reset(wire::im::FeedResetReason::diverged, 41));
    (void)tell(1, {message(41)});
    EXPECT_EQ(heard(), "diverged 1-40; room:tea 41; ") << "the log is shorter now";
    lose_session();
    next_session();
    begun(1, 3, 2, {}, 8);
    (void)tell(1, {message(3)});
    EXPECT_EQ(heard(), "other_epoch 1-2; room:tea 3; ") << "although the server did not say so";
}

// An older copy of the store was put back, and written to: the epoch is the same.
TEST_F(RenewedSubscriptions, WhatWasClearedInALogThatHasDivergedIsToldOfTheOtherOne) {
    subscribed("room:tea", 3);
    feeds.clear("room:tea", {7, 12});
    (void)tell(3, {message(12)});
    EXPECT_EQ(heard(), "");
    lose_session();
    next_session();
    begun(1, 11, 10, reset(wire::im::FeedResetReason::diverged, 11));
    (void)tell(1, {message(11), message(12)});
    EXPECT_EQ(heard(), "diverged 1-10; room:tea 11; room:tea 12; ");
}

TEST_F(RenewedSubscriptions, WhatTheUserMayNotReadIsNotMissing) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    begun(1, 31, 40, {}, 7, 31);  // left, and joined again
    (void)tell(1, {message(31)});
    EXPECT_EQ(heard(), "room:tea 31; ");
}

TEST_F(RenewedSubscriptions, AServerThatStartsTooEarlyIsNotBelieved) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    lose_session();
    next_session();
    begun(1, 9, 12);
    (void)tell(1, {message(9), message(10), message(11), message(12)});
    EXPECT_EQ(heard(), "room:tea 11; room:tea 12; ");
}

TEST_F(RenewedSubscriptions, ReceiptsWhileItIsRenewedCount) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    begun(1, 11, 11);
    (void)tell(1, {message(11, "ann"), message(12)});
    EXPECT_EQ(heard(), "room:tea 12; ");
}

// An older copy of the store was put back, and this client was the first to write to it.
TEST_F(RenewedSubscriptions, ReceiptsDoNotHideThatALogHasDiverged) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    (void)heard();
    lose_session();
    next_session();
    for (const std::uint64_t offset : {11u, 12u, 13u}) feeds.on_stored("room:tea", {{7, offset}, {}}, id(200 + offset));
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 7:11");
    EXPECT_EQ(requests[0].subscribe().id, id(11)) << "as it was told";
    begun(1, 1, 13, reset(wire::im::FeedResetReason::diverged, 14));
    EXPECT_EQ(heard(), "diverged 1-13; ");
}

TEST_F(RenewedSubscriptions, OwnMessagesThatWereRemovedMeanwhileAreNotMissing) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    for (std::uint64_t offset = 11; offset <= 20; ++offset) feeds.on_stored("room:tea", {{7, offset}, {}}, id(offset));
    begun(1, 16, 20, reset(wire::im::FeedResetReason::pruned, 16));
    (void)tell(1, {message(16, "ann"), message(21)});
    EXPECT_EQ(heard(), "room:tea 21; ");
}

TEST_F(RenewedSubscriptions, IsRenewedOnceMoreIfTheSessionIsLostMeanwhile) {
    subscribed("room:tea", 3);
    for (int round = 0; round < 3; ++round) {
        lose_session();
        next_session();
        EXPECT_EQ(asked(), "subscribe room:tea 7:10") << round;
    }
    begun(1, 11, 10);
    (void)tell(1, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(RenewedSubscriptions, ACallWhoseSessionIsLostFailsAndLeavesNothing) {
    subscribe("room:tea");
    lose_session();
    EXPECT_EQ(results, code(errc::connection_lost));
    next_session();
    EXPECT_EQ(asked(), "");
}

TEST_F(RenewedSubscriptions, WhatIsPutOffIsAskedForLaterAndLater) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    refuse(errc::busy);
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(feeds.next_deadline(), time + 1s);
    time += 1s;
    feeds.on_time();
    EXPECT_EQ(asked(), "subscribe room:tea 7:10");
    refuse(errc::rate_limited, 10'000);
    EXPECT_EQ(feeds.next_deadline(), time + 10s) << "as the server says";
    for (int i = 0; i < 10; ++i) {
        time = feeds.next_deadline();
        feeds.on_time();
        refuse(errc::busy);
    }
    EXPECT_EQ(feeds.next_deadline(), time + Feeds::kLongestDelay);
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 7:10") << "another session may have room";
    EXPECT_EQ(heard(), "");
}

TEST_F(RenewedSubscriptions, WhatIsRefusedForGoodEnds) {
    subscribed("room:tea", 3);
    subscribed("room:soup", 4);
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:soup 7:10, subscribe room:tea 7:10");
    begun(1, 11, 10);
    refuse(errc::unknown_conversation);
    EXPECT_EQ(heard(), "ended 700 0; ");
    (void)tell(1, {message(11)});
    EXPECT_EQ(heard(), "room:soup 11; ");
    EXPECT_EQ(asked(), "");
}

TEST_F(RenewedSubscriptions, ManyAreRenewedAFewAtATime) {
    for (std::uint32_t i = 1; i <= 100; ++i) subscribed("room:" + std::to_string(i), i);
    lose_session();
    next_session();
    for (std::uint32_t i = 1; i <= 100; ++i) {
        ASSERT_FALSE(requests.empty());
        ASSERT_LE(requests.size(), Feeds::kMostAgain);
        begun(i, 11, 10);
    }
    EXPECT_EQ(asked(), "");
}

TEST_F(RenewedSubscriptions, ACallThatCannotBeQueuedIsTriedAgain) {
    for (std::uint32_t i = 1; i <= 20; ++i) subscribed("room:" + std::to_string(i), i);
    lose_session();
    at_once = errc::outbox_full;
    next_session();
    EXPECT_EQ(asked(), "");
    at_once = errc::ok;
    time += 1s;
    feeds.on_time();
    EXPECT_EQ(requests.size(), Feeds::kMostAgain);
}

TEST_F(RenewedSubscriptions, WhatThisProcessHadNoMemoryForIsAskedForAgain) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    feeds.on_feed_refused(3);
    (void)tell(3, {message(13)});
    EXPECT_EQ(heard(), "room:tea 11; ") << "not with a hole";
    time += 1s;
    feeds.on_time();
    EXPECT_EQ(asked(), "subscribe room:tea 7:11");
    begun(4, 12, 13);
    (void)tell(4, {message(12), message(13)});
    EXPECT_EQ(heard(), "room:tea 12; room:tea 13; ");
}

// ---- again, in the same session ----

TEST_F(RenewedSubscriptions, AgainBeginsAnewAndDropsWhatWasNotTold) {
    subscribed("room:tea", 3);
    const auto untold = tell(3, {message(11), message(12)});
    subscribe("room:tea", SubscribeOptions().with_after({7, 9}, id(9)));
    begun(4, 10, 12);
    EXPECT_EQ(results, "from 9; ");
    (void)tell(3, {message(13)});
    (void)tell(4, {message(10), message(11)});
    EXPECT_EQ(heard(), "room:tea 10; room:tea 11; ");
    EXPECT_TRUE(*untold);
}

TEST_F(RenewedSubscriptions, AgainTellsOwnMessagesOfBefore) {
    subscribed("room:tea", 3);
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    subscribe("room:tea", SubscribeOptions().with_after({7, 10}));
    begun(4, 11, 11);
    (void)tell(4, {message(11, "ann")});
    EXPECT_EQ(heard(), "own 11; ");
}

TEST_F(RenewedSubscriptions, IfThatFailsTheEarlierOneGoesOnWhereItWas) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    subscribe("room:tea", SubscribeOptions().with_after({7, 2}));
    refuse(errc::busy);
    EXPECT_EQ(results, code(errc::busy));
    EXPECT_EQ(asked(), "subscribe room:tea 7:11") << "the server may have ended the feed";
    (void)tell(3, {message(12)});
    begun(5, 12, 12);
    (void)tell(5, {message(12)});
    EXPECT_EQ(heard(), "room:tea 11; room:tea 12; ");
}

TEST_F(RenewedSubscriptions, IfItWasNotSentTheEarlierOneIsUntouched) {
    subscribed("room:tea", 3);
    at_once = errc::outbox_full;
    subscribe("room:tea");
    at_once = errc::ok;
    EXPECT_EQ(results, code(errc::outbox_full));
    EXPECT_EQ(asked(), "");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(RenewedSubscriptions, AFeedThatNobodyKnowsOfIsEnded) {
    subscribe("room:tea");
    refuse(errc::busy);  // or it was never answered
    EXPECT_EQ(results, code(errc::busy));
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
    EXPECT_EQ(asked(), "");
    subscribe("room:tea");
    refuse(errc::unknown_conversation);
    EXPECT_EQ(asked(), "");
}

TEST_F(RenewedSubscriptions, TheNumberOfAnotherIsRefused) {
    subscribed("room:tea", 3);
    subscribe("room:soup");
    begun(3, 11, 10);
    EXPECT_EQ(results, code(errc::malformed_frame));
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

}  // namespace
}  // namespace flare::client
