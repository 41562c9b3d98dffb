#include "store/store.hpp"

#include "base/log.hpp"
#include "store/memory/memory.hpp"
#include "unit/wire/allocations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

namespace flare::store {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;

// An engine whose commits wait until they are let through, and which notes what it was asked.
class GatedEngine final : public Engine {
public:
    Result<> commit(std::span<WriteBatch* const> group, std::uint64_t now_ms) override {
        std::unique_lock lock(mutex);
        groups.push_back(group.size());
        changed.notify_all();
        changed.wait(lock, [this] { return allowed > 0; });
        if (allowed != kAll) --allowed;
        if (throws) throw std::bad_alloc();
        if (always != errc::ok) return always;
        if (const errc code = std::exchange(next, errc::ok); code != errc::ok) return code;
        return inside->commit(group, now_ms);
    }
    Result<bool> reopen() override {
        const std::lock_guard lock(mutex);
        ++reopened;
        changed.notify_all();
        throws = false;
        if (reopens_throwing > 0) {
            --reopens_throwing;
            throw std::bad_alloc();
        }
        if (!reopens) return errc::storage_failed;
        next = std::exchange(after_reopen, errc::ok);
        return inside->reopen();
    }
    Result<bool> maintain(std::uint64_t now_ms) override {
        const std::lock_guard lock(mutex);
        ++maintained;
        changed.notify_all();
        if (const errc code = std::exchange(next_maintain, errc::ok); code != errc::ok) return code;
        if (more_maintenance > 0) return --more_maintenance > 0;
        return inside->maintain(now_ms);
    }
    std::unique_ptr<Reader> reader() override { return inside->reader(); }
    Result<CheckReport> check(std::size_t most_faults) override { return inside->check(most_faults); }
    About about() const override {
        const std::lock_guard lock(mutex);
        ++abouts;
        changed.notify_all();
        if (about_throws) throw std::bad_alloc();
        About about = inside->about();
        about.free_bytes = abouts;
        return about;
    }

    static constexpr int kAll = 1'000'000;
    void allow(int commits) {
        const std::lock_guard lock(mutex);
        allowed = commits;
        changed.notify_all();
    }
    template <typename Condition>
    [[nodiscard]] bool wait(Condition condition, std::chrono::milliseconds limit = 20s) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, condition);
    }

    memory::Disk disk{1};
    std::unique_ptr<Engine> inside = memory::open(disk);
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    mutable std::uint64_t abouts = 0;  // asked for, and About::free_bytes
    std::vector<std::size_t> groups;   // batches in each commit
    int allowed = 0;
    errc next = errc::ok;
    errc always = errc::ok;
    errc after_reopen = errc::ok;  // `next`, when it is open again
    errc next_maintain = errc::ok;
    bool throws = false;
    bool about_throws = false;
    bool reopens = true;
    int reopens_throwing = 0;  // so many times
    int reopened = 0;
    int maintained = 0;
    int more_maintenance = 0;
};

class Owner final : public BatchOwner {
public:
    void done(std::unique_ptr<WriteBatch> batch, const Answer& answer) noexcept override {
        const std::lock_guard lock(mutex_);
        batches.push_back(std::move(batch));
        answers.push_back(answer);
        changed_.notify_all();
    }
    [[nodiscard]] bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 20s, [&] { return answers.size() >= count; });
    }
    std::vector<errc> codes() {
        const std::lock_guard lock(mutex_);
        std::vector<errc> found;
        for (const Answer& each : answers) found.push_back(each.code);
        return found;
    }
    std::vector<std::unique_ptr<WriteBatch>> batches;
    std::vector<Answer> answers;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
};

class StoreThreads : public ::testing::Test {
protected:
    StoreThreads() { base::log().set_level(base::Log::Level::off); }
    ~StoreThreads() override { base::log().set_level(base::Log::Level::info); }

