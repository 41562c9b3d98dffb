#include "client/connect/backoff.hpp"

#include <gtest/gtest.h>

namespace flare::client::test {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesFromItsBase) {
    const Backoff backoff(1000ms);
    EXPECT_EQ(backoff.before(1, 0s, 500), 1000ms);
    EXPECT_EQ(backoff.before(2, 0s, 1000), 2000ms);
    EXPECT_EQ(backoff.before(3, 0s, 2000), 4000ms);
}

TEST(Backoff, StaysBelowFiveSecondsForTheFirstTwoMinutes) {
    const Backoff backoff(1000ms);
    for (const auto outage : {0s, 60s, 119s}) {
        EXPECT_EQ(backoff.before(50, outage, 2500), 5s);
        EXPECT_EQ(backoff.before(50, outage, 0), 2500ms);
        for (std::uint64_t random = 0; random < 10'000; ++random) ASSERT_LE(backoff.before(50, outage, random), 5s);
    }
}

TEST(Backoff, StaysBelowThirtySecondsAfterThat) {
    const Backoff backoff(1000ms);
    for (const auto outage : {Backoff::Duration(120s), Backoff::Duration(24h * 30)}) {
        EXPECT_EQ(backoff.before(50, outage, 15'000), 30s);
        EXPECT_EQ(backoff.before(UINT32_MAX, outage, 0), 15s);
        for (std::uint64_t random = 0; random < 40'000; ++random) ASSERT_LE(backoff.before(50, outage, random), 30s);
    }
}

TEST(Backoff, DrawsHalfOfTheDelay) {
    const Backoff backoff(1000ms);
    for (std::uint64_t random = 0; random < 2000; ++random) {
        EXPECT_GE(backoff.before(1, 0s, random), 500ms);
        EXPECT_LE(backoff.before(1, 0s, random), 1000ms);
    }
    EXPECT_NE(backoff.before(1, 0s, 0), backoff.before(1, 0s, 300));
}

TEST(Backoff, ABaseAboveACeilingStaysAsItIs) {
    EXPECT_EQ(Backoff(10s).before(3, 0s, 5000), 10s) << "above the first ceiling";
    EXPECT_EQ(Backoff(10s).before(3, 2min, 15'000), 30s);
    EXPECT_EQ(Backoff(60s).before(3, 2min, 30'000), 60s);
    EXPECT_EQ(Backoff(60s).before(30, 2min, 0), 30s);
    EXPECT_GE(Backoff(std::chrono::milliseconds::max()).before(30, 2min, 0), 30s) << "and does not overflow";
}

TEST(Backoff, OfNothingIsNothing) { EXPECT_EQ(Backoff(0ms).before(4, 0s, 12345), 0ms); }

}  // namespace
}  // namespace flare::client::test
