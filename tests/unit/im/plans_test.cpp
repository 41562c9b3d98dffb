// Commands against the state of a conversation: docs/conversations.md, "Roles", "Members", "Configuration".
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

constexpr std::uint64_t kPlansNow = 1'700'000'000'000;

// A conversation in which what is planned is committed at once.
class Room {
public:
    explicit Room(std::vector<Member> members, model::Config config = {}, Limits of = {})
        : limits(of), conversation(model::ConversationKey::room("lobby"), limits) {
        Conversation::Stored stored{.row = 7, .config = std::move(config), .members = members.size()};
        stored.head.last = {1, 5};
        conversation.load(stored, members);
    }
    explicit Room(Limits of = {}) : limits(of), conversation(model::ConversationKey::room("lobby"), limits) {
        conversation.load_absent();
    }

    Planned plan(Row actor, const Command& command) { return im::plan(conversation, actor, command, now_ms); }
    errc refusal(Row actor, const Command& command) {
        const Planned planned = plan(actor, command);
        const auto* const refused = std::get_if<Refusal>(&planned);
        if (refused != nullptr) {
            EXPECT_FALSE(refused->text.empty());
        }
        return refused == nullptr ? errc::ok : refused->code;
    }
    // What the entry says; of a change that nobody is told, or that changes nothing, nothing.
    wire::ConversationChange commit(Row actor, const Command& command) {
        const Planned planned = plan(actor, command);
        const auto* const made = std::get_if<Plan>(&planned);
        EXPECT_NE(made, nullptr) << (std::holds_alternative<Refusal>(planned) ? std::get<Refusal>(planned).text : "?");
        if (made == nullptr || made->nothing) return {};
        Outcome outcome{.row = 7};
        if (made->tells) outcome.position = {1, conversation.head().last.offset + 1};
        conversation.apply(*made, outcome);
        conversation.check_invariants();
        return made->tells ? wire::decode_conversation_change(made->payload).value() : wire::ConversationChange();
    }
    bool changes_nothing(Row actor, const Command& command) {
        const Planned planned = plan(actor, command);
        const auto* const made = std::get_if<Plan>(&planned);
        return made != nullptr && made->nothing && !made->tells;
    }
    Member member(Row user) {
        const Member* const found = conversation.members().find(user);
        return found == nullptr ? Member{} : *found;
    }
    Role role(Row user) { return member(user).role; }
    // The store has no row of these users.
    void strangers(std::initializer_list<Row> users) {
        for (const Row user : users) {
            conversation.members().want(user);
            conversation.members().loaded({.user = user});
        }
    }

    Limits limits;
    Conversation conversation;
    std::uint64_t now_ms = kPlansNow;
};

Member in_room(Row user, Role role, std::uint64_t joined_at = 1) {
    return {.user = user, .role = role, .joined_at = joined_at};
}
// Users 1 to 5: owner, admin, moderator, member, reader.
Room with_all_roles(model::Config config = {}) {
    return Room({in_room(1, Role::owner), in_room(2, Role::admin), in_room(3, Role::moderator),
                 in_room(4, Role::member), in_room(5, Role::reader)},
                std::move(config));
}

// ---- create ----

TEST(Create, MakesARoomOfItsOwnerAndMembers) {
    Room room;
    const auto told = room.commit(1, command::Create{.config = {.title = "T"}, .members = {{2}, {3}, {2}, {1}}});
    EXPECT_TRUE(room.conversation.present());
    EXPECT_EQ(room.conversation.member_count(), 3u);
    EXPECT_EQ(room.role(1), Role::owner);
    EXPECT_EQ(room.role(2), Role::member);
    EXPECT_EQ(room.role(3), Role::member);
    EXPECT_EQ(room.member(2).visible_from, 1u);
    EXPECT_EQ(room.member(2).joined_at, kPlansNow);
    EXPECT_EQ(room.conversation.config().title, "T");
    EXPECT_TRUE(room.conversation.members().listed());
    EXPECT_EQ(told.kind, ChangeKind::created);
    EXPECT_EQ(told.members.size(), 3u);
    ASSERT_TRUE(told.config);
    EXPECT_EQ(told.config->title, "T");
}

