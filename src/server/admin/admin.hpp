// The admin address: /metrics, /healthz, /readyz, /stats, /sessions, on a thread of its own, so that a scrape may wait
// for the workers. A scraper keeps its connection.
//
// Threads: open() and the destructor on the server's; requests on its own.
// Owner:   Server::Impl.
#pragma once

#include "server/worker/server_state.hpp"
#include "transport/http/server.hpp"

#include <boost/asio/io_context.hpp>

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

class Admin final : private transport::http::ServerHandler {
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
    std::optional<transport::http::Response> refuse(const transport::http::RequestHead& head,
                                                    const std::string& peer_address) override;
    void on_request(transport::http::Request request, transport::http::Responder responder) override;
    transport::http::Response answer_to(const transport::http::Request& request) const;
    transport::http::Response sessions(const std::string& path, const std::string& user) const;

    ServerState& state_;
    const Questions ask_;
    boost::asio::io_context context_{1};
    std::unique_ptr<transport::http::Server> server_;
    std::thread thread_;
};

}  // namespace flare::server
