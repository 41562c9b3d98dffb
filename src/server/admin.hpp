// The admin address: /metrics, /healthz, /readyz, /stats, /sessions, on a thread of its own, so that a scrape may wait
// for the workers.
//
// Threads: open() and the destructor on the server's; requests on its own.
// Owner:   Server::Impl.
#pragma once

#include "server/shared.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <thread>

namespace flare::server {

class Admin final : private transport::websocket::ListenerHandler {
public:
    // What it asks the server; each waits for the answer. Texts are JSON.
    struct Questions {
        std::function<Checked<ServerStats>()> stats;
        std::function<Checked<std::string>()> stats_json;
        std::function<Checked<std::string>(const std::string& user)> sessions;
        std::function<Checked<std::string>(const session::SessionId& id)> session;  // empty text: it is not known
    };
    Admin(Shared& shared, Questions ask) : shared_(shared), ask_(std::move(ask)) {}
    ~Admin();
    Checked<boost::asio::ip::tcp::endpoint> open(const std::string& address);
    void start_thread();

private:
    bool on_connection(const std::string&) override { return true; }
    void on_connection_gone(const std::string&) override {}
    void on_carrier(std::unique_ptr<transport::Carrier>) override {}  // dropped: no sessions here
    transport::websocket::HttpResponse on_http(const transport::websocket::HttpRequest& request) override;
    void on_accept_paused(errc) override {}
    transport::websocket::HttpResponse sessions(const std::string& path, const std::string& user) const;

    Shared& shared_;
    const Questions ask_;
    boost::asio::io_context context_{1};
    std::unique_ptr<transport::websocket::Listener> listener_;
    std::thread thread_;
};

}  // namespace flare::server