TEST(Create, ByTheServerNamesItsOwner) {
    Room room;
    room.commit(0, command::Create{.members = {{8}, {9}}});
    EXPECT_EQ(room.role(8), Role::owner);
    EXPECT_EQ(room.role(9), Role::member);
    EXPECT_EQ(room.conversation.member_count(), 2u);
}

TEST(Create, IsRefusedForWhatIsWrongWithIt) {
    Limits limits;
    limits.max_members = 2;
    limits.max_conversations = 5;
    Room room(limits);
    EXPECT_EQ(room.refusal(1, command::Create{.config = {.title = std::string(257, 'x')}}), errc::invalid_name);
    EXPECT_EQ(room.refusal(1, command::Create{.config = {.max_payload_bytes = 0}}), errc::message_too_large);
    EXPECT_EQ(room.refusal(1, command::Create{.config = {.max_payload_bytes = 1024 * 1024 + 1}}),
              errc::message_too_large);
    EXPECT_EQ(room.refusal(1, command::Create{.config = {.slow_mode_ms = kMaxSlowModeMs + 1}}), errc::forbidden);
    EXPECT_EQ(room.refusal(1, command::Create{.conversations = 5}), errc::too_many_conversations);
    EXPECT_EQ(room.refusal(1, command::Create{.members = {{2, 5}}}), errc::too_many_conversations);
    EXPECT_EQ(room.refusal(1, command::Create{.members = {{2}, {3}}}), errc::too_many_members);
    EXPECT_EQ(room.refusal(1, command::Create{.members = std::vector<command::Person>(101)}), errc::too_many_members);
    EXPECT_EQ(room.refusal(1, command::Create{.conversations = 4, .members = {{2, 4}}}), errc::ok);
    EXPECT_EQ(with_all_roles().refusal(1, command::Create{}), errc::conversation_exists);

    Conversation bad(model::ConversationKey::room("a\n"), room.limits);
    bad.load_absent();
    EXPECT_EQ(std::get<Refusal>(plan(bad, 1, command::Create{}, kPlansNow)).code, errc::invalid_name);
    Conversation direct(model::ConversationKey::direct("a", "b"), room.limits);
    direct.load_absent();
    EXPECT_EQ(std::get<Refusal>(plan(direct, 1, command::Create{}, kPlansNow)).code, errc::forbidden);
}

TEST(Create, ThatTheStoreKnewBeforeIsReadFromThere) {
    Room room;
    const Planned planned = room.plan(1, command::Create{});
    room.conversation.apply(std::get<Plan>(planned), {.repeat = true, .row = 7, .position = {1, 1}});
    EXPECT_EQ(room.conversation.state(), Conversation::State::unknown);
}

// ---- join and leave ----

TEST(Join, IsForOpenRooms) {
    Room room = with_all_roles({.join = model::Join::open});
    room.strangers({6});
    EXPECT_EQ(room.commit(6, command::Join{}).kind, ChangeKind::joined);
    EXPECT_EQ(room.role(6), Role::member);
    EXPECT_EQ(room.member(6).visible_from, 6u) << "from the entry on that tells it";
    EXPECT_TRUE(room.changes_nothing(6, command::Join{}));

    Room closed = with_all_roles();
    closed.strangers({6});
    EXPECT_EQ(closed.refusal(6, command::Join{}), errc::unknown_conversation);
    EXPECT_TRUE(closed.changes_nothing(4, command::Join{}));
}

TEST(Join, ShowsAllOfTheLogWhereThatIsConfigured) {
    Room room = with_all_roles({.join = model::Join::open, .visibility = model::Visibility::all});
    room.strangers({6});
    room.commit(6, command::Join{});
    EXPECT_EQ(room.member(6).visible_from, 1u);
}

