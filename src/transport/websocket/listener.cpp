// Accepting connections and watching over their handshakes.
#include "transport/address.hpp"
#include "transport/tcp/acceptor.hpp"
#include "transport/websocket/server_handshake.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/steady_timer.hpp>

#include <list>
#include <utility>

namespace flare::transport::websocket {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Shared by the listener object and what waits on the event loop.
class ListenerState final : public std::enable_shared_from_this<ListenerState>,
                            public ServerHandshake::Owner,
                            public tcp::Acceptor::Handler {
public:
    ListenerState(asio::io_context& context, std::shared_ptr<tls::ServerContext> tls, const Options& options,
                  ListenerHandler& handler)
        : poller_(Poller::of(context)),
          acceptor_(std::make_shared<tcp::Acceptor>(context, *this)),
          timer_(context.get_executor()),
          tls_(std::move(tls)),
          options_(options),
          handler_(&handler) {}

    Checked<> open(const std::string& address) { return acceptor_->open(address, options_.port_use); }
    void stop_accepting() { acceptor_->stop(); }
    void abandon() noexcept;
    void use(std::shared_ptr<tls::ServerContext> tls) { tls_ = std::move(tls); }
    asio::ip::tcp::endpoint local_endpoint() const { return acceptor_->local_endpoint(); }

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
    void on_socket(int fd) override;
    void on_accept_paused(errc code) override {
        const auto self = shared_from_this();  // the handler may destroy the listener
        handler_->on_accept_paused(code);
    }
    void watch();
    void expire();

    Poller& poller_;
    const std::shared_ptr<tcp::Acceptor> acceptor_;
    asio::steady_timer timer_;  // for the oldest handshake
    std::shared_ptr<tls::ServerContext> tls_;
    Options options_;
    ListenerHandler* handler_;  // null once the listener is gone
    // In the order of their deadlines, which all lie equally far ahead of the accept.
    std::list<std::shared_ptr<ServerHandshake>> handshakes_;
    bool watching_ = false;
};

void ListenerState::on_socket(int fd) {
    const auto self = shared_from_this();  // the handler may destroy the listener
    tcp::Socket socket{PolledSocket(poller_, fd), nullptr};
    const auto remote = remote_endpoint_of(fd);
    if (remote.port() == 0) return;  // it has gone already
    const auto local = local_endpoint_of(fd);

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

void ListenerState::abandon() noexcept {
    handler_ = nullptr;
    for (const auto& handshake : handshakes_) handshake->abandon();
    handshakes_.clear();
    acceptor_->stop();
    timer_.cancel();
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
    const auto state = std::make_shared<ListenerState>(context, std::move(tls), options, handler);
    if (const auto opened = state->open(address); !opened) {
        if (error_text != nullptr) *error_text = opened.error().text;
        return make_error_code(opened.error().code);
    }
    return std::make_unique<ListenerObject>(state);
}

}  // namespace flare::transport::websocket