    void start(Store::Settings settings = usual()) {
        auto made = std::make_unique<GatedEngine>();
        engine = made.get();
        store = std::make_unique<Store>(std::move(made), settings);
    }
    static Store::Settings usual() {
        Store::Settings settings;
        settings.idle = 1h;  // tests of maintenance say otherwise
        settings.reopen_every = 1ms;
        return settings;
    }
    static std::unique_ptr<WriteBatch> batch(std::size_t users = 1, std::size_t bytes = 0) {
        static std::atomic<int> number{0};
        auto made = std::make_unique<WriteBatch>();
        for (std::size_t i = 0; i < users; ++i) made->writes.push_back({NewUser{"user " + std::to_string(++number)}});
        made->bytes.assign(bytes, 'x');
        return made;
    }
    errc submit(std::unique_ptr<WriteBatch> made) {
        const errc code = store->submit(made, owner);
        EXPECT_EQ(code == errc::ok, made == nullptr);  // what is refused stays with its owner
        return code;
    }
    // The first batch is in a commit that does not end.
    void occupy() {
        ASSERT_EQ(submit(batch()), errc::ok);
        ASSERT_TRUE(engine->wait([this] { return engine->groups.size() == 1; }));
    }

    Owner owner;
    GatedEngine* engine = nullptr;
    std::unique_ptr<Store> store;
};

TEST_F(StoreThreads, CommitsTogetherWhateverWaits) {
    start();
    occupy();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(submit(batch()), errc::ok);
    EXPECT_EQ(store->health().waiting_writes, 5u);
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(owner.wait_for(6));
    EXPECT_THAT(engine->groups, ElementsAre(1, 5));
    EXPECT_THAT(owner.codes(), Each(errc::ok));
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(owner.batches[i]->writes[0].outcome.row, i + 1);  // in order
    EXPECT_EQ(store->health().waiting_writes, 0u);
    EXPECT_EQ(store->health().commits, 2u);
    EXPECT_EQ(store->health().writes, 6u);
}

TEST_F(StoreThreads, LimitsWhatIsCommittedTogether) {
    Store::Settings settings = usual();
    settings.max_group_writes = 10;
    settings.max_group_bytes = 1000;
    start(settings);
    occupy();
    EXPECT_EQ(submit(batch(11)), errc::ok);  // one batch is committed whatever its size
    for (int i = 0; i < 3; ++i) EXPECT_EQ(submit(batch(5)), errc::ok);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(submit(batch(1, 501)), errc::ok);
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(owner.wait_for(8));
    EXPECT_THAT(engine->groups, ElementsAre(1, 1, 2, 2, 1, 1));
}

TEST_F(StoreThreads, IsBusyAboveItsWrites) {
    Store::Settings settings = usual();
    settings.max_waiting_writes = 10;
    start(settings);
    occupy();
    EXPECT_EQ(submit(batch(7)), errc::ok);
    EXPECT_EQ(submit(batch(4)), errc::busy);
    EXPECT_EQ(submit(batch(3)), errc::ok);
    EXPECT_EQ(submit(batch(1)), errc::busy);
    EXPECT_EQ(store->tally().refused().of(errc::busy), 5u);
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(owner.wait_for(3));
    EXPECT_EQ(submit(batch(10)), errc::ok);
    ASSERT_TRUE(owner.wait_for(4));
}

TEST_F(StoreThreads, IsBusyAboveItsBytes) {
    Store::Settings settings = usual();
    settings.max_waiting_bytes = 1000;
    start(settings);
    occupy();
    EXPECT_EQ(submit(batch(1, 600)), errc::ok);
    EXPECT_EQ(submit(batch(1, 401)), errc::busy);
    EXPECT_EQ(submit(batch(1, 400)), errc::ok);
    EXPECT_EQ(store->health().waiting_bytes, 1000u);
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(owner.wait_for(3));
    EXPECT_EQ(store->health().waiting_bytes, 0u);
}

TEST_F(StoreThreads, TakesABatchAboveItsLimitsWhenNothingWaits) {
    Store::Settings settings = usual();
    settings.max_waiting_bytes = 1000;
    start(settings);
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch(1, 2000)), errc::ok);
    ASSERT_TRUE(owner.wait_for(1));
}

