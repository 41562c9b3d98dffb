#include "transport/http/server.hpp"

#include "transport/http/server_connection.hpp"
#include "transport/tcp/acceptor.hpp"

#include <algorithm>
#include <list>

namespace flare::transport::http {
namespace {

// Shared by the server object and what waits on the event loop.
class ServerState final : public std::enable_shared_from_this<ServerState>,
                          public tcp::Acceptor::Handler,
                          public ServerConnection::Owner {
public:
    ServerState(boost::asio::io_context& context, std::shared_ptr<tls::ServerContext> tls, ServerOptions options,
                ServerHandler& handler)
        : poller_(Poller::of(context)),
          acceptor_(std::make_shared<tcp::Acceptor>(context, *this)),
          tls_(std::move(tls)),
          options_(options),
          handler_(&handler) {}

    Checked<> open(const std::string& address) { return acceptor_->open(address, options_.port_use); }
    boost::asio::ip::tcp::endpoint local_endpoint() const { return acceptor_->local_endpoint(); }
    void abandon() noexcept {
        for (const auto& connection : connections_) connection->abandon();
        connections_.clear();
        acceptor_->stop();
    }

private:
    void on_socket(int fd) override;
    void on_accept_paused(errc) override {}
    bool make_room();

    std::optional<Response> refuse(const RequestHead& head, const std::string& peer_address) override {
        const auto self = shared_from_this();  // the handler may destroy the server
        return handler_->refuse(head, peer_address);
    }
    std::size_t max_body_bytes(const RequestHead& head) override { return handler_->max_body_bytes(head); }
    Response refusal(unsigned status, const std::string& text) override { return handler_->refusal(status, text); }
    void on_request(Request request, Responder responder) override {
        const auto self = shared_from_this();
        handler_->on_request(std::move(request), std::move(responder));
    }
    void on_idle(ServerConnection& connection) override {
        connections_.splice(connections_.end(), connections_, connection.place);
    }
    void on_gone(ServerConnection& connection) override { connections_.erase(connection.place); }

    Poller& poller_;
    const std::shared_ptr<tcp::Acceptor> acceptor_;
    const std::shared_ptr<tls::ServerContext> tls_;
    const ServerOptions options_;
    ServerHandler* const handler_;
    std::list<std::shared_ptr<ServerConnection>> connections_;  // those that are idle in the order they became it
};

void ServerState::on_socket(int fd) {
    tcp::Socket socket{PolledSocket(poller_, fd), nullptr};
    const auto remote = remote_endpoint_of(fd);
    if (remote.port() == 0) return;  // it has gone already
    if (connections_.size() >= options_.max_connections && !make_room()) return;
    if (tls_ != nullptr) {
        socket.tls = tls::Session::server(tls_, fd);
        if (socket.tls == nullptr) return;
    }
    auto connection =
        std::make_shared<ServerConnection>(*this, std::move(socket), options_, address_text(remote.address()));
    connection->place = connections_.insert(connections_.end(), connection);
    connection->start();
}

bool ServerState::make_room() {
    const auto idle =
        std::find_if(connections_.begin(), connections_.end(), [](const auto& each) { return each->idle(); });
    if (idle == connections_.end()) return false;
    const auto oldest = *idle;
    oldest->drop();
    return true;
}

class ServerObject final : public Server {
public:
    explicit ServerObject(std::shared_ptr<ServerState> state) : state_(std::move(state)) {}
    ~ServerObject() override { state_->abandon(); }
    ServerObject(const ServerObject&) = delete;
    ServerObject& operator=(const ServerObject&) = delete;

    boost::asio::ip::tcp::endpoint local_endpoint() const override { return state_->local_endpoint(); }

private:
    std::shared_ptr<ServerState> state_;
};

}  // namespace

Checked<std::unique_ptr<Server>> Server::open(boost::asio::io_context& context, const std::string& address,
                                              std::shared_ptr<tls::ServerContext> tls, ServerOptions options,
                                              ServerHandler& handler) {
    const auto state = std::make_shared<ServerState>(context, std::move(tls), options, handler);
    if (const auto opened = state->open(address); !opened) return opened.error();
    std::unique_ptr<Server> server = std::make_unique<ServerObject>(state);
    return server;
}

}  // namespace flare::transport::http
