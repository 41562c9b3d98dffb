#include "server_config/authentication.hpp"
#include "server_config/default_store.hpp"
#include "server_config/setting.hpp"
#include "server_config/values.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <type_traits>

namespace flare::cli::server_config {
namespace {

template <typename T>
T as(const Value& value) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        return static_cast<T>(std::get<std::uint64_t>(value));
    } else {
        return std::get<T>(value);
    }
}

template <auto Call>
struct Caller;
template <typename T, ServerBuilder& (ServerBuilder::*Call)(T)>
struct Caller<Call> {
    static void apply(ServerBuilder& builder, const Values& values, const Setting& setting) {
        (builder.*Call)(as<T>(values.of(setting)));
    }
};
// Gives the value to this call of the builder, whatever its type.
template <auto Call>
constexpr auto to = &Caller<Call>::apply;

void websocket_tls(ServerBuilder& builder, const Values& values, const Setting&) {
    builder.websocket_tls(values.text("websocket.certificate"), values.text("websocket.key"));
}
// Each names its own mistakes only: those behind it in the table have their defaults.
void server_api(ServerBuilder& builder, const Values& values, const Setting&) {
    ServerApi api;
    api.address = values.text("api.address");
    api.keys_file = values.text("api.keys_file");
    api.keys = values.words("api.keys");
    api.certificate_file = values.text("api.certificate");
    api.key_file = values.text("api.key");
    api.client_ca_file = values.text("api.client_ca");
    api.per_second = static_cast<std::uint32_t>(values.number("api.max_requests_per_second"));
    api.burst = static_cast<std::uint32_t>(values.number("api.max_requests_per_second_burst"));
    builder.server_api(std::move(api));
}
void quic_tls(ServerBuilder& builder, const Values& values, const Setting&) {
    builder.quic_tls(values.text("quic.certificate"), values.text("quic.key"));
}
void quic_congestion(ServerBuilder& builder, const Values& values, const Setting& setting) {
    builder.quic_congestion(values.text(setting.key()) == "bbr" ? QuicCongestion::bbr : QuicCongestion::cubic);
}
void device_policy(ServerBuilder& builder, const Values& values, const Setting& setting) {
    builder.device_policy(values.text(setting.key()) == "newest_wins" ? DevicePolicy::newest_wins : DevicePolicy::many);
}
void log_level(ServerBuilder& builder, const Values& values, const Setting& setting) {
    constexpr std::array<std::string_view, 6> kLevels = {"trace", "debug", "info", "warn", "error", "off"};
    const auto found = std::find(kLevels.begin(), kLevels.end(), values.text(setting.key()));
    builder.log_level(static_cast<LogLevel>(found - kLevels.begin()));
}
void log_format(ServerBuilder& builder, const Values& values, const Setting& setting) {
    builder.log_format(values.text(setting.key()) == "json" ? LogFormat::json : LogFormat::text);
}
// Names its own mistake only: that nobody is trusted.
void proxy_header(ServerBuilder& builder, const Values& values, const Setting& setting) {
    if (values.text(setting.key()) == "none") return;
    std::vector<std::string> networks;
    if (!values.words("proxy.trusted").empty()) networks.emplace_back("127.0.0.1");
    builder.trusted_proxies(std::move(networks), ProxyHeader::x_forwarded_for);
}
void trusted_proxies(ServerBuilder& builder, const Values& values, const Setting& setting) {
    const std::string header = values.text("proxy.header");
    if (header == "none" || values.words(setting.key()).empty()) return;
    builder.trusted_proxies(values.words(setting.key()), header == "proxy_protocol" ? ProxyHeader::proxy_protocol
                                                         : header == "forwarded"    ? ProxyHeader::forwarded
                                                                                    : ProxyHeader::x_forwarded_for);
}
void message_rate(ServerBuilder& builder, const Values& values, const Setting&) {
    builder.max_messages_per_second(static_cast<std::uint32_t>(values.number("limits.max_messages_per_second")),
                                    static_cast<std::uint32_t>(values.number("limits.max_messages_per_second_burst")));
}
void byte_rate(ServerBuilder& builder, const Values& values, const Setting&) {
    builder.max_bytes_per_second(values.number("limits.max_bytes_per_second"),
                                 values.number("limits.max_bytes_per_second_burst"));
}
// The first of the two names its own mistakes only.
void unacked_frames(ServerBuilder& builder, const Values& values, const Setting& setting) {
    builder.max_unacked(as<std::uint32_t>(values.of(setting)), Values().number("limits.max_unacked_bytes"));
}
void unacked(ServerBuilder& builder, const Values& values, const Setting&) {
    builder.max_unacked(static_cast<std::uint32_t>(values.number("limits.max_unacked_frames")),
                        values.number("limits.max_unacked_bytes"));
}
// As much as the server would take by itself.
std::uint64_t queued_bytes(const Values& values) {
    const std::uint64_t bytes = values.number("limits.max_queued_bytes");
    if (values.given("limits.max_queued_bytes")) return bytes;
    return std::max(bytes, 2 * values.number("limits.max_message_bytes"));
}
void queued(ServerBuilder& builder, const Values& values, const Setting&) {
    builder.max_queued(static_cast<std::uint32_t>(values.number("limits.max_queued_frames")), queued_bytes(values));
}

