// Clauses about marks: how far a user has read.
#include "contract/store/list_fixture.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using model::ReadMark;
using model::Role;

class StoreMarking : public ListedStore {};
INSTANTIATE_TEST_SUITE_P(All, StoreMarking, ::testing::ValuesIn(engine_kinds()), kind_name);

// Of engines whose operations are the same ones in each run, so that each of them can be made to fail.
class StoreMarkingOnFailingDisks : public ListedStore {};
INSTANTIATE_TEST_SUITE_P(All, StoreMarkingOnFailingDisks, ::testing::ValuesIn(counted_engine_kinds()), kind_name);

TEST_P(StoreMarking, GrowsOnly) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 5);
    const Outcome marked = mark(room, kAnn, 3);
    EXPECT_EQ(marked.code, errc::ok);
    EXPECT_FALSE(marked.repeat);
    EXPECT_EQ(marked.row, room);
    EXPECT_EQ(marked.position, (model::Position{head(room).last.epoch, 3}));
    EXPECT_EQ(marked.messages, 3u);
    EXPECT_GT(marked.stamp, head(room).stamp);
    for (const std::uint64_t offset : {3, 2, 0}) {
        const Outcome again = mark(room, kAnn, offset);
        EXPECT_EQ(again.code, errc::ok);
        EXPECT_TRUE(again.repeat);
        EXPECT_EQ(again.position, marked.position);
        EXPECT_EQ(again.messages, 3u);
        EXPECT_EQ(again.stamp, marked.stamp);
    }
    const Outcome further = mark(room, kAnn, 4);
    EXPECT_FALSE(further.repeat);
    EXPECT_EQ(further.position.offset, 4u);
    EXPECT_EQ(further.stamp, marked.stamp + 1);
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{4, 4}));
    EXPECT_EQ(mark_of(room, kBob), ReadMark());
}

TEST_P(StoreMarking, IsThereAfterACrash) {
    const Row room = make_room("room", {kAnn});
    say(room, kBob, 5);
    const Outcome marked = mark(room, kAnn, 4);
    crash();
    const Listed found = listed(room, kAnn);
    EXPECT_EQ(found.mark, (ReadMark{4, 4}));
    EXPECT_EQ(found.stamp, marked.stamp);
    EXPECT_TRUE(mark(room, kAnn, 4).repeat);
    EXPECT_GT(say(room, kBob).stamp, marked.stamp) << "a stamp is given once";
}

TEST_P(StoreMarking, EndsWithTheLog) {
    const Row room = make_room("room", {kAnn});
    EXPECT_TRUE(mark(room, kAnn, 7).repeat) << "there is nothing to be read";
    say(room, kBob, 2);
    EXPECT_EQ(mark(room, kAnn, UINT64_MAX).position.offset, 2u);
    EXPECT_TRUE(mark(room, kAnn, 3).repeat);
    say(room, kBob, 1);
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{2, 2}));
    EXPECT_EQ(mark(room, kAnn, 3).position.offset, 3u);
}

TEST_P(StoreMarking, KnowsHowManyMessagesWereThere) {
    const Row room = make_room("room", {kAnn, kBob});
    for (int i = 0; i < 40; ++i) {
        say(room, kBob);           // offset 3 * i + 1
        say_silently(room, kBob);  // 3 * i + 2
        say(room, kBob, model::EntryKind::edit, static_cast<std::uint64_t>(3 * i + 1));
    }
    for (const std::uint64_t offset : {1, 2, 3, 4, 50, 100, 119, 120}) {
        EXPECT_EQ(mark(room, kAnn, offset).messages, (offset + 2) / 3);
        EXPECT_EQ(mark_of(room, kAnn), (ReadMark{offset, (offset + 2) / 3}));
    }
}

TEST_P(StoreMarking, CountsWhatIsGoneAsThere) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 20);
    say_silently(room, kBob);
    say(room, kBob, 10);
    cut(room, 22);
    EXPECT_EQ(mark(room, kAnn, 5).messages, 20u);
    EXPECT_EQ(mark(room, kAnn, 21).messages, 20u);
    EXPECT_EQ(mark(room, kAnn, 22).messages, 21u);
    cut(room, 100);
    EXPECT_EQ(mark(room, kBob, 7).messages, 30u);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreMarking, NeedsARole) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 5);
    leave(room, kBob);
    for (const auto& [where, who] : {std::pair(room, kCat), std::pair(room, kBob), std::pair(room + 1, kAnn)}) {
        const Outcome refused = mark(where, who, 3);
        EXPECT_EQ(refused.code, errc::unknown_conversation);
        EXPECT_EQ(refused.position, model::Position());
    }
    remove(room);
    EXPECT_EQ(mark(room, kAnn, 3).code, errc::unknown_conversation);
}

