// Looks whether the event loops still turn, and says which one does not: a handler that blocks on its loop (a coroutine
// that never awaits, an Execution::worker function that takes long) holds up every session there.
//
// Threads: one of its own; stalls() any.
// Owner:   Server::Impl. Must go before the workers.
#pragma once

#include "server/shared.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace flare::server {

class Watchdog {
public:
    static constexpr std::chrono::milliseconds kLook{250};
    static constexpr std::chrono::milliseconds kPatience{1000};  // a loop that has not turned for so long is told of

    explicit Watchdog(Shared& shared);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    struct Watched {
        std::atomic<bool> answered{true};
        std::chrono::steady_clock::time_point asked_at{};
        bool told = false;
    };
    void run();
    void look(std::size_t index, std::chrono::steady_clock::time_point now);

    Shared& shared_;
    std::vector<std::shared_ptr<Watched>> watched_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace flare::server
