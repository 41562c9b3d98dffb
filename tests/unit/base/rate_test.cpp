#include "base/rate.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace flare::base {
namespace {

using namespace std::chrono_literals;

constexpr Bucket::TimePoint kStart{std::chrono::hours(1)};

TEST(Bucket, LetsABurstThroughAndThenTheRate) {
    const Rate rate{3, 5};
    Bucket bucket;
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(bucket.wait(rate, 1, kStart), 0ns) << i;
        bucket.take(rate, 1, kStart);
    }
    const auto wait = bucket.wait(rate, 1, kStart);
    EXPECT_GT(wait, 333ms);
    EXPECT_LE(wait, 334ms);
    EXPECT_GT(bucket.wait(rate, 1, kStart + wait - 1ns), 0ns);
    EXPECT_EQ(bucket.wait(rate, 1, kStart + wait), 0ns);
}

TEST(Bucket, IsFullAgainAfterAPauseAndNoFuller) {
    const Rate rate{10, 4};
    Bucket bucket;
    bucket.take(rate, 4, kStart);
    EXPECT_EQ(bucket.wait(rate, 4, kStart + 1h), 0ns);
    EXPECT_GT(bucket.wait(rate, 5, kStart + 1h), 0ns);
}

TEST(Bucket, TakesAmounts) {
    const Rate rate{1000, 1000};
    Bucket bucket;
    bucket.take(rate, 700, kStart);
    EXPECT_EQ(bucket.wait(rate, 300, kStart), 0ns);
    EXPECT_EQ(bucket.wait(rate, 301, kStart), 1ms);
    EXPECT_EQ(bucket.wait(rate, 0, kStart), 0ns);
}

TEST(Bucket, WithoutARateHasAlwaysRoom) {
    Bucket bucket;
    bucket.take({}, 1'000'000, kStart);
    EXPECT_EQ(bucket.wait({}, 1'000'000, kStart), 0ns);
}

TEST(Bucket, OfTheLargestBurstCountsRight) {
    const Rate rate{1, Rate::kMaxBurst};
    Bucket bucket;
    EXPECT_EQ(bucket.wait(rate, Rate::kMaxBurst, kStart), 0ns);
    bucket.take(rate, Rate::kMaxBurst, kStart);
    EXPECT_EQ(bucket.wait(rate, 1, kStart), 1s);
}

TEST(SharedBucket, GivesTheBurstToAllThreadsTogether) {
    SharedBucket bucket({100, 1000});
    std::atomic<int> taken{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n) taken += bucket.take(kStart) ? 1 : 0;
        });
    }
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(taken, 1000);
    EXPECT_FALSE(bucket.take(kStart + 9ms));
    EXPECT_TRUE(bucket.take(kStart + 10ms));
    EXPECT_FALSE(bucket.take(kStart + 10ms));
}

}  // namespace
}  // namespace flare::base
