#include "server/overlap.hpp"

#include "transport/address.hpp"

namespace flare::server {
namespace {

using transport::ListenAddress;

bool covers(const ListenAddress& wide, const ListenAddress& narrow) {
    const auto& address = wide.endpoint.address();
    const bool families = wide.both_families || address.is_v6() == narrow.endpoint.address().is_v6();
    return families && (address.is_unspecified() || address == narrow.endpoint.address());
}

}  // namespace

std::optional<std::string> overlap_of(const Config& config) {
    if (!config.websocket || config.admin_addr.empty()) return std::nullopt;
    const auto websocket = transport::parse_listen_address(config.websocket_addr);
    const auto admin = transport::parse_listen_address(config.admin_addr);
    if (!websocket || !admin) return std::nullopt;  // start() says so
    const auto port = admin->endpoint.port();
    if (port == 0 || port != websocket->endpoint.port()) return std::nullopt;
    if (!covers(*websocket, *admin) && !covers(*admin, *websocket)) return std::nullopt;
    return "admin_addr: " + config.admin_addr + " overlaps websocket_addr (" + config.websocket_addr +
           "): give each its own port";
}

}  // namespace flare::server