// Each names its own mistakes only: those behind it in the table have their defaults.
void store(ServerBuilder& builder, const Values& values, const Setting& setting) {
    if (!keeps_conversations(values)) return;
    Store made = sqlite(values.text("store.file"));
    if (setting.name != "file") made.min_free_bytes = values.number("store.min_free_bytes");
    if (setting.name == "cache_bytes") made.cache_bytes = values.number("store.cache_bytes");
    builder.store(std::move(made));
}
// As store().
void conversation_limits(ServerBuilder& builder, const Values& values, const Setting& setting) {
    ConversationLimits limits;
    const auto take = [&](const Setting& each) {
        const Value& value = values.of(each);
        const auto number = [&] { return as<std::uint32_t>(value); };
        if (each.name == "device_per_second") limits.device_per_second = number();
        if (each.name == "device_burst") limits.device_burst = number();
        if (each.name == "conversation_per_second") limits.conversation_per_second = number();
        if (each.name == "conversation_burst") limits.conversation_burst = number();
        if (each.name == "deliveries_per_second") limits.deliveries_per_second = number();
        if (each.name == "deliveries_burst") limits.deliveries_burst = number();
        if (each.name == "direct_per_hour") limits.direct_per_hour = number();
        if (each.name == "max_payload_bytes")
            limits.max_payload_bytes =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(std::get<std::uint64_t>(value), UINT32_MAX));
        if (each.name == "max_members") limits.max_members = number();
        if (each.name == "room_makers") limits.room_makers = std::get<std::vector<std::string>>(value);
        if (each.name == "open_room_makers") limits.open_room_makers = std::get<std::vector<std::string>>(value);
    };
    for (const Setting& each : settings()) {
        if (each.section == setting.section) take(each);
        if (&each == &setting) break;
    }
    builder.conversation_limits(std::move(limits));
}

void retention(ServerBuilder& builder, const Values& values, const Setting& setting) {
    if (setting.name == "interval") {
        builder.retention_interval(values.time(setting.key()));
        return;
    }
    const auto rules = [&](const std::string& which) {
        RetentionRules made;
        made.age = std::chrono::duration_cast<std::chrono::seconds>(values.time("retention." + which + "_age"));
        made.entries = values.number("retention." + which + "_entries");
        made.bytes = values.number("retention." + which + "_bytes");
        return made;
    };
    builder.retention(rules("rooms"), rules("direct"));
}

using B = ServerBuilder;

