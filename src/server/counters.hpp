// What one worker counts: plain numbers of its own thread, added up when somebody asks.
#pragma once

#include <flare/server.hpp>

namespace flare::server {

struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t admissions = 0;
    std::uint64_t admissions_refused = 0;
    std::uint64_t tickets_honoured = 0;
    std::uint64_t sessions_created = 0;
    std::uint64_t sessions_resumed = 0;
    std::uint64_t hand_overs = 0;
    std::uint64_t early_data = 0;
    std::uint64_t migrations = 0;  // of carriers that have gone
    std::uint64_t sessions_refused_busy = 0;
    std::uint64_t sessions_shed_detached = 0;
    std::uint64_t sessions_shed_stalled = 0;
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_refused = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t heartbeats = 0;
    std::uint64_t handler_runs = 0;
    std::chrono::nanoseconds handler_time{0};
    std::map<errc, std::uint64_t> errors;
};

// Prometheus text of the sum, with per-server gauges.
std::string metrics_text(const ServerStats& stats);

}  // namespace flare::server
