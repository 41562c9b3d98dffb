#include "server/admin/admin.hpp"

#include "server/admin/metrics.hpp"
#include "server/exposure.hpp"
#include "server/http_target.hpp"
#include "transport/websocket/page_rule.hpp"

#include <boost/url/parse.hpp>

namespace flare::server {
namespace {

using transport::http::Response;

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr std::string_view kSessions = "/sessions";

Response json(const Checked<std::string>& body) {
    if (!body) return {503, kText, body.error().text + "\n"};
    return {200, "application/json", *body + "\n"};
}

bool is_this_machine(const std::string& peer_address) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(peer_address, error);
    return !error && address.is_loopback();
}

}  // namespace

std::optional<std::string> admin_objection(std::string_view path, std::string_view host,
                                           const std::string& peer_address, bool exposed) {
    const bool for_all = path == "/metrics" || path == "/healthz" || path == "/readyz";
    if (exposed && for_all) return std::nullopt;
    if (!is_this_machine(peer_address)) return "only the machine of the server itself may ask for this";
    if (!transport::websocket::is_nobodys_name(host))
        return "ask by the address, or as localhost: another name may be that of a web page";
    return std::nullopt;
}

Admin::~Admin() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    listener_.reset();
}

Checked<boost::asio::ip::tcp::endpoint> Admin::open(const std::string& address) {
    std::string text;
    transport::websocket::Options options;
    options.upgrades = false;
    options.handshake_timeout = state_.config.hello_timeout;
    auto opened = transport::websocket::Listener::open(context_, address, nullptr, options, *this, &text);
    if (!opened) return Failure(static_cast<errc>(opened.error().value()), "admin address: " + text);
    listener_ = std::move(*opened);
    return listener_->local_endpoint();
}

void Admin::start_thread() {
    thread_ = std::thread([this] { context_.run(); });
}

Response Admin::on_http(const transport::http::Request& request) {
    const auto read_path = path_of(request.head.target);
    if (!read_path) return {400, kText, "the target cannot be read\n"};
    const std::string& path = *read_path;
    if (const auto objection =
            admin_objection(path, request.head.host, request.peer_address, beyond_loopback(state_.config.admin_addr)))
        return {403, kText, *objection + "\n"};
    if (path == "/readyz" && !state_.ready.load(std::memory_order_relaxed)) return {503, kText, "stopping\n"};
    // What follows is for the workers to answer: it would wait for one that does not turn.
    if (const std::string trouble = state_.health.trouble(Health::Clock::now()); !trouble.empty())
        return {503, kText, trouble + "\n"};
    if (path == "/healthz") return {200, kText, "ok\n"};
    if (path == "/readyz") return {200, kText, "ready\n"};
    if (path == "/stats") return json(ask_.stats_json());
    if (path.starts_with(kSessions)) {
        const auto target = boost::urls::parse_origin_form(request.head.target);
        if (!target) return {400, kText, "the target cannot be read\n"};
        const auto user = target->params().find("user");
        return sessions(path, user == target->params().end() ? std::string() : std::string((*user).value));
    }
    if (path != "/metrics") return {404, kText, "/metrics, /healthz, /readyz, /stats, /sessions, /sessions/ID\n"};
    const Checked<ServerStats> stats = ask_.stats();
    if (!stats) return {503, kText, stats.error().text + "\n"};
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(*stats)};
}

Response Admin::sessions(const std::string& path, const std::string& user) const {
    if (path == kSessions) return json(ask_.sessions(user));
    const auto id = path[kSessions.size()] == '/' ? Uuid::parse(path.substr(kSessions.size() + 1)) : std::nullopt;
    if (!id) return {400, kText, "/sessions/ID: the id is no UUID\n"};
    const Checked<std::string> found = ask_.session(session::SessionId{*id});
    if (found && found->empty()) return {404, kText, "nothing is known of this session (any more)\n"};
    return json(found);
}

}  // namespace flare::server
