#include "server/hooks/settings.hpp"
#include "server/impl.hpp"
#include "server/known_auth.hpp"
#include "server/overlap.hpp"
#include "transport/websocket/page_rule.hpp"

#include <algorithm>

namespace flare {
namespace {

constexpr std::uint32_t kLeastBatchBytes = wire::kMaxFrameBytes + 4096;

}  // namespace

struct FLARE_HIDDEN ServerBuilder::State {
    server::Config config;
    bool compression = false;
    std::string dictionary_file;
    wire::Compression::Options compressing;
    std::string wrong;  // the first field that was given nonsense
    void check(bool good, std::string_view field_and_rule) {
        if (!good && wrong.empty()) wrong = field_and_rule;
    }
};

ServerBuilder::ServerBuilder() : state_(std::make_unique<State>()) {
    state_->config.handler.plain = server::default_handler(std::string(server::kChatAnswer));
    state_->config.handler.where = Execution::worker;
}
ServerBuilder::ServerBuilder(const ServerBuilder& other) : state_(std::make_unique<State>(*other.state_)) {}
ServerBuilder::~ServerBuilder() = default;

ServerBuilder& ServerBuilder::websocket_addr(std::string address) {
    state_->config.websocket_addr = std::move(address);
    return *this;
}
ServerBuilder& ServerBuilder::enable_websocket(bool on) {
    state_->config.websocket = on;
    return *this;
}
ServerBuilder& ServerBuilder::quic_addr(std::string address) {
    state_->config.quic_addr = std::move(address);
    return *this;
}
ServerBuilder& ServerBuilder::quic_tls(std::string certificate_file, std::string key_file) {
    state_->check(!certificate_file.empty() && !key_file.empty(), "quic_tls: needs a certificate and a key file");
    state_->config.quic_certificate_file = std::move(certificate_file);
    state_->config.quic_key_file = std::move(key_file);
    return *this;
}
ServerBuilder& ServerBuilder::quic_alpn(std::vector<std::string> protocols) {
    const auto fits = [](const std::string& each) { return !each.empty() && each.size() < 256; };
    state_->check(!protocols.empty() && std::all_of(protocols.begin(), protocols.end(), fits),
                  "quic_alpn: needs at least one protocol of 1 to 255 bytes");
    state_->config.quic_alpn = std::move(protocols);
    return *this;
}
ServerBuilder& ServerBuilder::quic_secret(std::string secret) {
    state_->config.quic_secret = std::move(secret);
    return *this;
}
ServerBuilder& ServerBuilder::quic_secret_file(std::string path) {
    state_->check(!path.empty(), "quic_secret_file: is empty");
    state_->config.quic_secret_file = std::move(path);
    return *this;
}
ServerBuilder& ServerBuilder::enable_quic_0rtt(bool on) {
    state_->config.quic_0rtt = on;
    return *this;
}
ServerBuilder& ServerBuilder::quic_retry_above(std::uint32_t handshakes) {
    state_->config.quic_retry_above = handshakes;
    return *this;
}
ServerBuilder& ServerBuilder::quic_congestion(QuicCongestion algorithm) {
    state_->config.quic_congestion = algorithm;
    return *this;
}
ServerBuilder& ServerBuilder::quic_qlog(std::string folder) {
    state_->config.quic_qlog_folder = std::move(folder);
    return *this;
}
ServerBuilder& ServerBuilder::enable_quic(bool on) {
    state_->config.quic = on;
    return *this;
}
ServerBuilder& ServerBuilder::websocket_only() { return enable_websocket(true).enable_quic(false); }
ServerBuilder& ServerBuilder::quic_only() { return enable_websocket(false).enable_quic(true); }
ServerBuilder& ServerBuilder::both_protocols() { return enable_websocket(true).enable_quic(true); }
ServerBuilder& ServerBuilder::websocket_tls(std::string certificate_file, std::string key_file) {
    state_->check(!certificate_file.empty() && !key_file.empty(), "websocket_tls: needs a certificate and a key file");
    state_->config.certificate_file = std::move(certificate_file);
    state_->config.key_file = std::move(key_file);
    return *this;
}
ServerBuilder& ServerBuilder::client_ca_file(std::string path) {
    state_->config.client_ca_file = std::move(path);
    return *this;
}
ServerBuilder& ServerBuilder::require_client_cert(bool on) {
    state_->config.require_client_cert = on;
    return *this;
}
ServerBuilder& ServerBuilder::sealing_key(std::string file) {
    state_->config.sealing_key_file = std::move(file);
    return *this;
}
ServerBuilder& ServerBuilder::admin_addr(std::string address) {
    state_->config.admin_addr = std::move(address);
    return *this;
}
ServerBuilder& ServerBuilder::expose_metrics(bool on) {
    state_->config.expose_metrics = on;
    return *this;
}
ServerBuilder& ServerBuilder::server_api(ServerApi api) {
    state_->config.backends.api = std::move(api);
    return *this;
}
ServerBuilder& ServerBuilder::hooks(std::vector<ServerHook> hooks) {
    const auto good = server::hooks::check(hooks);
    state_->check(good.has_value(), good ? std::string_view() : std::string_view(good.error().text));
    state_->config.backends.hooks = std::move(hooks);
    return *this;
}
ServerBuilder& ServerBuilder::with_message_handler(MessageHandler handler, Execution where) {
    state_->check(static_cast<bool>(handler), "with_message_handler: the handler is empty");
    state_->config.handler = {std::move(handler), where, {}};
    return *this;
}
ServerBuilder& ServerBuilder::with_message_handler(AsyncMessageHandler handler) {
    state_->check(static_cast<bool>(handler), "with_message_handler: the handler is empty");
    state_->config.handler = {{}, Execution::worker, std::move(handler)};
    return *this;
}
ServerBuilder& ServerBuilder::on_message_type(std::string type, MessageHandler handler, Execution where) {
    state_->check(static_cast<bool>(handler), "on_message_type: the handler is empty");
    state_->config.handlers[std::move(type)] = {std::move(handler), where, {}};
    return *this;
}
ServerBuilder& ServerBuilder::on_message_type(std::string type, AsyncMessageHandler handler) {
    state_->check(static_cast<bool>(handler), "on_message_type: the handler is empty");
    state_->config.handlers[std::move(type)] = {{}, Execution::worker, std::move(handler)};
    return *this;
}
ServerBuilder& ServerBuilder::with_auth_handler(AuthHandler handler) {
    // There is nothing to ask: as without a handler.
    if (handler.target<server::AnonymousAuth>() != nullptr) handler = nullptr;
    state_->config.auth = std::move(handler);
    state_->config.async_auth = nullptr;
    return *this;
}
ServerBuilder& ServerBuilder::with_auth_handler(AsyncAuthHandler handler) {
    state_->config.async_auth = std::move(handler);
    state_->config.auth = nullptr;
    return *this;
}
ServerBuilder& ServerBuilder::allow_insecure(bool on) {
    state_->config.allow_insecure = on;
    return *this;
}
ServerBuilder& ServerBuilder::device_policy(DevicePolicy policy) {
    return max_devices_per_user(policy == DevicePolicy::newest_wins ? 1 : 0);
}
ServerBuilder& ServerBuilder::max_devices_per_user(std::uint32_t count) {
    state_->config.session.max_devices = count;
    return *this;
}
ServerBuilder& ServerBuilder::revocations_file(std::string path) {
    state_->config.revocations_file = std::move(path);
    return *this;
}
ServerBuilder& ServerBuilder::max_revocations(std::uint32_t count) {
    state_->check(count > 0, "max_revocations: must be at least 1");
    state_->config.max_revocations = count;
    return *this;
}
ServerBuilder& ServerBuilder::with_event_handler(std::shared_ptr<EventHandler> handler) {
    state_->config.events = std::move(handler);
    return *this;
}
ServerBuilder& ServerBuilder::with_push_handler(std::shared_ptr<PushHandler> handler) {
    state_->config.conversations.push.handler = std::move(handler);
    return *this;
}
ServerBuilder& ServerBuilder::push_after(std::chrono::milliseconds time) {
    state_->check(time >= std::chrono::milliseconds(10) && time <= std::chrono::hours(1),
                  "push_after: is 10 ms to 1 h");
    state_->config.conversations.push.after = time;
    return *this;
}
ServerBuilder& ServerBuilder::with_delivery_policy(DeliveryPolicy policy) {
    SessionPolicy by_name;
    if (policy) {
        by_name = [policy = std::move(policy)](const SessionInfo& from, std::string_view to, const Message& message) {
            return policy(from.user, to, message);
        };
    }
    return with_session_policy(std::move(by_name));
}
ServerBuilder& ServerBuilder::with_session_policy(SessionPolicy policy) {
    state_->config.policy = std::move(policy);
    return *this;
}
ServerBuilder& ServerBuilder::policy_rules(std::vector<PolicyRule> rules) {
    const std::string fault = server::MessageRules::fault_of(rules);
    state_->check(fault.empty(), "policy_rules: " + fault);
    state_->config.rules = server::MessageRules(std::move(rules));
    return *this;
}
ServerBuilder& ServerBuilder::chat_answer(std::string text) {
    state_->check(base::is_utf8(text), "chat_answer: is not UTF-8");
    state_->config.handler = {server::default_handler(std::move(text)), Execution::worker, {}};
    return *this;
}
ServerBuilder& ServerBuilder::max_connections(std::uint32_t count) {
    state_->check(count > 0, "max_connections: must be at least 1");
    state_->config.max_connections_named = true;
    state_->config.max_connections = count;
    return *this;
}
ServerBuilder& ServerBuilder::max_connections_per_address(std::uint32_t count) {
    state_->config.max_connections_per_address = count;
    return *this;
}
ServerBuilder& ServerBuilder::admission_rate(std::uint32_t per_second) {
    state_->check(per_second <= 1'000'000, "admission_rate: at most 1,000,000 a second");
    state_->config.admission_rate = per_second;
    return *this;
}
ServerBuilder& ServerBuilder::ticket_key_file(std::string path) {
    state_->check(!path.empty(), "ticket_key_file: is empty");
    state_->config.ticket_key_file = std::move(path);
    return *this;
}
ServerBuilder& ServerBuilder::heartbeat_interval(std::chrono::milliseconds time) {
    state_->check(time.count() > 0, "heartbeat_interval: must be more than 0");
    state_->config.session.heartbeat_interval = time;
    return *this;
}
ServerBuilder& ServerBuilder::heartbeat_timeout(std::chrono::milliseconds time) {
    state_->check(time.count() > 0, "heartbeat_timeout: must be more than 0");
    state_->config.session.heartbeat_timeout = time;
    return *this;
}
ServerBuilder& ServerBuilder::max_missed_heartbeats(std::uint32_t count) {
    state_->check(count > 0, "max_missed_heartbeats: must be at least 1");
    state_->config.session.max_missed_heartbeats = count;
    return *this;
}
ServerBuilder& ServerBuilder::hello_timeout(std::chrono::milliseconds time) {
    state_->check(time.count() > 0, "hello_timeout: must be more than 0");
    state_->config.hello_timeout = time;
    return *this;
}
ServerBuilder& ServerBuilder::watch_certificates(std::chrono::milliseconds interval) {
    state_->check(interval.count() >= 0, "watch_certificates: must not be less than 0");
    state_->config.certificate_watch = interval;
    return *this;
}
ServerBuilder& ServerBuilder::allowed_origins(std::vector<std::string> origins) {
    for (const std::string& origin : origins) {
        state_->check(transport::websocket::is_origin(origin) || origin == "*" || origin == "null",
                      "allowed_origins: \"" + origin + "\" is not an origin: write it as https://app.example.com");
    }
    state_->config.allowed_origins = std::move(origins);
    return *this;
}
ServerBuilder& ServerBuilder::trusted_proxies(std::vector<std::string> networks, ProxyHeader header) {
    auto proxy = std::make_shared<transport::websocket::BehindProxy>();
    state_->check(!networks.empty(), "trusted_proxies: contains no network");
    for (const std::string& network : networks) {
        const std::string wrong = proxy->trusted.add(network);
        state_->check(wrong.empty(), "trusted_proxies: " + wrong);
    }
    if (header != ProxyHeader::proxy_protocol) {
        using enum transport::proxy::ForwardedHeader;
        proxy->header = header == ProxyHeader::forwarded ? forwarded : x_forwarded_for;
    }
    state_->config.proxy = std::move(proxy);
    return *this;
}
ServerBuilder& ServerBuilder::session_life(std::chrono::milliseconds time) {
    state_->check(time.count() > 0, "session_life: must be more than 0");
    state_->config.session.session_life = time;
    return *this;
}
ServerBuilder& ServerBuilder::credential_warning(std::chrono::milliseconds time) {
    state_->check(time.count() > 0, "credential_warning: must be more than 0");
    state_->config.session.credential_warning = time;
    return *this;
}
ServerBuilder& ServerBuilder::slow_consumer_after(std::chrono::milliseconds time) {
    state_->check(time.count() > 0, "slow_consumer_after: must be more than 0");
    state_->config.session.slow_consumer_after = time;
    return *this;
}
ServerBuilder& ServerBuilder::max_message_bytes(std::uint64_t bytes) {
    state_->check(bytes > 0 && bytes <= (1ull << 30), "max_message_bytes: must be within 1 byte and 1 GiB");
    state_->config.session.max_message_bytes = bytes;
    return *this;
}
ServerBuilder& ServerBuilder::max_handshakes_per_second(std::uint32_t count) {
    state_->config.max_handshakes_per_second = count;
    return *this;
}
ServerBuilder& ServerBuilder::max_messages_per_second(std::uint32_t count, std::uint32_t burst) {
    state_->check(count != 0 || burst == 0, "max_messages_per_second: a burst needs a rate");
    state_->config.session.message_rate = {count, burst == 0 ? count : burst};
    return *this;
}
ServerBuilder& ServerBuilder::max_bytes_per_second(std::uint64_t bytes, std::uint64_t burst) {
    state_->check(bytes != 0 || burst == 0, "max_bytes_per_second: a burst needs a rate");
    state_->check(bytes <= base::Rate::kMaxBurst && burst <= base::Rate::kMaxBurst,
                  "max_bytes_per_second: at most 4 GiB");
    state_->config.session.byte_rate = {bytes, burst};  // build() knows the largest message
    return *this;
}
ServerBuilder& ServerBuilder::max_batch_bytes(std::uint32_t bytes) {
    state_->check(bytes >= kLeastBatchBytes && bytes <= wire::kMaxBatchBytes,
                  "max_batch_bytes: must be within 132 KiB (to fit the largest frame) and 1 MiB");
    state_->config.session.max_batch_bytes = bytes;
    return *this;
}
ServerBuilder& ServerBuilder::max_unacked(std::uint32_t frames, std::uint64_t bytes) {
    state_->check(frames >= 64 && frames <= 10'000'000, "max_unacked: must be within 64 and 10,000,000 frames");
    state_->check(bytes >= (64ull << 10) && bytes <= (1ull << 30), "max_unacked: must be within 64 KiB and 1 GiB");
    state_->config.session.max_unacked_frames = frames;
    state_->config.session.max_unacked_bytes = bytes;
    return *this;
}
ServerBuilder& ServerBuilder::max_queued(std::uint32_t frames, std::uint64_t bytes) {
    state_->check(frames >= 16, "max_queued: must be at least 16 frames");
    state_->config.session.max_queued_frames = frames;
    state_->config.session.max_queued_bytes = bytes;
    state_->config.queue_named = true;
    return *this;
}
Store sqlite(std::string file) {
    Store store;
    store.file = std::move(file);
    return store;
}

ServerBuilder& ServerBuilder::store(Store store) {
    state_->check(!store.file.empty(), "store: sqlite() needs the name of a file");
    state_->check(store.cache_bytes >= (1ull << 20) && store.cache_bytes <= (64ull << 30),
                  "store: cache_bytes must be within 1 MiB and 64 GiB");
    state_->config.conversations.store = std::move(store);
    return *this;
}

ServerBuilder& ServerBuilder::conversation_limits(ConversationLimits limits) {
    constexpr std::uint32_t kMost = 1'000'000;
    const auto rate = [&](std::uint32_t per_second, std::uint32_t burst, std::string_view which,
                          std::uint32_t times = 1) {
        const std::string name = "conversation_limits: " + std::string(which);
        state_->check(per_second <= times * kMost,
                      name + "_per_second is at most " + std::to_string(times) + ",000,000");
        state_->check(burst <= 10 * times * kMost,
                      name + "_burst is at most " + std::to_string(10 * times) + ",000,000");
        state_->check(per_second != 0 || burst == 0, name + "_burst needs a rate");
        return base::Rate{per_second, burst == 0 ? 5ull * per_second : burst};
    };
    im::Limits& to = state_->config.conversations.limits;
    to.device = rate(limits.device_per_second, limits.device_burst, "device");
    to.conversation = rate(limits.conversation_per_second, limits.conversation_burst, "conversation");
    to.deliveries = rate(limits.deliveries_per_second, limits.deliveries_burst, "deliveries", 100);
    state_->check(limits.direct_per_hour <= 10'000, "conversation_limits: direct_per_hour is at most 10,000");
    to.direct_per_hour = limits.direct_per_hour;
    state_->check(limits.max_payload_bytes > 0 && limits.max_payload_bytes <= im::kMaxPayloadBytes,
                  "conversation_limits: max_payload_bytes must be within 1 byte and 1 MiB");
    to.payload_bytes = limits.max_payload_bytes;
    state_->check(limits.max_members > 0 && limits.max_members <= kMost,
                  "conversation_limits: max_members must be within 1 and 1,000,000");
    to.max_members = limits.max_members;
    for (const auto& [name, patterns] :
         {std::pair("room_makers", &limits.room_makers), std::pair("open_room_makers", &limits.open_room_makers)}) {
        const std::string fault = server::fault_of_patterns(*patterns);
        state_->check(fault.empty(), "conversation_limits: " + std::string(name) + ": " + fault);
    }
    state_->config.conversations.room_makers = std::move(limits.room_makers);
    state_->config.conversations.open_room_makers = std::move(limits.open_room_makers);
    return *this;
}

ServerBuilder& ServerBuilder::retention(RetentionRules rooms, RetentionRules direct) {
    for (const RetentionRules* each : {&rooms, &direct})
        state_->check(each->age.count() >= 0, "retention: an age is not negative");
    state_->config.conversations.retention.rooms = server::stored_rules(rooms);
    state_->config.conversations.retention.direct = server::stored_rules(direct);
    return *this;
}

ServerBuilder& ServerBuilder::retention_interval(std::chrono::milliseconds interval) {
    state_->check(interval >= std::chrono::seconds(1), "retention_interval: must be at least 1 s");
    state_->config.conversations.retention.interval = interval;
    return *this;
}

ServerBuilder& ServerBuilder::with_retention_policy(RetentionPolicy policy) {
    state_->config.conversations.retention.policy = std::move(policy);
    return *this;
}

ServerBuilder& ServerBuilder::presence_grace(std::chrono::milliseconds time) {
    state_->check(time.count() >= 0 && time <= std::chrono::minutes(10),
                  "presence_grace: must be within 0 and 10 minutes");
    state_->config.presence.grace = time;
    return *this;
}
ServerBuilder& ServerBuilder::presence_lease(std::chrono::milliseconds time) {
    state_->check(time >= std::chrono::seconds(1) && time <= std::chrono::hours(24),
                  "presence_lease: must be within 1 s and 24 hours");
    state_->config.presence.lease = time;
    return *this;
}
ServerBuilder& ServerBuilder::presence_policy(PresencePolicy policy) {
    state_->config.presence.policy = std::move(policy);
    return *this;
}

ServerBuilder& ServerBuilder::max_memory_bytes(std::uint64_t bytes) {
    state_->check(bytes >= (1ull << 20), "max_memory_bytes: must be at least 1 MiB");
    state_->config.max_memory_bytes = bytes;
    return *this;
}
ServerBuilder& ServerBuilder::worker_threads(std::uint32_t count) {
    state_->check(count <= base::kMaxWorkers, "worker_threads: at most 1024");
    state_->config.worker_threads = count;
    return *this;
}
ServerBuilder& ServerBuilder::handler_threads(std::uint32_t count) {
    state_->check(count > 0 && count <= 1024, "handler_threads: must be within 1 and 1024");
    state_->config.handler_threads = count;
    return *this;
}
ServerBuilder& ServerBuilder::log_level(LogLevel level) {
    state_->config.log_level = level;
    return *this;
}
ServerBuilder& ServerBuilder::log_format(LogFormat format) {
    state_->config.log_format = format;
    return *this;
}
ServerBuilder& ServerBuilder::log_users(bool on) {
    state_->config.log_users = on;
    return *this;
}

ServerBuilder& ServerBuilder::websocket_deflate(bool on) {
    state_->config.websocket_deflate = on;
    return *this;
}
ServerBuilder& ServerBuilder::compression(bool on) {
    state_->compression = on;
    return *this;
}
ServerBuilder& ServerBuilder::compression_threshold(std::size_t bytes) {
    state_->compressing.threshold = state_->compressing.dictionary_threshold = bytes;
    return *this;
}
ServerBuilder& ServerBuilder::compression_level(int level) {
    state_->check(level >= 1 && level <= 19, "compression_level: must be within 1 and 19");
    state_->compressing.level = level;
    return *this;
}
ServerBuilder& ServerBuilder::compression_dictionary(std::string path) {
    state_->check(!path.empty(), "compression_dictionary: the path is empty");
    state_->dictionary_file = std::move(path);
    return *this;
}

Checked<Server> ServerBuilder::build() const {
    if (!state_->wrong.empty()) return Failure(errc::invalid_config, state_->wrong);
    server::Config config = state_->config;
    session::Settings& session = config.session;
    const std::uint64_t two_messages = 2 * session.max_message_bytes;
    if (!config.queue_named) {
        session.max_queued_bytes = std::max(session.max_queued_bytes, two_messages);
    } else if (session.max_queued_bytes < two_messages) {
        return Failure(errc::invalid_config, "max_queued: must have room for two messages of max_message_bytes, " +
                                                 std::to_string(two_messages) + " bytes");
    }
    if (session.byte_rate.limited()) {
        std::uint64_t& burst = session.byte_rate.burst;
        if (burst == 0) burst = std::max(session.byte_rate.per_second, session.max_message_bytes);
        if (burst < session.max_message_bytes) {
            return Failure(errc::invalid_config, "max_bytes_per_second: the burst must hold max_message_bytes, " +
                                                     std::to_string(session.max_message_bytes) +
                                                     " bytes: a larger message could never be sent");
        }
    }
    if (!config.conversations.store.file.empty()) {
        const im::Limits& limits = config.conversations.limits;
        session.storing = wire::Storing{Durability::commit, limits.payload_bytes,
                                        static_cast<std::uint32_t>(limits.device.per_second),
                                        static_cast<std::uint32_t>(limits.device.burst)};
    }
    if (const auto* broken = config.auth.target<server::BrokenAuth>()) return broken->failure;
    if (const auto* broken = config.async_auth.target<server::BrokenAsyncAuth>()) return broken->failure;
    if (!config.websocket && !config.quic) {
        return Failure(errc::invalid_config, "enable_websocket, enable_quic: no protocol is enabled");
    }
    if (config.websocket && config.websocket_addr.empty())
        return Failure(errc::invalid_config, "websocket_addr: is empty");
    if (config.quic && config.quic_addr.empty()) return Failure(errc::invalid_config, "quic_addr: is empty");
    if (auto overlap = overlap_of(config)) return Failure(errc::invalid_config, std::move(*overlap));
    auto compression = wire::make_compression(state_->compression, state_->compressing, state_->dictionary_file);
    if (!compression) return compression.error();
    config.compression = std::move(*compression);
    return Server(std::make_unique<Server::Impl>(std::move(config)));
}

}  // namespace flare
