// The list of conversations that a client keeps, step by step.
#include "unit/client/listing.hpp"

#include "wire/entries.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace flare::client {
namespace {

namespace body = wire::im;

using test::entry_of;
using test::kEpoch;
using test::Listing;
using test::mention_of;

class Listed : public ::testing::Test {
protected:
    void name(const Listing& listing) { EXPECT_TRUE(list.name(listing.wire(), 0)); }
    void entry(const body::Entry& each, const std::string& name = "room:tea") { list.on_entry(name, kEpoch, each, 0); }
    void choose(const body::Settings& settings, const std::string& name = "room:tea") {
        list.on_settings(name, kEpoch, settings);
    }
    // "unread above mark", with a + for more.
    std::string mark(const std::string& name = "room:tea") const {
        const auto item = list.item(name);
        if (!item) return "gone";
        return std::to_string(item->mark.unread) + (item->mark.more ? "+" : "") + " above " +
               std::to_string(item->mark.offset);
    }
    // "mentions of unread".
    std::string mentions(const std::string& name = "room:tea") const {
        const auto item = list.item(name);
        if (!item) return "gone";
        return std::to_string(item->mark.mentions) + " of " + std::to_string(item->mark.unread);
    }
    std::string entries(const std::string& name = "room:tea") const {
        std::string all;
        const auto item = list.item(name);
        if (!item) return "gone";
        for (const auto& each : item->entries) all += std::to_string(each.packed.entry.offset) + " ";
        return all;
    }
    std::string order() const {
        std::string all;
        for (const auto& item : list.items()) all += item.about.name + " ";
        return all;
    }

