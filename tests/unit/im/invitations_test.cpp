// Invitations against the state of a conversation: docs/conversations.md, "Invitations".
#include "im/plans.hpp"
#include "wire/entries.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace flare::im {
namespace {

using model::Member;
using model::Role;
using wire::ChangeKind;

constexpr std::uint64_t kInvitingNow = 1'700'000'000'000;

Member seated(Row user, Role role) { return {.user = user, .role = role, .joined_at = 1}; }

// Users 1 to 5: owner, admin, moderator, member, reader; 6 to 9 have never been here. What is planned is committed.
class Inviting : public testing::Test {
protected:
    Inviting() { load(); }

    void load(std::uint64_t invitations = 0, model::Config config = {}) {
        const std::vector<Member> members{seated(1, Role::owner), seated(2, Role::admin), seated(3, Role::moderator),
                                          seated(4, Role::member), seated(5, Role::reader)};
        Conversation::Stored stored{
            .row = 7, .config = std::move(config), .members = members.size(), .invitations = invitations};
        stored.head.last = {1, 5};
        conversation.load(stored, members);
        for (Row user = 6; user <= 9; ++user) {
            conversation.members().want(user);
            conversation.members().loaded({.user = user});
        }
    }
    Planned plan(Row actor, const Command& command) { return im::plan(conversation, actor, command, now_ms); }
    errc refusal(Row actor, const Command& command) {
        const Planned planned = plan(actor, command);
        const auto* const refused = std::get_if<Refusal>(&planned);
        return refused == nullptr ? errc::ok : refused->code;
    }
    Plan commit(Row actor, const Command& command) {
        const Planned planned = plan(actor, command);
        const auto* const made = std::get_if<Plan>(&planned);
        EXPECT_NE(made, nullptr) << (std::holds_alternative<Refusal>(planned) ? std::get<Refusal>(planned).text : "?");
        if (made == nullptr || made->nothing) return {};
        conversation.apply(*made, {.row = 7, .position = {1, conversation.head().last.offset + 1}});
        conversation.check_invariants();
        return *made;
    }
    Plan invite(Row actor, std::vector<command::Person> users) {
        return commit(actor, command::Invite{std::move(users)});
    }
    bool changes_nothing(Row actor, const Command& command) {
        const Planned planned = plan(actor, command);
        const auto* const made = std::get_if<Plan>(&planned);
        return made != nullptr && made->nothing && !made->tells;
    }
    Member member(Row user) { return *conversation.members().find(user); }
    static wire::ConversationChange told(const Plan& plan) {
        return wire::decode_conversation_change(plan.payload).value();
    }

