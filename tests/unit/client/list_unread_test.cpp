// What is unread in a list of conversations that a client keeps, step by step.
#include "unit/client/listed.hpp"

#include "wire/entries.hpp"

namespace flare::client {
namespace {

namespace body = wire::im;

using test::entry_of;
using test::kEpoch;
using test::mention_of;

TEST_F(Listed, EntriesOfOthersAreUnread) {
    name({"room:tea", 12, 12});
    entry(entry_of(13, "bob", 13));
    entry(entry_of(14, "ann", 14));
    auto silent = entry_of(15, "bob", 14);
    silent.flags = model::kSilent;
    entry(silent);
    auto joined = entry_of(16, "eve", 14);
    joined.kind = model::EntryKind::membership;
    entry(joined);
    entry(entry_of(17, "eve", 15));
    EXPECT_EQ(mark(), "2 above 12");
    EXPECT_EQ(entries(), "13 14 15 16 17 ");
    EXPECT_EQ(list.item("room:tea")->about.head.last, 17u);
    EXPECT_EQ(list.item("room:tea")->about.head.messages, 15u);
    entry(entry_of(17, "eve", 15));
    entry(entry_of(13, "bob", 13));
    EXPECT_EQ(mark(), "2 above 12") << "once";
    entry(entry_of(18, "eve"), "room:unknown");
    list.on_entry("room:tea", kEpoch + 1, entry_of(18, "eve"), 0);
    EXPECT_EQ(mark(), "2 above 12");
}

TEST_F(Listed, APageThatIsOlderThanEntriesIsNotCountedTwice) {
    name({"room:tea", 10, 10});
    entry(entry_of(11, "bob"));
    entry(entry_of(12, "bob"));
    name({"room:tea", 11, 10, 1, {entry_of(11, "bob")}});
    EXPECT_EQ(mark(), "2 above 10");
    EXPECT_EQ(entries(), "11 12 ");
    EXPECT_EQ(list.end_of("room:tea")->offset, 12u);
    // And what is told late, of what a page has counted.
    name({"room:tea", 20, 10, 9, {entry_of(20, "bob")}});
    entry(entry_of(13, "bob"));
    entry(entry_of(20, "bob"));
    EXPECT_EQ(mark(), "9 above 10");
    EXPECT_EQ(entries(), "20 ") << "without holes";
}

TEST_F(Listed, OwnMessagesWhoseReceiptsCameBeforeThePageAreBehindIt) {
    name({"room:tea", 12, 12});
    list.on_own_passed("room:tea", {{kEpoch, 10}, {kEpoch, 14}, {}});
    EXPECT_EQ(list.end_of("room:tea"), (Position{kEpoch, 14}));
    EXPECT_EQ(mark(), "0 above 12");
    list.on_own_passed("room:tea", {{kEpoch, 10}, {kEpoch, 13}, {}});
    list.on_own_passed("room:tea", {{kEpoch + 1, 10}, {kEpoch + 1, 20}, {}});
    EXPECT_EQ(list.end_of("room:tea"), (Position{kEpoch, 14})) << "it never goes back, nor into another log";
    list.on_own_passed("room:tea", {{kEpoch, 15}, {kEpoch, 16}, {}});
    name({"room:tea", 16, 12, 1, {entry_of(16, "ann")}});
    EXPECT_EQ(mark(), "1 above 12") << "what is before them is not known to be own messages";
}

// They count in no log, and what others say behind them is unread.
TEST_F(Listed, SilentOnesOfThemCountNowhere) {
    name({"room:tea", 12, 12});
    choose({.hidden_below = 14});
    list.on_own_passed("room:tea", {{kEpoch, 10}, {kEpoch, 14}, {13, 14}});
    list.on_own_at("room:tea", {kEpoch, 15}, false);
    EXPECT_TRUE(list.item("room:tea")->settings.hidden);
    EXPECT_EQ(list.item("room:tea")->about.head.messages, 12u);
    list.on_end("room:tea", {{kEpoch, 16}, 13});
    EXPECT_EQ(mark(), "1 above 12");
    list.on_own_at("room:tea", {kEpoch, 17}, true);
    EXPECT_FALSE(list.item("room:tea")->settings.hidden);
}

TEST_F(Listed, AnOwnMessageIsThereWithItsReceipt) {
    name({"room:tea", 10, 10});
    Entry own;
    own.kind = EntryKind::message;
    own.offset = 12;
    own.from = "ann";
    own.payload = "hi";
    list.on_own("room:tea", kEpoch, own);
    entry(entry_of(11, "bob"));
    entry(entry_of(12, "ann"));
    EXPECT_EQ(mark(), "1 above 10") << "11 counts, although 12 was there before it";
    EXPECT_EQ(entries(), "11 12 ");
}

TEST_F(Listed, MarksAreTakenAtOnceAndOnlyGrow) {
    name({"room:tea", 12, 8, 4, {entry_of(11, "bob"), entry_of(12, "bob")}});
    EXPECT_EQ(list.mark("room:tea", {kEpoch, 11})->unread, 1u);
    EXPECT_EQ(mark(), "1 above 11");
    EXPECT_EQ(list.mark("room:tea", {kEpoch, 9})->offset, 11u);
    EXPECT_EQ(list.mark("room:tea", {kEpoch, 99})->offset, 12u) << "no further than the log";
    EXPECT_FALSE(list.mark("room:tea", {kEpoch + 1, 12}));
    EXPECT_FALSE(list.mark("room:soup", {kEpoch, 12}));
    const auto unsaid = list.unsaid();
    ASSERT_EQ(unsaid.size(), 1u);
    EXPECT_EQ(unsaid[0].name, "room:tea");
    EXPECT_EQ(unsaid[0].position, (Position{kEpoch, 12}));
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {12, 0, false, 12}));
    EXPECT_TRUE(list.unsaid().empty());
}