TEST(Join, IsRefusedToWhoIsBannedOrHasTooManyOrFindsItFull) {
    Limits limits;
    limits.max_members = 2;
    limits.max_conversations = 5;
    Room room({in_room(1, Role::owner)}, {.join = model::Join::open}, limits);
    room.strangers({6, 8});
    room.conversation.members().want(7);
    room.conversation.members().loaded({.user = 7, .banned_until = kPlansNow + 1000});
    const Planned planned = room.plan(7, command::Join{});
    EXPECT_EQ(std::get<Refusal>(planned).code, errc::banned);
    EXPECT_EQ(std::get<Refusal>(planned).retry_after_ms, 1000u);
    EXPECT_EQ(room.refusal(6, command::Join{.conversations = 5}), errc::too_many_conversations);
    room.commit(6, command::Join{.conversations = 4});
    EXPECT_EQ(room.refusal(8, command::Join{}), errc::too_many_members);
    EXPECT_EQ(room.refusal(0, command::Join{}), errc::forbidden);
}

TEST(Join, AgainStartsAnewButStaysMuted) {
    Room room = with_all_roles({.join = model::Join::open});
    room.commit(3, command::Mute{.user = 4, .until_ms = kPlansNow + 1000});
    room.commit(4, command::Leave{});
    EXPECT_EQ(room.member(4).left_at, kPlansNow);
    room.now_ms += 10;
    room.commit(4, command::Join{});
    EXPECT_EQ(room.member(4).visible_from, room.conversation.head().last.offset);
    EXPECT_EQ(room.member(4).joined_at, kPlansNow + 10);
    EXPECT_EQ(room.member(4).left_at, 0u);
    EXPECT_EQ(room.member(4).muted_until, kPlansNow + 1000);
}

TEST(Leave, KeepsTheRowWithoutARole) {
    Room room = with_all_roles();
    const auto told = room.commit(4, command::Leave{});
    EXPECT_EQ(told.kind, ChangeKind::left);
    ASSERT_EQ(told.members.size(), 1u);
    EXPECT_EQ(told.members[0].row, 4u);
    EXPECT_EQ(told.members[0].role, Role::none);
    EXPECT_EQ(room.conversation.member_count(), 4u);
    EXPECT_TRUE(room.changes_nothing(4, command::Leave{}));
    EXPECT_EQ(room.refusal(0, command::Leave{}), errc::forbidden);
}

TEST(Leave, OfTheLastOwnerMakesTheOldestAdminOwner) {
    Room room(
        {in_room(1, Role::owner), in_room(2, Role::admin, 9), in_room(3, Role::admin, 8), in_room(4, Role::member, 2)});
    const auto told = room.commit(1, command::Leave{});
    EXPECT_EQ(room.role(1), Role::none);
    EXPECT_EQ(room.role(3), Role::owner);
    EXPECT_EQ(room.role(2), Role::admin);
    ASSERT_EQ(told.members.size(), 2u);
    EXPECT_EQ(told.members[1].row, 3u);
    EXPECT_EQ(told.members[1].role, Role::owner);
}

TEST(Leave, OfTheLastOwnerMakesTheOldestMemberOwnerWithoutAnAdmin) {
    Room room({in_room(1, Role::owner), in_room(2, Role::member, 9), in_room(3, Role::moderator, 8),
               in_room(4, Role::member, 2)});
    room.commit(1, command::Leave{});
    EXPECT_EQ(room.role(4), Role::owner);
    room.commit(4, command::Leave{});
    EXPECT_EQ(room.role(3), Role::owner);
}

TEST(Leave, OfOneOfTwoOwnersMakesNobodyOwner) {
    Room room({in_room(1, Role::owner), in_room(2, Role::owner), in_room(3, Role::admin)});
    room.commit(1, command::Leave{});
    EXPECT_EQ(room.role(3), Role::admin);
}

TEST(Leave, OfTheLastMemberLeavesAnEmptyRoom) {
    Room room({in_room(1, Role::owner)});
    room.commit(1, command::Leave{});
    EXPECT_EQ(room.conversation.member_count(), 0u);
    EXPECT_TRUE(room.conversation.present());
}