    ConversationList list{"ann"};
};

TEST_F(Listed, ShowsWhatAPageSays) {
    name({"room:tea", 12, 10, 2, {entry_of(11, "bob"), entry_of(12, "bob")}});
    name({"bob", 20, 20, 0, {entry_of(20, "ann")}});
    EXPECT_EQ(order(), "bob room:tea ") << "the newest activity first";
    EXPECT_EQ(mark(), "2 above 10");
    EXPECT_EQ(entries(), "11 12 ");
    EXPECT_EQ(list.end_of("room:tea"), (Position{kEpoch, 12}));
    std::size_t most = 1'000;
    const ListedConversation shown = listed(*list.item("room:tea"), most);
    EXPECT_EQ(shown.about.name, "room:tea");
    EXPECT_EQ(shown.about.members, 2u);
    EXPECT_EQ(shown.entries.at(1).payload, "hello");
    EXPECT_EQ(shown.last_time, std::chrono::system_clock::time_point(std::chrono::seconds(12)));
    EXPECT_EQ(list.take_changed(), (std::vector<std::string>{"room:tea", "bob"}));
    EXPECT_TRUE(list.take_changed().empty());
}

TEST_F(Listed, PinnedOnesComeFirst) {
    name({"room:tea", 12, 12});
    name({"bob", 20, 20});
    name({"eve", 15, 15});
    choose({.pinned = 1});
    choose({.pinned = 2}, "eve");
    EXPECT_EQ(order(), "eve room:tea bob ");
    choose({});
    EXPECT_EQ(order(), "eve bob room:tea ");
    EXPECT_EQ(list.take_changed(), (std::vector<std::string>{"room:tea", "bob", "eve"}));
    choose({});
    EXPECT_TRUE(list.take_changed().empty()) << "it is as it was";
}

// The page has as many messages as entries.
TEST_F(Listed, AreHiddenUntilTheNextMessage) {
    const auto hidden = [this] { return list.item("room:tea")->settings.hidden; };
    name({"room:tea", 12, 12});
    choose({.hidden_below = 13});
    EXPECT_TRUE(hidden());
    body::Entry edit = entry_of(13, "bob", 12);
    edit.kind = model::EntryKind::edit;
    edit.ref = 12;
    entry(edit);
    EXPECT_TRUE(hidden());
    entry(entry_of(14, "bob", 13));
    EXPECT_FALSE(hidden());
    choose({.hidden_below = 14});
    EXPECT_TRUE(hidden());
    list.on_end("room:tea", {{kEpoch, 15}, 14, {}});
    EXPECT_FALSE(hidden());
    // A receipt overtakes what stands before it in the log.
    choose({.hidden_below = 16});
    EXPECT_TRUE(hidden());
    list.on_own("room:tea", kEpoch, packed_of(entry_of(17, "ann"), Bytes()).entry);
    EXPECT_TRUE(hidden()) << "nobody knows what 16 is";
    entry(entry_of(16, "bob", 15));
    EXPECT_FALSE(hidden());
}

TEST_F(Listed, WhatIsClearedIsNotListedAndNotUnread) {
    body::Entry edit = entry_of(12, "bob");
    edit.kind = model::EntryKind::edit;
    edit.ref = 9;
    name({"room:tea", 12, 4, 8, {entry_of(10, "bob"), entry_of(11, "bob"), edit}});
    choose({.cleared_to = 10});
    EXPECT_EQ(entries(), "11 12 ");
    EXPECT_TRUE(list.item("room:tea")->entries.back().packed.entry.deleted) << "it is about what is cleared";
    EXPECT_EQ(mark(), "1 above 4") << "it was not read";
    EXPECT_TRUE(list.unsaid().empty());
    entry(entry_of(13, "bob"));
    EXPECT_EQ(mark(), "2 above 4");
    EXPECT_EQ(list.cleared_to("room:tea", kEpoch), 10u);
    EXPECT_EQ(list.cleared_to("room:tea", kEpoch + 1), 0u);
    // A page from before, and what is newer than it.
    body::Settings settings;
    settings.cleared_to = 10;
    EXPECT_TRUE(
        list.name(Listing{"room:tea", 12, 4, 8, {entry_of(10, "bob"), entry_of(11, "bob")}}.wire(), 0, settings));
    EXPECT_EQ(entries(), "11 12 13 ");
    (void)list.mark("room:tea", {kEpoch, 6});
    EXPECT_EQ(mark(), "2 above 6");
    ASSERT_EQ(list.unsaid().size(), 1u);
    EXPECT_EQ(list.unsaid().front().position.offset, 6u) << "and no further";
    choose({.cleared_to = 20});
    EXPECT_EQ(mark(), "0 above 6");
    EXPECT_EQ(list.end_of("room:tea"), (Position{kEpoch, 20})) << "the server knows more of the log";
    EXPECT_EQ(entries(), "");
    entry(entry_of(21, "bob"));
    EXPECT_EQ(mark(), "1 above 6");
}

TEST_F(Listed, OfTwoInTheSameMillisecondTheLaterIsNewer) {
    name({"bob", 12, 12});
    name({"room:tea", 12, 12});
    EXPECT_EQ(order(), "bob room:tea ");
    entry(entry_of(13, "bob"), "bob");
    entry(entry_of(13, "eve"));
    EXPECT_EQ(order(), "room:tea bob ");
}

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
    list.on_own_between("room:tea", {kEpoch, 10}, {kEpoch, 14});
    EXPECT_EQ(list.end_of("room:tea"), (Position{kEpoch, 14}));
    EXPECT_EQ(mark(), "0 above 12");
    list.on_own_between("room:tea", {kEpoch, 10}, {kEpoch, 13});
    list.on_own_between("room:tea", {kEpoch + 1, 10}, {kEpoch + 1, 20});
    EXPECT_EQ(list.end_of("room:tea"), (Position{kEpoch, 14})) << "it never goes back, nor into another log";
    list.on_own_between("room:tea", {kEpoch, 15}, {kEpoch, 16});
    name({"room:tea", 16, 12, 1, {entry_of(16, "ann")}});
    EXPECT_EQ(mark(), "1 above 12") << "what is before them is not known to be own messages";
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

TEST_F(Listed, WhatTheUserMayNotReadAnyMoreDoesNotCount) {
    name({"room:tea", 3, 0, 1, {entry_of(3, "bob")}});
    entry(entry_of(4, "bob"));
    list.on_visible_from("room:tea", kEpoch, 7);  // who left and came back
    EXPECT_EQ(mark(), "0 above 6");
    EXPECT_TRUE(list.unsaid().empty()) << "the server knows";
    entry(entry_of(8, "bob"));
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

TEST_F(Listed, AnotherEpochBeginsAnew) {
    name({"room:tea", 50, 40, 5, {entry_of(50, "bob")}});
    Listing restored{"room:tea", 20, 10, 3, {entry_of(20, "bob")}};
    restored.epoch = 8;
    name(restored);
    EXPECT_EQ(mark(), "3 above 10");
    EXPECT_EQ(entries(), "20 ");
    EXPECT_EQ(list.end_of("room:tea"), (Position{8, 20}));
    EXPECT_TRUE(list.unsaid().empty());
}

TEST_F(Listed, ChangesOfMembersAndConfigurationShow) {
    name({"room:tea", 10, 10});
    wire::ConversationChange change;
    change.kind = wire::ChangeKind::added;
    change.members.push_back({0, "eve", model::Role::member, 0, 0});
    change.members.push_back({0, "ann", model::Role::admin, 0, 0});
    change.config = model::Config{"Tea", model::Join::open, model::Visibility::all, 100, 0, true};
    const std::string added = wire::encode(change);
    auto told = entry_of(11, "bob");
    told.kind = model::EntryKind::membership;
    told.payload = added;
    entry(told);
    EXPECT_EQ(list.item("room:tea")->about.config.title, "Tea");
    EXPECT_EQ(list.item("room:tea")->about.role, MemberRole::admin);
    EXPECT_EQ(list.item("room:tea")->about.members, 4u);
    name({"room:tea", 10, 10});
    EXPECT_EQ(list.item("room:tea")->about.config.title, "Tea") << "the page is older";
    entry(told);
    EXPECT_EQ(list.item("room:tea")->about.members, 4u) << "once";
}

TEST_F(Listed, ChangesOfMessagesShow) {
    name({"room:tea", 12, 10, 2, {entry_of(11, "bob"), entry_of(12, "bob")}});
    const auto texts = [&] {
        std::string all;
        const auto item = list.item("room:tea");
        for (const auto& each : item->entries) {
            const Entry& shown = each.packed.entry;
            if (shown.kind != EntryKind::message) continue;
            all += std::to_string(shown.offset) + (shown.deleted ? " deleted" : " " + shown.payload.str());
            for (const Reaction& reaction : shown.reactions)
                all += " " + reaction.key + std::to_string(reaction.users) + (reaction.own ? "*" : "");
            all += "; ";
        }
        return all;
    };
    const auto change = [](std::uint64_t offset, model::EntryKind kind, std::uint64_t ref, std::string_view payload,
                           std::string_view from = "bob", std::uint32_t flags = 0) {
        body::Entry made = entry_of(offset, from);
        made.kind = kind;
        made.ref = ref;
        made.payload = payload;
        made.flags = flags;
        return made;
    };
    using enum model::EntryKind;
    entry(change(13, edit, 11, "hi"));
    EXPECT_EQ(texts(), "11 hi; 12 hello; ");
    EXPECT_EQ(mark(), "2 above 10") << "an edit is no message";
    entry(change(14, reaction, 11, "up", "ann"));
    entry(change(15, reaction, 11, "up", "eve"));
    entry(change(16, reaction, 12, "up", "eve"));
    EXPECT_EQ(texts(), "11 hi up2*; 12 hello up1; ");
    entry(change(17, reaction, 11, "up", "ann", model::kTakenBack));
    entry(change(18, reaction, 12, "up", "eve", model::kTakenBack));
    EXPECT_EQ(texts(), "11 hi up1; 12 hello; ");
    entry(change(19, removal, 12, ""));
    EXPECT_EQ(texts(), "11 hi up1; 12 deleted; ");
    EXPECT_EQ(mark(), "1 above 10") << "what is deleted is not unread";
    entry(change(20, edit, 12, "too late"));
    EXPECT_EQ(texts(), "11 hi up1; 12 deleted; ");
    // A page that was read before the last changes.
    body::Entry eleven = entry_of(11, "bob");
    body::Entry twelve = entry_of(12, "bob");
    eleven.reactions = {{"up", 2, true}};
    eleven.reactions_upto = twelve.reactions_upto = 15;
    eleven.rev = 13;
    eleven.payload = "hi";
    name({"room:tea", 15, 10, 2, {eleven, twelve}});
    EXPECT_EQ(texts(), "11 hi up1; 12 deleted; ");
}

TEST_F(Listed, APageIsBroughtUpToWhatWasToldBefore) {
    name({"room:tea", 12, 12});
    body::Entry edit = entry_of(14, "bob");
    edit.kind = model::EntryKind::edit;
    edit.ref = 12;
    edit.payload = "edited";
    body::Entry reaction = entry_of(13, "bob");
    reaction.kind = model::EntryKind::reaction;
    reaction.ref = 12;
    reaction.payload = "up";
    entry(reaction);
    entry(edit);
    body::Entry page = entry_of(12, "bob");
    page.reactions_upto = 12;
    name({"room:tea", 12, 12, 0, {page}});
    const auto item = list.item("room:tea");
    ASSERT_TRUE(item);
    EXPECT_EQ(item->entries.front().packed.entry.payload, "edited");
    ASSERT_EQ(item->entries.front().packed.entry.reactions.size(), 1u);
    EXPECT_EQ(item->entries.front().packed.entry.changed_at, 14u);
}

TEST_F(Listed, WhatNoPassNamesIsFound) {
    list.begin_pass();
    name({"room:tea", 10, 10});
    name({"room:soup", 10, 10});
    list.begin_pass();
    const std::uint64_t whole = list.pass();
    name({"room:tea", 11, 10});
    Conversation made;
    made.name = "room:new";
    made.head = {kEpoch, 1, 1, 0};
    list.add(made);
    EXPECT_EQ(list.unnamed_since(whole), std::vector<std::string>{"room:soup"});
    EXPECT_TRUE(list.remove("room:soup"));
    EXPECT_FALSE(list.remove("room:soup"));
    EXPECT_EQ(mark("room:soup"), "gone");
    EXPECT_EQ(mark("room:new"), "0 above 1");
    made.head.last = 0;
    list.add(made);
    EXPECT_EQ(mark("room:new"), "0 above 1") << "what is there is newer";
}

TEST_F(Listed, EntriesOfInactiveConversationsMakeRoom) {
    const std::string large(1u << 20, 'x');
    for (std::uint64_t i = 1; i <= 100; ++i) {
        auto each = entry_of(i, "bob");
        each.payload = large;
        name({"room:" + std::to_string(i), i, 0, 1, {each}});
    }
    EXPECT_EQ(entries("room:100"), "100 ");
    EXPECT_EQ(entries("room:1"), "");
    EXPECT_EQ(mark("room:1"), "1 above 0");
    std::size_t bytes = 0;
    for (const auto& item : list.items()) {
        for (const auto& each : item.entries) bytes += each.packed.entry.payload.size();
    }
    EXPECT_LE(bytes, ConversationList::kMostBytes);
    EXPECT_GE(bytes, ConversationList::kMostBytes / 2);
}

TEST_F(Listed, WhatCannotBeInflatedIsLeftOut) {
    auto packed = entry_of(11, "bob");
    packed.encoding = wire::Encoding::zstd;
    packed.size = 10;
    name({"room:tea", 12, 10, 2, {packed, entry_of(12, "bob")}});
    std::size_t most = 1'000;
    const ListedConversation shown = listed(*list.item("room:tea"), most);
    ASSERT_EQ(shown.entries.size(), 1u);
    EXPECT_EQ(shown.entries[0].offset, 12u);
}

}  // namespace
}  // namespace flare::client
