#include "transport/tcp/acceptor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

namespace flare::transport::tcp {
namespace {

using boost::system::error_code;

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
// Bytes of a connection that the kernel takes before it has sent those before: what a peer costs that does not read.
// What is on its way is bounded by the peer's own window.
constexpr int kUnsentBytes = 128 * 1024;
constexpr int kAcceptsPerTurn = 64;  // then the connections that exist get their turn
constexpr std::chrono::milliseconds kAcceptPause{100};

int bind_and_listen(int fd, const ListenAddress& address, PortUse use) {
    const int on = 1;
    const int off = 0;
    const auto& endpoint = address.endpoint;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (use == PortUse::sibling && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return errno;
    if (endpoint.address().is_v6()) {
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.both_families ? &off : &on, sizeof on);
    }
    ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes, sizeof kUnsentBytes);  // accepted ones inherit it
    if (::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) return errno;
    // Of two that have bound at once it is listen() that refuses the second.
    if (::listen(fd, kBacklog) != 0) return errno;
    if (use == PortUse::first && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return errno;
    return 0;
}

int open_socket(const ListenAddress& address) {
    return ::socket(address.endpoint.address().is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    IPPROTO_TCP);
}

}  // namespace

int Acceptor::listen(const ListenAddress& address, PortUse use) {
    const int fd = open_socket(address);
    if (fd < 0) return errno;
    int error = bind_and_listen(fd, address, use);
    if (error == 0) {
        error_code failed;
        acceptor_.assign(address.endpoint.protocol(), fd, failed);
        if (!failed) return 0;
        error = failed.value();
    }
    ::close(fd);
    return error;
}

Checked<> Acceptor::open(const std::string& address, PortUse use) {
    std::optional<ListenAddress> parsed = parse_listen_address(address);
    if (!parsed)
        return Failure(errc::invalid_config, "cannot listen on \"" + address +
                                                 "\": write it as 127.0.0.1:4000, [::1]:4000 or :4000 (all addresses)");
    const int error = listen_on(*parsed, [&](const ListenAddress& each) { return listen(each, use); });
    if (error == 0) {
        wait();
        return {};
    }
    const errc code = listen_errc(error);
    std::string advice;
    if (code == errc::address_in_use)
        advice =
            "; something else listens there, perhaps another process or another listener of this server: stop it or "
            "use another port";
    if (code == errc::address_unavailable) advice = "; this machine does not have that address";
    if (code == errc::permission_denied) advice = "; ports below 1024 need privileges that this process lacks";
    return Failure(code, "cannot listen on " + address + ": " + std::strerror(error) + advice);
}

void Acceptor::wait() {
    acceptor_.async_wait(decltype(acceptor_)::wait_read, [weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (self && !error) self->accept_turn();
    });
}

void Acceptor::accept_turn() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        if (!acceptor_.is_open()) return;
        const int fd = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            handler_.on_socket(fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause(errno);
        if (errno == EAGAIN) break;
        // Anything else concerns the one connection that was to be accepted (accept(2), "Error handling").
    }
    if (acceptor_.is_open()) wait();
}

void Acceptor::pause(int error) {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled && self->acceptor_.is_open()) self->accept_turn();
    });
    handler_.on_accept_paused(listen_errc(error));
}

void Acceptor::stop() noexcept {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
}

boost::asio::ip::tcp::endpoint Acceptor::local_endpoint() const {
    error_code ignored;
    return acceptor_.local_endpoint(ignored);
}

}  // namespace flare::transport::tcp
