// Accepting connections and watching over their handshakes.
#include "transport/address.hpp"
#include "transport/websocket/server_handshake.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <list>
#include <optional>
#include <utility>

namespace flare::transport::websocket {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
// Bytes of a connection that the kernel takes before it has sent those before: what a peer costs that does not read.
// What is on its way is bounded by the peer's own window.
constexpr int kUnsentBytes = 128 * 1024;
constexpr int kAcceptsPerTurn = 64;  // then the connections that exist get their turn
constexpr std::chrono::milliseconds kAcceptPause{100};

// Shared by the listener object and what waits on the event loop.
class ListenerState final : public std::enable_shared_from_this<ListenerState>, public ServerHandshake::Owner {
public:
    ListenerState(asio::io_context& context, std::shared_ptr<tls::ServerContext> tls, const Options& options,
                  ListenerHandler& handler)
        : poller_(Poller::of(context)),
          acceptor_(context.get_executor()),
          timer_(context.get_executor()),
          pause_(context.get_executor()),
          tls_(std::move(tls)),
          options_(options),
          handler_(&handler) {}

    // 0, or an errno.
    int listen(const ListenAddress& address);
    void wait_accept();
    void stop_accepting();
    void abandon() noexcept;
    void use(std::shared_ptr<tls::ServerContext> tls) { tls_ = std::move(tls); }
    asio::ip::tcp::endpoint local_endpoint() const {
        error_code ignored;
        return acceptor_.local_endpoint(ignored);
    }

    http::Response answer(const http::Request& request) override {
        const auto self = shared_from_this();  // the handler may destroy the listener
        return handler_->on_http(request);
    }
    bool client_known(const std::string& address) override {
        const auto self = shared_from_this();
        return handler_->on_client(address);
    }
    void finished(ServerHandshake& handshake, std::unique_ptr<Carrier> carrier) override;

private:
    void accept_turn();
    void take(int fd);
    void pause_accepting(int error);
    void watch();
    void expire();

    Poller& poller_;
    Acceptor acceptor_;
    asio::steady_timer timer_;  // for the oldest handshake
    asio::steady_timer pause_;
    std::shared_ptr<tls::ServerContext> tls_;
    Options options_;
    ListenerHandler* handler_;  // null once the listener is gone
    // In the order of their deadlines, which all lie equally far ahead of the accept.
    std::list<std::shared_ptr<ServerHandshake>> handshakes_;
    bool watching_ = false;
};

int bind_and_listen(int fd, const ListenAddress& address, PortUse use) {
    const int on = 1;
    const int off = 0;
    const asio::ip::tcp::endpoint& endpoint = address.endpoint;
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

int ListenerState::listen(const ListenAddress& address) {
    const int fd = open_socket(address);
    if (fd < 0) return errno;
    int error = bind_and_listen(fd, address, options_.port_use);
    if (error == 0) {
        error_code failed;
        acceptor_.assign(address.endpoint.protocol(), fd, failed);
        if (!failed) return 0;
        error = failed.value();
    }
    ::close(fd);
    return error;
}

void ListenerState::wait_accept() {
    acceptor_.async_wait(Acceptor::wait_read, [weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (self && !error) self->accept_turn();
    });
}

void ListenerState::accept_turn() {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        const int fd = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(fd);
            if (handler_ == nullptr || !acceptor_.is_open()) return;
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause_accepting(errno);
        if (errno == EAGAIN) break;
        // Anything else concerns the one connection that was to be accepted (accept(2), "Error handling").
    }
    wait_accept();
}

void ListenerState::take(int fd) {
    tcp::Socket socket{PolledSocket(poller_, fd), nullptr};
    const auto remote = remote_endpoint_of(fd);
    if (remote.port() == 0) return;  // it has gone already
    const auto local = local_endpoint_of(fd);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    CarrierInfo info;
    info.peer_address = address_text(remote.address());
    info.peer_port = remote.port();
    info.local_address = address_text(local.address());
    info.local_port = local.port();
    info.encrypted = tls_ != nullptr;
    info.of_proxy = options_.proxy != nullptr && options_.proxy->trusted.contains(remote.address());
    const std::string peer_address = info.of_proxy ? std::string() : info.peer_address;
    if (!handler_->on_connection(peer_address)) return;
    if (handler_ == nullptr) return;
    if (tls_ != nullptr) {
        socket.tls = tls::Session::server(tls_, fd);
        if (socket.tls == nullptr) return handler_->on_connection_gone(peer_address);
    }
    auto handshake = std::make_shared<ServerHandshake>(*this, std::move(socket), options_, std::move(info));
    handshake->place = handshakes_.insert(handshakes_.end(), handshake);
    handshake->start();
    watch();
}

void ListenerState::pause_accepting(int error) {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled && self->acceptor_.is_open()) self->accept_turn();
    });
    handler_->on_accept_paused(listen_errc(error));
}

