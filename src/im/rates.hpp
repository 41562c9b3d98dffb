// How fast devices may send, all their conversations of one worker together; and when a member may write again in slow
// mode.
//
// Protocol: docs/conversations.md, "Limits".
// Threads:  one at a time; time is an argument.
#pragma once

#include "base/rate.hpp"
#include "im/limits.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace flare::im {

// Owner: the worker. A device that has been quiet for as long as its burst takes is not remembered; of more than
// `most` that are not, some lose what they have used up.
class DeviceRates {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    explicit DeviceRates(base::Rate rate, std::size_t most = 65'536) : rate_(rate), most_(most) {}

    // How long until `device` may send one more, when it may use up so many bursts at once; 0: now.
    std::chrono::nanoseconds wait(std::uint64_t device, TimePoint now, std::uint64_t bursts = 1) const;
    void take(std::uint64_t device, TimePoint now);
    // What take() took, again.
    void give(std::uint64_t device);
    std::size_t size() const noexcept { return buckets_.size(); }
    void check_invariants() const;

private:
    void forget_full(TimePoint now);

    const base::Rate rate_;
    const std::size_t most_;
    boost::unordered_flat_map<std::uint64_t, base::Bucket> buckets_;
};

// Owner: Append. By Unix time, as slow mode is configured for hours and outlives the machine's sleep.
class SlowMode {
public:
    explicit SlowMode(const Limits& limits) : limits_(limits) {}

    // How long until `user` may write again, in ms; 0: now.
    std::uint64_t wait_ms(Row user, std::uint32_t slow_mode_ms, std::uint64_t now_ms) const;
    // Returns what is to be given to put_back() when nothing comes of it.
    std::uint64_t wrote(Row user, std::uint64_t now_ms);
    void put_back(Row user, std::uint64_t before);
    // Forgets whoever may write again.
    void expire(std::uint32_t slow_mode_ms, std::uint64_t now_ms);
    bool empty() const noexcept { return last_ms_.empty(); }
    void check_invariants() const;

private:
    const Limits& limits_;
    boost::unordered_flat_map<Row, std::uint64_t> last_ms_;
};

}  // namespace flare::im
