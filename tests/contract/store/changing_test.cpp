// Clauses about conversations, members and users.
#include "contract/store/store_fixture.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

FLARE_STORE_SUITE(StoreChanging);

TEST_P(StoreChanging, MakesAConversationWithItsEntryAndMembers) {
    Change made;
    made.key = model::ConversationKey::room("caf\xc3\xa9");
    made.config = model::Config{"Title", model::Join::open, model::Visibility::all, 1000, 2000, true};
    made.members = {member_since_start(1, model::Role::owner), member_since_start(2, model::Role::none),
                    member_since_start(3, model::Role::member)};
    made.entry = entry(0, 1);
    made.entry->kind = model::EntryKind::membership;
    const Outcome outcome = change(made);
    EXPECT_EQ(outcome.position.offset, 1u);
    EXPECT_NE(outcome.row, 0u);
    for (const bool again : {false, true}) {
        if (again) open();
        const auto found = reader->conversation(made.key);
        ASSERT_TRUE(found && *found);
        EXPECT_EQ((**found).row, outcome.row);
        EXPECT_EQ((**found).key, made.key);
        EXPECT_EQ((**found).config, *made.config);
        EXPECT_EQ((**found).members, 2u);
        EXPECT_EQ((**found).created_ms, kStart);
        EXPECT_FALSE((**found).removed);
        EXPECT_EQ((**found).head.last, outcome.position);
        const auto owner = reader->member(outcome.row, 1);
        ASSERT_TRUE(owner && *owner);
        EXPECT_EQ((**owner).role, model::Role::owner);
        EXPECT_EQ((**owner).joined_at, kStart);
        EXPECT_EQ((**owner).visible_from, 1u);  // from the entry that tells it
    }
}

TEST_P(StoreChanging, HasTheUsualConfigUnlessItIsSaid) {
    const Row room = make("room");
    EXPECT_EQ((**reader->conversation(room)).config, model::Config{});
    Change changed;
    changed.conversation = room;
    changed.config = model::Config{};
    changed.config->frozen = true;
    change(changed);
    EXPECT_TRUE((**reader->conversation(room)).config.frozen);
    changed.config.reset();
    change(changed);
    EXPECT_TRUE((**reader->conversation(room)).config.frozen);
}

TEST_P(StoreChanging, RefusesAKeyThatIsTakenAndSaysByWhom) {
    const Row room = make("room");
    Change again;
    again.key = model::ConversationKey::room("room");
    again.entry = entry(0, 1);
    again.members = {member_since_start(1, model::Role::owner)};
    const Outcome refused = change(again);
    EXPECT_EQ(refused.code, errc::conversation_exists);
    EXPECT_EQ(refused.row, room);
    EXPECT_EQ(head(room).last.offset, 0u);
    EXPECT_FALSE(*reader->member(room, 1));
    again.key = model::ConversationKey();
    EXPECT_EQ(change(again).code, errc::unknown_conversation);
}

TEST_P(StoreChanging, AnswersARepeatedChangeAndDoesItOnce) {
    Change made;
    made.key = model::ConversationKey::direct("alice", "bob");
    made.entry = entry(0, 1);
    made.entry->first_sent_ms = kStart - 60'000;  // before the log, which this makes
    const Outcome first = change(made);
    ASSERT_EQ(first.code, errc::ok);
    const Outcome repeat = change(made);
    EXPECT_EQ(repeat.code, errc::ok);
    EXPECT_TRUE(repeat.repeat);
    EXPECT_EQ(repeat.position, first.position);
    EXPECT_EQ(repeat.row, first.row);

    Change joins;
    joins.conversation = first.row;
    joins.members = {member_since_start(5, model::Role::member)};
    joins.entry = entry(0, 2);
    ASSERT_EQ(change(joins).position.offset, 2u);
    Change leaves = joins;
    leaves.members = {member_since_start(5, model::Role::none)};
    leaves.entry = entry(0, 3);
    ASSERT_EQ(change(leaves).position.offset, 3u);
    EXPECT_TRUE(change(joins).repeat);
    EXPECT_EQ((**reader->member(first.row, 5)).role, model::Role::none);
}

