#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "client/impl.hpp"
#include "model/target.hpp"
#include "transport/url.hpp"
#include "wire/base64.hpp"

#include <algorithm>
#include <vector>

namespace flare {

struct FLARE_HIDDEN ClientBuilder::State {
    client::Config config;
    ServerAddresses addresses;
    ProtocolSelection selection = ProtocolSelection::auto_racing;
    ProtocolRacingConfig racing;
    Encryption encryption = Encryption::off;
    std::string server_key;
    bool compression = false;
    wire::Compression::Options compressing;
    std::string dictionary_file;
    bool verify = true;
    std::string ca_file;
    std::string certificate_file;
    std::string key_file;
    std::string ticket_file;

    Checked<> check() const;
    Checked<> check_racing() const;
    Checked<client::Sealing> sealing(const client::Config& config) const;
};

ClientBuilder::ClientBuilder(std::string user_id) : state_(std::make_unique<State>()) {
    state_->config.session.user = std::move(user_id);
    state_->config.session.platform = Platform::desktop;
    state_->config.session.conversations = true;  // a server without a store does not agree
}
ClientBuilder::ClientBuilder(const ClientBuilder& other) : state_(std::make_unique<State>(*other.state_)) {}
ClientBuilder::~ClientBuilder() = default;

const std::string& ClientBuilder::user_id() const { return state_->config.session.user; }

ClientBuilder& ClientBuilder::server_addresses(ServerAddresses addresses) {
    state_->addresses = std::move(addresses);
    return *this;
}
ClientBuilder& ClientBuilder::protocol_selection_mode(ProtocolSelection mode) {
    state_->selection = mode;
    return *this;
}
ClientBuilder& ClientBuilder::protocol_racing(ProtocolRacingConfig config) {
    state_->racing = std::move(config);
    return *this;
}
ClientBuilder& ClientBuilder::connection_timeout(std::chrono::milliseconds time) {
    state_->config.connection_timeout = time;
    return *this;
}
ClientBuilder& ClientBuilder::heartbeat_interval(std::chrono::milliseconds time) {
    state_->config.session.heartbeat_interval = time;
    return *this;
}
ClientBuilder& ClientBuilder::heartbeat_timeout(std::chrono::milliseconds time) {
    state_->config.session.heartbeat_timeout = time;
    return *this;
}
ClientBuilder& ClientBuilder::max_reconnect_attempts(std::uint32_t count) {
    state_->config.max_reconnect_attempts = count;
    return *this;
}
ClientBuilder& ClientBuilder::reconnect_delay(std::chrono::milliseconds time) {
    state_->config.reconnect_delay = time;
    return *this;
}
ClientBuilder& ClientBuilder::auto_reconnect(bool on) {
    state_->config.auto_reconnect = on;
    return *this;
}
ClientBuilder& ClientBuilder::message_retry(std::uint32_t count, std::chrono::milliseconds delay) {
    state_->config.session.retry_count = count;
    state_->config.session.retry_delay = delay;
    return *this;
}
ClientBuilder& ClientBuilder::send_timeout(std::chrono::milliseconds time) {
    // A year is for ever, and does not overflow.
    state_->config.session.send_timeout =
        std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds(-1), std::chrono::hours(24 * 365));
    return *this;
}
ClientBuilder& ClientBuilder::buffer_size(std::size_t bytes) {
    state_->config.buffer_size = bytes;
    return *this;
}
ClientBuilder& ClientBuilder::outbox_limit(std::size_t messages, std::size_t bytes) {
    state_->config.session.outbox = {messages, bytes};
    return *this;
}
ClientBuilder& ClientBuilder::max_message_bytes(std::uint64_t bytes) {
    state_->config.session.max_message_bytes = bytes;
    return *this;
}
ClientBuilder& ClientBuilder::sync_conversations(bool on) {
    state_->config.sync_conversations = on;
    return *this;
}
ClientBuilder& ClientBuilder::compression(bool on) {
    state_->compression = on;
    return *this;
}
ClientBuilder& ClientBuilder::compression_threshold(std::size_t bytes) {
    state_->compressing.threshold = state_->compressing.dictionary_threshold = bytes;
    return *this;
}
ClientBuilder& ClientBuilder::compression_dictionary(std::string path) {
    state_->dictionary_file = std::move(path);
    return *this;
}
ClientBuilder& ClientBuilder::encryption(bool on) { return encryption(on ? Encryption::required : Encryption::off); }
ClientBuilder& ClientBuilder::encryption(Encryption mode) {
    state_->encryption = mode;
    return *this;
}
ClientBuilder& ClientBuilder::server_key(std::string base64) {
    state_->server_key = std::move(base64);
    return *this;
}
ClientBuilder& ClientBuilder::tls(bool verify) {
    state_->verify = verify;
    return *this;
}
ClientBuilder& ClientBuilder::ca_file(std::string path) {
    state_->ca_file = std::move(path);
    return *this;
}
ClientBuilder& ClientBuilder::client_cert(std::string certificate_file, std::string key_file) {
    state_->certificate_file = std::move(certificate_file);
    state_->key_file = std::move(key_file);
    return *this;
}
ClientBuilder& ClientBuilder::server_name(std::string name) {
    state_->config.server_name = std::move(name);
    return *this;
}
ClientBuilder& ClientBuilder::enable_quic_0rtt(bool on) {
    state_->config.quic_0rtt = on;
    return *this;
}
ClientBuilder& ClientBuilder::quic_ticket_file(std::string path) {
    state_->ticket_file = std::move(path);
    return *this;
}
ClientBuilder& ClientBuilder::quic_congestion(QuicCongestion algorithm) {
    state_->config.quic_congestion = algorithm;
    return *this;
}
ClientBuilder& ClientBuilder::quic_qlog(std::string folder) {
    state_->config.quic_qlog_folder = std::move(folder);
    return *this;
}
ClientBuilder& ClientBuilder::flight_recorder(std::string folder) {
    state_->config.record_folder = std::move(folder);
    return *this;
}
ClientBuilder& ClientBuilder::token(std::string token) {
    this->token([token = std::move(token)] { return token; });
    state_->config.token_may_change = false;
    return *this;
}
ClientBuilder& ClientBuilder::token(TokenProvider provider) {
    state_->config.token = std::move(provider);
    state_->config.token_may_change = true;
    return *this;
}
ClientBuilder& ClientBuilder::platform(Platform platform) {
    state_->config.session.platform = platform;
    return *this;
}
ClientBuilder& ClientBuilder::device_id(std::string id) {
    state_->config.session.device = std::move(id);
    return *this;
}
ClientBuilder& ClientBuilder::with_event_callback(EventCallback callback) {
    state_->config.callback = std::move(callback);
    return *this;
}
ClientBuilder& ClientBuilder::io_context(boost::asio::io_context& context) {
    state_->config.context = &context;
    return *this;
}

