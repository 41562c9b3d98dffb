// Load for a server that sends every message back to the connection it came from, or to all: so many connections with
// so many messages under way on each, measured for so long.
//
// Threads: runs in the calling thread.
#pragma once

#include "dialect.hpp"
#include "stats.hpp"

#include <cstdint>
#include <functional>

namespace flare::bench {

// Connects to 127.0.0.1:port. `server_cpu_ns` is asked at the beginning and at the end of the measured time, which
// follows options.warm_up. Throws std::runtime_error.
LoadResult echo_load(const System& system, std::uint16_t port, const LoadOptions& options,
                     const std::function<std::uint64_t()>& server_cpu_ns);

}  // namespace flare::bench
