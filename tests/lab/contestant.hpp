// A messaging system on a network of its own, put through the same faults as the others: a client on one side of the
// router, on the other a server (or a broker and the service behind it), numbered messages both ways.
//
// Threads: one at a time.
// Owner:   the comparison.
#pragma once

#include "lab/network.hpp"
#include "lab/traffic.hpp"

#include <memory>
#include <string>

namespace flare::lab {

class Contestant {
public:
    virtual ~Contestant() = default;

    virtual Network& network() = 0;
    virtual Arrivals& at_server() = 0;
    virtual Arrivals& at_client() = 0;
    // Of the connection in use: "tcp" or "udp".
    virtual std::string transport() = 0;
    virtual void start_traffic(double per_second) = 0;
    // Ends the traffic. How many were given to the senders: {up, down}.
    virtual std::pair<std::uint64_t, std::uint64_t> stop_traffic() = 0;
};

using MakeContestant = std::unique_ptr<Contestant> (*)(std::chrono::milliseconds round_trip);

// Each throws std::runtime_error when the system cannot be had here.
std::unique_ptr<Contestant> flare_with_both(std::chrono::milliseconds round_trip);
std::unique_ptr<Contestant> flare_with_websocket(std::chrono::milliseconds round_trip);
std::unique_ptr<Contestant> socketio(std::chrono::milliseconds round_trip);
std::unique_ptr<Contestant> socketio_with_recovery(std::chrono::milliseconds round_trip);
std::unique_ptr<Contestant> mqtt(std::chrono::milliseconds round_trip);
std::unique_ptr<Contestant> nats(std::chrono::milliseconds round_trip);

}  // namespace flare::lab
