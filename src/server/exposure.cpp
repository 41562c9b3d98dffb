#include "server/exposure.hpp"

#include "transport/address.hpp"

namespace flare::server {

bool beyond_loopback(const std::string& address) {
    const auto parsed = transport::parse_listen_address(address);
    if (!parsed) return false;
    const boost::asio::ip::address& ip = parsed->endpoint.address();
    if (ip.is_v6() && ip.to_v6().is_v4_mapped())
        return !boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, ip.to_v6()).is_loopback();
    return !ip.is_loopback();
}

std::optional<std::string> exposure_of(const Config& config) {
    const bool anybody = config.believes_anybody();
    const auto told = [&](const char* what, const std::string& address, bool readable) {
        return std::string(what) + " " + address + " is reachable from other machines, and " +
               (anybody ? "anybody can claim any user id (set with_auth_handler())" : "") +
               (anybody && readable ? ", and " : "") +
               (readable ? "traffic can be read in transit (set websocket_tls())" : "");
    };
    if (config.websocket && (anybody || !config.secure()) && beyond_loopback(config.websocket_addr))
        return told("websocket_addr", config.websocket_addr, !config.secure());
    if (config.quic && anybody && beyond_loopback(config.quic_addr)) return told("quic_addr", config.quic_addr, false);
    return std::nullopt;
}

std::optional<std::string> admin_exposure_of(const Config& config) {
    if (config.expose_metrics || !beyond_loopback(config.admin_addr)) return std::nullopt;
    return "admin_addr " + config.admin_addr +
           " is reachable from other machines and has no authentication: listen on 127.0.0.1, or, for a Prometheus "
           "elsewhere, set expose_metrics(true), which opens /metrics, /healthz and /readyz to everybody and keeps the "
           "rest for this machine";
}

std::optional<std::string> api_exposure_of(const Config& config) {
    if (!config.backends.api.certificate_file.empty() || !beyond_loopback(config.backends.api.address))
        return std::nullopt;
    return "the server API at " + config.backends.api.address +
           " is reachable from other machines, and keys can be read in transit: set ServerApi::certificate_file, "
           "listen "
           "on 127.0.0.1, or in a closed network set allow_insecure(true)";
}

}  // namespace flare::server
