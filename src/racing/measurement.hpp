// The measurements of one connection, and the score computed from them.
//
// Protocol: docs/racing.md, "The score".
// Threads:  values and pure functions; time is an argument.
#pragma once

#include <flare/message.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace flare::racing {

using Duration = std::chrono::steady_clock::duration;
using TimePoint = std::chrono::steady_clock::time_point;
inline constexpr TimePoint kNever = TimePoint::max();

struct Measurement {
    Duration connection_latency{0};  // from the attempt's begin to the session on it
    std::uint32_t sent = 0;          // probes; without those that are younger than 1 s and have no answer
    std::uint32_t answered = 0;
    // Round trips of the probes that were answered; one that is still open counts with its age once that exceeds them.
    Duration min{0}, median{0}, p99{0};
    Duration jitter{0};                      // mean difference of consecutive round trips (as RFC 3550 section 6.4.1)
    std::optional<double> bytes_per_second;  // of the burst; nothing: it was not sent or not answered

    // 0..1; 1 when nothing was sent.
    double success_rate() const noexcept { return sent == 0 ? 1 : static_cast<double>(answered) / sent; }
};

// Higher is better: score = success_rate^2 * (0.5 + weight) * 1000 / (5 + cost), where cost in ms = median + jitter
// + 0.1 * connection latency + the time that 16 KiB take. `weight` 0..1. 0: nothing was answered.
double score(const Measurement& measured, double weight) noexcept;

// Collects the probes of one connection: `count` small ones, 20 ms apart, then as many large ones at once.
class Probing {
public:
    static constexpr Duration kSpacing = std::chrono::milliseconds(20);
    static constexpr std::size_t kLargeProbeBytes = 1100;

    explicit Probing(std::uint32_t count, Duration connection_latency = {})
        : count_(count), connection_latency_(connection_latency) {}

    struct Due {
        std::uint32_t probes = 0;
        std::size_t padding = 0;  // bytes of each
    };
    // What is to be sent now; call sent() for each.
    Due due(TimePoint now) const;
    void sent(std::uint64_t id, std::size_t padding, TimePoint now);
    // Unknown ids are ignored.
    void answered(std::uint64_t id, TimePoint now);

    bool complete() const noexcept { return sent_ == 2 * count_ && open_.empty(); }
    TimePoint next_deadline() const noexcept;  // when due() has something; kNever: nothing more, or answers are awaited
    // All that were sent have an answer, or the oldest without one is younger than `limit`.
    bool answers_within(Duration limit, TimePoint now) const noexcept;
    Measurement result(TimePoint now) const;

private:
    struct Open {
        std::uint64_t id;
        std::size_t padding;
        TimePoint at;
    };
    std::uint32_t count_;
    Duration connection_latency_;
    std::uint32_t sent_ = 0;
    std::uint32_t large_answered_ = 0;
    TimePoint next_at_{};
    TimePoint burst_at_{};
    TimePoint burst_end_{};
    std::vector<Open> open_;
    std::vector<Duration> round_trips_;  // of the small ones, in the order of the answers
};

}  // namespace flare::racing
