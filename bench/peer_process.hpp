// The server of another system, in a process of its own: what a benchmark puts beside Flare.
//
// Threads: one at a time.
#pragma once

#include "pin.hpp"
#include "stats.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace flare::bench {

class PeerProcess {
public:
    // Starts `command`, found in PATH, where `placing` says, and returns when it listens at `port` on loopback.
    // Throws std::runtime_error: there is no such program, it ended, or it does not listen in time; nothing runs then.
    PeerProcess(std::vector<std::string> command, std::uint16_t port, Placing placing = Placing::alone);
    ~PeerProcess();  // kills it
    PeerProcess(const PeerProcess&) = delete;
    PeerProcess& operator=(const PeerProcess&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    std::uint64_t cpu_ns() const { return process_cpu_ns(pid_); }

private:
    bool wait_until_it_listens();
    void end() noexcept;

    const std::uint16_t port_;
    pid_t pid_ = -1;  // -1: it has ended
};

}  // namespace flare::bench
