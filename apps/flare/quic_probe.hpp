// Asks a UDP port whether it speaks QUIC, without a connection: a packet of a version that does not exist has to be
// answered with the versions that do. The packet's size tells what passes on the way there.
//
// Protocol: RFC 9000 sections 6.1 and 14.1 (Version Negotiation), 15 (versions reserved for this).
#pragma once

#include <boost/asio/ip/udp.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace flare::cli {

struct QuicProbe {
    bool answered = false;  // by a QUIC server
    int error = 0;          // errno told for the port: ECONNREFUSED is ICMP's port unreachable
    bool stranger = false;  // something else answered
    std::chrono::nanoseconds took{0};
    std::size_t largest = 0;  // of the sizes asked for, the largest that was answered; bytes of UDP payload
};

// `sizes`: of the datagrams, at least 1200; each is sent up to four times until it is answered or `limit` is over.
QuicProbe probe_quic(const boost::asio::ip::udp::endpoint& endpoint, const std::vector<std::size_t>& sizes,
                     std::chrono::milliseconds limit);

}  // namespace flare::cli