TEST(Leave, OfAnOwnerOfALargeRoomAsksWhoIsNext) {
    Limits limits;
    limits.listed_members = 2;
    Room room({in_room(1, Role::owner), in_room(2, Role::member), in_room(3, Role::member)}, {}, limits);
    Planned planned = room.plan(1, command::Leave{});
    ASSERT_TRUE(std::holds_alternative<Missing>(planned));
    EXPECT_EQ(std::get<Missing>(planned).leaving, 1u);
    HeirSearch search(1);
    search.see(in_room(900, Role::admin));
    room.conversation.set_heirs(1, search);
    room.commit(1, command::Leave{});
    EXPECT_EQ(room.role(900), Role::owner);
    // Of another change it is asked again.
    planned = room.plan(900, command::Leave{});
    ASSERT_TRUE(std::holds_alternative<Missing>(planned));
    // Who is no owner leaves without that.
    EXPECT_TRUE(std::holds_alternative<Plan>(room.plan(2, command::Leave{})));
}

// ---- add, remove, roles ----

TEST(Add, MakesMembersOfThoseWhoAreNone) {
    Room room = with_all_roles();
    room.strangers({6, 7});
    const auto told = room.commit(3, command::Add{.users = {{6}, {4}, {7}, {6}}});
    EXPECT_EQ(told.kind, ChangeKind::added);
    EXPECT_EQ(told.members.size(), 2u);
    EXPECT_EQ(room.role(6), Role::member);
    EXPECT_EQ(room.conversation.member_count(), 7u);
    EXPECT_TRUE(room.changes_nothing(3, command::Add{.users = {{6}, {4}}}));
}

TEST(Add, NeedsToKnowThem) {
    Room room = with_all_roles();
    const Planned planned = room.plan(3, command::Add{.users = {{6}, {4}, {7}}});
    ASSERT_TRUE(std::holds_alternative<Missing>(planned));
    EXPECT_EQ(std::get<Missing>(planned).members, (std::vector<Row>{6, 7}));
}

TEST(Add, IsForModeratorsAndGivesRolesBelowTheirs) {
    Room room = with_all_roles();
    room.strangers({6});
    EXPECT_EQ(room.refusal(4, command::Add{.users = {{6}}}), errc::forbidden);
    EXPECT_EQ(room.refusal(6, command::Add{.users = {{6}}}), errc::unknown_conversation);
    EXPECT_EQ(room.refusal(3, command::Add{.users = {{6}}, .role = Role::moderator}), errc::forbidden);
    EXPECT_EQ(room.refusal(3, command::Add{.users = {{6}}, .role = Role::none}), errc::forbidden);
    EXPECT_EQ(room.refusal(2, command::Add{.users = {{6}}, .role = Role::moderator}), errc::ok);
    EXPECT_EQ(room.refusal(0, command::Add{.users = {{6}}, .role = Role::owner}), errc::ok);
}

TEST(Add, IsRefusedForBannedOnesAndBeyondTheLimits) {
    Limits limits;
    limits.max_members = 2;
    limits.max_conversations = 5;
    Room room({in_room(1, Role::owner)}, {}, limits);
    room.strangers({6, 7});
    room.conversation.members().want(8);
    room.conversation.members().loaded({.user = 8, .banned_until = kPlansNow + 1});
    EXPECT_EQ(room.refusal(1, command::Add{.users = {{8}}}), errc::banned);
    EXPECT_EQ(room.refusal(1, command::Add{.users = {{6}, {7}}}), errc::too_many_members);
    EXPECT_EQ(room.refusal(1, command::Add{.users = {{6, 5}}}), errc::too_many_conversations);
    EXPECT_EQ(room.refusal(1, command::Add{.users = std::vector<command::Person>(101)}), errc::too_many_members);
    EXPECT_EQ(room.refusal(1, command::Add{.users = {{6, 4}}}), errc::ok);
}

