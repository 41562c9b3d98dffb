// Packets of one turn of an endpoint, to many peers, that go with one system call at its end. What a full socket does
// not take stays and goes first later: nothing is lost that need not be.
//
// Threads: its endpoint's.
// Owner:   Endpoint.
// Growth:  kMostWrites times kMostBytes.
#pragma once

#include "transport/quic/udp_socket.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace flare::transport::quic {

class TurnPackets {
public:
    static constexpr std::size_t kMostBytes = 4096;  // of one write: copying more costs more than it saves
    static constexpr std::size_t kMostWrites = UdpSocket::kMostAtOnce;

    bool empty() const noexcept { return writes_.empty(); }
    // Copies them. False: too many bytes, or no room before the next flush().
    bool add(std::span<const std::uint8_t> bytes, std::size_t segment, const Address& from, const Address& to);
    // False: the socket is full.
    bool flush(UdpSocket& socket);
    void clear() noexcept;

private:
    struct Write {
        std::size_t bytes = 0;
        std::size_t segment = 0;
        Address from;
        Address to;
    };
    std::vector<Write> writes_;
    std::vector<std::uint8_t> bytes_;  // of all of them, in order
};

}  // namespace flare::transport::quic
