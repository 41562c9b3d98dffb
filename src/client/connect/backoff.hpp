// The delay before the next attempt: doubles from a base, with jitter, up to a ceiling that rises in a long outage.
//
// Threads: pure state.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace flare::client {

class Backoff {
public:
    using Duration = std::chrono::steady_clock::duration;
    static constexpr std::chrono::milliseconds kCeiling{5'000};
    static constexpr std::chrono::minutes kLongOutage{2};  // from then on the other ceiling holds
    static constexpr std::chrono::milliseconds kLongCeiling{30'000};

    // A base above a ceiling is what the user asked for: it stays as it is.
    explicit Backoff(std::chrono::milliseconds base) : base_(base) {}

    // The delay before attempt `attempt` (from 1) of an outage that has lasted for `outage`. `random`: any number. Half
    // of the delay is fixed, half is drawn, so that clients that lost one server do not come back as one.
    std::chrono::milliseconds before(std::uint32_t attempt, Duration outage, std::uint64_t random) const {
        const std::int64_t ceiling = (outage < kLongOutage ? kCeiling : kLongCeiling).count();
        const std::uint32_t doublings = std::min<std::uint32_t>(attempt == 0 ? 0 : attempt - 1, 20);
        const auto full = base_.count() >= ceiling ? base_.count() : std::min(base_.count() << doublings, ceiling);
        const std::int64_t half = full / 2;
        return std::chrono::milliseconds(full - half +
                                         static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half + 1)));
    }

private:
    std::chrono::milliseconds base_;
};

}  // namespace flare::client