Checked<> ClientBuilder::State::check_racing() const {
    const auto wrong = [](const char* text) { return Failure(errc::invalid_config, text); };
    if (racing.timeout.count() <= 0) return wrong("protocol_racing.timeout: must be more than 0");
    if (racing.test_message_count == 0) return wrong("protocol_racing.test_message_count: must be at least 1");
    if (racing.racing_interval.count() <= 0) return wrong("protocol_racing.racing_interval: must be more than 0");
    for (const auto& [protocol, weight] : racing.protocol_weights) {
        if (!(weight >= 0.0 && weight <= 1.0))
            return wrong("protocol_racing.protocol_weights: each must be within 0 and 1");
    }
    return {};
}

Checked<> ClientBuilder::State::check() const {
    const auto wrong = [](std::string text) { return Failure(errc::invalid_config, std::move(text)); };
    const std::string& user = config.session.user;
    if (user.empty()) return wrong("user_id: is empty");
    if (!wire::is_name(user)) return wrong("user_id: is longer than 256 bytes or not UTF-8");
    if (model::is_reserved(user)) return wrong("user_id: '" + user + "' is a reserved name");
    if (!wire::is_name(config.session.device)) return wrong("device_id: is longer than 256 bytes or not UTF-8");
    const bool websocket = !addresses.websocket.empty() || !addresses.websocket_tls.empty();
    if (!websocket && addresses.quic.empty()) return wrong("server_addresses: contains no address");
    if (selection == ProtocolSelection::websocket && !websocket) {
        return wrong("protocol_selection_mode: WebSocket is selected, but server_addresses has no WebSocket URL");
    }
    if (selection == ProtocolSelection::quic && addresses.quic.empty())
        return wrong("protocol_selection_mode: QUIC is selected, but server_addresses has no QUIC URL");
    if (config.connection_timeout.count() <= 0) return wrong("connection_timeout: must be more than 0");
    if (config.session.heartbeat_interval.count() <= 0) return wrong("heartbeat_interval: must be more than 0");
    if (config.session.heartbeat_timeout.count() <= 0) return wrong("heartbeat_timeout: must be more than 0");
    if (config.reconnect_delay.count() <= 0) return wrong("reconnect_delay: must be more than 0");
    if (config.session.retry_delay.count() <= 0) return wrong("message_retry: the delay must be more than 0");
    if (config.session.send_timeout.count() < 0)
        return wrong("send_timeout: must not be negative; 0 waits indefinitely");
    if (config.buffer_size == 0) return wrong("buffer_size: must be at least 1");
    if (config.session.outbox.messages == 0 || config.session.outbox.bytes == 0)
        return wrong("outbox_limit: must be at least 1");
    if (config.session.max_message_bytes == 0) return wrong("max_message_bytes: must be at least 1");
    if (!verify && !(addresses.websocket_tls.empty() && addresses.quic.empty())) {
        return wrong(
            "tls: the server of a wss:// or quic:// address is always verified; give ca_file() for a private CA");
    }
    if (certificate_file.empty() != key_file.empty()) return wrong("client_cert: needs a certificate and a key file");
    // OpenSSL would take ".example.com" for any name below it.
    if (!config.server_name.empty() && !transport::is_host(config.server_name))
        return wrong("server_name: is neither a host name nor an IP address");
    return check_racing();
}