TEST_F(StoreThreads, IsBusyWhenSomethingHasWaitedForLong) {
    Store::Settings settings = usual();
    settings.max_waiting_age = -1ms;  // whatever waits has waited for longer
    start(settings);
    occupy();
    EXPECT_EQ(submit(batch()), errc::ok);
    EXPECT_EQ(submit(batch()), errc::busy);
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(owner.wait_for(2));
}

TEST_F(StoreThreads, SaysWhatHadNoRoomAndGoesOn) {
    start();
    engine->next = errc::storage_full;
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(owner.wait_for(1));
    EXPECT_THAT(owner.codes(), ElementsAre(errc::storage_full));
    EXPECT_EQ(store->health().code, errc::storage_full);
    EXPECT_EQ(store->tally().refused().of(errc::storage_full), 1u);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(owner.wait_for(2));
    EXPECT_EQ(owner.codes()[1], errc::ok);
    EXPECT_EQ(store->health().code, errc::ok);
    EXPECT_EQ(engine->reopened, 0);
    EXPECT_EQ(store->health().commits, 1u) << "the one before has written nothing";
    EXPECT_EQ(store->tally().commit_writes.sum(), 1u);
}

TEST_F(StoreThreads, SaysNothingOfAnUnknownOutcomeUntilItIsKnown) {
    start();
    occupy();
    EXPECT_EQ(submit(batch()), errc::ok);
    {
        const std::lock_guard lock(engine->mutex);
        engine->next = errc::storage_failed;
        engine->reopens = false;
    }
    engine->allow(1);
    // What was never in a commit is answered at once; what was, is not.
    ASSERT_TRUE(owner.wait_for(1));
    EXPECT_THAT(owner.codes(), ElementsAre(errc::storage_failed));
    ASSERT_TRUE(engine->wait([this] { return engine->reopened >= 3; }));
    EXPECT_EQ(owner.codes().size(), 1u);
    EXPECT_EQ(submit(batch()), errc::storage_failed);
    EXPECT_EQ(store->health().code, errc::storage_failed);
    EXPECT_EQ(store->tally().refused().of(errc::storage_failed), 2u) << "but for the one of unknown outcome";

    {
        const std::lock_guard lock(engine->mutex);
        engine->reopens = true;
    }
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(owner.wait_for(2));
    EXPECT_EQ(owner.answers[1].code, errc::ok);
    EXPECT_EQ(owner.batches[1]->writes[0].outcome.row, 1u);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(owner.wait_for(3));
}

TEST_F(StoreThreads, TriesAgainUntilAnUnknownOutcomeIsKnown) {
    start();
    for (const errc code : {errc::busy, errc::storage_full}) {
        {
            const std::lock_guard lock(engine->mutex);
            engine->next = errc::storage_failed;
            engine->after_reopen = code;
            engine->groups.clear();
        }
        engine->allow(GatedEngine::kAll);
        const std::size_t before = owner.codes().size();
        EXPECT_EQ(submit(batch()), errc::ok);
        ASSERT_TRUE(owner.wait_for(before + 1));
        EXPECT_EQ(owner.answers[before].code, errc::ok) << "it may have been written at the first try";
        EXPECT_EQ(engine->groups.size(), 3u);
    }
}

TEST_F(StoreThreads, CommitsAGroupOnceThatWasWrittenAfterAll) {
    start();
    engine->disk.fail(2);  // the sync
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(owner.wait_for(1));
    EXPECT_EQ(owner.answers[0].code, errc::ok);
    EXPECT_FALSE(owner.batches[0]->writes[0].outcome.repeat) << "it is not judged by what it has written";
    EXPECT_EQ(engine->groups.size(), 1u);
    EXPECT_EQ(store->health().writes, 1u);
    EXPECT_EQ(store->health().code, errc::ok);
}

TEST_F(StoreThreads, TreatsAnExceptionAsAnUnknownOutcome) {
    start();
    engine->throws = true;
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(owner.wait_for(1));
    EXPECT_EQ(owner.answers[0].code, errc::ok);
    EXPECT_EQ(engine->reopened, 1);
}

