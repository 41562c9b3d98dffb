// The list of conversations that a client keeps, step by step and against a plain model of the server's logs.
#include "client/im/list.hpp"

#include "wire/entries.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace flare::client {
namespace {

namespace body = wire::im;

constexpr std::uint64_t kEpoch = 7;

body::Entry entry_of(std::uint64_t offset, std::string_view from, std::uint64_t messages = 0) {
    body::Entry entry;
    entry.offset = offset;
    entry.kind = model::EntryKind::message;
    entry.id.bytes[15] = static_cast<std::uint8_t>(offset);
    entry.from = from;
    entry.time_ms = static_cast<std::int64_t>(1'000 * offset);
    entry.type = "text";
    entry.payload = "hello";
    entry.messages = messages;
    return entry;
}

// As a page names it: the log ends at `last`, and the page has the entries from `first` on.
struct Listing {
    std::string name = "room:tea";
    std::uint64_t last = 0;
    std::uint64_t mark = 0;
    std::uint32_t unread = 0;
    std::vector<body::Entry> entries{};
    bool more = false;
    std::uint64_t epoch = kEpoch;

    body::SyncedConversation wire() const {
        body::SyncedConversation from;
        from.about.emplace();
        from.about->conversation = name;
        from.about->head = body::Head{epoch, 1, last, last};
        from.about->role = model::Role::member;
        from.about->members = 2;
        from.last_ms = static_cast<std::int64_t>(1'000 * last);
        from.mark = body::ReadMark{mark, unread, more};
        from.entries = entries;
        return from;
    }
};

class Listed : public ::testing::Test {
protected:
    void name(const Listing& listing) { EXPECT_TRUE(list.name(listing.wire(), 0)); }
    void entry(const body::Entry& each, const std::string& name = "room:tea") { list.on_entry(name, kEpoch, each, 0); }
    // "unread above mark", with a + for more.
    std::string mark(const std::string& name = "room:tea") const {
        const auto item = list.item(name);
        if (!item) return "gone";
        return std::to_string(item->mark.unread) + (item->mark.more ? "+" : "") + " above " +
               std::to_string(item->mark.offset);
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
    EXPECT_EQ(list.unsaid(), (std::vector<std::pair<std::string, Position>>{{"room:tea", {kEpoch, 12}}}));
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

// ---- against a model ----

// What the server has of a conversation, and how far a feed has told it.
struct Log {
    bool member = true;
    std::vector<body::Entry> entries;  // from offset 1 on
    std::uint64_t mark = 0;            // that the server knows
    std::uint64_t local = 0;           // that the client has said
    std::uint64_t told = 0;
    std::uint64_t visible_from = 1;
    bool listed = false;

    std::uint64_t last() const { return entries.size(); }
    std::uint32_t unread(std::uint64_t above) const {
        std::uint32_t count = 0;
        for (const body::Entry& each : entries) {
            const bool counts = each.kind == model::EntryKind::message && each.from != "ann" && each.flags == 0;
            if (counts && each.offset > std::max(above, visible_from - 1)) ++count;
        }
        return count;
    }
};

class ListHistory {
public:
    explicit ListHistory(unsigned seed) : chance_(seed) { logs_.resize(3); }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) step();
        while (!pages_.empty()) take_page();
        for (std::size_t i = 0; i < logs_.size(); ++i) {
            tell_upto(i, logs_[i].last());
            if (!logs_[i].listed && logs_[i].member) name(i, page_of(i));
        }
        while (!answers_.empty()) take_answer();
        for (const auto& [name, upto] : list_.unsaid()) say(static_cast<std::size_t>(name.back() - '0'), upto.offset);
        while (!answers_.empty()) take_answer();
        EXPECT_TRUE(list_.unsaid().empty());
        compare();
    }

private:
    struct Page {
        std::size_t which;
        Listing listing;
        std::uint64_t visible_from;
    };
    struct Answer {
        std::size_t which;
        body::ReadMark said;
        std::uint64_t visible_from;
    };
    static std::string name_of(std::size_t i) { return "room:" + std::to_string(i); }
    unsigned below(std::size_t n) { return static_cast<unsigned>(chance_() % n); }

    void step() {
        const std::size_t i = below(logs_.size());
        Log& log = logs_[i];
        if (!answers_.empty() && below(4) == 0) take_answer();
        switch (below(8)) {
            case 0:
            case 1: write(i); break;
            case 2: tell_upto(i, log.told + 1); break;
            case 3:
                if (log.member && pages_.size() < 3) pages_.push_back(page_of(i));
                break;
            case 4:
                if (!pages_.empty()) take_page();
                break;
            case 5: mark(i); break;
            case 6:
                if (log.mark < log.last()) log.mark += below(log.last() - log.mark + 1);  // on another device
                break;
            case 7:
                if (below(6) == 0) change_membership(i);
        }
    }
    void write(std::size_t i) {
        Log& log = logs_[i];
        auto entry = entry_of(log.last() + 1, below(3) == 0 ? "ann" : "bob");
        if (below(5) == 0) entry.kind = model::EntryKind::membership, entry.payload = "";
        if (below(5) == 0) entry.flags = model::kSilent;
        log.entries.push_back(entry);
        const bool own = entry.from == "ann" && entry.kind == model::EntryKind::message && below(2) == 0;
        if (!own || !log.listed) return;
        Entry mine = packed_of(entry, Bytes()).entry;  // its receipt comes before what is below it
        list_.on_own(name_of(i), kEpoch, mine);
    }
    void tell_upto(std::size_t i, std::uint64_t upto) {
        Log& log = logs_[i];
        if (!log.listed) return;
        for (; log.told < std::min(upto, log.last()); ++log.told)
            list_.on_entry(name_of(i), kEpoch, log.entries[log.told], 0);
    }
    Page page_of(std::size_t i) {
        const Log& log = logs_[i];
        Page page{i, {name_of(i), log.last(), log.mark, log.unread(log.mark)}, log.visible_from};
        const std::uint64_t count = std::min<std::uint64_t>(below(12), log.last() - (log.visible_from - 1));
        page.listing.entries.assign(log.entries.end() - static_cast<std::ptrdiff_t>(count), log.entries.end());
        return page;
    }
    void take_page() {
        const Page page = pages_.front();
        pages_.erase(pages_.begin());
        const Log& log = logs_[page.which];
        if (log.member && log.visible_from == page.visible_from) name(page.which, page);
    }
    void name(std::size_t i, const Page& page) {
        Log& log = logs_[i];
        EXPECT_TRUE(list_.name(page.listing.wire(), 0));
        // The feed begins behind the page if that reaches back; or it goes on where it was, and what the page has
        // comes again.
        const auto& entries = page.listing.entries;
        const std::uint64_t first = entries.empty() ? page.listing.last + 1 : entries.front().offset;
        const bool is_new = !std::exchange(log.listed, true);
        if (is_new || (first <= log.told + 1 && below(2) == 0)) log.told = std::max(log.told, page.listing.last);
    }
    void mark(std::size_t i) {
        Log& log = logs_[i];
        if (!log.listed || log.told == 0) return;
        const std::uint64_t upto = 1 + below(log.told);
        (void)list_.mark(name_of(i), {kEpoch, upto});
        log.local = std::max(log.local, upto);
        if (below(2) == 0) say(i, upto);
    }
    // The server counts more than has been told, and its answer comes when more has been.
    void say(std::size_t i, std::uint64_t upto) {
        Log& log = logs_[i];
        log.mark = std::max(log.mark, upto);
        answers_.push_back({i, {log.mark, log.unread(log.mark), false, log.last()}, log.visible_from});
    }
    void take_answer() {
        const auto at = answers_.begin() + static_cast<std::ptrdiff_t>(below(answers_.size()));
        const Answer answer = *at;
        answers_.erase(at);
        const Log& log = logs_[answer.which];
        if (log.visible_from == answer.visible_from) list_.on_marked(name_of(answer.which), kEpoch, answer.said);
    }
    void change_membership(std::size_t i) {
        Log& log = logs_[i];
        log.member = !log.member;
        if (!log.member) {
            EXPECT_EQ(list_.remove(name_of(i)), log.listed);
            log.listed = false;
            return;
        }
        write(i);  // the entry that adds the user
        log.visible_from = log.last();
        log.mark = log.told = log.last();
        log.local = 0;
        name(i, page_of(i));  // the feed begins unasked
    }
    void compare() {
        std::int64_t before = INT64_MAX;
        for (const auto& item : list_.items()) {
            const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(item.last_time.time_since_epoch());
            EXPECT_LE(at.count(), before) << "the newest activity first";
            before = at.count();
        }
        for (std::size_t i = 0; i < logs_.size(); ++i) {
            const Log& log = logs_[i];
            const auto item = list_.item(name_of(i));
            ASSERT_EQ(item.has_value(), log.member) << name_of(i);
            if (!item) continue;
            // What another device has read since is not known, unless a page or an answer has said so.
            EXPECT_LE(item->mark.offset, std::max(log.mark, log.local));
            EXPECT_GE(item->mark.offset, log.local);
            EXPECT_EQ(item->mark.unread, log.unread(item->mark.offset)) << name_of(i) << " " << item->mark.offset;
            EXPECT_FALSE(item->mark.more);
            EXPECT_EQ(item->about.head.last, log.last());
            std::uint64_t offset = log.last();
            for (auto each = item->entries.rbegin(); each != item->entries.rend(); ++each, --offset) {
                EXPECT_EQ(each->packed.entry.offset, offset) << "the newest, without holes";
                EXPECT_EQ(each->packed.entry.from, log.entries[offset - 1].from);
            }
        }
    }

    std::mt19937 chance_;
    std::vector<Log> logs_;
    std::vector<Page> pages_;
    std::vector<Answer> answers_;
    ConversationList list_{"ann"};
};

TEST(ListHistories, AreWhatARecountSays) {
    for (unsigned seed = 1; seed <= 3'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        ListHistory(seed).run(20 + static_cast<int>(seed % 150));
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace flare::client
