// A list of conversations beside what else a client does: its application's own subscriptions, messages that come as
// Data, and marks.
#include "unit/client/syncing.hpp"

namespace flare::client {
namespace {

using namespace std::chrono_literals;
using test::Named;
using test::Syncing;

// ---- together with the application's own subscriptions ----

TEST_F(Syncing, WhatTheApplicationSubscribesToHasItsOwnPosition) {
    synced({{"room:tea", 3, 12}});
    subscribe("room:tea", SubscribeOptions().with_after({7, 10}));
    EXPECT_EQ(asked(), "subscribe room:tea 7:10");
    begun(4, 11, 12);
    (void)tell(4, {message(11), message(12), message(13)});
    EXPECT_EQ(heard(false), "room:tea 11; room:tea 12; room:tea 13; ");
    sync.feeds().unsubscribe("room:tea", [this](const Checked<>& result) { results += result ? "ended; " : "?"; });
    EXPECT_EQ(results, "subscribed; ended; ");
    EXPECT_EQ(asked(), "") << "the list goes on with it";
    (void)tell(4, {message(14)});
    EXPECT_EQ(heard(), "room:tea 14; [room:tea 14, 2] ");
    EXPECT_EQ(sync.list()[0].entries.size(), 2u) << "the newest, which have come since";
}

TEST_F(Syncing, WhatTheApplicationAsksForMeanwhileRules) {
    sync.begin_session();
    subscribe("room:tea");
    EXPECT_EQ(asked(), "sync - - 20/10, subscribe room:tea 0:0");
    answer(page({{"room:tea", 3, 12}}, "c1", true));
    begun(4, 13, 12);
    (void)tell(4, {message(13)});
    EXPECT_EQ(heard(false), "synced; room:tea 13; ");
    EXPECT_TRUE(*tell(3, {message(14)})) << "the feed of the page is replaced";
    sync.feeds().unsubscribe("room:tea", [](const Checked<>&) {});
    EXPECT_EQ(asked(), "") << "the list goes on with it";
}

TEST_F(Syncing, WhatBecomesLiveIsToldFromWhereTheListWas) {
    synced({{"room:large", 0, 12, 0, 3, 9}});
    lose_session();
    session = true;
    sync.begin_session();
    answer(page({{"room:large", 1, 14, 9, 3, 11}}, "c2"));
    EXPECT_EQ(heard(false), "room:large 13; room:large 14; synced; ") << "not from the mark on";
}

TEST_F(Syncing, ASubscriptionThatIsNewerThanThePageRules) {
    sync.begin_session();
    subscribe("room:tea");
    auto slow = take_request();
    begun(4, 13, 12);  // in another lane
    requests.push_back(std::move(slow));
    answer(page({{"room:tea", 3, 12}}, "c1", true));
    (void)tell(4, {message(13)});
    EXPECT_EQ(heard(false), "synced; room:tea 13; ");
}

// The application has been told what the page, which was read before, does not have.
TEST_F(Syncing, WhatASubscriptionHasToldIsUnreadAllTheSame) {
    sync.begin_session();
    auto slow = take_request();
    subscribe("room:tea");
    begun(4, 11, 13);
    (void)tell(4, {message(11), message(12), message(13)});
    sync.feeds().unsubscribe("room:tea", [](const Checked<>&) {});
    answer(wire::im::Unsubscribed{});
    requests.push_back(std::move(slow));
    answer(page({{"room:tea", 0, 10, 10, 10}}, "c1", true));
    (void)handled();
    EXPECT_EQ(asked(), "sync c1 - 200/1") << "it lacks what has been told";
    answer(page({{"room:tea", 0, 13, 13, 10, 3}}, "c2", true));
    EXPECT_EQ(heard(), "[room:tea 13, 3] synced; ");
}

// A backup of the store was restored. The subscription that takes the place of a sync that failed tells what the page
// of the next one, which was read before, does not have.
TEST_F(Syncing, WhatIsToldOfANewLogIsNotLostToThePageOfIt) {
    synced({{"bob", 3, 12, 0, 12}});
    next_session();
    refuse(errc::storage_failed);
    begun(5, 11, 10, 8);
    (void)handled();
    time += Sync::kFirstDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    (void)tell(5, {message(11), message(12)});
    answer(page({{"bob", 5, 10, 10, 10, 0, 8}}, "c2"));
    (void)handled();
    EXPECT_EQ(asked(), "sync c2 - 200/1") << "it lacks what has been told";
    answer(page({{"bob", 0, 12, 12, 10, 2, 8}}, "c3"));
    EXPECT_EQ(heard(), "[bob 12, 2] synced; ");
}

TEST_F(Syncing, ARoomThatIsNotLiveIsFollowedIfTheApplicationSubscribes) {
    synced({{"room:tea", 3, 12}, {"room:large", 0, 12}});
    subscribe("room:large");
    begun(7, 13, 12);
    (void)tell(7, {message(13)});
    EXPECT_EQ(heard(), "room:large 13; [room:large 13, 1] ");
    lose_session();
    session = true;
    sync.begin_session();
    EXPECT_EQ(asked(), "sync c1 - 20/10") << "it may be live now";
    answer(page({{"room:large", 0, 14, 14}, {"room:tea", 0, 13, 13}}, "c2"));
    EXPECT_EQ(asked(), "subscribe room:large 7:13");
    begun(1, 14, 14);
    (void)handled();
    EXPECT_EQ(asked(), "") << "the other one is live no more";
}

// ---- messages that come as Data ----

TEST_F(Syncing, AMessageOfAFollowedConversationIsLeftToItsFeed) {
    synced({{"bob", 3, 12}});
    data("bob", 13);
    (void)heard();
    EXPECT_EQ(decided, "bob's 13 left to the feed; ");
    (void)tell(3, {message(13)});
    EXPECT_EQ(heard(false), "bob 13; ");
    data("bob", 13);
    data("eve", 1);
    data("server", 1);
    (void)heard();
    EXPECT_EQ(decided, "bob's 13 left to the feed; bob's 13 left to the feed; eve's 1 told; server's 1 told; ");
}

TEST_F(Syncing, WhatComesAsDataWaitsForWhatWasMissed) {
    synced({{"bob", 3, 12}});
    lose_session();
    session = true;
    sync.begin_session();
    data("bob", 15);
    data("eve", 1);
    EXPECT_EQ(heard(), "");
    answer(page({{"bob", 1, 14, 13}}, "c2"));
    EXPECT_EQ(heard(false), "bob 13; bob 14; synced; ");
    (void)tell(1, {message(15)});
    EXPECT_EQ(heard(false), "bob 15; ");
    (void)heard();
    EXPECT_EQ(decided, "bob's 15 left to the feed; eve's 1 told; ") << "no page has named eve";
}

TEST_F(Syncing, AtFirstWhatHasJustComeIsTold) {
    sync.begin_session();
    data("bob", 14);
    answer(page({{"bob", 3, 15, 11, 0, 9}}, "c1", true));
    EXPECT_EQ(heard(false), "bob 14; bob 15; synced; ") << "with its position; what is older is in the list";
}

TEST_F(Syncing, NothingWaitsLong) {
    sync.begin_session();
    data("bob", 14);
    EXPECT_EQ(sync.next_deadline(), time + 5s);
    time += 5s;
    sync.on_time();
    (void)heard();
    EXPECT_EQ(decided, "bob's 14 told; ");
    for (std::uint64_t i = 100; i < 100 + Sync::kMostHeld + 1; ++i) data("eve", i);
    (void)heard();
    EXPECT_EQ(decided, "bob's 14 told; eve's 164 told; ") << "nor much";
}

// ---- marks ----

TEST_F(Syncing, AMarkIsTakenAtOnceAndSaidToTheServer) {
    synced({{"room:tea", 3, 12, 9, 8, 4}});
    mark_read("room:tea", 11);
    EXPECT_EQ(heard(), "[room:tea 12, 1] ");
    EXPECT_EQ(asked(), "mark room:tea 11");
    (void)tell(3, {message(13)});
    answer(wire::im::ReadMark{11, 1, false, 12});
    EXPECT_EQ(results, "2 unread above 11; ");
    mark_read("room:tea", 9);
    answer(wire::im::ReadMark{12, 0, false, 12});
    EXPECT_EQ(results, "2 unread above 11; 1 unread above 12; ") << "another device has read further";
    mark_read("room:unknown", 9);
    refuse(errc::unknown_conversation);
    EXPECT_EQ(results, "2 unread above 11; 1 unread above 12; " + code(errc::unknown_conversation) + "; ");
}

TEST_F(Syncing, AMarkThatTheServerHasNotHeardOfIsSaidAgain) {
    synced({{"room:tea", 3, 12, 9, 8, 4}, {"room:soup", 4, 12, 9, 8, 4}, {"room:pie", 5, 12, 9, 8, 4}});
    lose_session();
    mark_read("room:tea", 12);
    refuse(errc::not_connected);
    mark_read("room:soup", 12);
    refuse(errc::not_connected);
    mark_read("room:pie", 12);
    refuse(errc::not_connected);
    EXPECT_EQ(sync.list()[2].mark.unread, 0u);
    session = true;
    sync.begin_session();
    auto next = page({{"room:soup", 2, 12, 12, 12, 0}}, "c2");
    next.feeds = {{"room:tea", 1}, {"room:pie", 3}};
    answer(next);
    EXPECT_EQ(asked(), "mark room:pie 12, mark room:tea 12") << "the third is known there";
    refuse(errc::busy);
    refuse(errc::forbidden);
    EXPECT_EQ(asked(), "");
    time += ReadMarks::kDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "mark room:pie 12") << "what is refused for good is not said again";
    answer(wire::im::ReadMark{12, 0, false, 12});
    EXPECT_EQ(sync.next_deadline(), session::kNever);
}

TEST_F(Syncing, AnAnswerThatIsOlderThanThePageIsAskedForAgain) {
    synced({{"room:tea", 3, 12, 9, 0, 7}});
    mark_read("room:tea", 2);
    answer(wire::im::ReadMark{2, 3, false, 5});
    EXPECT_EQ(asked(), "");
    time += ReadMarks::kDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "mark room:tea 2");
    answer(wire::im::ReadMark{2, 6, false, 12});
    EXPECT_EQ(sync.list()[0].mark.unread, 6u);
    EXPECT_EQ(sync.next_deadline(), session::kNever);
}

