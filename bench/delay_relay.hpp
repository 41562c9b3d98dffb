// A network with a delay and no other limit, on loopback: passes on what comes, half a round trip later. For TCP and
// for UDP, to one server.
//
// What is under way is kept in memory without a bound: the traffic through it bounds itself.
//
// Threads: one of its own.
// Owner:   the benchmark.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace flare::bench {

class DelayRelay {
public:
    // To 127.0.0.1:`server`; each way takes half of `round_trip`. Throws boost::system::system_error.
    DelayRelay(std::uint16_t server, bool udp, std::chrono::nanoseconds round_trip);
    ~DelayRelay();
    DelayRelay(const DelayRelay&) = delete;
    DelayRelay& operator=(const DelayRelay&) = delete;

    std::uint16_t port() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace flare::bench
