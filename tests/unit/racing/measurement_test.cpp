#include "racing/measurement.hpp"

#include <gtest/gtest.h>

namespace flare::racing {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart = TimePoint{} + 1h;

Measurement measured(Duration median, Duration connect = 0ms) {
    Measurement result;
    result.sent = result.answered = 10;
    result.median = median;
    result.connection_latency = connect;
    return result;
}

// A path with a round trip and a rate: sends what is due and answers it, until the probing is complete.
Measurement probe_over(Duration round_trip, double bytes_per_second, std::uint32_t count = 10) {
    Probing probing(count, 100ms);
    TimePoint now = kStart;
    std::uint64_t next_id = 1;
    struct Answer {
        TimePoint at;
        std::uint64_t id;
    };
    std::vector<Answer> answers;
    TimePoint line_free = kStart;
    for (int i = 0; i < 100'000 && !probing.complete(); ++i, now += 1ms) {
        for (; !answers.empty() && answers.front().at <= now; answers.erase(answers.begin()))
            probing.answered(answers.front().id, answers.front().at);
        const Probing::Due due = probing.due(now);
        for (std::uint32_t k = 0; k < due.probes; ++k) {
            const auto takes = std::chrono::duration_cast<Duration>(
                std::chrono::duration<double>(static_cast<double>(due.padding) / bytes_per_second));
            line_free = std::max(line_free, now) + takes;
            probing.sent(next_id, due.padding, now);
            answers.push_back({line_free + round_trip, next_id++});
        }
    }
    EXPECT_TRUE(probing.complete());
    return probing.result(now);
}

TEST(Probing, MeasuresTheRoundTripAndTheRateOfAPath) {
    const Measurement result = probe_over(50ms, 100'000);
    EXPECT_EQ(result.sent, 20u);
    EXPECT_EQ(result.answered, 20u);
    EXPECT_EQ(result.success_rate(), 1);
    EXPECT_EQ(result.median, 50ms);
    EXPECT_EQ(result.min, 50ms);
    EXPECT_EQ(result.p99, 50ms);
    EXPECT_EQ(result.jitter, 0ms);
    ASSERT_TRUE(result.bytes_per_second);
    EXPECT_NEAR(*result.bytes_per_second, 100'000, 5'000);
}

TEST(Probing, SendsSmallProbesTwentyMillisecondsApartAndTheBurstAfterTheirAnswers) {
    Probing probing(2);
    EXPECT_EQ(probing.due(kStart).probes, 1u);
    probing.sent(1, 0, kStart);
    EXPECT_EQ(probing.due(kStart + 19ms).probes, 0u);
    EXPECT_EQ(probing.next_deadline(), kStart + 20ms);
    EXPECT_EQ(probing.due(kStart + 20ms).probes, 1u);
    probing.sent(2, 0, kStart + 20ms);
    EXPECT_EQ(probing.due(kStart + 1s).probes, 0u) << "two answers are missing";
    EXPECT_EQ(probing.next_deadline(), kNever);
    probing.answered(2, kStart + 60ms);
    probing.answered(77, kStart + 60ms);  // nobody asked
    probing.answered(1, kStart + 70ms);
    const Probing::Due burst = probing.due(kStart + 70ms);
    EXPECT_EQ(burst.probes, 2u);
    EXPECT_EQ(burst.padding, Probing::kLargeProbeBytes);
    EXPECT_FALSE(probing.complete());
}

TEST(Probing, HasMinimumMedianTailAndJitter) {
    Probing probing(4);
    const Duration round_trips[] = {40ms, 50ms, 40ms, 90ms};
    TimePoint now = kStart;
    for (std::uint64_t i = 0; i < 4; ++i, now += 100ms) {
        probing.sent(i + 1, 0, now);
        probing.answered(i + 1, now + round_trips[i]);
    }
    const Measurement result = probing.result(now);
    EXPECT_EQ(result.min, 40ms);
    EXPECT_EQ(result.median, 40ms);
    EXPECT_EQ(result.p99, 90ms);
    EXPECT_EQ(result.jitter, Duration(70ms) / 3);  // 10, 10 and 50
    EXPECT_FALSE(result.bytes_per_second) << "no burst was sent";
}

TEST(Probing, CountsWhatWaitsForAnAnswerWithItsAge) {
    Probing probing(3);
    probing.sent(1, 0, kStart);
    probing.answered(1, kStart + 10ms);
    probing.sent(2, 0, kStart + 20ms);
    probing.sent(3, 0, kStart + 40ms);
    Measurement result = probing.result(kStart + 25ms);
    EXPECT_EQ(result.median, 10ms) << "younger than the slowest answer: nothing is known of it";
    EXPECT_EQ(result.success_rate(), 1);
    result = probing.result(kStart + 2s);
    EXPECT_EQ(result.median, 1960ms);
    EXPECT_EQ(result.p99, 1980ms);
    EXPECT_NEAR(result.success_rate(), 1.0 / 3, 1e-9);
    EXPECT_TRUE(probing.answers_within(2s, kStart + 2s));
    EXPECT_FALSE(probing.answers_within(1s, kStart + 2s));
}

TEST(Score, FollowsItsFormula) {
    Measurement of = measured(40ms, 100ms);
    of.jitter = 5ms;
    of.bytes_per_second = 16 * 1024 / 0.010;  // 16 KiB take 10 ms
    EXPECT_NEAR(score(of, 0.7), 1.2 * 1000 / (5 + 40 + 5 + 10 + 10), 1e-9);
    of.answered = 5;
    EXPECT_NEAR(score(of, 0.7), 0.25 * 1.2 * 1000 / 70, 1e-9) << "the success rate counts squared";
    of.answered = 0;
    EXPECT_EQ(score(of, 0.7), 0);
}

TEST(Score, LetsTheWeightDecideBetweenEqualsAndTheMeasurementBetweenUnequals) {
    EXPECT_GT(score(measured(50ms), 0.7), score(measured(50ms), 0.3));
    EXPECT_GT(score(measured(50ms), 0.3), score(measured(150ms), 0.7));
    EXPECT_NEAR(score(measured(100us), 0.5) / score(measured(300us), 0.5), 1, 0.05) << "nobody feels 0.2 ms";
}

}  // namespace
}  // namespace flare::racing