// A server whose log has lost what the list knows never counts it.
TEST_F(Syncing, WhatStaysUncountedIsAskedForLessAndLess) {
    synced({{"room:tea", 3, 12, 9, 0, 7}});
    mark_read("room:tea", 2);
    for (session::Duration delay = ReadMarks::kDelay; delay < 4 * ReadMarks::kLongestDelay; delay *= 2) {
        answer(wire::im::ReadMark{2, 3, false, 5});
        EXPECT_EQ(sync.next_deadline() - time, std::min(delay, ReadMarks::kLongestDelay));
        time = sync.next_deadline();
        sync.on_time();
        EXPECT_EQ(asked(), "mark room:tea 2");
    }
    answer(wire::im::ReadMark{2, 6, false, 12});
    EXPECT_EQ(sync.next_deadline(), session::kNever);
    mark_read("room:tea", 3);
    answer(wire::im::ReadMark{3, 2, false, 5});
    EXPECT_EQ(sync.next_deadline() - time, ReadMarks::kDelay);
}

TEST_F(Syncing, WhatIsUnreadIsCountedAnewWhenOneThatWasOnlyCountedIsDeleted) {
    synced({{"room:tea", 3, 12, 11, 4, 7}});
    wire::im::Entry removal = message(13);
    removal.kind = model::EntryKind::removal;
    removal.ref = 6;
    (void)tell(3, {removal});
    EXPECT_EQ(asked(), "") << "others may follow";
    time += ReadMarks::kDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "mark room:tea 4");
    answer(wire::im::ReadMark{4, 6, false, 13});
    EXPECT_EQ(sync.list()[0].mark.unread, 6u);
    EXPECT_EQ(sync.next_deadline(), session::kNever);
}

TEST_F(Syncing, WithoutAListMarksAreOnlyAskedFor) {
    Sync off{false, "ann", *this};
    off.begin_session();
    EXPECT_EQ(asked(), "");
    off.marks().mark_read("room:tea", {7, 3}, [this](const Checked<ReadMark>& result) {
        results += std::to_string(result->unread) + "; ";
    });
    EXPECT_EQ(asked(), "mark room:tea 3");
    answer(wire::im::ReadMark{3, 5, false, 9});
    EXPECT_EQ(results, "5; ");
    EXPECT_EQ(heard(), "");
    EXPECT_FALSE(off.hold("bob", id(1), 5, [](bool) {}));
}

}  // namespace
}  // namespace flare::client
