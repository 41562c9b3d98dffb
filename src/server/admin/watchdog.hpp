// Asks the event loops whether they still turn (Health), and says which one does not: a handler that blocks on its loop
// (a coroutine that never awaits, an Execution::worker function that takes long) holds up every session there. It also
// has the log sum up what its limits have held back.
//
// Threads: one of its own.
// Owner:   Server::Impl. Must go before the workers.
#pragma once

#include "server/worker/router.hpp"
#include "server/worker/server_state.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace flare::server {

class Watchdog {
public:
    static constexpr std::chrono::milliseconds kLook{250};

    Watchdog(ServerState& state, Router& router);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    void run();
    void look(std::size_t index, Health::Clock::time_point now);

    ServerState& state_;
    Router& router_;
    std::vector<bool> told_;  // of each worker, while it does not answer
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace flare::server
