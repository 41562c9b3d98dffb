// Socket addresses as people write them, and errors of sockets as errc.
//
// Threads: pure functions.
#pragma once

#include <flare/error.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace flare::transport {

struct ListenAddress {
    boost::asio::ip::tcp::endpoint endpoint;
    bool both_families = false;  // an IPv6 socket that takes IPv4 too
};

// "127.0.0.1:4000", "[::1]:0", "[fe80::1%eth0]:4000", ":4000" (all addresses of both families). Nothing: not of that
// form. A zone that is no interface is found when the address is bound.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

// Calls `listen`, which returns 0 or an errno, with `address`. ":PORT" where this machine has no IPv6, as its kernel
// has none or it is switched off, becomes all addresses of IPv4, and `listen` is called again.
int listen_on(ListenAddress& address, const std::function<int(const ListenAddress&)>& listen);

// What is listened on, in the form of `address` with the port that was given: by it others can share the port. An
// IPv6 socket of both families does not tell by its own address that it takes IPv4 too.
std::string sharing_text(const std::string& address, const boost::asio::ip::tcp::endpoint& bound);

// An IPv4 address that reached an IPv6 socket is written as IPv4.
std::string address_text(const boost::asio::ip::address& address);
std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);

// Of a TCP socket; all zero: it is not connected any more.
boost::asio::ip::tcp::endpoint local_endpoint_of(int fd);
boost::asio::ip::tcp::endpoint remote_endpoint_of(int fd);

errc listen_errc(int error) noexcept;
errc connect_errc(int error) noexcept;

}  // namespace flare::transport
