// Three hosts of one machine: client, router and server, each a network namespace. What the router does to packets can
// be changed at any time.
//
//     client 10.78.1.2 --veth-- 10.78.1.1 router 10.78.2.1 --veth-- 10.78.2.2 server
//
// Every packet that the router forwards passes Impairment. It needs root.
// Threads: one at a time.
// Owner:   a scenario.
#pragma once

#include "lab/impairment.hpp"
#include "support/network_namespace.hpp"

#include <functional>
#include <memory>
#include <string>

namespace flare::lab {

class Network {
public:
    static constexpr const char* kServer = "10.78.2.2";

    // Why there can be no such network here; empty: there can.
    static std::string why_not();

    explicit Network(std::uint64_t seed = 1);

    // Runs `task` on a thread of that host: its sockets, and the threads that it starts, belong there.
    void on_client(const std::function<void()>& task) const { client_.on(task); }
    void on_server(const std::function<void()>& task) const { server_.on(task); }
    void on_router(const std::function<void()>& task) const { router_.on(task); }

    Impairment& line() { return *line_; }
    void round_trip(std::chrono::milliseconds time);  // of everything
    // In place of the rules before: nft statements of the chain that forwards, and of the one that translates addresses
    // of what the client sends (see nft(8)).
    void rules(const std::string& forward, const std::string& translate = {});
    void clear_rules() { rules({}); }
    // Another address for the client, the old one taken away; alternates between two.
    void change_client_address();

private:
    Network(std::uint64_t seed, int number);

    const test::NetworkNamespace client_, router_, server_;
    std::unique_ptr<Impairment> line_;
    bool second_address_ = false;
};

}  // namespace flare::lab