TEST(Remove, TakesThoseBelow) {
    Room room = with_all_roles();
    EXPECT_EQ(room.refusal(3, command::Remove{2}), errc::forbidden);
    EXPECT_EQ(room.refusal(3, command::Remove{3}), errc::forbidden) << "oneself: leave";
    EXPECT_EQ(room.refusal(4, command::Remove{5}), errc::forbidden);
    EXPECT_EQ(room.commit(3, command::Remove{4}).kind, ChangeKind::removed);
    EXPECT_EQ(room.role(4), Role::none);
    EXPECT_TRUE(room.changes_nothing(3, command::Remove{4}));
    EXPECT_EQ(room.conversation.member_count(), 4u);
}

TEST(Remove, MuteAndBanAreOfOthersEvenForOwners) {
    Room room({in_room(1, Role::owner), in_room(2, Role::owner)});
    EXPECT_EQ(room.refusal(1, command::Remove{1}), errc::forbidden);
    EXPECT_EQ(room.refusal(1, command::Mute{1, 5}), errc::forbidden);
    EXPECT_EQ(room.refusal(1, command::Ban{1, 5}), errc::forbidden);
    EXPECT_EQ(room.refusal(1, command::Remove{0}), errc::forbidden) << "the server is no member";
    EXPECT_EQ(room.refusal(1, command::Remove{2}), errc::ok);
}

TEST(Remove, OfTheOnlyOwnerByTheServerMakesAnotherOne) {
    Room room = with_all_roles();
    room.commit(0, command::Remove{1});
    EXPECT_EQ(room.role(1), Role::none);
    EXPECT_EQ(room.role(2), Role::owner);
}

TEST(SetRole, IsForAdminsOfThoseBelow) {
    Room room = with_all_roles();
    EXPECT_EQ(room.refusal(3, command::SetRole{4, Role::reader}), errc::forbidden);
    EXPECT_EQ(room.refusal(2, command::SetRole{4, Role::admin}), errc::forbidden);
    EXPECT_EQ(room.refusal(2, command::SetRole{1, Role::member}), errc::forbidden);
    EXPECT_EQ(room.refusal(2, command::SetRole{4, Role::none}), errc::forbidden);
    const auto told = room.commit(2, command::SetRole{4, Role::moderator});
    EXPECT_EQ(told.kind, ChangeKind::role);
    EXPECT_EQ(told.members.at(0).role, Role::moderator);
    EXPECT_EQ(room.role(4), Role::moderator);
    EXPECT_TRUE(room.changes_nothing(2, command::SetRole{4, Role::moderator}));
    room.strangers({6});
    EXPECT_EQ(room.refusal(2, command::SetRole{6, Role::member}), errc::unknown_target);
    EXPECT_EQ(room.conversation.member_count(), 5u);
}

TEST(SetRole, OfAnOwnerByOneselfNeedsAnotherOwner) {
    Room room = with_all_roles();
    EXPECT_EQ(room.refusal(1, command::SetRole{1, Role::member}), errc::forbidden);
    EXPECT_TRUE(room.changes_nothing(1, command::SetRole{1, Role::owner}));
    room.commit(1, command::SetRole{2, Role::owner});
    room.commit(1, command::SetRole{1, Role::member});
    EXPECT_EQ(room.role(1), Role::member);
    EXPECT_EQ(room.role(2), Role::owner);
    EXPECT_EQ(room.refusal(4, command::SetRole{4, Role::owner}), errc::forbidden);
}

// ---- mute, ban ----

TEST(Mute, IsForModeratorsOfThoseBelow) {
    Room room = with_all_roles();
    EXPECT_EQ(room.refusal(3, command::Mute{3, 1}), errc::forbidden);
    EXPECT_EQ(room.refusal(3, command::Mute{2, 1}), errc::forbidden);
    const auto told = room.commit(3, command::Mute{4, kPlansNow + 5});
    EXPECT_EQ(told.kind, ChangeKind::muted);
    EXPECT_EQ(told.members.at(0).muted_until_ms, kPlansNow + 5);
    EXPECT_EQ(room.member(4).muted_until, kPlansNow + 5);
    EXPECT_EQ(room.role(4), Role::member);
    EXPECT_TRUE(room.changes_nothing(3, command::Mute{4, kPlansNow + 5}));
    room.commit(3, command::Mute{4, 0});
    EXPECT_EQ(room.member(4).muted_until, 0u);
    room.strangers({6});
    EXPECT_EQ(room.refusal(3, command::Mute{6, 1}), errc::unknown_target);
}

