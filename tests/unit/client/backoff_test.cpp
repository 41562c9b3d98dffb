#include "client/backoff.hpp"

#include <gtest/gtest.h>

namespace flare::client::test {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesFromItsBaseUpToTheCeiling) {
    const Backoff backoff(1000ms);
    EXPECT_EQ(backoff.before(1, 500), 1000ms);
    EXPECT_EQ(backoff.before(2, 1000), 2000ms);
    EXPECT_EQ(backoff.before(3, 2000), 4000ms);
    EXPECT_LE(backoff.before(50, UINT64_MAX), Backoff::kCeiling);
    EXPECT_GE(backoff.before(50, 0), Backoff::kCeiling / 2);
}

TEST(Backoff, DrawsHalfOfTheDelay) {
    const Backoff backoff(1000ms);
    for (std::uint64_t random = 0; random < 3000; random += 7) {
        EXPECT_GE(backoff.before(1, random), 500ms);
        EXPECT_LE(backoff.before(1, random), 1000ms);
    }
    EXPECT_NE(backoff.before(1, 0), backoff.before(1, 300));
}

TEST(Backoff, ABaseAboveTheCeilingStaysAsItIs) { EXPECT_GE(Backoff(60s).before(3, 0), 30s); }

TEST(Backoff, OfNothingIsNothing) { EXPECT_EQ(Backoff(0ms).before(4, 12345), 0ms); }

}  // namespace
}  // namespace flare::client::test
