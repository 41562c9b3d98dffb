#include "transport/proxy/networks.hpp"

#include <algorithm>
#include <charconv>

namespace flare::transport::proxy {

namespace ip = boost::asio::ip;

std::optional<ip::address> parse_address(std::string_view text) {
    constexpr std::size_t kLongest = 45;  // ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255
    if (text.empty() || text.size() > kLongest || text.find_first_not_of("0123456789abcdefABCDEF:.") != text.npos)
        return std::nullopt;
    boost::system::error_code error;
    const ip::address address = ip::make_address(std::string(text), error);
    if (error) return std::nullopt;
    if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
    return address;
}

std::string Networks::add(std::string_view text) {
    const std::string quoted = "\"" + std::string(text) + "\"";
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return quoted + " is no network: write it as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1";
    const unsigned before = address->is_v4() ? 96 : 0;  // bits of ::ffff:0:0/96
    unsigned length = 128 - before;
    if (slash != text.npos) {
        const std::string_view number = text.substr(slash + 1);
        const auto read = std::from_chars(number.data(), number.data() + number.size(), length);
        if (read.ec != std::errc() || read.ptr != number.data() + number.size() || length > 128 - before)
            return quoted + " is no network: behind the / stands a number from 0 to " + std::to_string(128 - before);
    }
    const Network network{bits_of(*address), before + length};
    if (const Bits whole = cut(network.bits, network.length); whole != network.bits) {
        const ip::address_v6 first(whole);
        const std::string right =
            address->is_v4() ? ip::make_address_v4(ip::v4_mapped, first).to_string() : first.to_string();
        return quoted + " is an address within a network: write " + right + "/" + std::to_string(length) +
               ", or the address alone";
    }
    networks_.push_back(network);
    return {};
}

bool Networks::contains(const ip::address& address) const noexcept {
    const Bits bits = bits_of(address);
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const Network& each) { return share(each.bits, bits, each.length); });
}

Networks::Bits Networks::bits_of(const ip::address& address) noexcept {
    return (address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()) : address.to_v6()).to_bytes();
}

Networks::Bits Networks::cut(Bits bits, unsigned length) noexcept {
    for (unsigned i = 0; i < bits.size(); ++i) {
        const unsigned kept = std::clamp<int>(static_cast<int>(length) - static_cast<int>(8 * i), 0, 8);
        bits[i] = static_cast<std::uint8_t>(bits[i] & (0xff00u >> kept));
    }
    return bits;
}

bool Networks::share(const Bits& one, const Bits& other, unsigned length) noexcept {
    return cut(one, length) == cut(other, length);
}

}  // namespace flare::transport::proxy
