// What subscriptions of a client tell, how they end, and what calls about them wait for.
#include "unit/client/subscribing.hpp"

namespace flare::client {
namespace {

using namespace std::chrono_literals;

class Subscribing : public test::Subscribing {};

// ---- telling ----

TEST_F(Subscribing, TellsEntriesInOrder) {
    subscribe("room:tea");
    EXPECT_EQ(asked(), "subscribe room:tea 0:0") << "from the newest entry on";
    begun(3, 11, 10);
    EXPECT_EQ(results, "from 10; ");
    auto joined = message(12, "eve");
    joined.kind = model::EntryKind::membership;
    (void)tell(3, {message(11), joined, message(13, "ann"), message(14)});
    EXPECT_EQ(heard(), "room:tea 11; membership 12; own 13; room:tea 14; ");
    EXPECT_EQ(counted, (std::vector<std::size_t>{1, 1, 1, 2})) << "messages of others, before they are told";
}

TEST_F(Subscribing, AMessageHasWhatItsEntrySays) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11), message(12, "ann")});
    const Event first = *queue[0]();
    const auto& received = std::get<event::MessageReceived>(first);
    EXPECT_EQ(received.message.id, id(11));
    EXPECT_EQ(received.message.type, "text");
    EXPECT_EQ(received.message.payload, "hello");
    EXPECT_EQ(received.message.from, "bob");
    EXPECT_EQ(received.message.to, "room:tea");
    EXPECT_EQ(received.message.server_time, std::chrono::system_clock::time_point(11s));
    EXPECT_EQ(*received.stored, (StoredAt{{7, 11}, std::chrono::system_clock::time_point(11s)}));
    const Event second = *queue[1]();
    EXPECT_EQ(std::get<event::OwnMessage>(second).message.to, "room:tea");

    subscribed("bob", 4);
    (void)tell(4, {message(11), message(12, "ann")});
    const Event direct = *queue[2]();
    EXPECT_EQ(std::get<event::MessageReceived>(direct).message.to, "ann");
    EXPECT_EQ(std::get<event::MessageReceived>(direct).conversation, "bob");
    const Event own = *queue[3]();
    EXPECT_EQ(std::get<event::OwnMessage>(own).message.to, "bob");
}

TEST_F(Subscribing, TellsNothingTwiceAndNothingOfAnotherFeed) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11), message(12)});
    (void)tell(3, {message(12), message(11), message(13)});
    EXPECT_TRUE(*tell(4, {message(14)})) << "and its credit returns at once";
    EXPECT_EQ(heard(), "room:tea 11; room:tea 12; room:tea 13; ");
}

TEST_F(Subscribing, ReturnsCreditWhenAllOfAFrameHasBeenHandled) {
    subscribed("room:tea", 3);
    const auto consumed = tell(3, {message(11), message(12)});
    EXPECT_FALSE(*consumed);
    (void)queue.front()();
    queue.pop_front();
    EXPECT_FALSE(*consumed);
    (void)heard();
    EXPECT_TRUE(*consumed);
    EXPECT_TRUE(*tell(3, {message(12)})) << "nothing of it is told";
}

TEST_F(Subscribing, SaysWhatTheServerLeavesOut) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(13)});
    (void)tell(3, {message(20)}, reset(wire::im::FeedResetReason::pruned, 20));
    EXPECT_EQ(heard(), "skipped 11-12; room:tea 13; pruned 14-19; room:tea 20; ");
    (void)tell(3, {}, reset(wire::im::FeedResetReason::pruned, 15));
    (void)tell(3, {message(19), message(21)});
    EXPECT_EQ(heard(), "room:tea 21; ") << "the position does not go back";
}

TEST_F(Subscribing, GoesOnInAnotherEpoch) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(3)}, reset(wire::im::FeedResetReason::other_epoch, 3, 8));
    EXPECT_EQ(heard(), "other_epoch 1-2; room:tea 3; ");
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 8:3");
}

TEST_F(Subscribing, WhatCannotBeInflatedIsAnError) {
    subscribed("room:tea", 3);
    auto packed = message(11);
    packed.encoding = wire::Encoding::zstd;
    packed.size = 10;
    (void)tell(3, {packed, message(12)});
    EXPECT_EQ(heard(), "error " + code(errc::compression_unavailable) + "room:tea 12; ");
}

TEST_F(Subscribing, EndsWithTheMembership) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)}, {}, 12);
    EXPECT_EQ(heard(), "room:tea 11; ended 700 12; ");
    EXPECT_TRUE(*tell(3, {message(13)}));
    EXPECT_EQ(heard(), "");
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "") << "it is over";
}

// ---- own messages ----

TEST_F(Subscribing, AnOwnMessageIsToldByItsReceipt) {
    subscribed("room:tea", 3);
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    (void)tell(3, {message(12)});
    feeds.on_stored("room:tea", {{7, 13}, {}}, id(13));
    (void)tell(3, {message(13, "ann"), message(14)});
    EXPECT_EQ(heard(), "room:tea 12; room:tea 14; ");
}

TEST_F(Subscribing, AnEntryIsAsGoodAsAReceiptThatIsStillToCome) {
    subscribed("room:tea", 3);
    unsettled.insert({"room:tea", id(12)});
    unsettled.insert({"room:soup", id(13)});
    (void)tell(3, {message(11), message(12, "ann"), message(13, "ann")});
    EXPECT_EQ(heard(), "room:tea 11; sent 12; own 13; ") << "in the order of the log; 13 is of another conversation";
    feeds.on_stored("room:tea", {{7, 12}, {}}, id(12));
    (void)tell(3, {message(14)});
    EXPECT_EQ(heard(), "room:tea 14; ");
}

