// Socket addresses as people write them, and errors of sockets as errc.
//
// Threads: pure functions.
#pragma once

#include <flare/error.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::transport::websocket {

struct ListenAddress {
    boost::asio::ip::tcp::endpoint endpoint;
    bool both_families = false;  // an IPv6 socket that takes IPv4 too
};

// "127.0.0.1:4000", "[::1]:0", "[fe80::1%eth0]:4000", ":4000" (all addresses of both families). Nothing: not of that
// form. A zone that is no interface is found when the address is bound.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

// An IPv4 address that reached an IPv6 socket is written as IPv4.
std::string address_text(const boost::asio::ip::address& address);
std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);

// Of a TCP socket; all zero: it is not connected any more.
boost::asio::ip::tcp::endpoint local_endpoint_of(int fd);
boost::asio::ip::tcp::endpoint remote_endpoint_of(int fd);

errc listen_errc(int error) noexcept;
errc connect_errc(int error) noexcept;

}  // namespace flare::transport::websocket
