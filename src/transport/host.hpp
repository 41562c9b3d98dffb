// What a host is: its addresses without asking anybody, and its name in a certificate.
//
// Protocol: RFC 6761 section 6.3: "localhost" and names that end with ".localhost" are this machine, whatever a name
//           server or a system without /etc/hosts says; RFC 6066 section 3; RFC 6874.
// Threads:  pure functions, but that zones are interfaces of this machine.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flare::transport {

// An address is itself; localhost is ::1 and 127.0.0.1. Empty: the name has to be resolved, or the zone of the address
// is none of this machine's.
std::vector<boost::asio::ip::address> known_addresses(std::string_view host);

// "fe80::1" of "fe80::1%eth0".
std::string without_zone(std::string_view host);
// What SNI and certificates call the host: no dot at the end (RFC 6066 section 3), and no zone.
std::string certificate_name(std::string_view host);

}  // namespace flare::transport
