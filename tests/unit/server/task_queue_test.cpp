#include "server/worker/task_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace flare::server::test {
namespace {

TEST(TaskQueue, OneThreadKeepsTheOrder) {
    std::string order;
    TaskQueue queue(1, 100);
    for (char c = 'a'; c <= 'e'; ++c) {
        ASSERT_TRUE(queue.push([&order, c] { order += c; }));
    }
    queue.stop();
    EXPECT_EQ(order, "abcde");
}

TEST(TaskQueue, SaysNoBeyondItsLimitAndAfterStop) {
    std::promise<void> go_on;
    auto blocked = go_on.get_future().share();
    std::promise<void> begun;
    TaskQueue queue(1, 2);
    ASSERT_TRUE(queue.push([&] {
        begun.set_value();
        blocked.wait();
    }));
    begun.get_future().wait();
    EXPECT_TRUE(queue.push([] {}));
    EXPECT_TRUE(queue.push([] {}));
    EXPECT_FALSE(queue.push([] {}));
    go_on.set_value();
    queue.stop();
    EXPECT_FALSE(queue.push([] {}));
}

TEST(TaskQueue, StopRunsWhatWaits) {
    std::atomic<int> ran{0};
    TaskQueue queue(3, 1000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(queue.push([&] { ++ran; }));
    queue.stop();
    queue.stop();
    EXPECT_EQ(ran, 500);
}

TEST(TaskQueue, KnowsItsThreads) {
    TaskQueue queue(1, 10);
    EXPECT_FALSE(queue.runs_here());
    std::promise<bool> inside;
    ASSERT_TRUE(queue.push([&] { inside.set_value(queue.runs_here()); }));
    EXPECT_TRUE(inside.get_future().get());
}

}  // namespace
}  // namespace flare::server::test
