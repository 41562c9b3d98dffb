// Addresses and URLs as people, configurations and headers write them. Everything that reads one leads here, so that
// a port or a host that is good in one place is good in all.
//
// Protocol: RFC 3986 sections 3.1 to 3.5; RFC 6874 (zones of IPv6 addresses).
// Threads:  pure functions.
#pragma once

#include <flare/failure.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::transport {

// HOST, HOST:PORT, [IPv6]:PORT, [IPv6%ZONE]:PORT or :PORT.
struct Authority {
    std::string host;                   // without brackets: a name, an address, "fe80::1%eth0"; empty: none is named
    std::optional<std::uint16_t> port;  // nothing: none is named; 0 is for listening alone
};
// Errors: invalid_config; the text begins with what is wrong: "has no usable port: ...".
Checked<Authority> parse_authority(std::string_view text);

// Whether it is a host alone: a name, or an IP address without brackets.
bool is_host(std::string_view text);

// An absolute URL with a host.
struct UrlParts {
    std::string scheme;   // lower case
    Authority authority;  // the host is not empty, the port is not 0
    std::string path;     // as written; empty: none
    std::string query;    // with its '?'; empty: none
    bool has_user = false;
    bool has_fragment = false;
};
// Errors: as parse_authority(), and "is not a URL".
Checked<UrlParts> parse_url(std::string_view text);

// 80 for http and ws, 443 for https, wss and quic; 0: the scheme is not known.
std::uint16_t default_port(std::string_view scheme) noexcept;

// As a part of an address: IPv6 in brackets.
std::string in_brackets(const std::string& host);
// As the header Host has it: the port only where it is not the scheme's, and no zone, which means something on this
// machine alone (RFC 6874 section 4).
std::string host_header(const std::string& host, std::uint16_t port, std::string_view scheme);

}  // namespace flare::transport
