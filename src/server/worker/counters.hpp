// Counters of one worker: plain numbers of its thread, summed on request.
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
