// A Flare server in a process of its own, so that its CPU time is its alone.
//
// Threads: one at a time. Must be made before this process has threads: it forks.
#pragma once

#include "allocations.hpp"
#include "logins.hpp"
#include "stats.hpp"

#include <boost/asio/ip/address.hpp>

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace flare {
class ServerBuilder;
}

namespace flare::bench {

// A server that runs already: nothing is known of its CPU time and memory.
struct RunningServer {
    boost::asio::ip::address address;
    std::uint16_t port = 0;
    std::string host;     // as it was asked for
    std::string ca_file;  // empty: the system's store

    // "ws://127.0.0.1:4000". Throws std::invalid_argument; std::runtime_error: there is no such host.
    static RunningServer at(const std::string& url, std::string& transport);
};

struct ServerOptions {
    std::string transport = "ws";  // ws, wss, quic
    std::uint32_t workers = 1;
    bool sealed = false;  // with the key of certs/sealing.key
    std::optional<RunningServer> running;
    std::string ca_file;     // of `running`
    Logins logins;           // the same; none: it takes anybody's word
    bool stored = false;     // messages to users and rooms go into a log, in a temporary file
    std::string store_file;  // or in this one, which stays
    std::chrono::milliseconds heartbeat = std::chrono::seconds(30);
    std::function<void(ServerBuilder&)> configure;    // what a benchmark needs otherwise; called in its process
    std::atomic<std::uint64_t>* published = nullptr;  // counts broadcasts, in memory that the processes share

    // Takes the option at argv[i] and moves i over its value; false: not one of these.
    bool take(int argc, char** argv, int& i);
};

class ServerProcess {
public:
    // Its handler answers on the event loop: a message of type `publish` goes to every session, of any other type
    // comes back. Throws std::runtime_error when it does not start.
    // With options.running nothing is started, and nothing is known of what it costs.
    explicit ServerProcess(const ServerOptions& options);
    ~ServerProcess();
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    bool seen() const noexcept { return pid_ >= 0; }  // false: the figures below are 0
    std::uint64_t cpu_ns() const;                     // of all its threads, since it began
    std::uint64_t worker_cpu_ns() const;              // of its workers alone
    std::uint64_t memory_bytes() const;               // its own, that nobody shares
    std::uint64_t resident_bytes() const;             // the same, but for what it shares with its parent: quick to ask
    struct Heap {
        std::uint64_t by_new = 0;        // operator new
        std::uint64_t by_libraries = 0;  // malloc and its like, but for the former
    };
    Heap heap() const noexcept;  // calls since it began

private:
    pid_t pid_ = -1;
    HeapCounts* heap_ = nullptr;  // shared with the process
    int stop_ = -1;               // closing it ends the process
    std::string folder_;          // of its store; empty: none
    std::uint16_t port_ = 0;
};

}  // namespace flare::bench