constexpr Setting kSettings[] = {
    {"", "show_users", Kind::flag, "false", "with_event_handler",
     "Print to standard output when users connect and disconnect.", nullptr},
    {"", "json", Kind::flag, "false", "with_event_handler",
     "Write standard output as one JSON object per line. For the log, see log.format.", nullptr},
    {"", "worker_threads", Kind::count, "0", "worker_threads", "Number of event loops; 0: one per core.",
     to<&B::worker_threads>},
    {"", "handler_threads", Kind::count, "4", "handler_threads",
     "Threads for blocking handlers and for authentication.", to<&B::handler_threads>},
    {"", "admin_address", Kind::address, "", "admin_addr",
     "Address that serves /metrics, /healthz, /readyz, /stats and /sessions without authentication. It must be on "
     "loopback, unless expose_metrics is set.",
     to<&B::admin_addr>},
    {"", "expose_metrics", Kind::flag, "false", "expose_metrics",
     "Allow admin_address to be reachable from other machines. They get /metrics, /healthz and /readyz; /stats and "
     "/sessions stay limited to this machine.",
     to<&B::expose_metrics>},
    {"", "allow_insecure", Kind::flag, "false", "allow_insecure",
     "Start even if other machines can reach a server without authentication or TLS. For closed networks, or behind a "
     "gateway.",
     to<&B::allow_insecure>},

    {"api", "address", Kind::address, "", "server_api",
     "Address of the server API for back-ends (docs/server-api.md). Not set: there is none.", server_api},
    {"api", "keys_file", Kind::path, "", "server_api",
     "File with its keys, hashed, which `flare api-key` makes. Only its owner and group may have access. Read again on "
     "SIGHUP.",
     server_api},
    {"api", "keys", Kind::words, "", "server_api",
     "Further keys, as lines of that file with + between scopes: ID SHA256 messages:write+users:read.", server_api},
    {"api", "certificate", Kind::path, "", "server_api", "PEM file with the certificate and its chain: https.",
     server_api},
    {"api", "key", Kind::path, "", "server_api", "PEM file with its key.", server_api},
    {"api", "client_ca", Kind::path, "", "server_api",
     "PEM file with the CAs of which callers need a certificate, beside their key.", server_api},
    {"api", "max_requests_per_second", Kind::count, "1000", "server_api", "Requests of each key; 0: no limit.",
     server_api},
    {"api", "max_requests_per_second_burst", Kind::count, "2000", "server_api", "So many at once, after a pause.",
     server_api},

    {"websocket", "enabled", Kind::flag, "true", "enable_websocket", "Serve WebSocket.", to<&B::enable_websocket>},
    {"websocket", "address", Kind::address, "127.0.0.1:4000", "websocket_addr",
     "Address to listen on (TCP); port 0 picks a free port.", to<&B::websocket_addr>},
    {"websocket", "certificate", Kind::path, "", "websocket_tls",
     "PEM file with the certificate and its chain; serves wss:// instead of ws://.", websocket_tls},
    {"websocket", "key", Kind::path, "", "websocket_tls", "PEM file with the private key of the certificate.",
     websocket_tls},
    {"websocket", "allowed_origins", Kind::words, "", "allowed_origins",
     "Origins of web pages that may connect, besides those of the server's own host (https://app.example.com; *: all).",
     to<&B::allowed_origins>},
    {"websocket", "deflate", Kind::flag, "false", "websocket_deflate",
     "Accept permessage-deflate, which browsers offer.", to<&B::websocket_deflate>},

    {"quic", "enabled", Kind::flag, "true", "enable_quic", "Serve QUIC.", to<&B::enable_quic>},
    {"quic", "address", Kind::address, "127.0.0.1:4010", "quic_addr",
     "Address to listen on (UDP); port 0 picks a free port.", to<&B::quic_addr>},
    {"quic", "certificate", Kind::path, "certs/server.crt", "quic_tls", "PEM file with the certificate and its chain.",
     quic_tls},
    {"quic", "key", Kind::path, "certs/server.key", "quic_tls", "PEM file with the private key of the certificate.",
     quic_tls},
    {"quic", "alpn", Kind::words, "flare-core", "quic_alpn", "Application protocols that clients may request (ALPN).",
     to<&B::quic_alpn>},
    {"quic", "zero_rtt", Kind::flag, "true", "enable_quic_0rtt",
     "Accept early data (0-RTT) from returning clients, before the handshake is complete.", to<&B::enable_quic_0rtt>},
    {"quic", "congestion", Kind::choice, "cubic", "quic_congestion", "Congestion control.", quic_congestion,
     "cubic|bbr"},
    {"quic", "retry_above", Kind::count, "256", "quic_retry_above",
     "Number of unfinished or recently failed handshakes per worker above which new clients must prove their address "
     "(Retry); 0: always.",
     to<&B::quic_retry_above>},
    {"quic", "secret", Kind::secret, "", "quic_secret",
     "Any text that stays the same across restarts: clients of the previous process then learn at once that their "
     "connections are gone.",
     to<&B::quic_secret>},
    {"quic", "secret_file", Kind::path, "", "quic_secret_file",
     "File with that secret; created if missing. If neither is set, the server uses quic.secret in the state folder: "
     "$STATE_DIRECTORY, else $XDG_STATE_HOME/flare.",
     to<&B::quic_secret_file>},
    {"quic", "qlog_folder", Kind::path, "", "quic_qlog", "Folder for a qlog file of every connection. Expensive.",
     to<&B::quic_qlog>},

    {"tls", "client_ca_file", Kind::path, "", "client_ca_file",
     "PEM file with the CAs whose client certificates are accepted, over wss and QUIC.", to<&B::client_ca_file>},
    {"tls", "require_client_certificate", Kind::flag, "false", "require_client_cert",
     "Refuse clients without such a certificate.", to<&B::require_client_cert>},
    {"tls", "watch_certificates", Kind::time, "0s", "watch_certificates",
     "How often to check certificate, key and CA files for changes and reload them; 0s: on SIGHUP only.",
     to<&B::watch_certificates>},
    {"tls", "sealing_key_file", Kind::path, "", "sealing_key",
     "File with the secret sealing key; clients can then encrypt everything up to this server, whatever is in between. "
     "`flare certs sealing-key` makes one.",
     to<&B::sealing_key>},

    {"proxy", "header", Kind::choice, "none", "trusted_proxies",
     "How proxies in front of WebSocket pass the client's address: in an HTTP header, or in the PROXY protocol "
     "(version 1 or 2).",
     proxy_header, "none|x_forwarded_for|forwarded|proxy_protocol"},
    {"proxy", "trusted", Kind::words, "", "trusted_proxies",
     "Networks of these proxies (10.0.0.0/8, 2001:db8::/32, 192.0.2.1). Connections from other addresses are treated "
     "as direct.",
     trusted_proxies},

    {"log", "level", Kind::choice, "info", "log_level",
     "Level of the log on standard error. In a file, log_level at top level is the same.", log_level,
     "trace|debug|info|warn|error|off"},
    {"log", "format", Kind::choice, "text", "log_format", "Lines for people, or one JSON object per line.", log_format,
     "text|json"},
    {"log", "show_users", Kind::flag, "true", "log_users", "Log user names; otherwise a dash takes their place.",
     to<&B::log_users>},

    {"sessions", "life", Kind::time, "2m", "session_life",
     "How long a session without a connection waits for its client.", to<&B::session_life>},
    {"sessions", "hello_timeout", Kind::time, "5s", "hello_timeout",
     "Time within which a new connection must send its Hello.", to<&B::hello_timeout>},
    {"sessions", "heartbeat_interval", Kind::time, "30s", "heartbeat_interval",
     "Heartbeat interval that the server asks of clients.", to<&B::heartbeat_interval>},
    {"sessions", "heartbeat_timeout", Kind::time, "1m", "heartbeat_timeout",
     "A connection silent for this long is closed.", to<&B::heartbeat_timeout>},
    {"sessions", "max_missed_heartbeats", Kind::count, "3", "max_missed_heartbeats",
     "A connection is closed after this many missed heartbeats.", to<&B::max_missed_heartbeats>},
    {"sessions", "slow_consumer_after", Kind::time, "30s", "slow_consumer_after",
     "A session ends when its client has read nothing for this long while data is queued for it.",
     to<&B::slow_consumer_after>},
    {"sessions", "credential_warning", Kind::time, "1m", "credential_warning",
     "How long before expiry of its credential a client is warned.", to<&B::credential_warning>},
    {"sessions", "device_policy", Kind::choice, "many", "device_policy",
     "Whether a user may have sessions on several devices.", device_policy, "many|newest_wins"},
    {"sessions", "max_devices_per_user", Kind::count, "0", "max_devices_per_user",
     "Devices per user; beyond that the user's oldest session ends. 0: any number.", to<&B::max_devices_per_user>},
    {"sessions", "admission_rate", Kind::count, "0", "admission_rate",
     "New sessions per second; further clients are told when to come back. 0: no limit.", to<&B::admission_rate>},
    {"sessions", "ticket_key_file", Kind::path, "", "ticket_key_file",
     "File with the ticket key; clients of the previous process then return without a new authentication. Created if "
     "missing.",
     to<&B::ticket_key_file>},
    {"sessions", "revocations_file", Kind::path, "", "revocations_file",
     "File that keeps revoked users and tokens across restarts.", to<&B::revocations_file>},
    {"sessions", "max_revocations", Kind::count, "1000000", "max_revocations",
     "How many users and tokens can be revoked at a time.", to<&B::max_revocations>},

    {"limits", "max_connections", Kind::count, "100000", "max_connections",
     "Concurrent connections; beyond that new ones are refused. Never more than the open-file limit minus 256.",
     to<&B::max_connections>},
    {"limits", "max_connections_per_address", Kind::count, "0", "max_connections_per_address",
     "Concurrent connections from one address; 0: no limit.", to<&B::max_connections_per_address>},
    {"limits", "max_handshakes_per_second", Kind::count, "0", "max_handshakes_per_second",
     "New connections per second; 0: no limit.", to<&B::max_handshakes_per_second>},
    {"limits", "max_message_bytes", Kind::size, "16MiB", "max_message_bytes", "Largest message payload.",
     to<&B::max_message_bytes>},
    {"limits", "max_memory_bytes", Kind::size, "4GiB", "max_memory_bytes",
     "Ceiling for all memory that clients can make the server hold; beyond it sessions are shed in a documented order.",
     to<&B::max_memory_bytes>},
    {"limits", "max_messages_per_second", Kind::count, "0", "max_messages_per_second",
     "Messages per second from one device's session; more are refused, with the time to wait. 0: no limit.",
     message_rate},
    {"limits", "max_messages_per_second_burst", Kind::count, "0", "max_messages_per_second",
     "Messages allowed at once after a pause; 0: as many as the rate allows in one second.", message_rate},
    {"limits", "max_bytes_per_second", Kind::size, "0B", "max_bytes_per_second",
     "Payload bytes per second from one device's session; 0B: no limit.", byte_rate},
    {"limits", "max_bytes_per_second_burst", Kind::size, "0B", "max_bytes_per_second",
     "Bytes allowed at once after a pause; 0B: as much as the rate allows in one second, and at least the largest "
     "message.",
     byte_rate},
    {"limits", "max_batch_bytes", Kind::size, "1MiB", "max_batch_bytes",
     "Largest batch that a client may send: 132KiB to 1MiB.", to<&B::max_batch_bytes>},
    {"limits", "max_unacked_frames", Kind::count, "10000", "max_unacked",
     "Frames that each side of a session may have in flight: sent, not acknowledged.", unacked_frames},
    {"limits", "max_unacked_bytes", Kind::size, "4MiB", "max_unacked",
     "The same in bytes. Divided by the round-trip time, it is the maximum throughput of a session.", unacked},
    {"limits", "max_queued_frames", Kind::count, "20000", "max_queued",
     "Frames queued for one client beyond those in flight; when exceeded, senders get recipient_busy.", queued},
    {"limits", "max_queued_bytes", Kind::size, "32MiB", "max_queued",
     "The same in bytes; at least twice the largest message.", queued},

    {"store", "file", Kind::path, "", "store",
     "SQLite file that keeps conversations; made if missing, used by one server at a time. none: no store, so messages "
     "reach only who is connected, and there are no rooms. If not set, the server uses flare.db in the state folder: "
     "$STATE_DIRECTORY, else $XDG_STATE_HOME/flare. The flag may be shortened to --store.",
     store},
    {"store", "min_free_bytes", Kind::size, "256MiB", "store",
     "With less free space than this on the disk of the store, messages are refused with storage_full; 0B: no limit.",
     store},
    {"store", "cache_bytes", Kind::size, "4MiB", "store", "Memory for pages of the store: 1MiB to 64GiB.", store},

    {"conversations", "device_per_second", Kind::count, "20", "conversation_limits",
     "Messages to users and rooms, and changes of rooms, per second from one device; more are refused, with the time "
     "to wait. 0: no limit.",
     conversation_limits},
    {"conversations", "device_burst", Kind::count, "0", "conversation_limits",
     "How many of these are allowed at once after a pause; 0: five times the rate.", conversation_limits},
    {"conversations", "conversation_per_second", Kind::count, "50", "conversation_limits",
     "Messages and changes per second into one conversation, from all its members; 0: no limit.", conversation_limits},
    {"conversations", "conversation_burst", Kind::count, "0", "conversation_limits",
     "How many of these are allowed at once after a pause; 0: five times the rate.", conversation_limits},
    {"conversations", "deliveries_per_second", Kind::count, "200000", "conversation_limits",
     "The same, each counted once for every member of the conversation; 0: no limit.", conversation_limits},
    {"conversations", "deliveries_burst", Kind::count, "0", "conversation_limits",
     "How many of these are allowed at once after a pause; 0: five times the rate.", conversation_limits},
    {"conversations", "direct_per_hour", Kind::count, "50", "conversation_limits",
     "Direct conversations that a user may start in an hour, not counting those that the other user has answered; 0: "
     "no limit.",
     conversation_limits},
    {"conversations", "max_payload_bytes", Kind::size, "64KiB", "conversation_limits",
     "Largest payload in conversations made from now on, at most 1MiB. Existing conversations keep theirs.",
     conversation_limits},
    {"conversations", "max_members", Kind::count, "100000", "conversation_limits", "Members of a room.",
     conversation_limits},
    {"conversations", "room_makers", Kind::words, "*", "conversation_limits",
     "Users who may make rooms; a * at the beginning or end of a name stands for any text. Empty: nobody.",
     conversation_limits},
    {"conversations", "open_room_makers", Kind::words, "*", "conversation_limits",
     "Those of them who may make rooms that anybody may join.", conversation_limits},

    {"retention", "rooms_age", Kind::time, "0s", "retention",
     "How long rooms keep messages and changes; what is older is removed. 0s: for ever.", retention},
    {"retention", "rooms_entries", Kind::count, "0", "retention", "How many of them a room keeps, the newest; 0: all.",
     retention},
    {"retention", "rooms_bytes", Kind::size, "0B", "retention",
     "How many bytes of payloads a room keeps, the newest; 0B: all.", retention},
    {"retention", "direct_age", Kind::time, "0s", "retention", "The same for direct conversations.", retention},
    {"retention", "direct_entries", Kind::count, "0", "retention", "The same for direct conversations.", retention},
    {"retention", "direct_bytes", Kind::size, "0B", "retention", "The same for direct conversations.", retention},
    {"retention", "interval", Kind::time, "10m", "retention_interval",
     "How often all conversations are looked at; at least 1s.", retention},

    {"presence", "grace", Kind::time, "20s", "presence_grace",
     "A user without a connection is offline after this time; as long after a start, who has not come yet is unknown.",
     to<&B::presence_grace>},
    {"presence", "lease", Kind::time, "10m", "presence_lease",
     "How long a session follows the presence of others, unless its client asks again: 1s to 24h.",
     to<&B::presence_lease>},

    {"handlers", "chat_answer", Kind::wording, "收到聊天消息: {text}", "chat_answer",
     "Reply to messages of type chat that are sent to the server; {text} is replaced by their text. \"\" in the file: "
     "no reply.",
     to<&B::chat_answer>},

    {"compression", "enabled", Kind::flag, "false", "compression", "Offer zstd and gzip compression to clients.",
     to<&B::compression>},
    {"compression", "threshold", Kind::size, "512B", "compression_threshold",
     "Smaller payloads are not compressed; with a dictionary the default is 64B.", to<&B::compression_threshold>},
    {"compression", "level", Kind::count, "1", "compression_level", "zstd level, 1 to 19; levels above 3 are slow.",
     to<&B::compression_level>},
    {"compression", "dictionary", Kind::path, "", "compression_dictionary",
     "Dictionary made by `flare train`; used with clients that have the same one.", to<&B::compression_dictionary>},

    {"auth", "mode", Kind::choice, "anonymous", "with_auth_handler",
     "How users authenticate: none (anybody, under any name), tokens from a file, signed tokens (JWT), or your own "
     "HTTP service.",
     apply_authentication, "anonymous|static|jwt|http"},
    {"auth.static", "tokens_file", Kind::path, "", "static_token_auth",
     "File with lines of TOKEN USER and an optional expiry (2030-01-31T12:00:00Z). Only its owner and group may have "
     "access.",
     nullptr},

    {"auth.jwt", "key_file", Kind::path, "", "JwtOptions::key_file",
     "File with a PEM public key, or with the secret for HS256; reloaded when it changes.", nullptr},
    {"auth.jwt", "algorithm", Kind::choice, "", "JwtOptions::algorithm", "Of key_file.", nullptr,
     "HS256|RS256|ES256|EdDSA"},
    {"auth.jwt", "key_id", Kind::text, "", "JwtOptions::key_id", "Key id of key_file; tokens must carry it (kid).",
     nullptr},
    {"auth.jwt", "jwks_file", Kind::path, "", "JwtOptions::jwks_file",
     "File with a JSON Web Key Set, instead of key_file; reloaded when it changes.", nullptr},
    {"auth.jwt", "issuer", Kind::text, "", "JwtOptions::issuer", "Required issuer (iss); not set: any.", nullptr},
    {"auth.jwt", "audience", Kind::words, "", "JwtOptions::audience",
     "Accepted audiences: aud must contain one of these. Not set: tokens with an audience are refused.", nullptr},
    {"auth.jwt", "user_claim", Kind::text, "sub", "JwtOptions::user_claim", "Claim with the user id.", nullptr},
    {"auth.jwt", "clock_skew", Kind::time, "1m", "JwtOptions::clock_skew",
     "Tolerated difference to the issuer's clock.", nullptr},
    {"auth.jwt", "require_expiry", Kind::flag, "true", "JwtOptions::require_expiry",
     "Refuse tokens without an expiry (exp).", nullptr},
    {"auth.jwt", "max_life", Kind::time, "30d", "JwtOptions::max_life",
     "Longest accepted remaining lifetime; tokens that expire later are refused.", nullptr},

    {"auth.http", "url", Kind::text, "", "HttpAuthOptions::url",
     "URL of the service: http:// or https://, without a query.", nullptr},
    {"auth.http", "timeout", Kind::time, "3s", "HttpAuthOptions::timeout",
     "Time limit for a request, from sending it to the complete response.", nullptr},
    {"auth.http", "cache_for", Kind::time, "30s", "HttpAuthOptions::cache_for",
     "How long a positive response is cached for the same token and user; 0s: ask for every new session.", nullptr},
    {"auth.http", "cache_entries", Kind::count, "10000", "HttpAuthOptions::cache_entries",
     "Cached responses; beyond that the oldest are dropped.", nullptr},
    {"auth.http", "max_answer_bytes", Kind::size, "16KiB", "HttpAuthOptions::max_answer_bytes",
     "Largest accepted response; a longer one counts as a failure to answer.", nullptr},
    {"auth.http", "max_requests", Kind::count, "256", "HttpAuthOptions::max_requests",
     "Concurrent requests; beyond that clients are told to come back.", nullptr},
    {"auth.http", "ca_file", Kind::path, "", "HttpAuthOptions::ca_file",
     "PEM file with the CAs to trust for https; not set: the system's store.", nullptr},
    {"auth.http", "authorization", Kind::secret, "", "HttpAuthOptions::authorization",
     "Value of the Authorization header, by which the service recognizes the server.", nullptr},
};

std::string joined(const Setting& setting, char between) {
    std::string text(setting.section);
    if (!text.empty()) text += between;
    return text.append(setting.name);
}

}  // namespace

std::string Setting::key() const { return joined(*this, '.'); }

std::string Setting::variable() const {
    std::string text = "FLARE_SERVER_" + joined(*this, '_');
    for (char& c : text) c = c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

std::string Setting::flag() const {
    std::string text = "--" + joined(*this, '-');
    for (char& c : text) {
        if (c == '.' || c == '_') c = '-';
    }
    return text;
}

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view key) {
    const std::size_t dot = key.rfind('.');
    const std::string_view section = dot == key.npos ? std::string_view() : key.substr(0, dot);
    const std::string_view name = dot == key.npos ? key : key.substr(dot + 1);
    const auto found = std::find_if(std::begin(kSettings), std::end(kSettings),
                                    [&](const Setting& each) { return each.section == section && each.name == name; });
    return found == std::end(kSettings) ? nullptr : &*found;
}

}  // namespace flare::cli::server_config
