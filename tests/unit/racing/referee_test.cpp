#include "racing/referee.hpp"

#include <gtest/gtest.h>

namespace flare::racing {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuic = Protocol::quic;
constexpr auto kWebsocket = Protocol::websocket;
constexpr Duration kInterval = 30s;
const TimePoint kStart = TimePoint{} + 1h;

TEST(Referee, MeasuresAtOnceAndThenOnceAnInterval) {
    Referee referee(kInterval);
    referee.in_use(kQuic, Referee::Why::first, kStart);
    EXPECT_LE(referee.measure_at(kWebsocket), kStart);
    referee.measured(kWebsocket, kStart);
    EXPECT_EQ(referee.measure_at(kWebsocket), kStart + kInterval);
}

TEST(Referee, WantsTheChallengerToBeAFifthBetter) {
    Referee referee(kInterval);
    referee.in_use(kQuic, Referee::Why::first, kStart);
    EXPECT_FALSE(referee.should_move(10, 12, kStart));
    EXPECT_TRUE(referee.should_move(10, 12.1, kStart));
    EXPECT_TRUE(referee.should_move(0, 0.1, kStart)) << "what does not answer is worse than anything";
    EXPECT_FALSE(referee.should_move(0, 0, kStart));
}

TEST(Referee, StaysForAnIntervalWhereItHasMovedByScoreOrByHand) {
    for (const auto why : {Referee::Why::better, Referee::Why::asked}) {
        Referee referee(kInterval);
        referee.in_use(kQuic, why, kStart);
        EXPECT_FALSE(referee.should_move(1, 100, kStart + kInterval - 1ms));
        EXPECT_TRUE(referee.should_move(1, 100, kStart + kInterval));
    }
}

TEST(Referee, AProtocolThatFailedInUseIsBackWithinAnIntervalButOnProbation) {
    Referee referee(kInterval);
    referee.in_use(kQuic, Referee::Why::first, kStart);
    EXPECT_EQ(referee.probation(kQuic), 0s);
    referee.failed(kQuic, kStart);
    referee.in_use(kWebsocket, Referee::Why::fallback, kStart);
    EXPECT_EQ(referee.probation(kQuic), kInterval / 3);
    EXPECT_EQ(referee.measure_at(kQuic), kStart + kInterval / 6);
    // Whenever the path mends, the next attempt and the probation fit into an interval.
    TimePoint now = kStart;
    for (int i = 0; i < 8; ++i) {
        const TimePoint next = referee.measure_at(kQuic);
        EXPECT_LE(next - now + referee.probation(kQuic), kInterval);
        referee.unreachable(kQuic, next);
        now = next;
    }
    EXPECT_TRUE(referee.should_move(1, 2, now)) << "after a fallback nothing else holds it back";
    referee.in_use(kQuic, Referee::Why::better, now);
    EXPECT_EQ(referee.probation(kQuic), 0s);
}

TEST(Referee, TriesWhatCannotBeReachedEverMoreRarely) {
    Referee referee(kInterval);
    referee.in_use(kWebsocket, Referee::Why::first, kStart);
    TimePoint now = kStart;
    Duration before{};
    for (int i = 0; i < 12; ++i) {
        referee.unreachable(kQuic, now);
        const Duration wait = referee.measure_at(kQuic) - now;
        EXPECT_GE(wait, before);
        EXPECT_LE(wait, Referee::kLongestWait);
        before = wait;
        now += wait;
    }
    EXPECT_EQ(before, Referee::kLongestWait);
    referee.measured(kQuic, now);
    EXPECT_EQ(referee.measure_at(kQuic), now + kInterval);
}

TEST(Referee, AnotherNetworkBeginsAnew) {
    Referee referee(kInterval);
    referee.failed(kQuic, kStart);
    for (int i = 0; i < 20; ++i) referee.unreachable(kQuic, kStart);
    referee.forget(kStart + 1s);
    EXPECT_EQ(referee.measure_at(kQuic), kStart + 1s);
    EXPECT_EQ(referee.probation(kQuic), 0s);
}

}  // namespace
}  // namespace flare::racing