TEST(Ban, RemovesAndKeepsFromJoining) {
    Room room = with_all_roles({.join = model::Join::open});
    EXPECT_EQ(room.refusal(3, command::Ban{4, UINT64_MAX}), errc::forbidden) << "for admins";
    const auto told = room.commit(2, command::Ban{4, UINT64_MAX});
    EXPECT_EQ(told.kind, ChangeKind::banned);
    EXPECT_EQ(told.members.at(0).role, Role::none);
    EXPECT_EQ(told.members.at(0).banned_until_ms, UINT64_MAX);
    EXPECT_EQ(room.conversation.member_count(), 4u);
    EXPECT_EQ(room.refusal(4, command::Join{}), errc::banned);
    EXPECT_TRUE(room.changes_nothing(2, command::Ban{4, UINT64_MAX}));
    room.commit(2, command::Ban{4, 0});
    EXPECT_EQ(room.role(4), Role::none);
    EXPECT_EQ(room.refusal(4, command::Join{}), errc::ok);
}

TEST(Ban, MayBeOfWhoIsNoMember) {
    Room room = with_all_roles({.join = model::Join::open});
    room.strangers({6});
    room.commit(2, command::Ban{6, kPlansNow + 1});
    EXPECT_EQ(room.refusal(6, command::Join{}), errc::banned);
    EXPECT_EQ(room.conversation.member_count(), 5u);
    ++room.now_ms;
    EXPECT_EQ(room.refusal(6, command::Join{}), errc::ok);
}

// ---- configuration ----

TEST(Configure, ChangesWhatIsSaidAndTellsAll) {
    Room room = with_all_roles({.title = "old", .slow_mode_ms = 5});
    EXPECT_EQ(room.refusal(3, command::Configure{.title = "new"}), errc::forbidden);
    const auto told = room.commit(2, command::Configure{.title = "new", .frozen = true});
    EXPECT_EQ(told.kind, ChangeKind::config);
    ASSERT_TRUE(told.config);
    EXPECT_EQ(told.config->title, "new");
    EXPECT_EQ(told.config->slow_mode_ms, 5u);
    EXPECT_TRUE(room.conversation.config().frozen);
    EXPECT_TRUE(room.changes_nothing(2, command::Configure{.title = "new"}));
    EXPECT_EQ(room.refusal(2, command::Configure{.title = "a\tb"}), errc::invalid_name);
    EXPECT_EQ(room.refusal(2, command::Configure{.max_payload_bytes = 0}), errc::message_too_large);
    room.commit(2, command::Configure{.join = model::Join::open,
                                      .visibility = model::Visibility::all,
                                      .max_payload_bytes = 9,
                                      .slow_mode_ms = 0,
                                      .frozen = false});
    EXPECT_EQ(
        room.conversation.config(),
        (model::Config{
            .title = "new", .join = model::Join::open, .visibility = model::Visibility::all, .max_payload_bytes = 9}));
}

TEST(Destroy, IsForOwnersAndEndsIt) {
    Room room = with_all_roles();
    EXPECT_EQ(room.refusal(2, command::Destroy{}), errc::forbidden);
    room.commit(1, command::Destroy{});
    EXPECT_EQ(room.conversation.state(), Conversation::State::absent);
    EXPECT_EQ(room.refusal(1, command::Leave{}), errc::unknown_conversation);
    EXPECT_EQ(room.refusal(1, command::Create{}), errc::ok);
}

// ---- direct conversations ----

