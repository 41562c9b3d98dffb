// The admin address: /metrics, /healthz, /readyz, /stats, /sessions, on a thread of its own, so that a scrape may wait
// for the workers.
//
// Threads: open() and the destructor on the server's; requests on its own.
// Owner:   Server::Impl.
#pragma once

#include "server/worker/server_state.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace flare::server {

// Why a request is not answered; nothing: it is. Sessions and figures are for this machine, and not for a web page that
// has a name of its own lead to it (DNS rebinding). `exposed`: strangers can reach the address, and get metrics and
// health.
std::optional<std::string> admin_objection(std::string_view path, std::string_view host,
                                           const std::string& peer_address, bool exposed);

class Admin final : private transport::websocket::ListenerHandler {
public:
    // What it asks the server; each waits for the answer, for kPatience at most. Texts are JSON.
    static constexpr std::chrono::milliseconds kPatience{2000};
    struct Questions {
        std::function<Checked<ServerStats>()> stats;
        std::function<Checked<std::string>()> stats_json;
        std::function<Checked<std::string>(const std::string& user)> sessions;
        std::function<Checked<std::string>(const session::SessionId& id)> session;  // empty text: it is not known
    };
    Admin(ServerState& state, Questions ask) : state_(state), ask_(std::move(ask)) {}
    ~Admin();
    Checked<boost::asio::ip::tcp::endpoint> open(const std::string& address);
    void start_thread();

private:
    // Each may take as long as a handshake. Beyond it connections are closed at once: the files are for users.
    static constexpr std::size_t kMaxConnections = 32;

    bool on_connection(const std::string&) override {
        if (connections_ == kMaxConnections) return false;
        ++connections_;
        return true;
    }
    void on_connection_gone(const std::string&) override { --connections_; }
    void on_carrier(std::unique_ptr<transport::Carrier>) override { --connections_; }  // upgrades are off
    transport::http::Response on_http(const transport::http::Request& request) override;
    void on_accept_paused(errc) override {}
    transport::http::Response sessions(const std::string& path, const std::string& user) const;

    ServerState& state_;
    const Questions ask_;
    boost::asio::io_context context_{1};
    std::unique_ptr<transport::websocket::Listener> listener_;
    std::size_t connections_ = 0;
    std::thread thread_;
};

}  // namespace flare::server
