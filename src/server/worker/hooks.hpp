// Calls the application's event handler, in order, on a dedicated thread.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/worker/executor.hpp"
#include "server/worker/server_state.hpp"

#include <functional>

namespace flare::server {

class Hooks {
public:
    Hooks(ServerState& state, Executor& executor) : state_(state), executor_(executor) {}

    bool wanted() const noexcept { return state_.config.events != nullptr; }
    // Dropped, and logged, when too many wait.
    void call(std::function<void(EventHandler&)> call);

private:
    ServerState& state_;
    Executor& executor_;
};

}  // namespace flare::server