TEST_F(Listed, BelowWhatItKnowsTheServerCounts) {
    name({"room:tea", 500, 0, 400, {entry_of(499, "bob"), entry_of(500, "bob")}});
    entry(entry_of(501, "bob"));
    EXPECT_EQ(list.mark("room:tea", {kEpoch, 100})->unread, 401u) << "that there are so many is not excluded";
    EXPECT_EQ(list.mark("room:tea", {kEpoch, 490})->unread, 11u) << "but no more than there are entries";
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {490, 5, false, 501}));
    EXPECT_EQ(mark(), "5 above 490");
    entry(entry_of(502, "bob"));
    EXPECT_EQ(mark(), "6 above 490");
    list.mark("room:tea", {kEpoch, 499});
    EXPECT_EQ(mark(), "3 above 499");
    name({"room:tea", 502, 0, 999, {}, true});
    EXPECT_EQ(mark(), "3 above 499") << "a mark that the server does not know yet holds";
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {502, 0, false, 502}));
    EXPECT_EQ(mark(), "0 above 502") << "another device has read further";
}

TEST_F(Listed, TheServerMayHaveCountedMoreOrLessThanIsKnown) {
    name({"room:tea", 500, 0, 400, {entry_of(499, "bob"), entry_of(500, "bob")}});
    entry(entry_of(501, "bob"));
    list.mark("room:tea", {kEpoch, 490});
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {490, 4, false, 500}));
    EXPECT_EQ(mark(), "5 above 490") << "it has not seen 501";
    list.mark("room:tea", {kEpoch, 491});
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {491, 7, false, 503}));
    EXPECT_EQ(mark(), "7 above 491") << "it has seen two more";
    entry(entry_of(502, "bob"));
    entry(entry_of(503, "bob"));
    EXPECT_EQ(mark(), "7 above 491") << "which are counted";
    EXPECT_EQ(list.end_of("room:tea")->offset, 503u);
    entry(entry_of(504, "bob"));
    EXPECT_EQ(mark(), "8 above 491");
}

// Of the messages that a page has only counted, nobody knows which one was deleted.
TEST_F(Listed, WhatIsDeletedBelowWhatIsKnownIsCountedByTheServer) {
    name({"room:tea", 20, 10, 7, {entry_of(19, "bob"), entry_of(20, "bob")}});
    const auto removal = [](std::uint64_t offset, std::uint64_t of) {
        body::Entry entry = entry_of(offset, "bob");
        entry.kind = model::EntryKind::removal;
        entry.ref = of;
        return entry;
    };
    entry(removal(21, 19));
    EXPECT_EQ(mark(), "6 above 10") << "it was known one by one";
    EXPECT_FALSE(list.take_uncounted());
    entry(removal(22, 9));
    EXPECT_FALSE(list.take_uncounted()) << "it was read before";
    entry(removal(23, 12));
    EXPECT_TRUE(list.take_uncounted());
    EXPECT_FALSE(list.take_uncounted());
    const auto unsaid = list.unsaid();
    ASSERT_EQ(unsaid.size(), 1u);
    EXPECT_EQ(unsaid[0].name, "room:tea");
    EXPECT_EQ(unsaid[0].position, (Position{kEpoch, 10}));
    EXPECT_FALSE(list.on_marked("room:tea", kEpoch, {10, 6, false, 22, 22})) << "it was counted before the deletion";
    EXPECT_FALSE(list.unsaid().empty());
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {10, 5, false, 23, 23}));
    EXPECT_EQ(mark(), "5 above 10");
    EXPECT_TRUE(list.unsaid().empty());

    entry(removal(24, 13));
    EXPECT_FALSE(list.unsaid().empty());
    (void)list.mark("room:tea", {kEpoch, 18});
    EXPECT_EQ(mark(), "1 above 18");
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {18, 1, false, 24, 24}));
    EXPECT_TRUE(list.unsaid().empty()) << "what is behind the mark is known one by one";
}

