// Numbered messages in both directions at a steady pace, and what became of them.
//
// Threads: any.
// Owner:   a scenario.
#pragma once

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace flare::lab {

// The receiving end of one direction: numbers from 0, each expected once and in order.
class Arrivals {
public:
    using Clock = std::chrono::steady_clock;

    void add(std::uint64_t number);
    // From here on the longest silence counts.
    void mark();
    // Messages that have come since mark().
    std::uint64_t since_mark() const;
    // Until `count` have come, or the time is over.
    bool wait_for(std::uint64_t count, std::chrono::milliseconds limit) const;

    struct Verdict {
        std::uint64_t lost = 0;
        std::uint64_t repeated = 0;
        std::uint64_t reordered = 0;
        std::chrono::nanoseconds silence{0};  // the longest since mark(), the one that lasts included
    };
    // `sent`: how many were given to the sender.
    Verdict verdict(std::uint64_t sent) const;
    std::chrono::nanoseconds silence() const { return verdict(0).silence; }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<std::uint8_t> times_;  // how often each number came
    std::uint64_t distinct_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t reordered_ = 0;
    std::uint64_t marked_at_ = 0;
    Clock::time_point last_ = Clock::now();
    std::chrono::nanoseconds silence_{0};
};

// Calls `send(number)` at a steady pace on a thread of its own. What is late is made up for.
class Pacer {
public:
    Pacer(double per_second, std::function<void(std::uint64_t number)> send);
    ~Pacer() { stop(); }
    // How many were sent.
    std::uint64_t stop();

private:
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> sent_{0};
    std::thread thread_;
};

inline double milliseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }

}  // namespace flare::lab
