// A rate with a burst: the generic cell rate algorithm (ITU-T I.371). One point in time is all the state of a bucket.
//
// Threads: Bucket one at a time; SharedBucket any.
#pragma once

#include "base/assert.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace flare::base {

struct Rate {
    std::uint64_t per_second = 0;  // 0: no limit
    std::uint64_t burst = 0;       // so much at once, after a pause; at most kMaxBurst

    static constexpr std::uint64_t kMaxBurst = 1ull << 32;  // times a billion it fits into 64 bits

    bool limited() const noexcept { return per_second != 0; }
    // Rounded down, so that a burst of single ones is let through whole. Precondition: limited().
    std::chrono::nanoseconds time_of(std::uint64_t amount) const noexcept {
        FLARE_INVARIANT(limited(), "no rate, no time");
        return std::chrono::nanoseconds(static_cast<std::int64_t>(amount * 1'000'000'000 / per_second));
    }
    bool operator==(const Rate&) const = default;
};

class Bucket {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    // How long until there is room for `amount`; 0: now. More than the burst never has room.
    std::chrono::nanoseconds wait(const Rate& rate, std::uint64_t amount, TimePoint now) const noexcept {
        if (!rate.limited()) return std::chrono::nanoseconds(0);
        const auto over = after(rate, amount, now) - now - rate.time_of(rate.burst);
        return std::max<std::chrono::nanoseconds>(over, std::chrono::nanoseconds(0));
    }
    void take(const Rate& rate, std::uint64_t amount, TimePoint now) noexcept {
        if (rate.limited()) empty_at_ = after(rate, amount, now);
    }
    // What was taken, again.
    void give(const Rate& rate, std::uint64_t amount) noexcept {
        if (rate.limited()) empty_at_ -= rate.time_of(amount);
    }

private:
    TimePoint after(const Rate& rate, std::uint64_t amount, TimePoint now) const noexcept {
        return std::max(empty_at_, now) + rate.time_of(amount);
    }
    TimePoint empty_at_{};  // all that was taken has drained
};

// One at a time, by any thread.
class SharedBucket {
public:
    explicit SharedBucket(Rate rate) : rate_(rate) {}
    // False: over the rate; nothing was taken.
    bool take(std::chrono::steady_clock::time_point now) noexcept {
        if (!rate_.limited()) return true;
        const std::int64_t time = now.time_since_epoch() / std::chrono::nanoseconds(1);
        const std::int64_t room = time + rate_.time_of(rate_.burst).count();
        std::int64_t empty_at = empty_at_.load(std::memory_order_relaxed);
        for (;;) {
            const std::int64_t after = std::max(empty_at, time) + rate_.time_of(1).count();
            if (after > room) return false;
            if (empty_at_.compare_exchange_weak(empty_at, after, std::memory_order_relaxed)) return true;
        }
    }

private:
    const Rate rate_;
    std::atomic<std::int64_t> empty_at_{0};  // nanoseconds of the steady clock
};

}  // namespace flare::base