void ListenerState::watch() {
    if (watching_ || handshakes_.empty()) return;
    watching_ = true;
    timer_.expires_at(handshakes_.front()->deadline());
    timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (!self || cancelled || self->handler_ == nullptr) return;
        self->watching_ = false;
        self->expire();
    });
}

void ListenerState::expire() {
    const auto now = std::chrono::steady_clock::now();
    while (!handshakes_.empty() && handshakes_.front()->deadline() <= now) {
        const auto handshake = handshakes_.front();
        handshake->expire();  // removes it through finished()
        if (handler_ == nullptr) return;
    }
    watch();
}

void ListenerState::finished(ServerHandshake& handshake, std::unique_ptr<Carrier> carrier) {
    const auto self = shared_from_this();  // the handler may destroy the listener
    handshakes_.erase(handshake.place);
    if (carrier != nullptr) {
        handler_->on_carrier(std::move(carrier));
    } else {
        handler_->on_connection_gone(handshake.counted_address());
    }
}

void ListenerState::stop_accepting() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
}

void ListenerState::abandon() noexcept {
    handler_ = nullptr;
    for (const auto& handshake : handshakes_) handshake->abandon();
    handshakes_.clear();
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
    pause_.cancel();
}

class ListenerObject final : public Listener {
public:
    explicit ListenerObject(std::shared_ptr<ListenerState> state)
        : state_(std::move(state)), endpoint_(state_->local_endpoint()) {}
    ~ListenerObject() override { state_->abandon(); }
    ListenerObject(const ListenerObject&) = delete;
    ListenerObject& operator=(const ListenerObject&) = delete;

    asio::ip::tcp::endpoint local_endpoint() const override { return endpoint_; }
    void stop_accepting() override { state_->stop_accepting(); }
    void use(std::shared_ptr<tls::ServerContext> tls) override { state_->use(std::move(tls)); }

private:
    std::shared_ptr<ListenerState> state_;
    asio::ip::tcp::endpoint endpoint_;  // stays readable after stop_accepting()
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& context, const std::string& address,
                                                 std::shared_ptr<tls::ServerContext> tls, Options options,
                                                 ListenerHandler& handler, std::string* error_text) {
    const auto report = [&](errc code, const std::string& text) {
        if (error_text != nullptr) *error_text = text;
        return make_error_code(code);
    };
    std::optional<ListenAddress> parsed = parse_listen_address(address);
    if (!parsed) {
        return report(errc::invalid_config, "cannot listen on \"" + address +
                                                "\": write it as 127.0.0.1:4000, [::1]:4000 or :4000 (all addresses)");
    }
    const auto state = std::make_shared<ListenerState>(context, std::move(tls), options, handler);
    const int error = listen_on(*parsed, [&](const ListenAddress& each) { return state->listen(each); });
    if (error != 0) {
        const errc code = listen_errc(error);
        std::string advice;
        if (code == errc::address_in_use)
            advice =
                "; something else listens there, perhaps another process or another listener of this server: stop it "
                "or take another port";
        if (code == errc::address_unavailable) advice = "; this machine has no such address";
        if (code == errc::permission_denied) advice = "; ports below 1024 need rights that this process lacks";
        return report(code, "cannot listen on " + address + ": " + std::strerror(error) + advice);
    }
    state->wait_accept();
    return std::make_unique<ListenerObject>(state);
}

}  // namespace flare::transport::websocket
