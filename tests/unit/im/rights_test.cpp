#include "im/rights.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flare::im {
namespace {

using model::EntryKind;
using model::Member;
using model::Role;

constexpr std::uint64_t kRightsNow = 1'000'000'000'000;
const model::Config kPlainConfig{};

errc code_of(const Refused& refused) { return refused ? refused->code : errc::ok; }

errc appends(const Member& sender, const Entry& entry, const model::Config& config = kPlainConfig,
             bool blocked = false) {
    return code_of(may_append({sender, config, blocked}, entry, kRightsNow));
}

TEST(Roles, MayDoWhatTheOneBelowMay) {
    for (int i = 1; i <= 5; ++i) {
        const auto lower = capabilities(static_cast<Role>(i - 1));
        const auto higher = capabilities(static_cast<Role>(i));
        EXPECT_EQ(higher & lower, lower) << i;
    }
    EXPECT_EQ(capabilities(Role::none), 0);
}

TEST(Roles, HaveTheCapabilitiesOfTheDocument) {
    struct Row {
        Capability capability;
        Role from;
    };
    const Row rows[] = {{Capability::read, Role::reader},           {Capability::send, Role::member},
                        {Capability::react, Role::member},          {Capability::edit_own, Role::member},
                        {Capability::delete_own, Role::member},     {Capability::delete_any, Role::moderator},
                        {Capability::invite, Role::moderator},      {Capability::add, Role::moderator},
                        {Capability::remove, Role::moderator},      {Capability::mute, Role::moderator},
                        {Capability::mention_all, Role::moderator}, {Capability::ban, Role::admin},
                        {Capability::config, Role::admin},          {Capability::manage, Role::admin}};
    for (const Row& row : rows) {
        EXPECT_TRUE(can(row.from, row.capability));
        EXPECT_FALSE(can(static_cast<Role>(static_cast<int>(row.from) - 1), row.capability));
    }
}

TEST(Roles, NobodyTouchesAnEqualOrAHigherOneButAnOwner) {
    const auto may = [](Role actor, Role present, Role future) {
        return !may_change(actor, Capability::remove, present, future);
    };
    EXPECT_TRUE(may(Role::moderator, Role::member, Role::none));
    EXPECT_FALSE(may(Role::moderator, Role::moderator, Role::none));
    EXPECT_FALSE(may(Role::moderator, Role::admin, Role::none));
    EXPECT_TRUE(may(Role::admin, Role::moderator, Role::none));
    EXPECT_FALSE(may(Role::admin, Role::owner, Role::none));
    EXPECT_TRUE(may(Role::owner, Role::owner, Role::none));
    EXPECT_FALSE(may(Role::member, Role::reader, Role::none)) << "has not the capability";
}

TEST(Roles, AreGivenByThoseAboveThem) {
    const auto may = [](Role actor, Role present, Role future) {
        return !may_change(actor, Capability::manage, present, future);
    };
    EXPECT_TRUE(may(Role::admin, Role::member, Role::moderator));
    EXPECT_FALSE(may(Role::admin, Role::member, Role::admin));
    EXPECT_FALSE(may(Role::admin, Role::member, Role::owner));
    EXPECT_TRUE(may(Role::owner, Role::member, Role::owner));
    EXPECT_FALSE(may(Role::moderator, Role::member, Role::reader)) << "has not the capability";
}

TEST(Writing, TakesAMemberWithARole) {
    EXPECT_EQ(appends({.user = 1, .role = Role::member}, {}), errc::ok);
    EXPECT_EQ(appends({.user = 1, .role = Role::reader}, {}), errc::forbidden);
    EXPECT_EQ(appends({.user = 1, .role = Role::none}, {}), errc::unknown_conversation);
}

TEST(Writing, EndsWithAMuteABanABlockAndAFreeze) {
    Member member{.user = 1, .role = Role::member};
    member.muted_until = kRightsNow + 500;
    Refused refused = may_append({member, kPlainConfig}, {}, kRightsNow);
    ASSERT_EQ(code_of(refused), errc::muted);
    EXPECT_EQ(refused->retry_after_ms, 500u);
    EXPECT_EQ(code_of(may_append({member, kPlainConfig}, {}, kRightsNow + 500)), errc::ok);
    member.muted_until = UINT64_MAX;
    EXPECT_EQ(may_append({member, kPlainConfig}, {}, kRightsNow)->retry_after_ms, 0u) << "for ever";

    Member banned{.user = 1};
    banned.banned_until = kRightsNow + 700;
    refused = may_append({banned, kPlainConfig}, {}, kRightsNow);
    ASSERT_EQ(code_of(refused), errc::banned);
    EXPECT_EQ(refused->retry_after_ms, 700u);

    EXPECT_EQ(appends({.user = 1, .role = Role::member}, {}, kPlainConfig, true), errc::forbidden);

    model::Config frozen;
    frozen.frozen = true;
    EXPECT_EQ(appends({.user = 1, .role = Role::moderator}, {}, frozen), errc::conversation_frozen);
    EXPECT_EQ(appends({.user = 1, .role = Role::admin}, {}, frozen), errc::ok);
}

TEST(Writing, MentionsAllOnlyForModerators) {
    const Entry all{.flags = model::kMentionAll};
    EXPECT_EQ(appends({.user = 1, .role = Role::member}, all), errc::forbidden);
    EXPECT_EQ(appends({.user = 1, .role = Role::moderator}, all), errc::ok);
}

TEST(Writing, RepliesToMessagesThatTheUserMayRead) {
    Member late = {.user = 1, .role = Role::member, .visible_from = 10};
    About about{.sender = 2};
    Entry reply{.kind = EntryKind::message, .ref = 9, .about = &about};
    EXPECT_EQ(appends(late, reply), errc::unknown_entry) << "it was there before the user came";
    EXPECT_EQ(appends(late, reply, {.visibility = model::Visibility::all}), errc::ok);
    about.sender = 1;
    EXPECT_EQ(appends(late, reply), errc::ok) << "of one's own, from before one left";
    about.sender = 2;
    reply.ref = 10;
    EXPECT_EQ(appends(late, reply), errc::ok);
    about.blank = true;
    EXPECT_EQ(appends(late, reply), errc::ok) << "a deleted message keeps its place";
    about.kind = EntryKind::membership;
    EXPECT_EQ(appends(late, reply), errc::unknown_entry);
    reply.about = nullptr;
    EXPECT_EQ(appends(late, reply), errc::unknown_entry);
    reply.ref = 0;
    EXPECT_EQ(appends(late, reply), errc::ok);
    late.role = Role::reader;
    EXPECT_EQ(appends(late, reply), errc::forbidden);
}

TEST(Writing, IsOfWhatUsersSend) {
    const Member owner{.user = 1, .role = Role::owner};
    for (const EntryKind kind : {EntryKind::membership, EntryKind::config, EntryKind::system})
        EXPECT_EQ(appends(owner, {.kind = kind}), errc::forbidden);
}

TEST(Editing, IsForItsSenderOfADayAndForAdmins) {
    About about{.sender = 1, .time_ms = kRightsNow - kEditFor};
    const Entry edit{.kind = EntryKind::edit, .ref = 3, .about = &about};
    const Member sender{.user = 1, .role = Role::member};
    EXPECT_EQ(appends(sender, edit), errc::ok);
    EXPECT_EQ(appends({.user = 1, .role = Role::reader}, edit), errc::forbidden);
    EXPECT_EQ(appends({.user = 2, .role = Role::moderator}, edit), errc::forbidden);
    EXPECT_EQ(appends({.user = 2, .role = Role::admin}, edit), errc::ok);
    --about.time_ms;
    EXPECT_EQ(appends(sender, edit), errc::forbidden) << "a day is over";
    EXPECT_EQ(appends({.user = 2, .role = Role::admin}, edit), errc::ok);
    about.blank = true;
    EXPECT_EQ(appends({.user = 2, .role = Role::admin}, edit), errc::history_pruned) << "it was deleted";
    about = {.sender = 1, .time_ms = kRightsNow, .kind = EntryKind::membership};
    EXPECT_EQ(appends(sender, edit), errc::forbidden) << "it is no message";
    EXPECT_EQ(appends(sender, {.kind = EntryKind::edit, .ref = 3}), errc::forbidden) << "there is none";
}

TEST(Deleting, IsForItsSenderAndForModerators) {
    About about{.sender = 1, .time_ms = 0};
    const Entry removal{.kind = EntryKind::removal, .ref = 3, .about = &about};
    EXPECT_EQ(appends({.user = 1, .role = Role::member}, removal), errc::ok);
    EXPECT_EQ(appends({.user = 2, .role = Role::member}, removal), errc::forbidden);
    EXPECT_EQ(appends({.user = 2, .role = Role::moderator}, removal), errc::ok);
    about.kind = EntryKind::config;
    EXPECT_EQ(appends({.user = 1, .role = Role::owner}, removal), errc::forbidden);
    about = {.sender = 1, .blank = true};
    EXPECT_EQ(appends({.user = 1, .role = Role::owner}, removal), errc::history_pruned) << "it is gone already";
}

TEST(Deleting, IsOfWhatTheUserMayReadOrHasWritten) {
    const About about{.sender = 1, .time_ms = 0};
    const Entry removal{.kind = EntryKind::removal, .ref = 3, .about = &about};
    EXPECT_EQ(appends({.user = 2, .role = Role::owner, .visible_from = 3}, removal), errc::ok);
    EXPECT_EQ(appends({.user = 2, .role = Role::owner, .visible_from = 4}, removal), errc::forbidden);
    EXPECT_EQ(appends({.user = 1, .role = Role::member, .visible_from = 4}, removal), errc::ok) << "from before";
    model::Config config;
    config.visibility = model::Visibility::all;
    EXPECT_EQ(appends({.user = 2, .role = Role::owner, .visible_from = 4}, removal, config), errc::ok);
}

TEST(Deleting, IsInTheLogAsItIsNow) {
    const About about{.sender = 1, .time_ms = 0};
    const Member sender{.user = 1, .role = Role::member};
    Entry removal{.kind = EntryKind::removal, .ref = 3, .about = &about};
    removal.other_log = true;
    EXPECT_EQ(appends(sender, removal), errc::epoch_changed);
    EXPECT_EQ(appends({.user = 1}, removal), errc::unknown_conversation) << "who is no member hears nothing of it";
    removal = {.kind = EntryKind::removal, .ref = 3, .pruned = true};
    EXPECT_EQ(appends(sender, removal), errc::history_pruned);
}

TEST(Reacting, IsForMembersToMessages) {
    About about{.sender = 1, .time_ms = 0};
    const Entry reaction{.kind = EntryKind::reaction, .ref = 3, .about = &about};
    EXPECT_EQ(appends({.user = 2, .role = Role::member}, reaction), errc::ok);
    EXPECT_EQ(appends({.user = 2, .role = Role::reader}, reaction), errc::forbidden);
    about.blank = true;
    EXPECT_EQ(appends({.user = 2, .role = Role::member}, reaction), errc::history_pruned);
    about = {.sender = 1, .kind = EntryKind::edit};
    EXPECT_EQ(appends({.user = 2, .role = Role::member}, reaction), errc::forbidden);
}

TEST(HeirSearch, FindsTheOldestAdminElseTheOldestOfTheOthers) {
    const auto heir = [](const std::vector<Member>& members) {
        HeirSearch search(1);
        for (const Member& member : members) search.see(member);
        return search.heir() == nullptr ? Row{0} : search.heir()->user;
    };
    const Member leaving{.user = 1, .role = Role::owner, .joined_at = 1};
    EXPECT_EQ(heir({leaving}), 0u);
    EXPECT_EQ(heir({leaving,
                    {.user = 2, .role = Role::moderator, .joined_at = 2},
                    {.user = 3, .role = Role::admin, .joined_at = 5},
                    {.user = 4, .role = Role::admin, .joined_at = 4}}),
              4u);
    EXPECT_EQ(heir({{.user = 2, .role = Role::moderator, .joined_at = 9},
                    {.user = 3, .role = Role::member, .joined_at = 5},
                    {.user = 5, .role = Role::reader, .joined_at = 3},
                    {.user = 4, .role = Role::none, .joined_at = 1}}),
              3u);
    EXPECT_EQ(heir({leaving, {.user = 5, .role = Role::reader, .joined_at = 3}}), 5u);
    EXPECT_EQ(
        heir({{.user = 7, .role = Role::member, .joined_at = 3}, {.user = 6, .role = Role::member, .joined_at = 3}}),
        6u);
}

TEST(HeirSearch, CountsOtherOwnersOnly) {
    HeirSearch search(1);
    search.see({.user = 1, .role = Role::owner});
    EXPECT_FALSE(search.other_owners());
    search.see({.user = 2, .role = Role::owner});
    EXPECT_TRUE(search.other_owners());
}

}  // namespace
}  // namespace flare::im
