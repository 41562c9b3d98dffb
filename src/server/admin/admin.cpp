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
// Beyond them connections are closed, those first that have nothing to do: the files are for users.
constexpr std::size_t kMaxConnections = 32;
constexpr std::size_t kMaxBodyBytes = 4096;  // nobody has a use for one
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
    if (!is_this_machine(peer_address)) return "this is available only from the server's own machine";
    if (!transport::websocket::is_nobodys_name(host))
        return "use the address or localhost: any other name may belong to a web page";
    return std::nullopt;
}

Admin::~Admin() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
}

Checked<boost::asio::ip::tcp::endpoint> Admin::open(const std::string& address) {
    transport::http::ServerOptions options;
    options.max_connections = kMaxConnections;
    options.max_body_bytes = kMaxBodyBytes;
    options.request_timeout = state_.config.hello_timeout;
    auto opened = transport::http::Server::open(context_, address, nullptr, options, *this);
    if (!opened) return Failure(opened.error().code, "admin address: " + opened.error().text);
    server_ = std::move(*opened);
    return server_->local_endpoint();
}

void Admin::start_thread() {
    thread_ = std::thread([this] { context_.run(); });
}

std::optional<Response> Admin::refuse(const transport::http::RequestHead& head, const std::string&) {
    if (head.fields.has_token("Upgrade", "websocket"))
        return Response{400, kText, "no WebSocket here: this address answers only plain HTTP requests\n"};
    if (head.method != "GET" && head.method != "HEAD")
        return Response{405, kText, "only GET and HEAD are supported here\n", {{"Allow", "GET, HEAD"}}};
    return std::nullopt;
}

void Admin::on_request(transport::http::Request request, transport::http::Responder responder) {
    responder.answer(answer_to(request));
}

Response Admin::answer_to(const transport::http::Request& request) const {
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
    if (!id) return {400, kText, "/sessions/ID: the id is not a UUID\n"};
    const Checked<std::string> found = ask_.session(session::SessionId{*id});
    if (found && found->empty()) return {404, kText, "this session is unknown, or no longer known\n"};
    return json(found);
}

}  // namespace flare::server
