// Race results on this network, remembered for the next connect; kept in a file if the application names one.
//
// Protocol: docs/racing.md, "Racing memory".
// Threads:  its client's I/O thread.
// Owner:    ClientLoop.
#pragma once

#include "client/config.hpp"
#include "racing/memory.hpp"

#include <map>
#include <optional>
#include <string>

namespace flare::client {

// "10.78.1.0/24" or "2001:db8:1:2::/64" of an address; "unknown" of what is none.
std::string network_of(const std::string& local_address);

class RacingMemory {
public:
    // Reads the file. One that is missing is no fault; one that cannot be read, or is none of ours, is logged.
    explicit RacingMemory(const Config& config);

    // Which network are we on? Before each connect.
    void look_at_network();
    void won(Protocol protocol);
    void failed(Protocol protocol);
    void measured(const std::map<Protocol, double>& shares);
    double weight(Protocol protocol, double configured) const;
    std::optional<Protocol> winner() const;
    bool doubtful(Protocol protocol) const;

private:
    void save();

    racing::Memory memory_;
    const std::string file_;
    const std::string server_;
    std::string place_;  // network and server
};

}  // namespace flare::client
