#include "transport/websocket/address.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <charconv>

namespace flare::transport::websocket {

namespace ip = boost::asio::ip;

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);

    std::uint16_t port = 0;
    const auto parsed = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (port_text.empty() || parsed.ec != std::errc{} || parsed.ptr != port_text.data() + port_text.size()) {
        return std::nullopt;
    }
    if (host.empty()) return ListenAddress{{ip::address_v6::any(), port}, true};

    const bool brackets = host.front() == '[' && host.back() == ']';
    if (brackets) host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const ip::address address = ip::make_address(std::string(host), error);
    if (error || address.is_v6() != brackets) return std::nullopt;
    return ListenAddress{{address, port}, false};
}

std::string address_text(const ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

std::string endpoint_text(const ip::tcp::endpoint& endpoint) {
    const std::string address = address_text(endpoint.address());
    const std::string port = ":" + std::to_string(endpoint.port());
    return address.find(':') == std::string::npos ? address + port : "[" + address + "]" + port;
}

namespace {

ip::tcp::endpoint endpoint_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
    ip::tcp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (ask(fd, endpoint.data(), &size) != 0) return {};
    endpoint.resize(size);
    return endpoint;
}

}  // namespace

ip::tcp::endpoint local_endpoint_of(int fd) {
    return endpoint_of(fd, [](int of, sockaddr* to, socklen_t* size) { return ::getsockname(of, to, size); });
}

ip::tcp::endpoint remote_endpoint_of(int fd) {
    return endpoint_of(fd, [](int of, sockaddr* to, socklen_t* size) { return ::getpeername(of, to, size); });
}

errc listen_errc(int error) noexcept {
    switch (error) {
        case EADDRINUSE: return errc::address_in_use;
        case EADDRNOTAVAIL:
        case EAFNOSUPPORT:
        case ENODEV: return errc::address_unavailable;
        case EACCES:
        case EPERM: return errc::permission_denied;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: return errc::out_of_files;
        default: return errc::internal;
    }
}

errc connect_errc(int error) noexcept {
    switch (error) {
        case ECONNREFUSED: return errc::connection_refused;
        case ETIMEDOUT: return errc::connect_timeout;
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EHOSTDOWN:
        case EADDRNOTAVAIL:
        case EAFNOSUPPORT: return errc::network_unreachable;
        case EACCES:
        case EPERM: return errc::permission_denied;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: return errc::out_of_files;
        default: return errc::connection_lost;
    }
}

}  // namespace flare::transport::websocket
