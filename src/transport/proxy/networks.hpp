// A list of networks, and whether an address lies in one of them.
//
// Protocol: RFC 4632 and RFC 4291 section 2.3 (CIDR notation).
// Threads:  immutable once it is filled.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::transport::proxy {

// "192.0.2.1", "2001:db8::1"; without a port, a zone or brackets. An IPv4-mapped address comes out as IPv4.
std::optional<boost::asio::ip::address> parse_address(std::string_view text);

class Networks {
public:
    // "10.0.0.0/8", "2001:db8::/32", or one address. Empty: added; else what is wrong, for people.
    std::string add(std::string_view text);
    bool contains(const boost::asio::ip::address& address) const noexcept;
    bool empty() const noexcept { return networks_.empty(); }

private:
    using Bits = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
    struct Network {
        Bits bits;
        unsigned length;  // of the prefix, of 128
    };
    static Bits bits_of(const boost::asio::ip::address& address) noexcept;
    static bool share(const Bits& one, const Bits& other, unsigned length) noexcept;
    static Bits cut(Bits bits, unsigned length) noexcept;

    std::vector<Network> networks_;
};

}  // namespace flare::transport::proxy
