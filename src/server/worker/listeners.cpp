#include "server/worker/listeners.hpp"

#include "base/log.hpp"
#include "server/exposure.hpp"
#include "server/http_target.hpp"

namespace flare::server {
namespace {

// What a stranger may send before it is known: a Hello with the largest token, and a first flight behind it.
constexpr std::size_t kFirstBatchBytes = wire::kMaxFrameBytes;

}  // namespace

transport::PortUse Listeners::port_use() const noexcept {
    using enum transport::PortUse;
    if (shard_.state().workers < 2) return alone;
    return shard_.index() == 0 ? first : sibling;
}

Checked<boost::asio::ip::tcp::endpoint> Listeners::open_websocket(const std::string& address,
                                                                  std::shared_ptr<transport::tls::ServerContext> tls) {
    const Config& config = shard_.state().config;
    transport::websocket::Options options;
    options.handshake_timeout = config.hello_timeout;
    options.port_use = port_use();
    options.allowed_origins = config.allowed_origins;
    options.guards_names = config.believes_anybody() && !beyond_loopback(config.websocket_addr);
    options.max_batch_bytes = config.session.max_batch_bytes;
    options.max_first_batch_bytes = kFirstBatchBytes;
    options.deflate = config.websocket_deflate;
    options.proxy = config.proxy;
    std::string text;
    auto opened = transport::websocket::Listener::open(context_, address, std::move(tls), options, *this, &text);
    if (!opened) return Failure(static_cast<errc>(opened.error().value()), text);
    websocket_ = std::move(*opened);
    return websocket_->local_endpoint();
}

Checked<boost::asio::ip::udp::endpoint> Listeners::open_quic(const std::string& address,
                                                             std::shared_ptr<transport::quic::ServerContext> keys,
                                                             const transport::quic::Secret& secret) {
    const Config& config = shard_.state().config;
    transport::quic::Options options;
    options.handshake_timeout = config.hello_timeout;
    options.worker = shard_.index();
    options.workers = shard_.state().workers;
    options.secret = secret;
    options.port_use = port_use();
    options.max_batch_bytes = config.session.max_batch_bytes;
    options.max_first_batch_bytes = kFirstBatchBytes;
    options.idle_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(2 * config.session.heartbeat_timeout);
    options.congestion = config.quic_congestion;
    options.retry_above = config.quic_retry_above;
    options.qlog_folder = config.quic_qlog_folder;
    std::string text;
    auto opened = transport::quic::Listener::open(context_, address, std::move(keys), options, *this, &text);
    if (!opened) return Failure(static_cast<errc>(opened.error().value()), text);
    quic_ = std::move(*opened);
    return quic_->local_endpoint();
}

void Listeners::use_certificates(const Certificates& certificates) {
    if (websocket_ && certificates.tls) websocket_->use(certificates.tls);
    if (quic_ && certificates.quic) quic_->use(certificates.quic);
    shard_.sealer().use(certificates.sealing);
}

void Listeners::stop_accepting() {
    stopping_ = true;
    if (websocket_) websocket_->stop_accepting();
    if (quic_) quic_->stop_accepting();
}

void Listeners::close() {
    websocket_.reset();
    quic_.reset();
}

void Listeners::add_to(ServerStats& stats) const {
    if (websocket_) stats.connections.try_emplace(Protocol::websocket);
    if (quic_) stats.connections.try_emplace(Protocol::quic);
    if (quic_) stats.quic_misrouted += quic_->misrouted();
}

// ---- connections ----

bool Listeners::on_connection(const std::string& peer_address) {
    return admit(stopping_ ? errc::shutting_down
                           : shard_.state().limits.admit(peer_address, Protocol::websocket, shard_.now()));
}

// Only an address that is validated is held to its limit: anybody may write that of somebody else into a packet.
transport::quic::ListenerHandler::Answer Listeners::on_handshake(const std::string& peer_address, bool validated) {
    ConnectionLimits& limits = shard_.state().limits;
    std::optional<errc> admitted = errc::shutting_down;
    if (!stopping_) {
        admitted =
            validated ? limits.admit(peer_address, Protocol::quic, shard_.now()) : limits.admit_stranger(shard_.now());
    }
    if (!admitted) return Answer::validate;
    return admit(*admitted) ? Answer::admit : Answer::refuse;
}

bool Listeners::admit(errc admitted) {
    Counters& counters = shard_.counters();
    if (admitted == errc::ok) {
        ++counters.connections_accepted;
        return true;
    }
    ++counters.connections_refused;
    ++counters.errors[admitted];
    return false;
}

// It was counted in all when it came: only the address is new.
bool Listeners::on_client(const std::string& address) {
    const errc counted = shard_.state().limits.count_address(address);
    if (counted == errc::ok) return true;
    --shard_.counters().connections_accepted;
    return admit(counted);
}

void Listeners::on_connection_gone(const std::string& peer_address) {
    shard_.state().limits.release(peer_address, Protocol::websocket);
}

void Listeners::on_handshake_gone(const std::string& peer_address, bool validated) {
    ConnectionLimits& limits = shard_.state().limits;
    validated ? limits.release(peer_address, Protocol::quic) : limits.release_stranger();
}

void Listeners::on_accept_paused(errc code) {
    base::log().limited(base::LogKind::accept_paused, "accepting pauses: {} ({})", explain(code), name(code));
    ++shard_.counters().errors[code];
}

void Listeners::on_carrier(std::unique_ptr<transport::Carrier> carrier) {
    using enum ServerCarrier::CountedAs;
    shard_.state().limits.begun(Protocol::websocket);
    const ServerCarrier::CountedAs counted_as = carrier->info().of_proxy ? proxy : address;
    shard_.reception().accept(std::move(carrier), counted_as);
}

void Listeners::on_carrier(std::unique_ptr<transport::Carrier> carrier, bool validated) {
    using enum ServerCarrier::CountedAs;
    shard_.state().limits.begun(Protocol::quic);
    shard_.reception().accept(std::move(carrier), validated ? address : stranger);
}

transport::http::Response Listeners::on_http(const transport::http::Request& request) {
    constexpr const char* kText = "text/plain; charset=utf-8";
    ServerState& state = shard_.state();
    // Below any path, as the upgrade is at any path: a proxy may pass its prefix on.
    const std::string path = path_of(request.head.target).value_or("");
    const bool is_ready = path.ends_with("/readyz");
    if (is_ready || path.ends_with("/healthz")) {
        if (is_ready && !state.ready.load(std::memory_order_relaxed)) return {503, kText, "stopping\n"};
        const std::string trouble = state.health.trouble(shard_.now(), shard_.index());
        if (!trouble.empty()) return {503, kText, trouble + "\n"};
        return {200, kText, is_ready ? "ready\n" : "ok\n"};
    }
    return {404, kText, "This port speaks WebSocket, and HTTP on /healthz and /readyz.\n"};
}

}  // namespace flare::server
