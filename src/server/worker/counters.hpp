// What one worker counts: plain numbers of its own thread, put together when somebody asks.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include <flare/server.hpp>

namespace flare::server {

// What is counted up; what is only true now (sessions, connections, memory) is filled in by Shard::stats().
using Counters = ServerStats;

// Adds a worker's part. What is said once of the whole server (capacities, revocations, stalls, compression) is not
// touched.
void add(ServerStats& sum, const ServerStats& part);

}  // namespace flare::server
