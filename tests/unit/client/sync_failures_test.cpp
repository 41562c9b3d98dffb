// A list of conversations while the server refuses, answers late, or has none.
#include "unit/client/syncing.hpp"

namespace flare::client {
namespace {

using namespace std::chrono_literals;
using test::Named;
using test::Syncing;

TEST_F(Syncing, AServerWithoutAListIsToldOnceAndSubscriptionsGoOn) {
    subscribe("room:tea", SubscribeOptions().with_after({7, 3}));
    begun(3, 4, 3);
    sync.begin_session();
    EXPECT_EQ(asked(), "sync - - 20/10");
    refuse(errc::not_supported);
    EXPECT_EQ(heard(), "no sync_conversations; ");
    EXPECT_EQ(asked(), "subscribe room:tea 7:3");
    begun(4, 4, 3);
    EXPECT_EQ(sync.next_deadline(), session::kNever) << "it is not asked again";
    sync.begin_session();
    refuse(errc::not_supported);
    EXPECT_EQ(heard(), "");
    data("bob", 1);
    (void)heard();
    EXPECT_EQ(decided, "bob's 1 told; ");
}

TEST_F(Syncing, IsAskedForAgainWhenTheServerSays) {
    synced({{"room:tea", 3, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    refuse(errc::busy, 4'000);
    EXPECT_EQ(asked(), "subscribe room:tea 7:12") << "which does not wait";
    begun(1, 13, 12);
    EXPECT_EQ(sync.next_deadline(), time + 4s);
    time += 4s;
    sync.on_time();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    refuse(errc::busy);
    EXPECT_EQ(sync.next_deadline(), time + 2s);
    time += 2s;
    sync.on_time();
    answer(page({{"room:tea", 1, 13, 13}}, "c2"));
    (void)tell(1, {message(13)});
    EXPECT_EQ(heard(false), "synced; room:tea 13; ") << "the feed that was asked for goes on";
}

TEST_F(Syncing, AFeedThatARequestMayHaveClosedIsAskedFor) {
    synced({{"bob", 3, 12}});
    next_session();
    refuse(errc::storage_failed);
    EXPECT_EQ(asked(), "subscribe bob 7:12");
    time += Sync::kFirstDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "subscribe bob 7:12, sync c1 - 20/10");
    refuse(errc::storage_failed);  // in its own lane: the page that names the feed before comes behind it
    answer(page({{"bob", 4, 12}}, "c2"));
    (void)tell(4, {message(13)});
    EXPECT_EQ(heard(false), "synced; ");
    time += Feeds::kFirstDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "subscribe bob 7:12");
    begun(5, 13, 12);
    (void)tell(5, {message(13)});
    EXPECT_EQ(heard(false), "bob 13; ");
}

// The first frame of a feed from before comes behind the page, in another lane.
TEST_F(Syncing, AFeedBeforeTheOneThatMayBeClosedIsNotBelieved) {
    synced({{"bob", 3, 12}});
    next_session();
    refuse(errc::storage_failed);
    EXPECT_EQ(asked(), "subscribe bob 7:12");
    time += Sync::kFirstDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "subscribe bob 7:12, sync c1 - 20/10");
    refuse(errc::storage_failed);
    answer(page({{"bob", 4, 12}}, "c2"));
    wire::im::Feed before;
    before.began = wire_of(kept({"bob", 3, 12, 12}));
    (void)tell(3, std::move(before));
    (void)heard();
    EXPECT_EQ(asked(), "") << "it has been put off";
    time += Feeds::kFirstDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "subscribe bob 7:12");
}

TEST_F(Syncing, IsAskedForAgainWhenTheSessionThatWasAwayIsBack) {
    sync.begin_session();
    refuse(errc::busy);
    session = false;
    time += Sync::kFirstDelay;
    EXPECT_EQ(sync.next_deadline(), session::kNever);
    sync.on_time();
    session = true;
    sync.go_on();
    EXPECT_EQ(sync.next_deadline(), time);
    sync.on_time();
    EXPECT_EQ(asked(), "sync - - 20/10");
    EXPECT_EQ(sync.next_deadline(), session::kNever);
}

TEST_F(Syncing, APageThatWasLostWithTheConnectionIsAskedForWhenTheSessionIsBack) {
    synced({{"bob", 3, 12}});
    next_session();
    session = false;
    refuse(errc::not_connected);
    EXPECT_EQ(asked(), "");
    session = true;
    sync.go_on();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    auto first = page({{"bob", 1, 13, 13}}, "c2");
    first.next = "p2";
    answer(first);
    session = false;
    EXPECT_EQ(handled(false), "bob 13; ");
    EXPECT_EQ(asked(), "");
    session = true;
    sync.go_on();
    EXPECT_EQ(asked(), "sync c1 p2 200/1");
    answer(page({}, "c2"));
    (void)handled();
    EXPECT_EQ(asked(), "sync c2 - 200/1") << "what has changed between the pages";
}

// A subscription has ended while the frame with which the list's own feed begins was on its way.
TEST_F(Syncing, AFeedThatBeganBeforeAnAnswerClosedItIsAskedFor) {
    synced({});
    sync.feeds().unsubscribe("room:tea", [](const Checked<>&) {});
    answer(wire::im::Unsubscribed{});
    wire::im::Feed first;
    first.began = wire_of(kept({"room:tea", 7, 12, 11, 10, 2}));
    (void)tell(7, std::move(first));
    EXPECT_EQ(heard(), "[room:tea 12, 2] ");
    EXPECT_EQ(asked(), "subscribe room:tea 7:10");
    begun(8, 11, 12);
    (void)tell(8, {message(11), message(12)});
    EXPECT_EQ(heard(false), "room:tea 11; room:tea 12; ");
    wire::im::Feed again;
    again.began = wire_of(kept({"room:tea", 9, 13, 13, 10, 3}));
    (void)tell(9, std::move(again));
    EXPECT_EQ(heard(false), "room:tea 13; ") << "this one is there";
}

// The page was read before, and comes in another lane.
TEST_F(Syncing, AFeedThatHasEndedIsNotBelievedToAPage) {
    synced({{"room:tea", 3, 12}});
    next_session();
    refuse(errc::storage_failed);
    begun(5, 13, 12);
    time += Sync::kFirstDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    (void)tell(5, {}, 13);
    EXPECT_EQ(heard(), "[room:tea gone] ");
    answer(page({{"room:tea", 5, 12}}, "c2"));
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
    refuse(errc::unknown_conversation);
    (void)handled();
    EXPECT_TRUE(sync.list().empty());
}

// A room that has grown as the page was read, which named a feed that was opening.
TEST_F(Syncing, AFeedThatEndsWithItsFirstFrameIsAskedForIfItIsSubscribedTo) {
    const auto begin = [this](std::uint32_t number) {
        wire::im::Feed frame;
        frame.began = wire_of(kept({"room:tea", 0, 12, 12}));
        (void)tell(number, std::move(frame));
    };
    synced({});
    sync.feeds().subscribe("room:tea", {}, [](const Checked<Subscription>&) {});
    begun(3, 13, 12);
    next_session();
    answer(page({{"room:tea", 5, 12}}, "c2"));
    (void)handled();
    EXPECT_EQ(asked(), "");
    begin(5);
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
    next_session();
    begin(5);  // in its own lane, before the page
    answer(page({{"room:tea", 5, 12}}, "c3"));
    (void)handled();
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
}

TEST_F(Syncing, AFeedThatBeginsBehindOneThatHasEndedIsThere) {
    synced({{"room:tea", 3, 12}});
    (void)tell(3, {}, 13);
    wire::im::Feed back;
    back.began = wire_of(kept({"room:tea", 4, 14, 14, 14, 0}));
    (void)tell(4, std::move(back));
    EXPECT_EQ(asked(), "");
    (void)tell(4, {message(15)});
    EXPECT_EQ(heard(false), "room:tea 15; ");
}

TEST_F(Syncing, AnAnswerThatCannotBeReadIsAnErrorAndBeginsAnew) {
    synced({{"room:tea", 3, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    auto broken = page({{"room:tea", 1, 13, 12}}, "c2");
    broken.conversations[0].entries[1].offset = 14;
    answer(broken);
    EXPECT_EQ(heard(), "error " + code(errc::malformed_frame) + "; ");
    (void)take_request();  // of the subscription
    time += 1s;
    sync.on_time();
    EXPECT_EQ(asked(), "sync - - 20/10");
    refuse(errc::store_damaged);
    EXPECT_EQ(heard(), "") << "once";
}

TEST_F(Syncing, AStoreThatWasRestoredBetweenTwoPagesBeginsAnew) {
    sync.begin_session();
    auto first = page({{"room:tea", 3, 12}}, "c1", true);
    first.next = "p2";
    answer(first);
    (void)handled();
    refuse(errc::epoch_changed);
    EXPECT_EQ(asked(), "sync - - 200/1");
}

TEST_F(Syncing, ALateAnswerOfALostSessionIsVoid) {
    sync.begin_session();
    auto late = take_request();
    session = false;
    session = true;
    sync.begin_session();
    late.done({errc::not_supported, "late"});
    EXPECT_EQ(heard(), "");
    EXPECT_EQ(asked(), "sync - - 20/10");
}

}  // namespace
}  // namespace flare::client
