// Which refusals mean that the same is to be sent again later, and for how long a client goes on doing so. The time of
// what waits behind something else that was put off runs, too: a disk that stays full is told after kLongestBusy for
// everything that was sent meanwhile, and not for one thing after the other.
//
// Protocol: docs/conversations.md, "Later"; docs/protocol.md, "Receipts", "Requests".
// Threads:  pure functions.
#pragma once

#include "session/types.hpp"

namespace flare::session {

inline constexpr Duration kLeastWait = std::chrono::milliseconds(10);
inline constexpr Duration kLongestBusy = std::chrono::minutes(10);  // beyond it the application hears of it

// Nobody has acted on it. Of what goes into a log that is also said of rates and of the disk.
inline bool is_later(errc code, std::uint32_t retry_after_ms, bool into_log) noexcept {
    if (retry_after_ms == 0) return false;
    switch (code) {
        case errc::busy: return true;
        case errc::rate_limited:
        case errc::storage_full:
        case errc::storage_failed: return into_log;
        default: return false;
    }
}

// To go on trying until then. `since`: since when it has waited, and nothing that it waits for has made progress.
inline bool is_too_late(TimePoint again, TimePoint since) noexcept { return again - since > kLongestBusy; }

inline Duration wait_of(std::uint32_t retry_after_ms) noexcept {
    return std::max<Duration>(std::chrono::milliseconds(retry_after_ms), kLeastWait);
}

}  // namespace flare::session
