// What goes when max_memory_bytes is used up: docs/server.md, "Memory".
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"
#include "server/worker/server_state.hpp"
#include "session/budget.hpp"

namespace flare::server {

class Shedding {
public:
    Shedding(ServerState& state, Router& router, Executor& executor, session::SessionTable& table,
             session::Budget& budget, Counters& counters, std::uint32_t index)
        : state_(state),
          router_(router),
          executor_(executor),
          table_(table),
          budget_(budget),
          counters_(counters),
          index_(index) {}

    // Begins with the first worker, unless it is under way.
    void memory_short();

private:
    // Ends sessions of this worker for their memory, and goes on to the next one until there is enough.
    void shed(session::Shed kind);

    ServerState& state_;
    Router& router_;
    Executor& executor_;
    session::SessionTable& table_;
    session::Budget& budget_;
    Counters& counters_;
    const std::uint32_t index_;
};

}  // namespace flare::server
