// ServerStats as Prometheus text.
//
// Threads: a pure function.
#pragma once

#include <flare/server.hpp>

#include <string>

namespace flare::server {

// Counters and gauges of the sum of all workers; names as docs/operations.md, "Metrics".
std::string metrics_text(const ServerStats& stats);

}  // namespace flare::server