// How the server's sealing key is known.
Checked<client::Sealing> ClientBuilder::State::sealing(const client::Config& checked) const {
    client::Sealing made;
    made.mode = encryption;
    made.known = std::make_shared<std::map<std::string, wire::Key>>();
    if (!server_key.empty()) {
        made.pinned = base::key_of(wire::from_base64(server_key).value_or(""));
        base::Key probe{1};
        if (!made.pinned || !base::x25519(probe, *made.pinned))
            return Failure(
                errc::invalid_config,
                "server_key: is not a key of 32 bytes in base64, as returned by the server's sealing_public_key()");
    }
    if (encryption == Encryption::off || made.pinned) return made;
    const bool plain = std::any_of(checked.addresses.begin(), checked.addresses.end(),
                                   [](const client::Url& url) { return !url.secure; });
    if (encryption == Encryption::required && plain && ca_file.empty()) {
        return Failure(errc::invalid_config,
                       "encryption: over ws:// the client verifies the server by server_key() or a certificate from "
                       "ca_file(), and neither is set");
    }
    const transport::tls::ClientOptions files{ca_file, "", ""};
    auto loaded = checked.shared ? checked.shared->tls(files) : client::load_tls(files);
    if (!loaded) return loaded.error();
    made.trust = std::move(*loaded);
    return made;
}

Checked<Client> ClientBuilder::build() const { return build(nullptr); }

Checked<Client> ClientBuilder::build(std::shared_ptr<client::PoolResources> shared) const {
    if (auto checked = state_->check(); !checked) return checked.error();
    client::Config config = state_->config;
    if (shared && config.context != nullptr)
        return Failure(errc::invalid_config, "io_context: not available in a SessionPool, which has its own threads");
    config.shared = shared;
    config.shares_sockets = shared != nullptr;
    std::vector<Failure> unusable;
    for (const auto& [text, scheme] :
         {std::pair{state_->addresses.quic, "quic"}, std::pair{state_->addresses.websocket_tls, "wss"},
          std::pair{state_->addresses.websocket, "ws"}}) {
        if (text.empty()) continue;
        auto url = client::parse_url(text, scheme);
        if (!url) {
            unusable.push_back(url.error());
            continue;
        }
        const bool other =
            (state_->selection == ProtocolSelection::websocket && url->protocol != Protocol::websocket) ||
            (state_->selection == ProtocolSelection::quic && url->protocol != Protocol::quic);
        if (!other) config.addresses.push_back(std::move(*url));
    }
    if (config.addresses.empty() && !unusable.empty()) return unusable.front();
    for (const Failure& each : unusable) base::log().warn("{}; this address is not used, the others are", each.text);
    config.racing = state_->racing;
    config.measures = state_->racing.enabled && state_->selection == ProtocolSelection::auto_racing;
    config.session.suspect_early = state_->racing.auto_fallback && config.protocols().size() > 1;
    const transport::tls::ClientOptions files{state_->ca_file, state_->certificate_file, state_->key_file};
    if (config.has(Protocol::quic)) {
        auto loaded = shared ? shared->quic(files, state_->ticket_file) : client::load_quic(files, state_->ticket_file);
        if (!loaded) return loaded.error();
        config.quic = std::move(*loaded);
    }
    if (!state_->addresses.websocket_tls.empty()) {
        auto loaded = shared ? shared->tls(files) : client::load_tls(files);
        if (!loaded) return loaded.error();
        config.tls = std::move(*loaded);
    }
    if (config.session.device.empty()) config.session.device = base::system_random().uuid().str();
    auto compression = wire::make_compression(state_->compression, state_->compressing, state_->dictionary_file);
    if (!compression) return compression.error();
    config.session.compression = std::move(*compression);
    auto sealing = state_->sealing(config);
    if (!sealing) return sealing.error();
    config.sealing = std::move(*sealing);
    return Client(std::make_unique<Client::Impl>(std::move(config)));
}

}  // namespace flare
