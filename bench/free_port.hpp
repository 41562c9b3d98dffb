// A port for a server that a benchmark starts.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

namespace flare::bench {

// On loopback, one that nobody listens on now.
inline std::uint16_t free_port() {
    using boost::asio::ip::tcp;
    boost::asio::io_context context;
    return tcp::acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)).local_endpoint().port();
}

}  // namespace flare::bench
