#include "transport/address.hpp"

#include "transport/url.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace flare::transport {

namespace ip = boost::asio::ip;

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    const auto place = parse_authority(text);
    if (!place || !place->port) return std::nullopt;
    if (place->host.empty()) return ListenAddress{{ip::address_v6::any(), *place->port}, true};
    boost::system::error_code error;
    const ip::address address = ip::make_address(place->host, error);
    if (error) return std::nullopt;
    return ListenAddress{{address, *place->port}, false};
}

int listen_on(ListenAddress& address, const std::function<int(const ListenAddress&)>& listen) {
    const int error = listen(address);
    if (!address.both_families || (error != EAFNOSUPPORT && error != EADDRNOTAVAIL)) return error;
    address = ListenAddress{{ip::address_v4::any(), address.endpoint.port()}, false};
    return listen(address);
}

std::string sharing_text(const std::string& address, const ip::tcp::endpoint& bound) {
    const auto parsed = parse_listen_address(address);
    if (parsed && parsed->both_families && bound.address().is_v6()) return ":" + std::to_string(bound.port());
    return endpoint_text(bound);
}

std::string address_text(const ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

std::string endpoint_text(const ip::tcp::endpoint& endpoint) {
    return in_brackets(address_text(endpoint.address())) + ":" + std::to_string(endpoint.port());
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
        case EINVAL:  // a link-local address without a zone of this machine
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
        case EAFNOSUPPORT:
        case EINVAL: return errc::network_unreachable;  // EINVAL: a link-local address without a zone
        case EACCES:
        case EPERM: return errc::permission_denied;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: return errc::out_of_files;
        default: return errc::connection_lost;
    }
}

}  // namespace flare::transport
