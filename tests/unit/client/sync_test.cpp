// How a client keeps its list of conversations, with a server and an application whose every step is written down.
#include "unit/client/syncing.hpp"

namespace flare::client {
namespace {

using namespace std::chrono_literals;
using test::Named;
using test::Syncing;

// ---- asking ----

TEST_F(Syncing, ListsEverythingAtFirstAndTellsNothingOld) {
    sync.begin_session();
    EXPECT_EQ(asked(), "sync - - 20/10");
    answer(page({{"room:tea", 3, 12, 8, 10, 2}, {"bob", 4, 5, 1, 0, 5}}, "c1", true));
    EXPECT_EQ(heard(), "[room:tea 12, 2] [bob 5, 5] synced; ");
    ASSERT_EQ(sync.list().size(), 2u);
    EXPECT_EQ(sync.list()[0].about.name, "room:tea");
    EXPECT_EQ(sync.list()[0].entries.size(), 5u);
    (void)handled();
    EXPECT_EQ(asked(), "") << "one page says everything";
    (void)tell(3, {message(13)});
    (void)tell(4, {message(6)});
    EXPECT_EQ(heard(), "room:tea 13; [room:tea 13, 3] bob 6; [bob 6, 6] ") << "without a call for each";
}

TEST_F(Syncing, AsksForThePageBehindWhenThisOneHasBeenHandled) {
    sync.begin_session();
    auto first = page({{"room:tea", 3, 12}}, "c1", true);
    first.next = "p2";
    answer(first);
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(handled(), "[room:tea 12, 0] ");
    EXPECT_EQ(asked(), "sync - p2 200/1");
    answer(page({{"room:soup", 4, 3}}, "c1", true));
    EXPECT_EQ(handled(), "[room:soup 3, 0] ") << "what has changed between the pages is still to come";
    EXPECT_EQ(asked(), "sync c1 - 200/1");
    answer(page({{"room:late", 5, 9}}, "c2"));
    EXPECT_EQ(handled(), "[room:late 9, 0] synced; ");
    EXPECT_EQ(asked(), "");
}

TEST_F(Syncing, GoesOnFromItsCursorInTheNextSession) {
    synced({{"room:tea", 3, 12}, {"bob", 4, 5}});
    lose_session();
    session = true;
    sync.begin_session();
    EXPECT_EQ(asked(), "sync c1 - 20/10") << "and nothing else is asked";
    auto next = page({{"room:tea", 1, 15, 10, 12, 3}}, "c2");
    next.feeds = {{"bob", 2}};
    answer(next);
    EXPECT_EQ(heard(), "room:tea 13; room:tea 14; room:tea 15; [room:tea 15, 3] synced; ");
    (void)tell(1, {message(16)});
    (void)tell(2, {message(6)});
    EXPECT_EQ(heard(false), "room:tea 16; bob 6; ");
    EXPECT_TRUE(*tell(3, {message(17)})) << "a number of the session before";
}

TEST_F(Syncing, SubscribesWhereThePageDoesNotReachBack) {
    synced({{"room:tea", 3, 12}, {"room:soup", 4, 12}, {"room:pie", 5, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    Named restored{"room:soup", 2, 12, 3};
    restored.epoch = 8;
    answer(page({{"room:tea", 1, 50, 41}, restored, {"room:pie", 3, 13, 13}}, "c2"));
    EXPECT_EQ(asked(), "subscribe room:tea 7:12, subscribe room:soup 7:12");
    begun(9, 13, 50);
    EXPECT_TRUE(*tell(1, {message(51)})) << "the feed of the page is replaced";
    (void)tell(9, {message(13), message(14)});
    EXPECT_EQ(heard(false), "room:pie 13; synced; room:tea 13; room:tea 14; ");
}

TEST_F(Syncing, ALogWithAnotherEntryThereIsAskedFor) {
    synced({{"room:tea", 3, 12, 12}});
    (void)tell(3, {message(13)});
    lose_session();
    session = true;
    sync.begin_session();
    auto other = page({{"room:tea", 1, 15, 12}}, "c2");
    other.conversations[0].entries[1].id = id(99);  // 13
    answer(other);
    EXPECT_EQ(asked(), "subscribe room:tea 7:13") << "and the server says that it has diverged";
    lose_session();
    session = true;
    sync.begin_session();
    answer(page({{"room:tea", 1, 9, 5}}, "c3"));
    EXPECT_EQ(asked(), "subscribe room:tea 7:13") << "so is one that ends before";
}

TEST_F(Syncing, OfAConversationThatIsNewWhatIsBehindTheMarkIsTold) {
    synced({{"room:tea", 3, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    Named joined{"room:pie", 3, 30, 28, 0, 3};
    joined.visible_from = 28;
    answer(page({{"bob", 1, 4, 1, 2, 2}, {"room:soup", 2, 90, 81, 40, 50}, joined}, "c2"));
    EXPECT_EQ(heard(),
              "bob 3; bob 4; [bob 4, 2] [room:soup 90, 50] "
              "room:pie 28; room:pie 29; room:pie 30; [room:pie 30, 3] synced; ");
    EXPECT_EQ(asked(), "subscribe room:soup 7:40");
}

TEST_F(Syncing, AnUnchangedConversationThatWasBehindIsAskedFor) {
    synced({{"room:tea", 3, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    answer(page({{"room:tea", 1, 50, 45}}, "c2"));
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
    lose_session();
    session = true;
    sync.begin_session();
    auto next = page({}, "c3");
    next.feeds = {{"room:tea", 1}, {"room:unknown", 2}};
    answer(next);
    EXPECT_EQ(asked(), "subscribe room:tea 7:12") << "13 to 50 have not been told";
}

TEST_F(Syncing, WhatComesBeforeThePageWaitsForIt) {
    synced({{"room:tea", 3, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    const auto early = tell(1, {message(14)});
    const auto unknown = tell(2, {message(9)});
    EXPECT_FALSE(*early);
    EXPECT_EQ(heard(), "");
    answer(page({{"room:tea", 1, 13, 13, 12, 1}}, "c2"));
    EXPECT_TRUE(*unknown);
    EXPECT_EQ(heard(), "room:tea 13; [room:tea 13, 1] room:tea 14; [room:tea 14, 2] synced; ");
    EXPECT_TRUE(*early);
    EXPECT_TRUE(*tell(2, {message(9)})) << "no page is awaited";
    EXPECT_EQ(heard(), "");
}

TEST_F(Syncing, AFeedThatCouldNotBeginIsAskedFor) {
    synced({{"room:tea", 3, 12}});
    wire::im::Feed failed;
    failed.failed = errc::busy;
    (void)tell(3, failed);
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
    begun(8, 13, 13);
    (void)tell(8, {message(13)});
    EXPECT_EQ(heard(false), "room:tea 13; ");
}

TEST_F(Syncing, AFeedOfThisSessionGoesOnAsItIs) {
    sync.begin_session();
    auto first = page({{"room:tea", 3, 12}}, "c1", true);
    first.next = "p2";
    answer(first);
    (void)handled();
    answer(page({}, "c1", true));
    (void)tell(3, {message(13)});
    EXPECT_EQ(handled(false), "room:tea 13; ");
    EXPECT_EQ(asked(), "sync c1 - 200/1");
    answer(page({{"room:tea", 3, 15, 14}}, "c2"));  // 14 and 15 are on their way
    EXPECT_EQ(heard(false), "synced; ");
    (void)tell(3, {message(14), message(15), message(16)});
    EXPECT_EQ(heard(false), "room:tea 14; room:tea 15; room:tea 16; ");
    (void)handled();
    EXPECT_EQ(asked(), "");
}

// The server has read the page before the conversation had these entries, and names the feed that is about to begin.
TEST_F(Syncing, AFeedThatBeginsBehindItsPageTellsWhatThePageLacks) {
    sync.begin_session();
    answer(page({{"bob", 1, 0}, {"room:tea", 2, 1, 1}}, "c1", true));
    EXPECT_EQ(heard(false), "synced; ");
    data("bob", 1);
    wire::im::Feed first;
    first.began = wire_of(kept({"bob", 1, 1, 1, 0, 1}));
    (void)tell(1, first);
    (void)tell(1, {message(2)});
    EXPECT_EQ(heard(), "bob 1; [bob 1, 1] bob 2; [bob 2, 2] ");
    EXPECT_EQ(decided, "bob's 1 left to the feed; ");
    first.began = wire_of(kept({"room:tea", 2, 20, 11, 0, 20}));
    (void)tell(2, first);
    EXPECT_EQ(asked(), "subscribe room:tea 7:1") << "it has not all that the page lacks";
}

// ---- what becomes of the list ----

TEST_F(Syncing, ANewConversationBegins) {
    synced({{"room:tea", 3, 12}});
    wire::im::Feed first;
    first.began = wire_of(kept({"bob", 5, 2, 1, 0, 2}));
    (void)tell(5, first);
    EXPECT_EQ(heard(), "bob 1; bob 2; [bob 2, 2] ");
    (void)tell(5, {message(3)});
    EXPECT_EQ(heard(), "bob 3; [bob 3, 3] ");
    wire::im::Feed large;
    large.began = wire_of(kept({"room:large", 0, 9, 1, 9, 0}));
    (void)tell(6, large);
    EXPECT_EQ(heard(), "[room:large 9, 0] ") << "which is not live";
    EXPECT_EQ(asked(), "");
}

TEST_F(Syncing, AConversationBeginsWhileTheFirstSyncGoesOn) {
    sync.begin_session();
    wire::im::Feed first;
    first.began = wire_of(kept({"bob", 5, 1, 1, 0, 1}));
    (void)tell(5, first);
    answer(page({{"bob", 5, 1, 1, 0, 1}}, "c1", true));
    EXPECT_EQ(heard(false), "bob 1; synced; ") << "once";
}

TEST_F(Syncing, WhoIsNoMemberAnyMoreIsTold) {
    synced({{"room:tea", 3, 12}, {"room:soup", 4, 12}, {"room:pie", 5, 12}});
    (void)tell(3, {message(13)}, 14);
    EXPECT_EQ(heard(), "room:tea 13; [room:tea gone] ");
    subscribe("room:soup");
    begun(9, 13, 12);
    (void)tell(9, {}, 13);
    EXPECT_EQ(heard(), "ended room:soup " + code(errc::unknown_conversation) + "; [room:soup gone] ");
    lose_session();
    session = true;
    sync.begin_session();
    auto next = page({}, "c2");
    next.gone = {"room:pie", "room:unknown"};
    answer(next);
    EXPECT_EQ(heard(), "[room:pie gone] synced; ");
    EXPECT_TRUE(sync.list().empty());
    EXPECT_EQ(asked(), "");
}

TEST_F(Syncing, WhatNoPageOfAWholeSyncNamesIsGone) {
    synced({{"room:tea", 3, 12}, {"room:soup", 4, 12}, {"room:late", 5, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    auto first = page({{"room:tea", 1, 12}}, "x1", true);
    first.next = "p2";
    answer(first);
    (void)handled();
    answer(page({}, "x1", true));
    EXPECT_EQ(handled(), "") << "one may have moved to the next pass";
    answer(page({{"room:late", 2, 13, 13, 12, 1}}, "x2"));
    EXPECT_EQ(heard(), "room:late 13; [room:late 13, 1] [room:soup gone] synced; ");
    EXPECT_EQ(sync.list().size(), 2u);
}

// The user has come back since the page was read, and the feed that says so was faster.
TEST_F(Syncing, AFeedRulesOverAPageThatSaysThatItsConversationIsGone) {
    synced({{"room:tea", 3, 12}});
    next_session();
    Named back{"room:tea", 1, 14, 14, 13, 1};
    back.visible_from = 14;
    wire::im::Feed first;
    first.began = wire_of(kept(back));
    (void)tell(1, first);
    (void)heard();
    auto old = page({}, "c2");
    old.gone = {"room:tea"};
    answer(old);
    (void)tell(1, {message(15)});
    EXPECT_EQ(heard(), "synced; room:tea 15; [room:tea 15, 2] ");
    next_session();
    EXPECT_EQ(asked(), "sync c1 - 20/10") << "the feed may not have had the time to end";
    old.cursor = "c3";
    answer(old);
    EXPECT_EQ(handled(), "[room:tea gone] synced; ");
    next_session();
    EXPECT_EQ(asked(), "sync c3 - 20/10");
}

TEST_F(Syncing, TheAnswerToASubscriptionRulesOverAPageThatSaysThatItsConversationIsGone) {
    synced({{"room:tea", 3, 12}, {"room:soup", 4, 12}});
    next_session();
    wire::im::Feed first;
    first.began = wire_of(kept({"room:tea", 1, 14, 14, 12, 2}));
    (void)tell(1, first);
    first.began = wire_of(kept({"room:soup", 2, 14, 14, 12, 2}));
    (void)tell(2, first);
    (void)heard();
    auto old = page({}, "c2");
    old.gone = {"room:tea", "room:soup"};
    answer(old);
    EXPECT_EQ(handled(), "synced; ");
    EXPECT_EQ(asked(), "subscribe room:tea 7:12, subscribe room:soup 7:12") << "13 is missing";
    begun(3, 13, 14);
    (void)tell(3, {message(13), message(14)});
    EXPECT_EQ(heard(false), "room:tea 13; room:tea 14; ");
    refuse(errc::unknown_conversation);
    EXPECT_EQ(heard(), "[room:soup gone] ");
}

TEST_F(Syncing, AnOpenCallRulesOverNoPage) {
    synced({{"room:tea", 3, 12}});
    next_session();
    subscribe("room:tea");
    auto gone = page({}, "c2");
    gone.gone = {"room:tea"};
    answer(gone);
    EXPECT_EQ(handled(), "[room:tea gone] synced; ");
    refuse(errc::unknown_conversation);
    EXPECT_TRUE(sync.list().empty());
}

TEST_F(Syncing, AFeedRulesOverAWholeListWithoutItsConversation) {
    synced({{"room:tea", 3, 12}});
    next_session();
    subscribe("room:tea", SubscribeOptions().with_after({7, 12}));
    auto slow = take_request();
    begun(4, 13, 12);
    requests.push_back(std::move(slow));
    answer(page({}, "c2", true));
    (void)tell(4, {message(13)});
    EXPECT_EQ(handled(), "synced; room:tea 13; [room:tea 13, 1] ");
    next_session();
    EXPECT_EQ(asked(), "sync - - 20/10");
}

TEST_F(Syncing, WhatHasBegunWithoutAFeedAndIsSaidToBeGoneIsAskedForAgain) {
    synced({});
    next_session();
    wire::im::Feed large;
    large.began = wire_of(kept({"room:large", 0, 9, 0, 9, 0}));
    (void)tell(1, large);
    auto old = page({}, "c2");
    old.gone = {"room:large"};
    answer(old);
    EXPECT_EQ(handled(), "[room:large 9, 0] [room:large gone] ");
    EXPECT_EQ(asked(), "sync c2 - 200/1");
    answer(page({{"room:large", 0, 9, 0, 9, 0}}, "c3"));
    EXPECT_EQ(handled(), "[room:large 9, 0] synced; ");
    EXPECT_EQ(asked(), "");
}

// No feed says that the user has come back, if there is one again when it happens.
TEST_F(Syncing, WhoseSubscriptionGoesOnIsAMember) {
    synced({{"room:tea", 3, 12}});
    subscribe("room:tea");
    begun(4, 13, 12);
    next_session();
    answer(page({}, "c2", true));
    EXPECT_EQ(handled(), "[room:tea gone] synced; ");
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
    begun(1, 13, 14);
    EXPECT_EQ(sync.next_deadline(), time);
    sync.on_time();
    EXPECT_EQ(asked(), "sync c2 - 20/10");
    subscribe("room:pie");
    auto slow = take_request();
    begun(2, 4, 3);
    requests.push_back(std::move(slow));
    answer(page({{"room:tea", 1, 14, 0, 12, 2}}, "c3"));
    EXPECT_EQ(handled(), "[room:tea 14, 2] ");
    EXPECT_EQ(asked(), "sync c3 - 200/1") << "the page is older than the subscription to the other one";
    answer(page({{"room:pie", 2, 3}}, "c4"));
    EXPECT_EQ(handled(), "[room:pie 3, 0] synced; ");
    EXPECT_EQ(asked(), "");
}

TEST_F(Syncing, OwnCallsThatChangeTheListShowInIt) {
    synced({});
    const auto call = [&](wire::Verb verb, const std::string& name, bool taken) {
        Answer answer{taken ? errc::ok : errc::forbidden, ""};
        wire::im::Conversation about;
        about.conversation = name;
        about.head = wire::im::Head{7, 1, 4, 2};
        if (verb == wire::Verb::conversation_leave) {
            answer.bodies.emplace_back(wire::im::encode(wire::im::Written{7, 5, 0}));
        } else {
            answer.bodies.emplace_back(wire::im::encode(about));
        }
        sync.watch({verb, name, {}}, [this](const Answer&) { results += "answered; "; })(answer);
    };
    call(wire::Verb::conversation_join, "room:large", true);
    call(wire::Verb::conversation_create, "room:no", false);
    EXPECT_EQ(heard(), "[room:large 4, 0] ");
    call(wire::Verb::conversation_leave, "room:large", false);
    call(wire::Verb::member_add, "room:large", true);
    EXPECT_EQ(heard(), "");
    call(wire::Verb::conversation_leave, "room:large", true);
    EXPECT_EQ(heard(), "[room:large gone] ");
    EXPECT_EQ(results, "answered; answered; answered; answered; answered; ");
}

TEST_F(Syncing, OwnMessagesAreToldByTheirReceiptsOnly) {
    synced({{"room:tea", 3, 12}});
    stored("room:tea", 13);
    EXPECT_EQ(heard(), "[room:tea 13, 0] ");
    stored("bob", 1);  // which makes the conversation
    wire::im::Feed first;
    first.began = wire_of(kept({"bob", 5, 2, 1, 0, 1}));
    first.began->entries[0].from = "ann";
    (void)tell(5, first);
    EXPECT_EQ(heard(), "bob 2; [bob 2, 1] ");
    lose_session();
    session = true;
    sync.begin_session();
    stored("room:tea", 14);
    auto next = page({{"room:tea", 1, 13, 13}}, "c2");  // read before
    next.conversations[0].entries[0].from = "ann";
    answer(next);
    (void)tell(1, {message(14, "ann"), message(15)});
    EXPECT_EQ(heard(false), "synced; room:tea 15; ");
    EXPECT_EQ(asked(), "");
}

class OwnInLists : public Syncing {
protected:
    // The offsets of the entries that the list has.
    std::vector<std::uint64_t> listed(std::string_view name) const {
        std::vector<std::uint64_t> offsets;
        for (const auto& each : sync.list()) {
            if (each.about.name != name) continue;
            for (const auto& kept : each.entries) offsets.push_back(kept.packed.entry.offset);
        }
        return offsets;
    }
};

TEST_F(Syncing, OwnMessagesThatCameBeforeTheirConversationAreInTheList) {
    synced({{"room:tea", 3, 12}});
    stored("bob", 2);
    stored("bob", 5);
    stored("bob", 6);
    wire::im::Feed first;
    first.began = wire_of(kept({"bob", 5, 1, 1, 0, 1}));
    (void)tell(5, first);
    EXPECT_EQ(heard(), "bob 1; [bob 6, 1] ");
    (void)tell(5, {message(3), message(4)});
    EXPECT_EQ(heard(), "bob 3; bob 4; [bob 6, 3] ");
}

TEST_F(OwnInLists, TheTextOfAnOwnMessageThatCameBeforeItsConversationIsInTheList) {
    synced({{"room:tea", 3, 12}});
    stored("bob", 1);
    stored("bob", 2);
    stored("eve", 1);
    wire::im::Feed first;
    first.began = wire_of(kept({"bob", 5, 1, 1, 0, 1}));  // read before the second
    first.began->entries[0].from = "ann";
    (void)tell(5, first);
    EXPECT_EQ(listed("bob"), (std::vector<std::uint64_t>{1, 2}));
}

// The receipt overtakes what tells that the user has left and come back.
TEST_F(OwnInLists, TheTextOfAnOwnMessageStaysWhenItsConversationGoesAndComesBack) {
    synced({{"room:tea", 3, 12, 12}});
    stored("room:tea", 15);
    (void)tell(3, std::vector<wire::im::Entry>{}, 13);
    (void)heard();
    wire::im::Feed back;
    back.began = wire_of(kept({"room:tea", 4, 14, 14, 14, 0}));
    (void)tell(4, back);
    EXPECT_EQ(listed("room:tea"), (std::vector<std::uint64_t>{14, 15}));
}

TEST_F(Syncing, AnEntryBehindAHoleCounts) {
    synced({{"bob", 3, 12}});
    (void)tell(3, {message(14)});
    EXPECT_EQ(heard(), "skipped 13-13; bob 14; [bob 14, 1] ");
}

TEST_F(Syncing, WhatASubscriptionHasToldBeforeThePageIsNotToldAgain) {
    synced({});
    lose_session();
    session = true;
    sync.begin_session();
    subscribe("room:tea", SubscribeOptions().with_after({7, 10}));
    auto slow = take_request();
    begun(4, 11, 12);  // in another lane
    (void)tell(4, {message(11)});
    stored("room:tea", 12);
    sync.feeds().unsubscribe("room:tea", [](const Checked<>&) {});
    answer(wire::im::Unsubscribed{});
    requests.push_back(std::move(slow));
    answer(page({{"room:tea", 3, 13, 11, 9, 2}}, "c2"));
    EXPECT_EQ(heard(false), "room:tea 11; ");
    EXPECT_EQ(asked(), "subscribe room:tea 7:12") << "the call may have closed what the page names";
    begun(5, 13, 13);
    (void)tell(5, {message(13)});
    EXPECT_EQ(heard(false), "room:tea 13; ");
}

TEST_F(Syncing, APageThatIsOlderThanWhatASubscriptionHasToldIsNotTheLast) {
    sync.begin_session();
    subscribe("room:tea");
    auto slow = take_request();
    begun(4, 13, 12);  // in another lane
    (void)tell(4, {message(13)});
    requests.push_back(std::move(slow));
    answer(page({{"room:tea", 3, 12, 12, 0, 9}}, "c1", true));
    EXPECT_EQ(handled(false), "room:tea 13; ") << "not complete";
    EXPECT_EQ(asked(), "sync c1 - 200/1");
    answer(page({{"room:tea", 4, 13, 13, 0, 10}}, "c2"));
    EXPECT_EQ(handled(), "[room:tea 13, 10] synced; ");
    EXPECT_EQ(asked(), "");
}

TEST_F(Syncing, APageThatIsOlderThanWhereASubscriptionHasBegunIsNotTheLast) {
    sync.begin_session();
    subscribe("room:tea");
    auto slow = take_request();
    begun(4, 16, 15);  // in another lane; what stands before that is told by nobody
    requests.push_back(std::move(slow));
    answer(page({{"room:tea", 3, 12, 12, 0, 9}}, "c1", true));
    EXPECT_EQ(handled(false), "") << "not complete";
    EXPECT_EQ(asked(), "sync c1 - 200/1");
    answer(page({{"room:tea", 4, 15, 15, 0, 12}}, "c2"));
    EXPECT_EQ(handled(), "[room:tea 15, 12] synced; ");
    EXPECT_EQ(asked(), "");
}

TEST_F(Syncing, ReceiptsThatOvertakeTheEndOfAFeedCountForTheNextOne) {
    synced({{"room:tea", 3, 12}});
    stored("room:tea", 17);
    stored("room:tea", 18);
    (void)tell(3, {message(13)}, 14);
    Named back{"room:tea", 5, 16, 15, 14, 2};
    back.visible_from = 15;
    wire::im::Feed first;
    first.began = wire_of(kept(back));
    (void)tell(5, first);
    EXPECT_EQ(heard(false), "room:tea 13; room:tea 15; room:tea 16; ");
    EXPECT_EQ(sync.list().at(0).about.head.last, 18u);
    (void)tell(5, {message(19)});
    EXPECT_EQ(heard(), "room:tea 19; [room:tea 19, 3] ") << "without a hole";
    next_session();
    stored("room:tea", 23);
    auto gone = page({}, "c2");
    gone.gone = {"room:tea"};
    answer(gone);
    back = {"room:tea", 1, 22, 21, 20, 2};
    back.visible_from = 21;
    first.began = wire_of(kept(back));
    (void)tell(1, first);
    (void)tell(1, {message(24)});
    EXPECT_EQ(heard(false), "synced; room:tea 21; room:tea 22; room:tea 24; ");
}

}  // namespace
}  // namespace flare::client
