#include "store/memory/memory.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace flare::store::memory {
namespace {

// What only this disk can do; the rest is in tests/contract/store.
class MemoryDisk : public ::testing::Test {
protected:
    Result<> add(const char* user) {
        WriteBatch batch;
        batch.writes.push_back({NewUser{user}});
        WriteBatch* const group[] = {&batch};
        return engine->commit(group, 1);
    }
    bool has(const char* user) { return engine->reader()->user(user)->has_value(); }

    Disk disk{7};
    std::unique_ptr<Engine> engine = open(disk);
};

TEST_F(MemoryDisk, ShowsAGroupWhoseSyncFailedWhenItIsOpenedAgain) {
    disk.fail(2);  // a commit is written, and then synced
    EXPECT_EQ(add("alice").error(), errc::storage_failed);
    EXPECT_FALSE(has("alice"));
    ASSERT_TRUE(engine->reopen());
    EXPECT_TRUE(has("alice"));
}

TEST_F(MemoryDisk, HasNothingOfAGroupThatWasNotWritten) {
    disk.fail(1);
    EXPECT_EQ(add("alice").error(), errc::storage_failed);
    ASSERT_TRUE(engine->reopen());
    EXPECT_FALSE(has("alice"));
}

TEST_F(MemoryDisk, LosesAGroupWhoseSyncFailedOrNot) {
    for (const bool kept : {false, true}) {
        disk.die(2);
        EXPECT_EQ(add(kept ? "kept" : "lost").error(), errc::storage_failed);
        engine.reset();
        disk.lose_unsynced(kept);
        engine = open(disk);
    }
    EXPECT_FALSE(has("lost"));
    EXPECT_TRUE(has("kept"));
}

TEST_F(MemoryDisk, LosesWhatALyingDiskHasAnswered) {
    ASSERT_TRUE(add("alice"));
    disk.hold_syncs(true);
    ASSERT_TRUE(add("bob"));
    EXPECT_TRUE(has("bob"));
    disk.lose_unsynced(true);
    EXPECT_TRUE(has("alice"));
    EXPECT_FALSE(has("bob"));
    ASSERT_TRUE(add("carol"));
    disk.hold_syncs(false);
    disk.lose_unsynced(true);
    EXPECT_TRUE(has("carol"));
}

TEST_F(MemoryDisk, LosesAMarkThatALyingDiskHasAnswered) {
    const auto write = [&](Write each) {
        WriteBatch batch;
        batch.writes.push_back(std::move(each));
        WriteBatch* const group[] = {&batch};
        EXPECT_TRUE(engine->commit(group, 1));
        return batch.writes.front().outcome;
    };
    Change made;
    made.key = model::ConversationKey::room("tea");
    made.members.resize(1);
    made.members[0].user = 1;
    made.members[0].role = model::Role::member;
    NewEntry entry;
    entry.conversation = write({made}).row;
    write({entry});
    disk.hold_syncs(true);
    EXPECT_EQ(write({Mark{entry.conversation, 1, 1}}).position.offset, 1u);
    made.conversation = entry.conversation;
    made.members[0].role = model::Role::admin;
    EXPECT_EQ(write({made}).code, errc::ok);  // what is undone first
    disk.lose_unsynced(true);
    const auto page = engine->reader()->list({.user = 1});
    ASSERT_TRUE(page);
    ASSERT_EQ(page->found.size(), 1u);
    EXPECT_EQ(page->found[0].mark, model::ReadMark());
    EXPECT_EQ(page->found[0].member.role, model::Role::member);
}

TEST_F(MemoryDisk, ACopyBringsBackWhatWasThereWithTheSameEpochsOrWithOthers) {
    WriteBatch batch;
    Change room;
    room.key = model::ConversationKey::room("tea");
    batch.writes.push_back({room});
    WriteBatch* const group[] = {&batch};
    ASSERT_TRUE(engine->commit(group, 1));
    const auto epoch = [&] { return (**engine->reader()->conversation(room.key)).head.last.epoch; };
    const std::uint64_t before = epoch();
    ASSERT_TRUE(add("alice"));
    disk.back_up();
    for (const bool new_generation : {false, true, false}) {
        ASSERT_TRUE(add("bob"));
        engine.reset();
        disk.restore(new_generation ? 8 : disk.generation());
        engine = open(disk);
        EXPECT_TRUE(has("alice"));
        EXPECT_FALSE(has("bob"));
        EXPECT_EQ(epoch() != before, disk.generation() == 8);
        EXPECT_EQ(engine->about().generation, disk.generation());
    }
}

TEST_F(MemoryDisk, SaysThatNothingIsDurable) {
    EXPECT_FALSE(engine->about().durable);
    EXPECT_EQ(engine->about().generation, 7u);
}

}  // namespace
}  // namespace flare::store::memory
