// Limits new sessions per second over all workers, so that returning clients do not overload a restarted server. A
// client that comes too early gets its own time to come back.
//
// Protocol: docs/server.md, "Storms".
// Threads:  any; two atomics.
// Owner:    server::ServerState.
#pragma once

#include "session/types.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace flare::server {

class Admission {
public:
    // Of a server that goes down, where nobody has named a rate.
    static constexpr std::uint32_t kDrainRate = 1000;
    // A slot given away lies at least so far ahead, and at most so far; beyond that slots are given twice.
    static constexpr std::chrono::seconds kSoonest{1};
    static constexpr std::chrono::minutes kFurthest{5};

    // per_second: 0: everybody is let in at once.
    explicit Admission(std::uint32_t per_second);

    bool on() const noexcept { return interval_.count() != 0; }
    // Nothing: let in. Otherwise when to come back. No second sees more than the rate, a twentieth of it, and one.
    std::optional<std::chrono::milliseconds> ask(session::TimePoint now) noexcept;
    // When the index-th session of a server that goes down may come back.
    std::chrono::milliseconds drain_slot(std::size_t index) const noexcept;

private:
    const std::uint32_t rate_;
    const std::chrono::nanoseconds interval_;   // between two sessions; 0: off
    const std::chrono::nanoseconds tolerance_;  // how far ahead of the rate they may come
    // The generic cell rate algorithm (ITU-T I.371): when the next session is due if all came evenly.
    std::atomic<std::int64_t> due_{INT64_MIN};
    std::atomic<std::int64_t> given_{INT64_MIN};  // the last slot that was given to somebody who came too early
};

}  // namespace flare::server