TEST(Direct, HasNoCommandsButTheBlock) {
    Limits limits;
    Conversation direct(model::ConversationKey::direct("alice", "bob"), limits);
    direct.load_absent();
    const Plan made = plan_direct(1, 2, kPlansNow);
    direct.apply(made, {.row = 4});
    EXPECT_EQ(direct.member_count(), 2u);
    direct.check_invariants();
    for (const Command& command :
         {Command(command::Leave{}), Command(command::Add{}), Command(command::Remove{2}), Command(command::Destroy{}),
          Command(command::Configure{.title = "x"}), Command(command::Join{})}) {
        EXPECT_EQ(std::get<Refusal>(plan(direct, 1, command, kPlansNow)).code, errc::forbidden) << command.index();
    }
    EXPECT_FALSE(direct.blocked_for(1));
    Planned planned = plan(direct, 2, command::Block{true}, kPlansNow);
    EXPECT_FALSE(std::get<Plan>(planned).tells) << "nobody is told";
    direct.apply(std::get<Plan>(planned), {.row = 4});
    EXPECT_TRUE(direct.blocked_for(1));
    EXPECT_FALSE(direct.blocked_for(2));
    planned = plan(direct, 2, command::Block{true}, kPlansNow);
    EXPECT_TRUE(std::get<Plan>(planned).nothing);

    EXPECT_EQ(with_all_roles().refusal(1, command::Block{}), errc::forbidden) << "a room";
}

// Sessions of those who were no members are told.
TEST(Plans, NameWhoEnters) {
    using Rows = std::vector<Row>;
    const auto entering = [](Room& room, Row actor, const Command& command) {
        return std::get<Plan>(room.plan(actor, command)).entering;
    };
    Room made;
    EXPECT_EQ(entering(made, 1, command::Create{.members = {{2}, {3}, {2}}}), (Rows{1, 2, 3}));
    Room room = with_all_roles({.join = model::Join::open});
    room.strangers({6, 7});
    EXPECT_EQ(entering(room, 1, command::Add{{{6}, {4}, {7}}}), (Rows{6, 7}));
    EXPECT_EQ(entering(room, 6, command::Join{}), (Rows{6}));
    EXPECT_TRUE(entering(room, 4, command::Join{}).empty());
    EXPECT_TRUE(entering(room, 4, command::Leave{}).empty());
    EXPECT_TRUE(entering(room, 1, command::SetRole{4, Role::admin}).empty());
    EXPECT_EQ(plan_direct(5, 6, kPlansNow).entering, (Rows{5, 6}));
    EXPECT_EQ(plan_direct(0, 6, kPlansNow).entering, (Rows{6}));
    EXPECT_EQ(plan_direct(5, 5, kPlansNow).entering, (Rows{5}));
}

TEST(Direct, WithTheServerIsReadOnlyAndNotesToOneselfHaveOneMember) {
    const Plan with_server = plan_direct(0, 5, kPlansNow);
    ASSERT_EQ(with_server.members.size(), 1u);
    EXPECT_EQ(with_server.members[0].user, 5u);
    EXPECT_EQ(with_server.members[0].role, Role::reader);
    EXPECT_EQ(with_server.joined, 1);
    const Plan notes = plan_direct(5, 5, kPlansNow);
    ASSERT_EQ(notes.members.size(), 1u);
    EXPECT_EQ(notes.members[0].role, Role::member);
}

TEST(Plans, OnlyTheServerCutsALog) {
    Room room({{.user = 1, .role = Role::owner}});
    const std::uint64_t epoch = room.conversation.head().last.epoch;
    EXPECT_EQ(room.refusal(1, command::Truncate{3, epoch}), errc::forbidden);
    room.commit(0, command::Truncate{3, epoch});
    EXPECT_EQ(room.conversation.head().first, 3u);
    EXPECT_TRUE(room.changes_nothing(0, command::Truncate{3, epoch}));
    EXPECT_TRUE(room.changes_nothing(0, command::Truncate{0, epoch}));
    EXPECT_TRUE(room.changes_nothing(0, command::Truncate{1'000, epoch + 1}))
        << "what was found in one log is not cut from the one that was made anew";
    room.commit(0, command::Truncate{1'000, epoch});
    EXPECT_EQ(room.conversation.head().first, 6u) << "everything goes, and the log goes on behind its end";
    EXPECT_EQ(room.conversation.head().last.offset, 5u);
}

}  // namespace
}  // namespace flare::im
