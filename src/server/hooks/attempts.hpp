// When what a hook has not taken is sent again, and when no more.
//
// Protocol: docs/hooks.md, "When it fails".
// Threads:  one at a time. Pure state: time and chance are arguments.
// Owner:    AfterHook.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace flare::server::hooks {

class Attempts {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kFirst{1000};
    static constexpr std::chrono::milliseconds kLongest{300'000};
    static constexpr std::chrono::hours kGivesUp{72};

    void succeeded() noexcept {
        failed_ = 0;
        since_.reset();
    }
    // How long to wait before the next one: twice as long each time, and of that some part between a half and all.
    // Nothing: it has failed for so long that nobody tries any more. chance: any number.
    std::optional<std::chrono::milliseconds> failed(Clock::time_point now, std::uint64_t chance) noexcept {
        if (!since_) since_ = now;
        if (now - *since_ >= kGivesUp) return std::nullopt;
        const auto whole = std::min(kLongest, kFirst * (std::int64_t{1} << std::min(failed_, 20u)));
        ++failed_;
        const auto half = whole / 2;
        return half + std::chrono::milliseconds(chance % static_cast<std::uint64_t>((whole - half).count() + 1));
    }
    bool failing() const noexcept { return failed_ != 0; }

private:
    unsigned failed_ = 0;  // in a row
    std::optional<Clock::time_point> since_;
};

}  // namespace flare::server::hooks