TEST_P(StoreChanging, KeepsMembersThatAChangeDoesNotName) {
    const Row room = make("room");
    Change changed;
    changed.conversation = room;
    for (Row user = 1; user <= 5; ++user) changed.members.push_back(member_since_start(user, model::Role::member));
    change(changed);
    append(room, 1);
    changed.members = {member_since_start(2, model::Role::none), member_since_start(4, model::Role::admin),
                       member_since_start(6, model::Role::reader)};
    changed.members[0].left_at = kStart + 5;
    changed.members[0].visible_from = 1;
    changed.members[1].muted_until = kStart + 6;
    changed.members[1].banned_until = kStart + 7;
    changed.members[1].blocks = true;
    change(changed);
    for (const bool again : {false, true}) {
        if (again) open();
        EXPECT_EQ((**reader->conversation(room)).members, 5u);
        EXPECT_EQ(**reader->member(room, 4), (model::Member{.user = 4,
                                                            .role = model::Role::admin,
                                                            .joined_at = kStart,
                                                            .visible_from = 2,
                                                            .muted_until = kStart + 6,
                                                            .banned_until = kStart + 7,
                                                            .blocks = true}));
        EXPECT_EQ((**reader->member(room, 2)).left_at, kStart + 5);
        EXPECT_EQ((**reader->member(room, 3)).visible_from, 1u);
        EXPECT_EQ((**reader->member(room, 6)).visible_from, 2u);  // from the next entry on
    }
}

TEST_P(StoreChanging, ListsMembersAndConversationsInPages) {
    std::vector<Row> rooms;
    for (const char* name : {"a", "b", "c"}) {
        Change made;
        made.key = model::ConversationKey::room(name);
        for (Row user = 1; user <= 4; ++user)
            made.members.push_back(member_since_start(user, user == 2 ? model::Role::none : model::Role::member));
        rooms.push_back(change(made).row);
    }
    const auto users = [&](Row after, std::uint32_t limit, bool gone) {
        std::vector<Row> found;
        for (const model::Member& each : *reader->members(rooms[1], after, limit, gone)) found.push_back(each.user);
        return found;
    };
    EXPECT_THAT(users(0, 10, false), ElementsAre(1, 3, 4));
    EXPECT_THAT(users(0, 2, false), ElementsAre(1, 3));
    EXPECT_THAT(users(0, 2, true), ElementsAre(1, 2));
    EXPECT_THAT(users(3, 10, false), ElementsAre(4));
    const auto of_user = reader->conversations_of(3, rooms[0], 10);
    ASSERT_TRUE(of_user);
    ASSERT_THAT(*of_user, SizeIs(2));
    EXPECT_EQ((*of_user)[0].conversation, rooms[1]);
    EXPECT_EQ((*of_user)[1].conversation, rooms[2]);
    EXPECT_EQ((*of_user)[1].member.user, 3u);
    EXPECT_THAT(*reader->conversations_of(3, 0, 1), SizeIs(1));
    EXPECT_THAT(*reader->conversations_of(9, 0, 10), IsEmpty());
    EXPECT_EQ(*reader->count_conversations(3, 10), 3u);
    EXPECT_EQ(*reader->count_conversations(3, 2), 2u);
    EXPECT_EQ(*reader->count_conversations(2, 10), 0u) << "who has no role there";
    EXPECT_EQ(*reader->count_conversations(9, 10), 0u);
    Change gone;
    gone.conversation = rooms[0];
    gone.removed = true;
    change(gone);
    EXPECT_EQ(*reader->count_conversations(3, 10), 2u);
}

