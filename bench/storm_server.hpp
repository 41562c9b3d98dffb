// The servers of `storm`: two processes that follow each other on one address, with one ticket key, and what they count
// in memory that they share with the load.
//
// Threads: one at a time. Must be made before this process has threads or sockets: it forks.
#pragma once

#include "server_process.hpp"

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>

namespace flare::bench {

struct StormOptions {
    ServerOptions where;
    std::uint32_t sessions = 10'000;
    std::uint32_t rate = 1000;
    std::uint32_t messages = 0;  // that the handlers may count
};

// What one server process has counted.
struct StormCounts {
    struct Sample {
        std::uint64_t before = 0;  // ns; the counter was read between the two
        std::uint64_t after = 0;
        std::uint64_t admissions = 0;
    };
    static constexpr std::size_t kSamples = 100'000;
    std::atomic<std::uint64_t> auth_calls{0};
    std::atomic<std::uint64_t> admissions_refused{0};
    std::atomic<std::uint64_t> tickets_honoured{0};
    std::atomic<std::size_t> samples{0};
    std::array<Sample, kSamples> sample;
};

class StormServers {
public:
    // Two processes that wait. Throws std::runtime_error.
    explicit StormServers(const StormOptions& options);
    ~StormServers();
    StormServers(const StormServers&) = delete;
    StormServers& operator=(const StormServers&) = delete;

    // Makes one of them listen, at `port` (0: any), and returns its port. Throws std::runtime_error.
    std::uint16_t listen(std::size_t which, std::uint16_t port);
    void begin_stop(std::size_t which);
    // Whether its Server::stop() has returned.
    bool stopped(std::size_t which);
    const StormCounts& counts(std::size_t which) const { return *counts_[which]; }
    // How often a handler has got message `number`, of both processes.
    std::uint32_t handled(std::size_t number) const { return handled_[number].load(std::memory_order_relaxed); }

private:
    struct Process {
        pid_t pid = -1;
        int order = -1;   // we write
        int report = -1;  // we read
    };
    std::string key_file_;
    std::array<Process, 2> processes_;
    std::array<StormCounts*, 2> counts_{};
    std::span<std::atomic<std::uint32_t>> handled_;
};

}  // namespace flare::bench