TEST_F(Listed, MentionsAreThoseOfWhatIsUnread) {
    name({.name = "room:tea",
          .last = 12,
          .mark = 5,
          .unread = 4,
          .entries = {mention_of(12, {"eve", "ann"})},
          .mentions = 3});
    EXPECT_EQ(mentions(), "3 of 4");
    entry(mention_of(13, {"ann"}));
    entry(mention_of(14, {"eve"}));
    body::Entry all = entry_of(15, "bob");
    all.flags = model::kMentionAll;
    entry(all);
    all = entry_of(16, "ann");
    all.flags = model::kMentionAll;
    entry(all);
    body::Entry silent = mention_of(17, {"ann"});
    silent.flags |= model::kSilent;
    entry(silent);
    EXPECT_EQ(mentions(), "5 of 7") << "neither own messages nor silent ones";
    body::Entry removal = entry_of(18, "bob");
    removal.kind = model::EntryKind::removal;
    removal.ref = 13;
    entry(removal);
    EXPECT_EQ(mentions(), "4 of 6");
    EXPECT_EQ(list.mark("room:tea", {kEpoch, 12})->mentions, 1u);
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {18, 0, false, 18, 18}));
    EXPECT_EQ(mentions(), "0 of 0");
}

TEST_F(Listed, TheServerCountsMentionsOfWhatIsNotKnownOneByOne) {
    name({.name = "room:tea", .last = 500, .unread = 400, .entries = {mention_of(500, {"ann"})}, .mentions = 40});
    entry(mention_of(501, {"ann"}));
    EXPECT_EQ(mentions(), "41 of 401");
    (void)list.mark("room:tea", {kEpoch, 490});
    EXPECT_EQ(mentions(), "11 of 11") << "no more than there are unread ones";
    body::ReadMark said{490, 5, false, 500};
    said.mentions = 2;
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, said));
    EXPECT_EQ(mentions(), "3 of 6") << "it has not seen 501";
}

// Only where the log ends is told, and that there is a mention.
TEST_F(Listed, AMentionInARoomThatIsNotLiveIsCountedByTheServer) {
    name({.name = "room:tea", .last = 5, .mark = 5});
    const auto end = [&](std::uint64_t last, std::uint64_t mentioned) {
        list.on_end("room:tea", {{kEpoch, last}, last, {}, mentioned});
    };
    end(7, 0);
    EXPECT_EQ(mentions(), "0 of 2");
    EXPECT_FALSE(list.take_uncounted());
    end(9, 8);
    EXPECT_EQ(mentions(), "1 of 4") << "one at least, at once";
    EXPECT_TRUE(list.take_uncounted());
    ASSERT_EQ(list.unsaid().size(), 1u);
    body::ReadMark said{5, 4, false, 9, 9};
    said.mentions = 2;
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, said));
    EXPECT_EQ(mentions(), "2 of 4");
    EXPECT_TRUE(list.unsaid().empty());
    end(9, 8);
    EXPECT_EQ(mentions(), "2 of 4") << "it was counted";
    (void)list.mark("room:tea", {kEpoch, 9});
    EXPECT_EQ(mentions(), "0 of 0");
    end(10, 3);
    EXPECT_EQ(mentions(), "0 of 1") << "it was read before";
}

