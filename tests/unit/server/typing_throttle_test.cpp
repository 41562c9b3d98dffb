#include "server/signals/typing_throttle.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::server {
namespace {

using namespace std::chrono_literals;

constexpr session::TimePoint kDawn{std::chrono::hours(6)};

TEST(TypingThrottle, TellsOneInThreeSecondsOfAUserAndConversation) {
    TypingThrottle throttle;
    int told = 0;
    for (int i = 0; i < 100; ++i) told += throttle.allows("ann", "rtea", true, kDawn + i * 100ms) ? 1 : 0;
    EXPECT_EQ(told, 4) << "at 0, 3, 6 and 9 s";
    EXPECT_TRUE(throttle.allows("ann", "rcake", true, kDawn + 10s));
    EXPECT_TRUE(throttle.allows("bob", "rtea", true, kDawn + 10s));
}

TEST(TypingThrottle, TellsTheEndOnceOfWhatWasTold) {
    TypingThrottle throttle;
    EXPECT_FALSE(throttle.allows("ann", "rtea", false, kDawn));
    EXPECT_TRUE(throttle.allows("ann", "rtea", true, kDawn));
    EXPECT_TRUE(throttle.allows("ann", "rtea", false, kDawn + 1s));
    EXPECT_FALSE(throttle.allows("ann", "rtea", false, kDawn + 1s));
    EXPECT_FALSE(throttle.allows("ann", "rtea", true, kDawn + 2s)) << "on and off do not make it faster";
    EXPECT_TRUE(throttle.allows("ann", "rtea", true, kDawn + 3s));
}

TEST(TypingThrottle, ForgetsWhatIsOverAndHoldsNoMoreThanItMay) {
    TypingThrottle throttle;
    for (std::size_t i = 0; i < TypingThrottle::kMost; ++i)
        ASSERT_TRUE(throttle.allows("user" + std::to_string(i), "rtea", true, kDawn));
    EXPECT_FALSE(throttle.allows("ann", "rtea", true, kDawn + 1s));
    EXPECT_TRUE(throttle.allows("user1", "rtea", true, kDawn + 3s)) << "who is there goes on";
    EXPECT_EQ(throttle.size(), TypingThrottle::kMost);
    EXPECT_TRUE(throttle.allows("ann", "rtea", true, kDawn + 6s));
    EXPECT_EQ(throttle.size(), 2u);
    EXPECT_TRUE(throttle.allows("ann", "rtea", true, kDawn + 30s));
    EXPECT_EQ(throttle.size(), 1u);
}

}  // namespace
}  // namespace flare::server
