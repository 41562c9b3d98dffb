#include "server/worker/worker_group.hpp"
#include "unit/server/shard_bench.hpp"

#include <barrier>
#include <future>

namespace flare::server::test {
namespace {

TEST(Router, PartsArePutTogetherInTheOrderOfTheWorkers) {
    ShardBench bench(plain_config(3));
    std::vector<std::uint32_t> sum;
    bench.router.ask_all<std::vector<std::uint32_t>>(
        [](Shard& shard, std::vector<std::uint32_t>& part) { part.push_back(shard.index()); },
        [](std::vector<std::uint32_t>& all, std::vector<std::uint32_t>&& part) {
            all.insert(all.end(), part.begin(), part.end());
        },
        [&](std::vector<std::uint32_t> all) { sum = std::move(all); });
    std::swap(bench.mail[0], bench.mail[2]);  // the last is asked first
    EXPECT_TRUE(sum.empty());
    bench.settle();
    EXPECT_EQ(sum, (std::vector<std::uint32_t>{0, 1, 2}));
}

TEST(Router, AnAnswerComesBackToTheWorkerThatAsks) {
    ShardBench bench(plain_config(3));
    std::vector<std::uint32_t> path;
    bench.router.ask(
        1, 2, [&](Shard& asked) { return asked.index(); },
        [&](Shard& asking, std::uint32_t answer) {
            path = {answer, asking.index()};
        });
    bench.settle();
    EXPECT_EQ(path, (std::vector<std::uint32_t>{2, 1}));
}

// Workers that run: each question waits for the other one to be in the middle of its own. If something kept them apart
// this would never end.
TEST(Router, WorkersAnswerAtTheSameTime) {
    const auth::Revocations revocations(10);
    WorkerGroup group(plain_config(2), 1000, revocations);
    group.make_workers();
    for (const auto& worker : group.workers) worker->start_thread();
    std::barrier both(2);
    std::promise<int> answered;
    group.router.ask_all<int>(
        [&](Shard&, int& part) {
            both.arrive_and_wait();
            part = 1;
        },
        [](int& sum, int&& part) { sum += part; }, [&](int sum) { answered.set_value(sum); });
    EXPECT_EQ(answered.get_future().get(), 2);
    group.pool.stop();
    for (const auto& worker : group.workers) worker->join();
}

TEST(Router, AWorkerThatHasStoppedHasAnEmptyPart) {
    const auth::Revocations revocations(10);
    WorkerGroup group(plain_config(2), 1000, revocations);
    group.make_workers();
    for (const auto& worker : group.workers) worker->start_thread();
    for (const auto& worker : group.workers) worker->join();
    EXPECT_FALSE(group.router.give(0, [](Shard&) { FAIL(); }));
    int sum = -1;
    group.router.ask_all<int>([](Shard&, int& part) { part = 1; }, [](int& all, int&& part) { all += part; },
                              [&](int all) { sum = all; });
    EXPECT_EQ(sum, 0);
}

// What is posted is done in order; what the pool has done comes back to the worker's own thread.
TEST(Worker, KeepsTheOrderOfItsMailAndBringsThePoolsResultsHome) {
    const auth::Revocations revocations(10);
    Config config = plain_config(1);
    config.handler_threads = 1;
    WorkerGroup group(std::move(config), 1000, revocations);
    group.make_workers();
    Worker& worker = *group.workers.front();
    worker.start_thread();
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(worker.post([&order, i](Shard&) { order.push_back(i); }));
    }
    std::promise<bool> home;
    ASSERT_TRUE(worker.post([&](Shard&) { home.set_value(worker.runs_here()); }));
    EXPECT_TRUE(home.get_future().get());
    EXPECT_FALSE(worker.runs_here());
    group.pool.stop();
    worker.join();
    ASSERT_EQ(order.size(), 100u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_FALSE(worker.post([](Shard&) {}));
}

}  // namespace
}  // namespace flare::server::test
