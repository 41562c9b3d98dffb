// Members who send at a steady rate, in a process of their own, so that what else the load does is not taken for the
// server's: when the receipt comes that says `stored`.
//
// Threads: one at a time. Must be made before this process has threads: it forks.
#pragma once

#include "server_process.hpp"

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flare::bench {

class SyncSenders {
public:
    // Sender i is the user of client i, on a device of its own, and sends to rooms[i]. Throws std::runtime_error.
    SyncSenders(const ServerOptions& where, std::vector<std::string> rooms, double per_second);
    ~SyncSenders();
    SyncSenders(const SyncSenders&) = delete;
    SyncSenders& operator=(const SyncSenders&) = delete;

    // They connect, and send from then on. Throws std::runtime_error.
    void begin(std::uint16_t port);
    struct Receipts {
        std::uint64_t sent = 0;
        std::uint64_t lost = 0;  // without a receipt
        double p50_ms = 0;
        double p99_ms = 0;
    };
    Receipts end();

private:
    struct Shared;
    [[noreturn]] static void run(const ServerOptions& where, const std::vector<std::string>& rooms, double per_second,
                                 Shared& shared);

    pid_t pid_ = -1;
    Shared* shared_ = nullptr;
};

}  // namespace flare::bench
