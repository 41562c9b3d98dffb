#include "transport/host.hpp"

#include <boost/algorithm/string/predicate.hpp>

namespace flare::transport {
namespace ip = boost::asio::ip;

std::vector<ip::address> known_addresses(std::string_view host) {
    boost::system::error_code error;
    if (const auto literal = ip::make_address(host, error); !error) return {literal};
    if (host.ends_with('.')) host.remove_suffix(1);
    if (!boost::iequals(host, "localhost") && !boost::iends_with(host, ".localhost")) return {};
    return {ip::address_v6::loopback(), ip::address_v4::loopback()};
}

}  // namespace flare::transport
