// What a host's addresses are without asking anybody.
//
// Protocol: RFC 6761 section 6.3: "localhost" and names that end with ".localhost" are this machine, whatever a name
//           server or a system without /etc/hosts says.
// Threads:  pure function.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <string_view>
#include <vector>

namespace flare::transport {

// An address is itself; localhost is ::1 and 127.0.0.1. Empty: the name has to be resolved.
std::vector<boost::asio::ip::address> known_addresses(std::string_view host);

}  // namespace flare::transport
