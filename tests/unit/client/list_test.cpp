// The list of conversations that a client keeps, step by step.
#include "unit/client/listed.hpp"

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
