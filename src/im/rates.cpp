#include "im/rates.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace flare::im {

std::chrono::nanoseconds DeviceRates::wait(std::uint64_t device, TimePoint now, std::uint64_t bursts) const {
    const auto bucket = buckets_.find(device);
    const base::Rate rate{rate_.per_second, rate_.burst * bursts};
    return bucket == buckets_.end() ? std::chrono::nanoseconds(0) : bucket->second.wait(rate, 1, now);
}

void DeviceRates::take(std::uint64_t device, TimePoint now) {
    if (!rate_.limited()) return;
    if (buckets_.size() >= most_ && !buckets_.contains(device)) forget_full(now);
    buckets_[device].take(rate_, 1, now);
}

void DeviceRates::give(std::uint64_t device) {
    if (const auto bucket = buckets_.find(device); bucket != buckets_.end()) bucket->second.give(rate_, 1);
}

void DeviceRates::forget_full(TimePoint now) {
    boost::unordered::erase_if(buckets_, [&](const auto& each) {
        return each.second.wait(rate_, rate_.burst, now) == std::chrono::nanoseconds(0);
    });
    if (buckets_.size() < most_) return;
    std::size_t rest = most_ / 8 + 1;
    boost::unordered::erase_if(buckets_, [&](const auto&) { return rest != 0 && rest-- != 0; });
}

void DeviceRates::check_invariants() const {
    FLARE_INVARIANT(buckets_.size() <= most_, "more devices are remembered than may be");
}

std::uint64_t SlowMode::wait_ms(Row user, std::uint32_t slow_mode_ms, std::uint64_t now_ms) const {
    const auto last = last_ms_.find(user);
    if (slow_mode_ms == 0 || last == last_ms_.end()) return 0;
    // A clock that was set back makes nobody wait for longer than slow mode does.
    const std::uint64_t may_at = std::min(last->second, now_ms) + slow_mode_ms;
    return may_at <= now_ms ? 0 : may_at - now_ms;
}

std::uint64_t SlowMode::wrote(Row user, std::uint64_t now_ms) {
    if (last_ms_.size() >= limits_.slow_senders && !last_ms_.contains(user)) {
        std::uint64_t earliest = UINT64_MAX;
        for (const auto& [each, last] : last_ms_) earliest = std::min(earliest, last);
        // All of the earlier half of the time, so that the next ones find room.
        const std::uint64_t upto = earliest + (now_ms > earliest ? (now_ms - earliest) / 2 : 0);
        boost::unordered::erase_if(last_ms_, [&](const auto& each) { return each.second <= upto; });
    }
    std::uint64_t& last = last_ms_[user];
    const std::uint64_t before = last;
    last = now_ms;
    return before;
}

void SlowMode::put_back(Row user, std::uint64_t before) {
    if (before == 0) {
        last_ms_.erase(user);
    } else if (const auto last = last_ms_.find(user); last != last_ms_.end()) {
        last->second = before;
    }
}

void SlowMode::expire(std::uint32_t slow_mode_ms, std::uint64_t now_ms) {
    boost::unordered::erase_if(last_ms_, [&](auto& each) {
        // What lies in the future was written before the clock was set back: it counts from now on.
        each.second = std::min(each.second, now_ms);
        return wait_ms(each.first, slow_mode_ms, now_ms) == 0;
    });
}

void SlowMode::check_invariants() const {
    FLARE_INVARIANT(last_ms_.size() <= limits_.slow_senders, "slow mode remembers more senders than it may");
}

}  // namespace flare::im
