// Load for a server that echoes WebSocket messages: so many connections with so
// many messages under way on each, measured for so long.
//
// Threads: runs in the calling thread.
#pragma once

#include "stats.hpp"

#include <cstdint>
#include <functional>

namespace flare::bench {

// Connects to 127.0.0.1:port and offers the subprotocol flare.v1. `server_cpu_ns` is asked at the beginning and
// at the end of the measured time, which follows half a second of warming up.
LoadResult websocket_echo_load(std::uint16_t port, const LoadOptions& options,
                               const std::function<std::uint64_t()>& server_cpu_ns);

}  // namespace flare::bench
