// Clauses about disks that fail: whatever fails and when, what was answered is in the log once, at its position, and
// what was not can be sent again.
#include "contract/store/sender.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;

class StoreFailing : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(All, StoreFailing, ::testing::ValuesIn(counted_engine_kinds()), kind_name);

TEST_P(StoreFailing, TakesNothingAfterAFailureUntilItIsOpenedAgain) {
    const Row room = make("room");
    append(room, 1);
    place->fail(1);
    Write failed{entry(room, 2)};
    const auto done = try_write(failed);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), errc::storage_failed);
    place->heal();
    const auto still = try_write(failed);
    ASSERT_FALSE(still);
    EXPECT_EQ(still.error(), errc::storage_failed);
    EXPECT_EQ(engine->maintain(now).error(), errc::storage_failed);
    EXPECT_THAT(offsets(all(room)), ElementsAre(1));  // reading goes on

    ASSERT_TRUE(engine->reopen());
    EXPECT_EQ(append(room, 2).position.offset, 2u);
    EXPECT_THAT(offsets(all(room)), ElementsAre(1, 2));  // the reader of before, too
    open();
    EXPECT_THAT(offsets(all(room)), ElementsAre(1, 2));
}

TEST_P(StoreFailing, SurvivesTheFailureOfEachOperation) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        StoreTest store(GetParam());
        Sender sender(store);
        store.place->fail(n);
        const errc said = sender.run();
        if (!store.place->struck()) {
            EXPECT_EQ(said, errc::ok);
            EXPECT_TRUE(sender.complete());
            EXPECT_GT(n, 20u);
            return;
        }
        // What fails after a commit is told by the next call; behind the last one there is none.
        EXPECT_EQ(said, sender.complete() ? errc::ok : errc::storage_failed);
        Write other{NewUser{"other"}};
        EXPECT_EQ(store.try_write(other).error(), errc::storage_failed);
        ASSERT_TRUE(store.engine->reopen());
        EXPECT_EQ(sender.run(), errc::ok);
        sender.check();
        store.open();
        sender.check();
        if (HasFailure()) return;
    }
}

TEST_P(StoreFailing, SurvivesALossOfPowerAtEachOperation) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        StoreTest store(GetParam());
        Sender sender(store);
        store.place->die(n);
        const errc said = sender.run();
        if (!store.place->struck()) {
            EXPECT_EQ(said, errc::ok);
            EXPECT_GT(n, 20u);
            return;
        }
        store.close();
        store.place->lose_unsynced(n);
        store.open();
        if (store.engine == nullptr) return;
        EXPECT_EQ(sender.run(), errc::ok);
        EXPECT_TRUE(sender.complete());
        sender.check();
        if (HasFailure()) return;
    }
}

// A process is killed and starts again, and only then the power goes: what the second one answered stays, although the
// first one wrote it and did not sync it.
TEST_P(StoreFailing, AnswersNothingThatIsNotOnDisk) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        StoreTest store(GetParam());
        store.place->die(n);
        Write sent{NewUser{"alice"}};
        (void)store.try_write(sent);
        if (!store.place->struck()) return;
        store.close();
        store.place->heal();
        store.open();
        if (store.engine == nullptr) return;
        const Outcome answered = store.write({NewUser{"alice"}});  // a repeat: nothing is written now
        store.place->die(1);
        store.close();
        store.place->lose_unsynced(n);
        store.open();
        if (store.engine == nullptr) return;
        EXPECT_EQ(*store.reader->user("alice"), answered.row);
        if (HasFailure()) return;
    }
}

TEST_P(StoreFailing, SurvivesALossOfPowerWhileItIsMade) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        const auto made = GetParam().make();
        made->die(n);
        const bool opened = made->open().has_value();  // and is closed again
        if (!made->struck()) {
            EXPECT_TRUE(opened);
            return;
        }
        made->lose_unsynced(n);
        const auto again = made->open();
        ASSERT_TRUE(again) << again.error().text;
        WriteBatch batch;
        batch.writes.push_back({NewUser{"alice"}});
        WriteBatch* const group[] = {&batch};
        EXPECT_TRUE((*again)->commit(group, kStart));
        EXPECT_EQ(batch.writes.front().outcome.row, 1u);
    }
}

TEST_P(StoreFailing, SurvivesALossOfPowerWhileItStarts) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        StoreTest store(GetParam());
        Sender sender(store);
        store.place->die(150);
        (void)sender.run();
        store.close();
        store.place->lose_unsynced(n);
        store.place->die(n);
        const bool opened = store.place->open().has_value();  // and is closed again
        const bool struck = store.place->struck();
        EXPECT_TRUE(opened || struck);
        store.place->lose_unsynced(n);
        store.open();
        if (store.engine == nullptr) return;
        EXPECT_EQ(sender.run(), errc::ok);
        sender.check();
        if (!struck || HasFailure()) return;
    }
}

