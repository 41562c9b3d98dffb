#include "transport/host.hpp"

#include <boost/algorithm/string/predicate.hpp>

namespace flare::transport {
namespace ip = boost::asio::ip;

std::vector<ip::address> known_addresses(std::string_view host) {
    boost::system::error_code error;
    if (const auto literal = ip::make_address(host, error); !error) {
        // A zone that is no interface has the number 0, which is all of them or none.
        const bool lost_zone = host.find('%') != std::string_view::npos && literal.to_v6().scope_id() == 0;
        return lost_zone ? std::vector<ip::address>{} : std::vector<ip::address>{literal};
    }
    if (host.ends_with('.')) host.remove_suffix(1);
    if (!boost::iequals(host, "localhost") && !boost::iends_with(host, ".localhost")) return {};
    return {ip::address_v6::loopback(), ip::address_v4::loopback()};
}

std::string without_zone(std::string_view host) { return std::string(host.substr(0, host.find('%'))); }

std::string certificate_name(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    return without_zone(host);
}

}  // namespace flare::transport
