// How long to wait before the next attempt: doubling from a base, with jitter, up to a ceiling.
//
// Threads: pure state.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace flare::client {

class Backoff {
public:
    static constexpr std::chrono::milliseconds kCeiling{30'000};

    explicit Backoff(std::chrono::milliseconds base) : base_(base) {}

    // The delay before attempt `attempt` (from 1). `random`: any number. Half of the delay is fixed, half is drawn, so
    // that clients that lost one server do not come back as one.
    std::chrono::milliseconds before(std::uint32_t attempt, std::uint64_t random) const {
        const std::uint32_t doublings = std::min<std::uint32_t>(attempt == 0 ? 0 : attempt - 1, 20);
        const auto full = std::min<std::int64_t>(base_.count() << doublings, std::max(kCeiling, base_).count());
        const std::int64_t half = full / 2;
        return std::chrono::milliseconds(full - half +
                                         static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half + 1)));
    }

private:
    std::chrono::milliseconds base_;
};

}  // namespace flare::client