TEST_P(StoreChanging, LeavesATombstoneOfARemovedConversation) {
    const Row room = make("room");
    for (std::uint64_t id = 1; id <= 40; ++id) append(room, id);
    Change removal;
    removal.conversation = room;
    removal.removed = true;
    ASSERT_EQ(change(removal).code, errc::ok);
    for (const bool later : {false, true}) {
        if (later) {
            maintain();
            open();
            maintain();
        }
        const auto found = reader->conversation(model::ConversationKey::room("room"));
        ASSERT_TRUE(found && *found);
        EXPECT_TRUE((**found).removed);
        EXPECT_EQ((**found).row, room);
        EXPECT_THAT(all(room).entries, IsEmpty());
        EXPECT_EQ(append(room, 50).code, errc::unknown_conversation);
        EXPECT_EQ(append(room, 1).code, errc::unknown_conversation);
        EXPECT_EQ(change(removal).code, errc::unknown_conversation);
    }
    EXPECT_FALSE(*reader->find(id_of(1), room, 7));

    const Row again = make("room");
    EXPECT_NE(again, room);
    EXPECT_EQ((**reader->conversation(model::ConversationKey::room("room"))).row, again);
    EXPECT_FALSE((**reader->conversation(again)).removed);
    const Outcome sent = append(again, 1);
    EXPECT_EQ(sent.position.offset, 1u);
    EXPECT_FALSE(sent.repeat);

    now += std::uint64_t{31} * 24 * 60 * 60 * 1000;
    maintain();
    EXPECT_FALSE(*reader->conversation(room));
    EXPECT_TRUE(*reader->conversation(again));
    EXPECT_NE(make("third"), room);  // a number is given once
}

TEST_P(StoreChanging, CutsALogAndKeepsItsOffsets) {
    const Row room = make("room");
    for (std::uint64_t id = 1; id <= 100; ++id) append(room, id, "12345");
    Change cut;
    cut.conversation = room;
    cut.keep_from = 71;
    ASSERT_EQ(change(cut).code, errc::ok);
    for (const int step : {0, 1, 2}) {
        if (step == 1) maintain();
        if (step == 2) open();
        const Page page = all(room);
        ASSERT_EQ(page.entries.size(), 30u);
        EXPECT_EQ(page.entries.front().offset, 71u);
        EXPECT_EQ(page.head.first, 71u);
        EXPECT_EQ(page.head.last.offset, 100u);
        EXPECT_EQ(page.head.messages, 100u);
        if (step == 0) continue;
        EXPECT_EQ(page.head.bytes, 150u);
        EXPECT_FALSE(*reader->find(id_of(70), room, 7));
        EXPECT_TRUE(*reader->find(id_of(71), room, 7));
    }
    cut.keep_from = 500;
    change(cut);
    maintain();
    EXPECT_EQ(head(room).first, 101u);
    EXPECT_THAT(all(room).entries, IsEmpty());
    for (const bool again : {false, true}) {
        if (again) open();
        EXPECT_EQ(append(room, again ? 102 : 101).position.offset, again ? 102u : 101u);
    }
    EXPECT_THAT(offsets(all(room)), ElementsAre(101, 102));
}

TEST_P(StoreChanging, KnowsAUserByOneRow) {
    const Outcome alice = write({NewUser{"alice"}});
    const Outcome bob = write({NewUser{"bob"}});
    EXPECT_NE(alice.row, bob.row);
    EXPECT_NE(alice.row, 0u);
    for (const bool again : {false, true}) {
        if (again) open();
        const Outcome known = write({NewUser{"alice"}});
        EXPECT_EQ(known.row, alice.row);
        EXPECT_TRUE(known.repeat);
        EXPECT_EQ(*reader->user("bob"), bob.row);
        EXPECT_EQ(*reader->user_name(alice.row), "alice");
        EXPECT_EQ(*reader->user("carol"), std::nullopt);
        EXPECT_EQ(*reader->user_name(bob.row + 1), std::nullopt);
    }
}

TEST_P(StoreChanging, TakesTextThatLooksLikeSql) {
    const std::string name = "'; DROP TABLE log; --";
    const Row room = make(name);
    append(room, 1, name);
    EXPECT_EQ((**reader->conversation(model::ConversationKey::room(name))).row, room);
    EXPECT_THAT(payloads(all(room)), ElementsAre(name));
}

}  // namespace
}  // namespace flare::store::test