TEST_P(StoreMarking, IsAtTheEndForWhoeverJoins) {
    const Row room = make_room("room", {kAnn});
    say(room, kAnn, 3);
    put(room, member_since_start(kBob));
    EXPECT_EQ(mark_of(room, kBob), (ReadMark{4, 3}));
    put(room, member_since_start(kCat), false);
    EXPECT_EQ(mark_of(room, kCat), (ReadMark{4, 3}));
    EXPECT_EQ(mark_of(room, kAnn), ReadMark()) << "who was there from the beginning has read nothing";

    leave(room, kBob);
    say(room, kAnn, 2);
    put(room, member_since_start(kBob));
    EXPECT_EQ(mark_of(room, kBob), (ReadMark{8, 5}));
}

TEST_P(StoreMarking, IsNothingInAConversationThatIsMade) {
    Change made;
    made.key = model::ConversationKey::direct("ann", "bob");
    made.members = {member_since_start(kAnn), member_since_start(kBob)};
    made.entry = entry(0, ++last_id);
    const Row direct = change(made).row;
    EXPECT_EQ(mark_of(direct, kBob), ReadMark());
    EXPECT_EQ(unread(direct, kBob), "1");
}

TEST_P(StoreMarking, StaysWhenItsMemberChanges) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 5);
    mark(room, kAnn, 2);
    model::Member muted = member_since_start(kAnn, Role::reader);
    muted.muted_until = kStart + 1;
    put(room, muted);
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{2, 2}));
    EXPECT_EQ(listed(room, kAnn).member.role, Role::reader);
    mark(room, kAnn, 3);
    EXPECT_EQ(listed(room, kAnn).member.muted_until, kStart + 1);
}

TEST_P(StoreMarking, IsWrittenWithItsGroup) {
    const Row room = make_room("room", {kAnn, kBob});
    bytes.clear();
    WriteBatch batch;
    batch.writes = {
        {entry(room, 1)}, {Mark{room, kAnn, 9}}, {entry(room, 2)}, {Mark{room, kBob, 9}}, {Mark{room, kAnn, 1}}};
    batch.bytes = bytes;
    WriteBatch* const group[] = {&batch};
    ASSERT_TRUE(engine->commit(group, now));
    EXPECT_EQ(batch.writes[1].outcome.position.offset, 1u) << "what comes later in the group is not there yet";
    EXPECT_EQ(batch.writes[3].outcome.position.offset, 2u);
    EXPECT_TRUE(batch.writes[4].outcome.repeat);
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{1, 1}));
    EXPECT_EQ(mark_of(room, kBob), (ReadMark{2, 2}));
}

// Of an entry, a change and a mark in one transaction; the whole of it is there, or nothing.
TEST_P(StoreMarkingOnFailingDisks, IsThereOrNotWhereverItsCommitFails) {
    for (std::uint64_t n = 1;; ++n) {
        ASSERT_LT(n, 500u);
        SCOPED_TRACE("operation " + std::to_string(n));
        StoreTest store(GetParam());
        add_users(store);
        Change made;
        made.key = model::ConversationKey::room("room");
        made.members = {member_since_start(kAnn)};
        const Row room = store.change(made).row;
        for (std::uint64_t id = 1; id <= 5; ++id) store.append(room, id);
        store.bytes.clear();
        WriteBatch batch;
        batch.writes = {{store.entry(room, 6)}, {Mark{room, kAnn, 6}}};
        batch.bytes = store.bytes;
        WriteBatch* const group[] = {&batch};
        store.place->fail(n);
        const bool done = store.engine->commit(group, store.now).has_value();
        const bool struck = store.place->struck();
        store.place->heal();
        EXPECT_TRUE(!struck || store.engine->reopen());  // or it failed when the group was committed
        ListRequest request;
        request.user = kAnn;
        const auto page = store.reader->list(request);
        ASSERT_TRUE(page);
        ASSERT_EQ(page->found.size(), 1u);
        const Listed& found = page->found.front();
        const std::uint64_t last = found.conversation.head.last.offset;
        EXPECT_EQ(last, done ? 6u : last);
        EXPECT_EQ(found.mark, last == 6 ? (ReadMark{6, 6}) : ReadMark());
        EXPECT_EQ(store.write({Mark{room, kAnn, 5}}).position.offset, last == 6 ? 6u : 5u);
        EXPECT_TRUE(store.engine->check(5)->good());
        if (!struck) break;
    }
}

TEST_P(StoreMarking, FindsNoRoomOnAFullDiskUnlessItChangesNothing) {
    const Row room = make_room("room", {kAnn});
    say(room, kBob, 5);
    mark(room, kAnn, 2);
    place->fill(true);
    Write more{Mark{room, kAnn, 3}};
    const auto done = try_write(more);
    EXPECT_EQ(done ? more.outcome.code : static_cast<errc>(done.error().value()), errc::storage_full);
    place->fill(false);
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{2, 2}));
    EXPECT_EQ(mark(room, kAnn, 3).code, errc::ok);
}

}  // namespace
}  // namespace flare::store::test
