// State shared by the workers of one server. Nothing here is used on the path of a message.
//
// Threads: as each member says.
// Owner:   WorkerGroup (and the simulator).
#pragma once

#include "auth/revocations.hpp"
#include "server/admin/health.hpp"
#include "server/config.hpp"
#include "server/conversations/asked_hooks.hpp"
#include "server/conversations/newest_entries.hpp"
#include "server/reception/admission.hpp"
#include "server/reception/connection_limits.hpp"
#include "session/budget.hpp"
#include "session/ticket_keys.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>

namespace flare::server {

// A user whom a server that stops has let go is expected for so long after the moment that the client was told.
inline constexpr std::chrono::seconds kExpectedLate{120};

struct ServerState {
    // files: how many connections may have a file each.
    ServerState(Config config_, std::uint32_t files, const auth::Revocations& revocations_, session::TimePoint started_)
        : config(std::move(config_)),
          workers(config.workers()),
          started(started_),
          budget(config.max_memory_bytes, true),
          limits(config.quic ? config.max_connections : std::min(config.max_connections, files), files,
                 config.max_connections_per_address,
                 {config.max_handshakes_per_second, config.max_handshakes_per_second}, &budget, config.secure()),
          admission(config.admission_rate),
          revocations(revocations_) {}

    const Config config;
    const std::uint32_t workers;
    const session::TimePoint started;  // since when message ids are remembered
    session::SharedBudget budget;
    ConnectionLimits limits;
    Admission admission;
    Health health{workers};
    // Set before the workers are made; null: tickets do not last.
    std::unique_ptr<const session::TicketKeys> ticket_keys;
    const auth::Revocations& revocations;
    std::atomic<wire::Encodings> encodings_in_use{0};  // that a session has agreed on since the start
    std::atomic<bool> ready{false};                    // accepting
    std::atomic<std::uint64_t> stalls{0};              // see Watchdog
    std::atomic<bool> shedding{false};                 // see Shedding
    AskedHooks* asked_hooks = nullptr;                 // set before the workers are made; null: none is asked
    const reading::NewestEntriesPtr newest_entries = std::make_shared<reading::NewestEntries>();

    // Of memory, that a worker takes and keeps at a time: small against what all may have.
    std::size_t grain() const noexcept {
        return std::clamp<std::size_t>(config.max_memory_bytes / 16 / workers, 4096, 256 * 1024);
    }
};

}  // namespace flare::server
