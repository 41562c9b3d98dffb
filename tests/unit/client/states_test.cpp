// What a client does with states that it is told beside feeds.
#include "unit/client/syncing.hpp"

namespace flare::client {
namespace {

using namespace std::chrono_literals;
using test::Named;

class ToldStates : public test::Syncing {
protected:
    // Another device has read `name` up to `mark`; the server has counted up to `last`.
    static wire::im::ConversationState moved(std::string_view name, std::uint64_t mark, std::uint32_t unread,
                                             std::uint64_t last, std::uint64_t epoch = 7) {
        wire::im::ConversationState state;
        state.conversation = name;
        state.epoch = epoch;
        state.mark = wire::im::ReadMark{mark, unread, false, last, last};
        return state;
    }
    // The log ends at `last`, with `messages`.
    static wire::im::ConversationState ends(std::string_view name, std::uint64_t last, std::uint64_t messages,
                                            std::uint64_t epoch = 7) {
        wire::im::ConversationState state;
        state.conversation = name;
        state.epoch = epoch;
        state.last = last;
        state.messages = messages;
        state.last_ms = static_cast<std::int64_t>(last) * 1'000;
        return state;
    }
    static wire::im::ConversationState left(std::string_view name, std::uint64_t offset, std::uint64_t epoch = 7) {
        wire::im::ConversationState state = ends(name, offset, 0, epoch);
        state.gone = true;
        return state;
    }
    // With the number of messages so far.
    static wire::im::Entry numbered(std::uint64_t offset) {
        wire::im::Entry entry = message(offset);
        entry.messages = offset;
        return entry;
    }
    void told(const wire::im::ConversationState& state) {
        wire::im::Feed frame;
        frame.states = {state};
        (void)tell(0, std::move(frame));
    }
};

TEST_F(ToldStates, AMarkOfAnotherDeviceIsInTheListAtOnce) {
    synced({{"room:tea", 3, 12, 9, 8, 4}});
    told(moved("room:tea", 11, 1, 12));
    EXPECT_EQ(heard(), "[room:tea 12, 1] ");
    EXPECT_EQ(sync.list()[0].mark.offset, 11u);
    told(moved("room:tea", 9, 3, 12));
    EXPECT_EQ(heard(), "") << "it only grows";
    EXPECT_EQ(asked(), "");
}

// Nothing is counted twice, whichever of entry and count comes first.
TEST_F(ToldStates, AMarkIsCountedWithWhatHasComeMeanwhile) {
    synced({{"room:tea", 3, 12, 9, 8, 4}});
    (void)tell(3, {message(13)});
    told(moved("room:tea", 10, 2, 12));
    EXPECT_EQ(sync.list()[0].mark.unread, 3u) << "13 was not counted";
    told(moved("room:tea", 11, 4, 15));
    EXPECT_EQ(sync.list()[0].mark.unread, 2u) << "14 and 15 are still to come, and are counted then";
    (void)tell(3, {message(14), message(15), message(16)});
    EXPECT_EQ(sync.list()[0].mark.unread, 5u);
}

TEST_F(ToldStates, AMarkOfAnotherLogIsNotTaken) {
    synced({{"room:tea", 3, 12, 9, 8, 4}});
    told(moved("room:tea", 11, 1, 12, 8));
    EXPECT_EQ(heard(), "");
    EXPECT_EQ(sync.list()[0].mark.offset, 8u);
}

// The lanes of both have no order, and the page is older.
TEST_F(ToldStates, WhatComesBeforeThePageIsKeptForIt) {
    sync.begin_session();
    told(moved("room:tea", 9, 3, 12));
    told(moved("room:tea", 11, 1, 12));
    EXPECT_EQ(heard(), "");
    answer(page({{"room:tea", 3, 12, 9, 8, 4}}, "c1", true));
    EXPECT_EQ(handled(), "[room:tea 12, 4] [room:tea 12, 1] synced; ");
    EXPECT_EQ(sync.list()[0].mark.offset, 11u) << "the newest";
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(sync.next_deadline(), session::kNever);
    // In the next session, too, in which it is in the list from the beginning.
    lose_session();
    session = true;
    sync.begin_session();
    told(moved("room:tea", 13, 1, 14));
    EXPECT_EQ(heard(), "");
    answer(page({{"room:tea", 1, 13, 13, 11, 2}}, "c2"));
    (void)handled();
    EXPECT_EQ(sync.list()[0].mark.offset, 13u);
    EXPECT_EQ(sync.list()[0].mark.unread, 0u);
    (void)tell(1, {message(14), message(15)});
    EXPECT_EQ(sync.list()[0].mark.unread, 2u);
}

TEST_F(ToldStates, APageThatFailsKeepsNothingBack) {
    synced({{"room:tea", 3, 12, 9, 8, 4}});
    lose_session();
    session = true;
    sync.begin_session();
    told(moved("room:tea", 11, 1, 12));
    refuse(errc::busy);
    EXPECT_EQ(sync.list()[0].mark.offset, 11u);
}

TEST_F(ToldStates, AListThatLacksAConversationIsAskedForOnce) {
    synced({{"room:tea", 3, 12}});
    told(moved("room:soup", 11, 1, 12));
    EXPECT_EQ(asked(), "") << "the conversation may be on its way";
    EXPECT_EQ(sync.next_deadline(), time + ListStates::kPatience);
    time += ListStates::kPatience;
    sync.on_time();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    answer(page({}, "c2"));
    (void)handled();
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(sync.next_deadline(), session::kNever) << "it is none of the user's";
    told(moved("room:soup", 12, 0, 12));
    EXPECT_GE(sync.next_deadline(), time + 29s) << "not again and again";
}

TEST_F(ToldStates, AConversationThatBeginsTakesWhatWasTold) {
    synced({{"room:tea", 3, 12}});
    told(moved("room:soup", 11, 1, 12));
    wire::im::Feed frame;
    frame.began = wire_of(kept({"room:soup", 4, 12, 12, 9, 3}));
    (void)tell(4, std::move(frame));
    EXPECT_EQ(sync.list()[0].about.name, "room:soup");
    EXPECT_EQ(sync.list()[0].mark.offset, 11u);
    EXPECT_EQ(sync.list()[0].mark.unread, 1u);
}

// Nobody knows whether the state is of this membership: a page that is read later does.
TEST_F(ToldStates, WhatWasChosenInAnEarlierMembershipGoesWithIt) {
    synced({{"room:tea", 3, 12}});
    auto chosen = ends("room:soup", 0, 0);
    chosen.settings = wire::im::Settings{.pinned = 5};
    told(chosen);
    wire::im::Feed frame;
    frame.began = wire_of(kept({"room:soup", 4, 12, 12, 11, 1}));
    (void)tell(4, std::move(frame));
    EXPECT_EQ(sync.list()[0].settings.pinned, 5u);
    time += ListStates::kPatience;
    sync.on_time();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    auto read = page({{"room:soup", 4, 12, 12, 11, 1}}, "c2");
    read.conversations[0].settings.emplace();
    answer(read);
    EXPECT_EQ(sync.list()[0].about.name, "room:soup");
    EXPECT_EQ(sync.list()[0].settings.pinned, 0u);
    (void)handled();
    EXPECT_EQ(asked(), "");
}

TEST_F(ToldStates, AServerThatHasForgottenStatesIsAskedForTheList) {
    synced({{"room:tea", 3, 12}});
    told({});
    time += ListStates::kPatience;
    sync.on_time();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    // While a page is on its way, which may be older: another pass.
    told({});
    answer(page({{"room:tea", 3, 12}}, "c2"));
    (void)handled();
    EXPECT_EQ(asked(), "sync c2 - 200/1");
    answer(page({}, "c3"));
    EXPECT_EQ(handled(), "synced; ");
    EXPECT_EQ(asked(), "");
}

// It is asked of a room that the user has joined anew, and what begins it was read before.
TEST_F(ToldStates, WhatIsAnsweredOfAConversationThatIsNotListedIsKeptForIt) {
    synced({{"room:tea", 3, 12}});
    sync.choose(*clear_call("room:soup", {7, 11}), "room:soup", 7, [](const auto&) {});
    answer(wire::im::Settings{.cleared_to = 11});
    wire::im::Feed frame;
    frame.began = wire_of(kept({"room:soup", 4, 12, 10, 11, 1}));
    frame.began->settings.emplace();
    (void)tell(4, std::move(frame));
    EXPECT_EQ(sync.list()[0].settings.cleared_to, 11u);
    EXPECT_EQ(sync.list()[0].entries.size(), 1u);
}

// Else both pages would be on their way, and what comes between them would be undone by the second.
TEST_F(ToldStates, AListIsNotAskedForWhileItsPageIsOnItsWay) {
    synced({{"room:tea", 3, 12}});
    sync.choose(*set_call("room:tea", {.pinned = 1}), "room:tea", 0, [](const auto&) {});
    told({});
    time += ListStates::kPatience;
    sync.on_time();
    refuse(errc::storage_failed);
    time += ReadMarks::kDelay;
    sync.on_time();
    EXPECT_EQ(asked(), "sync c1 - 20/10");
    answer(page({}, "c2"));
    (void)handled();
    EXPECT_EQ(asked(), "sync c2 - 200/1") << "the server may have done it";
    answer(page({}, "c3"));
    EXPECT_EQ(handled(), "synced; ");
    EXPECT_EQ(asked(), "");
}

TEST_F(ToldStates, WhatIsKeptIsBounded) {
    sync.begin_session();
    for (std::size_t i = 0; i <= ListStates::kMostKept; ++i) told(moved("room:" + std::to_string(i), 1, 0, 1));
    answer(page({}, "c1", true));
    (void)handled();
    EXPECT_EQ(asked(), "sync c1 - 200/1") << "one was not kept";
}

// ---- ends of logs ----

TEST_F(ToldStates, TheEndOfALogMovesItsHeadAndCountsOn) {
    synced({{"room:tea", 3, 20}, {"room:large", 0, 12, 9, 8, 4}});
    told(ends("room:large", 30, 28));
    EXPECT_EQ(heard(), "[room:large 30, 20] ") << "4, and 28 - 12";
    EXPECT_EQ(sync.list()[0].about.name, "room:large") << "the newest activity";
    EXPECT_EQ(sync.list()[0].about.head.messages, 28u);
    told(ends("room:large", 25, 23));
    EXPECT_EQ(heard(), "") << "older";
    told(ends("room:large", 31, 28));
    EXPECT_EQ(heard(), "[room:large 31, 20] ") << "no message";
    told(ends("room:large", 40, 40, 8));
    EXPECT_EQ(heard(), "") << "of another log";
    EXPECT_EQ(asked(), "");
}

TEST_F(ToldStates, OwnMessagesAmongThemAreNotUnread) {
    synced({{"room:large", 0, 12, 9, 8, 4}});
    stored("room:large", 13);
    stored("room:large", 15);
    EXPECT_EQ(sync.list()[0].about.head.last, 15u);
    told(ends("room:large", 16, 16));
    EXPECT_EQ(sync.list()[0].mark.unread, 6u) << "14 and 16";
    stored("room:large", 17);
    told(ends("room:large", 17, 17));
    EXPECT_EQ(sync.list()[0].mark.unread, 6u);
    stored("room:large", 19);
    told(ends("room:large", 20, 20));
    EXPECT_EQ(sync.list()[0].mark.unread, 8u) << "18 and 20";
}

// An earlier session had sent them, and they were not answered before.
TEST_F(ToldStates, OwnMessagesWhoseReceiptsAreLateAreNotUnreadAnyMore) {
    synced({{"room:large", 0, 12, 9, 8, 4}});
    told(ends("room:large", 16, 16));
    EXPECT_EQ(sync.list()[0].mark.unread, 8u);
    stored("room:large", 15);
    EXPECT_EQ(sync.list()[0].mark.unread, 7u);
    stored("room:large", 11);
    EXPECT_EQ(sync.list()[0].mark.unread, 7u) << "the page did not count it";
    mark_read("room:large", 9);
    answer(wire::im::ReadMark{9, 5, false, 16, 16});
    stored("room:large", 14);
    EXPECT_EQ(sync.list()[0].mark.unread, 5u) << "nor did the server";
}

// Their receipts come before the page that begins no feed.
TEST_F(ToldStates, OwnMessagesFromBeforeTheListAreNotUnread) {
    sync.begin_session();
    stored("room:large", 13);
    stored("room:large", 15);
    answer(page({{"room:large", 0, 12, 9, 8, 4}}, "c1", true));
    (void)handled();
    EXPECT_EQ(sync.list()[0].about.head.last, 15u);
    told(ends("room:large", 16, 16));
    EXPECT_EQ(sync.list()[0].mark.unread, 6u) << "14 and 16";
}

TEST_F(ToldStates, AMarkAmongWhatIsNotKnownIsCountedByTheServer) {
    synced({{"room:large", 0, 12, 9, 8, 4}});
    told(ends("room:large", 30, 30));
    EXPECT_EQ(sync.list()[0].mark.unread, 22u);
    mark_read("room:large", 20);
    wire::im::ReadMark counted{20, 9, false, 31, 31};
    answer(counted);
    EXPECT_EQ(sync.list()[0].mark.unread, 9u);
    told(ends("room:large", 33, 33));
    EXPECT_EQ(sync.list()[0].mark.unread, 11u) << "31 was counted";
    told(ends("room:large", 33, 33));
    mark_read("room:large", 33);
    EXPECT_EQ(sync.list()[0].mark.unread, 0u);
    answer(wire::im::ReadMark{33, 0, false, 33, 33});
    // Of another device.
    told(ends("room:large", 40, 40));
    EXPECT_EQ(sync.list()[0].mark.unread, 7u);
    told(moved("room:large", 38, 1, 40));
    EXPECT_EQ(sync.list()[0].mark.unread, 1u);
}

TEST_F(ToldStates, ASubscriptionGoesOnWhereEndsHaveLedAndBack) {
    synced({{"room:large", 0, 12, 9, 8, 4}});
    told(ends("room:large", 15, 15));
    subscribe("room:large");
    begun(7, 16, 15);
    (void)tell(7, {numbered(16), numbered(17)});
    EXPECT_EQ(sync.list()[0].mark.unread, 9u);
    told(ends("room:large", 17, 17));
    EXPECT_EQ(sync.list()[0].mark.unread, 9u) << "nothing is counted twice";
    told(ends("room:large", 19, 19));
    (void)tell(7, {numbered(18), numbered(19), numbered(20)});
    EXPECT_EQ(sync.list()[0].mark.unread, 12u);
    told(ends("room:large", 22, 22));
    EXPECT_EQ(sync.list()[0].mark.unread, 14u);
}

TEST_F(ToldStates, ThePageIsOlderThanTheEnd) {
    synced({{"room:large", 0, 12, 9, 8, 4}});
    lose_session();
    session = true;
    sync.begin_session();
    told(ends("room:large", 20, 20));
    EXPECT_EQ(heard(), "");
    answer(page({{"room:large", 0, 18, 18, 8, 7}}, "c2"));
    (void)handled();
    EXPECT_EQ(sync.list()[0].about.head.last, 20u);
    EXPECT_EQ(sync.list()[0].mark.unread, 9u) << "7 by the page, and 2";
}

TEST_F(ToldStates, WhatWasSkippedIsNotKnown) {
    synced({{"room:large", 0, 12, 9, 8, 4}});
    subscribe("room:large");
    wire::im::Feed frame;
    begun(7, 13, 12);
    frame.reset = wire::im::FeedReset{wire::im::FeedResetReason::pruned, 1, 60, 50, 7};
    (void)tell(7, std::move(frame));
    told(ends("room:large", 60, 60));
    EXPECT_TRUE(sync.list()[0].mark.more);
    EXPECT_EQ(sync.list()[0].about.head.last, 60u);
}

TEST_F(ToldStates, ARoomThatIsGoneLeavesTheList) {
    synced({{"room:large", 0, 12, 9, 8, 4}, {"room:other", 0, 12}});
    told(left("room:large", 12));
    EXPECT_EQ(heard(), "") << "the user has come back since then";
    told(left("room:large", 13, 8));
    EXPECT_EQ(heard(), "") << "of another log";
    told(left("room:large", 13));
    EXPECT_EQ(heard(), "[room:large gone] ");
    told(left("room:large", 13));
    told(left("room:unknown", 13));
    EXPECT_EQ(heard(), "");
    told(left("room:other", 0, 0));
    EXPECT_EQ(heard(), "[room:other gone] ") << "there is no such log";
    EXPECT_EQ(sync.next_deadline(), session::kNever) << "nothing is missing";
}

TEST_F(ToldStates, ARoomThatIsGoneBeforeThePageComesIsGone) {
    sync.begin_session();
    told(ends("room:large", 14, 14));
    told(left("room:large", 15));
    told(left("room:small", 15));
    answer(page({{"room:large", 0, 12, 9, 8, 4}, {"room:small", 0, 16}}, "c1", true));
    EXPECT_EQ(handled(), "[room:large 12, 4] [room:small 16, 0] [room:large gone] synced; ");
    EXPECT_EQ(sync.next_deadline(), session::kNever);
}

TEST_F(ToldStates, WithoutAListNothingIsDone) {
    Sync off{false, "ann", *this};
    off.begin_session();
    wire::im::Feed frame;
    frame.states = {moved("room:tea", 11, 1, 12)};
    const Bytes whole(wire::im::encode(frame));
    off.on_feed(0, frame, whole, 0, {});
    EXPECT_EQ(heard(), "");
    EXPECT_EQ(asked(), "");
}

}  // namespace
}  // namespace flare::client