// A page that was read before a deletion has come behind the entry that tells it.
TEST_F(Listed, APageThatIsOlderThanADeletionDoesNotBringTheMessageBack) {
    name({"room:tea", 10, 10, 0, {}});
    entry(entry_of(11, "bob", 11));
    entry(entry_of(12, "bob", 12));
    body::Entry removal = entry_of(13, "bob", 12);
    removal.kind = model::EntryKind::removal;
    removal.ref = 11;
    entry(removal);
    EXPECT_EQ(mark(), "1 above 10");
    name({"room:tea", 12, 10, 2, {entry_of(11, "bob"), entry_of(12, "bob")}});
    EXPECT_EQ(mark(), "1 above 10");
}

// A subscription has told what is between, before the answer came with which the room is in the list.
TEST_F(Listed, WhatWasToldBeforeItWasListedIsCountedByTheServer) {
    name({"room:tea", 3, 0, 1, {entry_of(3, "bob")}});
    entry(entry_of(6, "bob"));
    EXPECT_TRUE(list.take_uncounted());
    EXPECT_EQ(mark(), "2+ above 0");
}

TEST_F(Listed, WhatTheUserMayNotReadAnyMoreDoesNotCount) {
    name({"room:tea", 3, 0, 1, {entry_of(3, "bob")}});
    entry(entry_of(4, "bob"));
    list.on_visible_from("room:tea", kEpoch, 7);  // who left and came back
    EXPECT_EQ(mark(), "0 above 6");
    EXPECT_TRUE(list.unsaid().empty()) << "the server knows";
    entry(entry_of(7, "bob"));
    EXPECT_EQ(mark(), "1 above 6");
    list.on_visible_from("room:tea", kEpoch, 1);
    list.on_visible_from("room:tea", kEpoch + 1, 9);
    EXPECT_EQ(mark(), "1 above 6");
}

TEST_F(Listed, WhatTheUserMayNotReadAnyMoreIsNotShown) {
    name({"room:tea", 3, 0, 1, {entry_of(2, "bob"), entry_of(3, "bob")}});
    list.on_visible_from("room:tea", kEpoch, 3);
    EXPECT_EQ(entries(), "3 ");
    Conversation joined;
    joined.name = "room:tea";
    joined.head.epoch = kEpoch;
    joined.visible_from = 7;
    list.add(joined);
    EXPECT_EQ(entries(), "") << "the answer to a request says that the user came back";
    EXPECT_EQ(mark(), "0 above 6");
}

TEST_F(Listed, AMarkIsSaidAgainIfNobodyHasCountedWhatIsBehindIt) {
    name({"room:tea", 500, 0, 400, {entry_of(499, "bob"), entry_of(500, "bob")}});
    list.mark("room:tea", {kEpoch, 490});
    EXPECT_FALSE(list.on_marked("room:tea", kEpoch, {490, 3, false, 497})) << "as 499 was not there yet";
    EXPECT_EQ(list.unsaid().size(), 1u);
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {490, 5, false, 500}));
    EXPECT_EQ(mark(), "5 above 490");
    EXPECT_TRUE(list.unsaid().empty());
    // The page is older than the mark, and has entries that nobody has told.
    name({"room:tea", 600, 0, 420, {entry_of(600, "bob")}});
    ASSERT_EQ(list.unsaid().size(), 1u);
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {490, 25, false, 600}));
    EXPECT_EQ(mark(), "25 above 490");
}

TEST_F(Listed, APageThatReachesFurtherBackCountsNothingTwice) {
    name({"room:tea", 500, 0, 400, {entry_of(499, "bob"), entry_of(500, "bob")}});
    list.mark("room:tea", {kEpoch, 490});
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {490, 6, false, 500}));  // four of them in 491 to 498
    name({"room:tea",
          500,
          100,
          300,
          {entry_of(497, "bob"), entry_of(498, "bob"), entry_of(499, "bob"), entry_of(500, "bob")}});
    EXPECT_EQ(mark(), "6 above 490") << "the page does not know of the mark";
    list.mark("room:tea", {kEpoch, 497});
    EXPECT_EQ(mark(), "3 above 497");
}

