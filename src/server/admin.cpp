#include "server/admin.hpp"

#include "server/counters.hpp"

namespace flare::server {

Admin::~Admin() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    listener_.reset();
}

Checked<boost::asio::ip::tcp::endpoint> Admin::open(const std::string& address) {
    std::string text;
    auto opened = transport::websocket::Listener::open(context_, address, nullptr, {}, *this, &text);
    if (!opened) return Failure(static_cast<errc>(opened.error().value()), "admin address: " + text);
    listener_ = std::move(*opened);
    return listener_->local_endpoint();
}

void Admin::start_thread() {
    thread_ = std::thread([this] { context_.run(); });
}

transport::websocket::HttpResponse Admin::on_http(const transport::websocket::HttpRequest& request) {
    if (request.target == "/healthz") return {200, "text/plain; charset=utf-8", "ok\n"};
    if (request.target == "/readyz") {
        const bool ready = shared_.ready.load(std::memory_order_relaxed);
        return {ready ? 200u : 503u, "text/plain; charset=utf-8", ready ? "ready\n" : "stopping\n"};
    }
    if (request.target != "/metrics") return {404, "text/plain; charset=utf-8", "/metrics, /healthz, /readyz\n"};
    const Checked<ServerStats> stats = stats_();
    if (!stats) return {503, "text/plain; charset=utf-8", stats.error().text + "\n"};
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(*stats)};
}

}  // namespace flare::server