TEST_F(Subscribing, ReceiptsWhileItIsAskedForCount) {
    subscribe("room:tea", SubscribeOptions().with_after({7, 8}, id(8)));
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    begun(3, 9, 10);
    (void)tell(3, {message(9), message(10, "ann"), message(12)});
    EXPECT_EQ(heard(), "room:tea 9; own 10; room:tea 12; ") << "nothing is missing";
}

TEST_F(Subscribing, WhatHasComeWithoutASubscriptionIsToldOnce) {
    subscribed("bob", 3);
    subscribed("room:tea", 4);
    seen.insert({"bob", id(11)});
    (void)tell(3, {message(11), message(12)});
    (void)tell(4, {message(11), message(12)});
    EXPECT_EQ(heard(), "bob 12; room:tea 11; room:tea 12; ") << "an id may be used again in another conversation";
}

// ---- ending ----

TEST_F(Subscribing, UnsubscribingDropsWhatWasNotTold) {
    subscribed("room:tea", 3);
    const auto untold = tell(3, {message(11)});
    unsubscribe("room:tea");
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    const auto late = tell(3, {message(12)});
    EXPECT_EQ(results, "") << "the server has not answered";
    ended();
    EXPECT_EQ(results, "ended; ");
    EXPECT_TRUE(*tell(3, {message(13)}));
    EXPECT_EQ(heard(), "");
    EXPECT_TRUE(*untold && *late) << "the credit returns";
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, UntilTheServerAnswersEntriesAreTold) {
    subscribed("room:tea", 3);
    unsubscribe("room:tea");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
    refuse(errc::recipient_busy);
    EXPECT_EQ(results, code(errc::recipient_busy));
    EXPECT_EQ(asked(), "subscribe room:tea 7:11") << "the server may have ended it before there was no room to say so";
    begun(4, 12, 12);
    (void)tell(4, {message(12)});
    EXPECT_EQ(heard(), "room:tea 12; ") << "a call that fails changes nothing";
}

TEST_F(Subscribing, UnsubscribingThatWasNotSentLeavesTheFeedAsItIs) {
    subscribed("room:tea", 3);
    at_once = errc::outbox_full;
    unsubscribe("room:tea");
    EXPECT_EQ(results, code(errc::outbox_full));
    EXPECT_EQ(asked(), "");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(Subscribing, CallsAboutOneConversationWaitForEachOther) {
    subscribe("room:tea");
    unsubscribe("room:tea");
    subscribe("room:tea");
    unsubscribe("room:soup");
    EXPECT_EQ(asked(), "subscribe room:tea 0:0, unsubscribe room:soup");
    begun(3, 11, 10);
    ended();  // room:soup
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
    begun(4, 11, 10);
    EXPECT_EQ(results, "from 10; ended; ended; from 10; ");
}

TEST_F(Subscribing, WhileItIsRenewedUnsubscribingWaits) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    unsubscribe("room:tea");
    EXPECT_EQ(asked(), "subscribe room:tea 7:10");
    begun(1, 11, 10);
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
    EXPECT_EQ(results, "ended; ");
}

TEST_F(Subscribing, WithoutASessionUnsubscribingSucceeds) {
    subscribed("room:tea", 3);
    const auto untold = tell(3, {message(11)});
    lose_session();
    at_once = errc::not_connected;
    unsubscribe("room:tea");
    EXPECT_EQ(results, "ended; ");
    at_once = errc::ok;
    next_session();
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(heard(), "");
    EXPECT_TRUE(*untold);
}

TEST_F(Subscribing, IfThatSessionComesBackItsFeedIsEnded) {
    subscribed("room:tea", 3);
    session = false;
    at_once = errc::not_connected;
    unsubscribe("room:tea");
    EXPECT_EQ(results, "ended; ");
    session = true;
    at_once = errc::ok;
    feeds.go_on();
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
}

TEST_F(Subscribing, ASessionLostWhileItEndsHasEndedIt) {
    subscribed("room:tea", 3);
    unsubscribe("room:tea");
    lose_session();
    EXPECT_EQ(results, "ended; ");
    next_session();
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, ClosingAnswersEveryCall) {
    subscribed("room:soup", 2);
    subscribe("room:tea");
    subscribe("room:tea");
    unsubscribe("room:tea");
    unsubscribe("room:soup");
    feeds.close();
    const std::string closed = code(errc::client_closed);
    EXPECT_EQ(results, closed + closed + closed + closed);
    for (test::Request& each : std::exchange(requests, {})) each.done({errc::client_closed, "closed"});
    subscribe("room:tea");
    unsubscribe("room:tea");
    EXPECT_EQ(results, closed + closed + closed + closed + closed + closed);
    EXPECT_TRUE(*tell(2, {message(11)}));
    EXPECT_EQ(feeds.next_deadline(), session::kNever);
}

TEST_F(Subscribing, MoreCallsThanMayWaitAreRefused) {
    for (std::size_t i = 0; i < Feeds::kMostCalls; ++i) subscribe("room:" + std::to_string(i));
    subscribe("room:tea");
    unsubscribe("room:tea");
    EXPECT_EQ(results, code(errc::outbox_full) + code(errc::outbox_full));
    begun(1, 11, 10);
    unsubscribe("room:tea");
    EXPECT_EQ(requests.size(), Feeds::kMostCalls);
}

}  // namespace
}  // namespace flare::client