TEST_F(Listed, ManyUnreadOnesAreMore) {
    name({"room:tea", 5'000, 1, 999, {entry_of(5'000, "bob")}, true});
    EXPECT_EQ(mark(), "999+ above 1");
    entry(entry_of(5'001, "bob"));
    EXPECT_EQ(mark(), "1000+ above 1");
    list.mark("room:tea", {kEpoch, 5'000});
    EXPECT_EQ(mark(), "1 above 5000") << "exact again";
    for (std::uint64_t offset = 5'002; offset <= 8'000; ++offset) entry(entry_of(offset, "bob"));
    EXPECT_EQ(mark(), "3000 above 5000");
    list.mark("room:tea", {kEpoch, 7'990});
    EXPECT_EQ(mark(), "10 above 7990");
}

TEST_F(Listed, EntriesThatAreLeftOutMayHaveBeenUnread) {
    name({"room:tea", 10, 10});
    entry(entry_of(11, "bob"));
    list.on_gap("room:tea", {kEpoch, 50});
    entry(entry_of(51, "bob"));
    EXPECT_EQ(mark(), "2+ above 10");
    EXPECT_EQ(entries(), "51 ");
    EXPECT_TRUE(list.take_uncounted()) << "what was left out may have deleted 11";
    ASSERT_EQ(list.unsaid().size(), 1u);
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {10, 7, false, 50}));
    EXPECT_EQ(mark(), "8 above 10");
    EXPECT_TRUE(list.unsaid().empty());
    list.mark("room:tea", {kEpoch, 51});
    EXPECT_EQ(mark(), "0 above 51");
}

// A subscription has told 12 before the page came that names the conversation: 12 may have been an edit.
TEST_F(Listed, WhatStandsBelowAHoleGoes) {
    name({"room:tea", 10, 10});
    entry(entry_of(11, "bob"));
    list.on_own("room:tea", kEpoch, packed_of(entry_of(13, "ann"), Bytes()).entry);
    EXPECT_EQ(entries(), "11 13 ");
    entry(entry_of(14, "bob"));
    EXPECT_EQ(entries(), "13 14 ");
}

// Its receipt may overtake what tells of the hole before it.
TEST_F(Listed, AnOwnMessageAboveWhatIsLeftOutStays) {
    name({"room:tea", 10, 10});
    entry(entry_of(11, "bob"));
    list.on_own("room:tea", kEpoch, packed_of(entry_of(38, "ann"), Bytes()).entry);
    list.on_gap("room:tea", {kEpoch, 35});
    EXPECT_EQ(entries(), "38 ");
    entry(entry_of(36, "bob"));
    entry(entry_of(37, "bob"));
    EXPECT_EQ(entries(), "36 37 38 ");
}

// A subscription begins behind an own message whose receipt is still to come.
TEST_F(Listed, MessagesThatAreLeftOutCountWhereItIsKnownHowManyTheyAre) {
    const auto hidden = [this] { return list.item("room:tea")->settings.hidden; };
    name({"room:tea", 10, 10});
    choose({.hidden_below = 11});
    list.on_gap("room:tea", {kEpoch, 11}, 11);
    EXPECT_FALSE(hidden());
    list.on_own("room:tea", kEpoch, packed_of(entry_of(11, "ann"), Bytes()).entry);
    choose({.hidden_below = 12});
    EXPECT_TRUE(hidden()) << "it counts once";
    list.on_gap("room:tea", {kEpoch, 13});
    EXPECT_TRUE(hidden());
    (void)list.take_changed();
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {10, 3, false, 13, 13}));
    EXPECT_FALSE(hidden()) << "the server has counted";
    EXPECT_EQ(list.take_changed().size(), 1u);
}

// The answer to a mark has counted them.
TEST_F(Listed, WhatIsLeftOutAndCountedMovesTheEndOfTheLog) {
    name({"room:tea", 10, 8, 2});
    EXPECT_TRUE(list.on_marked("room:tea", kEpoch, {8, 5, false, 13, 13}));
    list.on_gap("room:tea", {kEpoch, 12});
    EXPECT_EQ(list.end_of("room:tea")->offset, 12u);
    EXPECT_EQ(mark(), "5 above 8");
    EXPECT_FALSE(list.take_uncounted());
}

TEST_F(Listed, AMarkIsSaidAgainAlthoughWhatIsUnreadByHandIsRefused) {
    name({"room:tea", 12, 10});
    list.mark("room:tea", {kEpoch, 12});
    list.mark_unread("room:tea", {kEpoch, 11});
    list.on_mark_refused("room:tea", true);
    const auto unsaid = list.unsaid();
    ASSERT_EQ(unsaid.size(), 1u);
    EXPECT_FALSE(unsaid[0].unread);
    EXPECT_EQ(unsaid[0].position.offset, 12u);
    list.on_mark_refused("room:tea", false);
    EXPECT_TRUE(list.unsaid().empty());
}

}  // namespace
}  // namespace flare::client
