// A port of this machine at which nobody listens, and at which no other test can: TCP connections are refused, and UDP
// packets are answered by ICMP. A port that was let go may belong to another test a moment later.
//
// Threads: a value.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <string>

namespace flare::test {

class ClosedPort {
public:
    ClosedPort() {
        using boost::asio::ip::address_v4;
        tcp_.open(boost::asio::ip::tcp::v4());
        tcp_.bind({address_v4::loopback(), 0});
        udp_.open(boost::asio::ip::udp::v4());
        udp_.bind({address_v4::loopback(), 0});
        // The kernel gives a connected socket the packets of its peer alone.
        udp_.connect({address_v4::loopback(), 9});
    }
    // "127.0.0.1:40123"
    std::string tcp() const { return "127.0.0.1:" + std::to_string(tcp_.local_endpoint().port()); }
    std::string udp() const { return "127.0.0.1:" + std::to_string(udp_.local_endpoint().port()); }

private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket tcp_{context_};  // bound, and listens to nobody
    boost::asio::ip::udp::socket udp_{context_};
};

}  // namespace flare::test
