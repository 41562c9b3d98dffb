// Which event loops turn. One question at a time waits on each; a loop that has not answered for kPatience is not well.
//
// Threads: any. Asking and judging never wait.
// Owner:   ServerState; Watchdog asks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace flare::server {

class Health {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds kPatience{1000};

    explicit Health(std::size_t workers) : pulses_(workers) {}

    // False: the question before has not been answered. Else answered() is to be called on that loop.
    bool ask(std::size_t worker, Clock::time_point now) noexcept;
    void answered(std::size_t worker) noexcept;
    // For how long a question has waited on this loop, if that is more than kPatience.
    std::optional<std::chrono::milliseconds> silent_for(std::size_t worker, Clock::time_point now) const noexcept;
    // "worker 3 has not answered for 1500 ms", for each of those; empty if all is well. `asking`: a loop that turns
    // evidently, as it is the one that asks.
    std::string trouble(Clock::time_point now, std::optional<std::size_t> asking = {}) const;

private:
    static constexpr Clock::rep kNothing = 0;
    struct Pulse {
        std::atomic<Clock::rep> asked_at{kNothing};  // kNothing: no question waits
    };
    std::vector<Pulse> pulses_;
};

}  // namespace flare::server