// A reaction that changes nothing leaves no entry by which it would be known, and behind its group it would change
// something.
TEST_P(StoreFailing, SaysOfAGroupOfUnknownOutcomeWhetherItWasWritten) {
    std::size_t written = 0;
    std::size_t lost = 0;
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        StoreTest store(GetParam());
        const Row room = store.make("room");
        store.append(room, 1);
        const auto reaction = [&](std::uint64_t id, std::uint8_t flags) {
            NewEntry made = store.entry(room, id, "heart");
            made.kind = model::EntryKind::reaction;
            made.ref = 1;
            made.flags = flags;
            return made;
        };
        store.append(reaction(2, 0));
        WriteBatch batch;
        batch.writes = {{store.entry(room, 3)}, {reaction(4, 0)}, {reaction(5, model::kTakenBack)}};
        batch.bytes = store.bytes;
        WriteBatch* const group[] = {&batch};
        store.place->fail(n);
        const auto done = store.engine->commit(group, store.now);
        if (!store.place->struck()) {
            EXPECT_TRUE(done);
            break;
        }
        store.place->heal();
        if (done) continue;  // what comes after the commit has failed
        const auto again = store.engine->reopen();
        ASSERT_TRUE(again);
        ++(*again ? written : lost);
        const std::vector<std::uint64_t> before{1, 2};
        const std::vector<std::uint64_t> behind{1, 2, 3, 4};
        EXPECT_EQ(offsets(store.all(room)), *again ? behind : before);
        if (!*again) continue;
        EXPECT_EQ(batch.writes[0].outcome.position.offset, 3u);
        EXPECT_TRUE(batch.writes[1].outcome.repeat) << "it was there already";
        EXPECT_EQ(batch.writes[2].outcome.position.offset, 4u);
        EXPECT_EQ(batch.writes[2].outcome.position.epoch, store.head(room).last.epoch);
        store.place->fail(1);
        Write next{store.entry(room, 6)};
        EXPECT_FALSE(store.try_write(next));
        store.place->heal();
        EXPECT_FALSE(*store.engine->reopen()) << "the next one was not";
    }
    EXPECT_GT(written, 0u);
    EXPECT_GT(lost, 0u);
}

TEST_P(StoreFailing, RefusesWhatHasNoRoomAndGoesOnWhenThereIsSome) {
    const Row room = make("room");
    append(room, 1);
    place->fill(true);
    Write refused{entry(room, 2, std::string(20'000, 'x'))};
    const auto done = try_write(refused);
    if (done) {
        EXPECT_EQ(refused.outcome.code, errc::storage_full);
    } else {
        EXPECT_EQ(done.error(), errc::storage_full);
    }
    EXPECT_THAT(offsets(all(room)), ElementsAre(1));
    EXPECT_TRUE(append(room, 1).repeat);
    place->fill(false);
    EXPECT_EQ(append(room, 3).position.offset, 2u);  // no reopen(): nothing was wrong
    EXPECT_EQ(append(room, 2).position.offset, 3u);
    open();
    EXPECT_THAT(offsets(all(room)), ElementsAre(1, 2, 3));
}

// A group that fails in its middle leaves no trace in what is kept in memory.
TEST_P(StoreFailing, LeavesHeadsAsTheyWereWhenAGroupFails) {
    const Row room = make("room");
    for (std::uint64_t id = 1; id <= 20; ++id) append(room, id);
    const model::Head before = head(room);
    place->fill(true);
    WriteBatch batch;
    for (std::uint64_t id = 21; id <= 60; ++id) batch.writes.push_back({entry(room, id, std::string(5000, 'x'))});
    batch.bytes = bytes;
    WriteBatch* const group[] = {&batch};
    const auto done = engine->commit(group, now + 5000);
    if (done) {
        for (const Write& each : batch.writes) EXPECT_EQ(each.outcome.code, errc::storage_full);
    }
    EXPECT_EQ(head(room), before);
    Change made;
    made.key = model::ConversationKey::room("never made");
    made.entry = entry(0, 70, std::string(5000, 'x'));
    Write refused{made};
    (void)try_write(refused);
    EXPECT_FALSE(*reader->conversation(made.key));
    place->fill(false);
    EXPECT_EQ(append(room, 100).position.offset, 21u);
    EXPECT_EQ(head(room).stamp, before.stamp + 1);
    const Outcome first = append(make("another"), 101);
    EXPECT_EQ(first.position.offset, 1u);
    EXPECT_NE(first.position.epoch, 0u);
}

}  // namespace
}  // namespace flare::store::test