TEST_F(StoreThreads, TriesAgainWhenThereIsNoMemoryToOpenItsFile) {
    start();
    {
        const std::lock_guard lock(engine->mutex);
        engine->throws = true;
        engine->reopens_throwing = 2;
        engine->about_throws = true;
    }
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(owner.wait_for(1));
    EXPECT_EQ(owner.answers[0].code, errc::ok);
    EXPECT_EQ(engine->reopened, 3);
    EXPECT_EQ(store->about().engine, "memory") << "as it was";
}

TEST_F(StoreThreads, LeavesABatchThatItHasNoMemoryForWithItsOwner) {
    start();
    occupy();
    std::size_t taken = 0;
    int refused = 0;
    while (refused < 3 && taken < 1000) {
        auto made = batch();
        try {
            wire::test::fail_allocation(1);
            ASSERT_EQ(store->submit(made, owner), errc::ok);
            ++taken;
        } catch (const std::bad_alloc&) {
            ++refused;
            ASSERT_NE(made, nullptr);
            EXPECT_EQ(store->submit(made, owner), errc::ok);  // there is some again
            ++taken;
        }
        wire::test::fail_allocation(0);
        EXPECT_EQ(store->health().waiting_writes, taken);
    }
    EXPECT_EQ(refused, 3);
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(owner.wait_for(1 + taken));
    EXPECT_THAT(owner.codes(), Each(errc::ok));
}

TEST_F(StoreThreads, KnowsTheRoomOnItsDiskWhileItCannotBeOpened) {
    start();
    engine->next = errc::storage_failed;
    engine->reopens = false;
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(engine->wait([this] { return engine->abouts >= 4; }));
    EXPECT_GE(store->about().free_bytes, 3u);
}

TEST_F(StoreThreads, TakesItsTimeWhenItFailsAsSoonAsItIsOpen) {
    Store::Settings settings = usual();
    settings.reopen_every = 1h;
    start(settings);
    engine->always = errc::storage_failed;
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(engine->wait([this] { return engine->groups.size() >= 2; }));
    EXPECT_FALSE(engine->wait([this] { return engine->groups.size() > 2; }, 20ms));  // not before an hour is over
    EXPECT_EQ(engine->reopened, 1);
    store->stop();
    EXPECT_THAT(owner.codes(), ElementsAre(errc::storage_failed));
}

TEST_F(StoreThreads, TakesNothingMoreWhenItIsDamaged) {
    start();
    engine->always = errc::store_damaged;
    engine->allow(GatedEngine::kAll);
    EXPECT_EQ(submit(batch()), errc::ok);
    ASSERT_TRUE(owner.wait_for(1));
    EXPECT_THAT(owner.codes(), ElementsAre(errc::store_damaged));
    EXPECT_EQ(submit(batch()), errc::store_damaged);
    EXPECT_EQ(store->health().code, errc::store_damaged);
    EXPECT_EQ(engine->reopened, 0);
    EXPECT_EQ(store->read([](Reader&) {}), errc::ok);  // what can be read is
    store->stop();
    EXPECT_EQ(engine->groups.size(), 1u);
}

TEST_F(StoreThreads, CommitsAtItsEndWhatItHasTaken) {
    start();
    occupy();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(submit(batch()), errc::ok);
    std::thread stops([this] { store->stop(); });
    while (submit(batch()) != errc::shutting_down) std::this_thread::yield();
    engine->allow(GatedEngine::kAll);
    stops.join();
    EXPECT_GE(owner.codes().size(), 4u);
    EXPECT_THAT(owner.codes(), Each(errc::ok));
    EXPECT_EQ(store->read([](Reader&) {}), errc::shutting_down);
    store->stop();  // again: nothing
}

TEST_F(StoreThreads, AnswersAtItsEndWhatCannotBeKnown) {
    start();
    occupy();
    {
        const std::lock_guard lock(engine->mutex);
        engine->next = errc::storage_failed;
        engine->reopens = false;
    }
    engine->allow(GatedEngine::kAll);
    ASSERT_TRUE(engine->wait([this] { return engine->reopened >= 1; }));
    store->stop();
    EXPECT_THAT(owner.codes(), ElementsAre(errc::storage_failed));
}

