// Limits the log lines of one kind: the first kBurst of each period are logged, the rest are counted, and the count is
// logged when the period ends.
//
// Threads: any. Counts are never lost; which of two periods a line at their border belongs to is not decided.
// Owner:   Log.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace flare::base {

class LineLimit {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    static constexpr std::uint32_t kBurst = 10;
    static constexpr std::chrono::seconds kPeriod{10};

    // Is a line of this moment written? If not, it is counted.
    bool allows(TimePoint now) noexcept {
        turn(now);
        if (written_.fetch_add(1, std::memory_order_relaxed) < kBurst) return true;
        held_back_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    // Lines that were held back in periods that are over; each is told once.
    std::uint64_t take(TimePoint now) noexcept {
        turn(now);
        return due_.exchange(0, std::memory_order_relaxed);
    }
    // And those of the period that is not over.
    std::uint64_t take_all() noexcept { return due_.exchange(0) + held_back_.exchange(0); }

private:
    void turn(TimePoint now) noexcept {
        const auto period = now.time_since_epoch() / kPeriod;
        auto before = period_.load(std::memory_order_relaxed);
        if (before == period || !period_.compare_exchange_strong(before, period)) return;
        due_.fetch_add(held_back_.exchange(0));
        written_.store(0);
    }

    std::atomic<std::int64_t> period_{-1};
    std::atomic<std::uint64_t> written_{0};  // in this period, allowed or not
    std::atomic<std::uint64_t> held_back_{0};
    std::atomic<std::uint64_t> due_{0};
};

}  // namespace flare::base