    Limits limits{};
    Conversation conversation{model::ConversationKey::room("lobby"), limits};
    std::uint64_t now_ms = kInvitingNow;
};

TEST_F(Inviting, IsDoneByModeratorsAndTellsWho) {
    const Plan plan = invite(3, {{6}, {7}, {6}});
    const auto change = told(plan);
    EXPECT_EQ(change.kind, ChangeKind::invited);
    ASSERT_EQ(change.members.size(), 2u);
    EXPECT_EQ(change.members[0].row, 6u);
    EXPECT_EQ(change.members[0].role, Role::none);
    EXPECT_TRUE(change.members[0].invited);
    EXPECT_EQ(plan.invitations, (std::vector<Row>{6, 7}));
    EXPECT_TRUE(plan.entering.empty());
    EXPECT_EQ(member(6).role, Role::none);
    EXPECT_EQ(member(6).invited_by, 3u);
    EXPECT_EQ(member(6).invited_ms, kInvitingNow);
    EXPECT_EQ(conversation.invitation_count(), 2u);
    EXPECT_EQ(conversation.member_count(), 5u);
}

TEST_F(Inviting, NeedsTheRight) {
    for (const Row user : {1, 2, 3}) EXPECT_EQ(refusal(user, command::Invite{{{6}}}), errc::ok);
    EXPECT_EQ(refusal(0, command::Invite{{{6}}}), errc::ok) << "the server has every right";
    for (const Row user : {4, 5}) EXPECT_EQ(refusal(user, command::Invite{{{6}}}), errc::forbidden);
    EXPECT_EQ(refusal(7, command::Invite{{{6}}}), errc::unknown_conversation);
    invite(3, {{7}});
    EXPECT_EQ(refusal(7, command::Invite{{{6}}}), errc::unknown_conversation) << "who is invited is no member";
}

TEST_F(Inviting, PassesOverWhoIsAMemberOrInvitedOrBlocks) {
    invite(2, {{6}});
    EXPECT_TRUE(changes_nothing(3, command::Invite{{{4}, {3}, {6}}}));
    EXPECT_EQ(member(6).invited_by, 2u) << "the first invitation stands";
    EXPECT_TRUE(changes_nothing(3, command::Invite{{{.user = 7, .blocks = true}}}));
    EXPECT_FALSE(member(7).invited());
}

TEST_F(Inviting, RefusesTheBannedUntilTheBanIsOver) {
    commit(2, command::Ban{.user = 6, .until_ms = now_ms + 1000});
    EXPECT_EQ(refusal(1, command::Invite{{{7}, {6}}}), errc::banned);
    now_ms += 1000;
    EXPECT_EQ(refusal(1, command::Invite{{{7}, {6}}}), errc::ok);
}

TEST_F(Inviting, IsLimitedForTheRoomAndTheUserAndTheRequest) {
    limits.max_invitations = 3;
    limits.max_invited = 2;
    EXPECT_EQ(refusal(3, command::Invite{{{.user = 6, .invitations = 2}}}), errc::too_many_conversations);
    EXPECT_EQ(refusal(3, command::Invite{{{.user = 6, .invitations = 1}}}), errc::ok);
    EXPECT_EQ(refusal(3, command::Invite{{{6}, {7}, {8}, {9}}}), errc::too_many_members);
    invite(3, {{6}, {7}, {8}});
    EXPECT_EQ(refusal(3, command::Invite{{{9}}}), errc::too_many_members);
    EXPECT_TRUE(changes_nothing(3, command::Invite{{{8}}}));
    commit(7, command::Leave{});
    EXPECT_EQ(refusal(3, command::Invite{{{9}}}), errc::ok) << "one has answered";
    EXPECT_EQ(refusal(3, command::Invite{std::vector<command::Person>(101)}), errc::too_many_members);
    load(3);
    EXPECT_EQ(refusal(3, command::Invite{{{6}}}), errc::too_many_members) << "the store has three";
}

TEST_F(Inviting, IsForRooms) {
    Conversation direct(model::ConversationKey::direct("a", "b"), limits);
    const std::vector<Member> both{seated(1, Role::member), seated(2, Role::member)};
    direct.load({.row = 8, .members = 2}, both);
    EXPECT_EQ(std::get<Refusal>(im::plan(direct, 1, command::Invite{{{6}}}, now_ms)).code, errc::forbidden);
}

TEST_F(Inviting, IsAnsweredByJoining) {
    invite(3, {{6}});
    now_ms += 10;
    const Plan plan = commit(6, command::Join{});
    EXPECT_EQ(told(plan).kind, ChangeKind::joined);
    EXPECT_FALSE(told(plan).members.front().invited);
    EXPECT_EQ(member(6).role, Role::member);
    EXPECT_FALSE(member(6).invited());
    EXPECT_EQ(member(6).joined_at, now_ms);
    EXPECT_EQ(member(6).visible_from, conversation.head().last.offset) << "from the entry on that tells it";
    EXPECT_EQ(conversation.invitation_count(), 0u);
    EXPECT_EQ(conversation.member_count(), 6u);
    commit(6, command::Leave{});
    EXPECT_EQ(refusal(6, command::Join{}), errc::unknown_conversation) << "it counts once";
}

TEST_F(Inviting, DoesNotExemptFromLimitsOfMembers) {
    invite(3, {{6}});
    limits.max_members = 5;
    EXPECT_EQ(refusal(6, command::Join{}), errc::too_many_members);
    limits.max_members = 6;
    limits.max_conversations = 3;
    EXPECT_EQ(refusal(6, command::Join{.conversations = 3}), errc::too_many_conversations);
    EXPECT_TRUE(member(6).invited()) << "it stands";
}

TEST_F(Inviting, IsDeclinedByLeaving) {
    invite(3, {{6}});
    now_ms += 10;
    const Plan plan = commit(6, command::Leave{});
    EXPECT_EQ(told(plan).kind, ChangeKind::invited);
    EXPECT_EQ(told(plan).members.front().row, 6u);
    EXPECT_FALSE(told(plan).members.front().invited);
    EXPECT_EQ(plan.invitations, std::vector<Row>{6});
    EXPECT_FALSE(member(6).invited());
    EXPECT_EQ(member(6).invited_by, 0u);
    EXPECT_EQ(member(6).left_at, now_ms) << "lists name it as gone";
    EXPECT_EQ(conversation.invitation_count(), 0u);
    EXPECT_EQ(refusal(6, command::Join{}), errc::unknown_conversation);
    EXPECT_TRUE(changes_nothing(6, command::Leave{}));
}

TEST_F(Inviting, IsTakenBackByWhoMayInvite) {
    invite(1, {{6}});
    EXPECT_EQ(refusal(4, command::Remove{6}), errc::forbidden);
    EXPECT_EQ(refusal(6, command::Remove{6}), errc::forbidden) << "that is leaving";
    const Plan plan = commit(3, command::Remove{6});
    EXPECT_EQ(told(plan).kind, ChangeKind::invited);
    EXPECT_FALSE(told(plan).members.front().invited);
    EXPECT_FALSE(member(6).invited());
    EXPECT_TRUE(changes_nothing(3, command::Remove{6}));
    EXPECT_EQ(refusal(6, command::Join{}), errc::unknown_conversation);
}

TEST_F(Inviting, EndsWithABan) {
    invite(3, {{6}});
    const Plan plan = commit(2, command::Ban{.user = 6, .until_ms = now_ms + 1000});
    EXPECT_EQ(told(plan).kind, ChangeKind::banned);
    EXPECT_FALSE(told(plan).members.front().invited);
    EXPECT_EQ(plan.invitations, std::vector<Row>{6});
    EXPECT_EQ(plan.joined, 0) << "no member has gone";
    EXPECT_EQ(conversation.invitation_count(), 0u);
    now_ms += 2000;
    EXPECT_EQ(refusal(6, command::Join{}), errc::unknown_conversation) << "also when the ban is over";
}

TEST_F(Inviting, OutlivesWhoHasInvited) {
    invite(3, {{6}});
    commit(3, command::Leave{});
    EXPECT_EQ(commit(6, command::Join{}).joined, 1);
}

TEST_F(Inviting, IsNoRoleThatCanBeChanged) {
    invite(3, {{6}});
    EXPECT_EQ(refusal(1, command::SetRole{6, Role::admin}), errc::unknown_target);
    EXPECT_EQ(refusal(1, command::Mute{.user = 6, .until_ms = now_ms + 1000}), errc::unknown_target);
}

TEST_F(Inviting, IsOverForWhoIsAdded) {
    invite(3, {{6}});
    const Plan plan = commit(1, command::Add{.users = {{6}}, .role = Role::moderator});
    EXPECT_EQ(plan.invited, -1);
    EXPECT_EQ(member(6).role, Role::moderator);
    EXPECT_FALSE(member(6).invited());
    EXPECT_EQ(conversation.invitation_count(), 0u);
}

TEST_F(Inviting, StandsInAnOpenRoomToo) {
    load(0, {.join = model::Join::open});
    invite(3, {{6}});
    commit(6, command::Join{});
    EXPECT_EQ(conversation.invitation_count(), 0u);
}

}  // namespace
}  // namespace flare::im