TEST_F(StoreThreads, LetsTheEngineDoWhatCanWaitWhenThereIsNothingElse) {
    Store::Settings settings = usual();
    settings.idle = 1ms;
    start(settings);
    ASSERT_TRUE(engine->wait([this] { return engine->maintained >= 2; }));
    {
        const std::lock_guard lock(engine->mutex);
        engine->next_maintain = errc::storage_failed;
    }
    ASSERT_TRUE(engine->wait([this] { return engine->reopened == 1; }));  // a failure there is one, too
    engine->allow(GatedEngine::kAll);
    while (submit(batch()) != errc::ok) std::this_thread::yield();
    ASSERT_TRUE(owner.wait_for(1));
}

TEST_F(StoreThreads, GoesOnAtOnceWhileThereIsMoreThatCanWait) {
    Store::Settings settings = usual();
    settings.idle = 200ms;
    start(settings);
    {
        const std::lock_guard lock(engine->mutex);
        engine->more_maintenance = 1000;  // 200 s, if it waited between them
    }
    ASSERT_TRUE(engine->wait([this] { return engine->maintained >= 1000; }));
}

TEST_F(StoreThreads, ReadsBesideACommit) {
    start();
    occupy();
    std::promise<bool> found;
    EXPECT_EQ(store->read([&](Reader& reader) { found.set_value(reader.user("nobody")->has_value()); }), errc::ok);
    EXPECT_FALSE(found.get_future().get());
    engine->allow(GatedEngine::kAll);
}

TEST_F(StoreThreads, BoundsTheReadsThatWaitAndDoesThemBeforeItsEnd) {
    Store::Settings settings = usual();
    settings.max_waiting_reads = 3;
    settings.readers = 1;
    start(settings);
    engine->allow(GatedEngine::kAll);
    std::promise<void> inside;
    std::promise<void> go;
    EXPECT_EQ(store->read([&](Reader&) {
        inside.set_value();
        go.get_future().wait();
        throw std::runtime_error("the thread survives it");
    }),
              errc::ok);
    inside.get_future().wait();
    std::atomic<int> done{0};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(store->read([&](Reader&) { ++done; }), errc::ok);
    EXPECT_EQ(store->read([&](Reader&) { ++done; }), errc::busy);
    EXPECT_EQ(store->health().waiting_reads, 3u);
    std::thread stops([this] { store->stop(); });
    while (submit(batch()) != errc::shutting_down) std::this_thread::yield();
    EXPECT_EQ(done, 0);
    go.set_value();
    stops.join();
    EXPECT_EQ(done, 3);
}

TEST_F(StoreThreads, TakesBatchesOfManyThreads) {
    start();
    engine->allow(GatedEngine::kAll);
    std::vector<std::thread> threads;
    std::atomic<std::size_t> taken{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) taken += submit(batch()) == errc::ok;
            (void)store->health();
            (void)store->about();
        });
    }
    for (std::thread& each : threads) each.join();
    store->stop();
    EXPECT_EQ(taken, 800u);
    EXPECT_EQ(owner.answers.size(), 800u);
    EXPECT_THAT(owner.codes(), Each(errc::ok));
}

TEST(CommitTimes, GivesQuantilesOfTheNewest) {
    CommitTimes times;
    EXPECT_EQ(times.quantile(0.5), 0us);
    times.add(7us);
    EXPECT_EQ(times.quantile(0.5), 7us);
    EXPECT_EQ(times.quantile(1), 7us);
    for (int i = 0; i < 5000; ++i) times.add(1h);
    for (int i = 1; i <= 1024; ++i) times.add(std::chrono::microseconds(i));
    EXPECT_EQ(times.quantile(0.5), 513us);
    EXPECT_EQ(times.quantile(0.99), 1014us);
    EXPECT_EQ(times.quantile(1), 1024us);
    EXPECT_EQ(times.last(), 1024us);
    EXPECT_EQ(times.count(), 6025u);
}

}  // namespace
}  // namespace flare::store
