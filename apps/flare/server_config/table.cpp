#include "server_config/authentication.hpp"
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

using B = ServerBuilder;

constexpr Setting kSettings[] = {
    {"", "show_users", Kind::flag, "false", "with_event_handler", "Tell on standard output who comes and goes.",
     nullptr},
    {"", "json", Kind::flag, "false", "with_event_handler",
     "What is told on standard output is one JSON object a line; the log is log.format.", nullptr},
    {"", "worker_threads", Kind::count, "0", "worker_threads", "Event loops; 0: one for each core.",
     to<&B::worker_threads>},
    {"", "handler_threads", Kind::count, "4", "handler_threads",
     "Threads for handlers that may block, and for authentication.", to<&B::handler_threads>},
    {"", "admin_address", Kind::address, "", "admin_addr",
     "Where /metrics, /healthz, /readyz, /stats and /sessions are served, without authentication: on loopback, or with "
     "expose_metrics.",
     to<&B::admin_addr>},
    {"", "expose_metrics", Kind::flag, "false", "expose_metrics",
     "Let other machines reach admin_address: they get /metrics, /healthz and /readyz; /stats and /sessions are for "
     "this "
     "machine alone.",
     to<&B::expose_metrics>},
    {"", "allow_insecure", Kind::flag, "false", "allow_insecure",
     "Start even where strangers can reach a server without authentication or without TLS: in a closed network, behind "
     "a gateway.",
     to<&B::allow_insecure>},

    {"websocket", "enabled", Kind::flag, "true", "enable_websocket", "Serve WebSocket.", to<&B::enable_websocket>},
    {"websocket", "address", Kind::address, "127.0.0.1:4000", "websocket_addr",
     "Where to listen (TCP); port 0 takes a free one.", to<&B::websocket_addr>},
    {"websocket", "certificate", Kind::path, "", "websocket_tls",
     "PEM file, the chain included: serve wss:// in place of ws://.", websocket_tls},
    {"websocket", "key", Kind::path, "", "websocket_tls", "PEM file with the key of the certificate.", websocket_tls},
    {"websocket", "allowed_origins", Kind::words, "", "allowed_origins",
     "Web pages that may connect beside those of the host that they ask (https://app.example.com; *: all).",
     to<&B::allowed_origins>},
    {"websocket", "deflate", Kind::flag, "false", "websocket_deflate",
     "Agree to permessage-deflate, which browsers offer.", to<&B::websocket_deflate>},

    {"quic", "enabled", Kind::flag, "true", "enable_quic", "Serve QUIC.", to<&B::enable_quic>},
    {"quic", "address", Kind::address, "127.0.0.1:4010", "quic_addr", "Where to listen (UDP); port 0 takes a free one.",
     to<&B::quic_addr>},
    {"quic", "certificate", Kind::path, "certs/server.crt", "quic_tls", "PEM file, the chain included.", quic_tls},
    {"quic", "key", Kind::path, "certs/server.key", "quic_tls", "PEM file with the key of the certificate.", quic_tls},
    {"quic", "alpn", Kind::words, "flare-core", "quic_alpn", "Protocols that clients may ask for.", to<&B::quic_alpn>},
    {"quic", "zero_rtt", Kind::flag, "true", "enable_quic_0rtt",
     "Act on the first packets of clients that come back, before the handshake is complete.", to<&B::enable_quic_0rtt>},
    {"quic", "congestion", Kind::choice, "cubic", "quic_congestion", "Congestion control.", quic_congestion,
     "cubic|bbr"},
    {"quic", "retry_above", Kind::count, "256", "quic_retry_above",
     "Handshakes on a worker, unfinished or failed lately, beyond which new clients must prove their address; 0: "
     "always.",
     to<&B::quic_retry_above>},
    {"quic", "secret", Kind::secret, "", "quic_secret",
     "Any text, kept for the next start: clients of the process before hear at once that their connections are gone.",
     to<&B::quic_secret>},
    {"quic", "secret_file", Kind::path, "", "quic_secret_file",
     "The same in a file, which is made when it is missing. Without either it is quic.secret in the state folder: "
     "$STATE_DIRECTORY, else $XDG_STATE_HOME/flare.",
     to<&B::quic_secret_file>},
    {"quic", "qlog_folder", Kind::path, "", "quic_qlog",
     "Record every connection in a file of its own. It costs a lot.", to<&B::quic_qlog>},

    {"tls", "client_ca_file", Kind::path, "", "client_ca_file",
     "PEM file: clients may show certificates of these authorities, over wss and QUIC.", to<&B::client_ca_file>},
    {"tls", "require_client_certificate", Kind::flag, "false", "require_client_cert", "Clients must show one.",
     to<&B::require_client_cert>},
    {"tls", "watch_certificates", Kind::time, "0s", "watch_certificates",
     "Look so often whether certificates, keys and authorities have changed, and read them again; 0s: on SIGHUP only.",
     to<&B::watch_certificates>},
    {"tls", "sealing_key_file", Kind::path, "", "sealing_key",
     "Let clients encrypt everything up to this server, whatever is in between; `flare certs sealing-key` makes one.",
     to<&B::sealing_key>},

    {"proxy", "header", Kind::choice, "none", "trusted_proxies",
     "How the proxies in front of WebSocket say for which client they connect: an HTTP header, or the PROXY protocol "
     "(versions 1 and 2) before anything else.",
     proxy_header, "none|x_forwarded_for|forwarded|proxy_protocol"},
    {"proxy", "trusted", Kind::words, "", "trusted_proxies",
     "Networks of these proxies (10.0.0.0/8, 2001:db8::/32, 192.0.2.1). Whoever comes from elsewhere comes for itself.",
     trusted_proxies},

    {"log", "level", Kind::choice, "info", "log_level",
     "What is told on standard error. In a file log_level, above all sections, says the same.", log_level,
     "trace|debug|info|warn|error|off"},
    {"log", "format", Kind::choice, "text", "log_format", "Lines for people, or one JSON object a line.", log_format,
     "text|json"},
    {"log", "show_users", Kind::flag, "true", "log_users", "User names stand in the log; else a dash.",
     to<&B::log_users>},

    {"sessions", "life", Kind::time, "2m", "session_life",
     "So long a session waits for its client after its last connection.", to<&B::session_life>},
    {"sessions", "hello_timeout", Kind::time, "5s", "hello_timeout", "Within this a new connection must say who it is.",
     to<&B::hello_timeout>},
    {"sessions", "heartbeat_interval", Kind::time, "30s", "heartbeat_interval", "What clients are asked to keep.",
     to<&B::heartbeat_interval>},
    {"sessions", "heartbeat_timeout", Kind::time, "1m", "heartbeat_timeout", "So much silence ends a connection.",
     to<&B::heartbeat_timeout>},
    {"sessions", "max_missed_heartbeats", Kind::count, "3", "max_missed_heartbeats",
     "So many missed heartbeats end a connection.", to<&B::max_missed_heartbeats>},
    {"sessions", "slow_consumer_after", Kind::time, "30s", "slow_consumer_after",
     "A session ends whose client takes nothing for so long while something waits for it.",
     to<&B::slow_consumer_after>},
    {"sessions", "credential_warning", Kind::time, "1m", "credential_warning",
     "So long before its credential expires a client is told.", to<&B::credential_warning>},
    {"sessions", "device_policy", Kind::choice, "many", "device_policy", "May a user have sessions on several devices?",
     device_policy, "many|newest_wins"},
    {"sessions", "max_devices_per_user", Kind::count, "0", "max_devices_per_user",
     "Beyond it the user's oldest session ends; 0: any number.", to<&B::max_devices_per_user>},
    {"sessions", "admission_rate", Kind::count, "0", "admission_rate",
     "Sessions that may begin in a second; others are told when to come back. 0: no limit.", to<&B::admission_rate>},
    {"sessions", "ticket_key_file", Kind::path, "", "ticket_key_file",
     "Clients of the process before come back without being authenticated anew. Made when it is missing.",
     to<&B::ticket_key_file>},
    {"sessions", "revocations_file", Kind::path, "", "revocations_file",
     "Where revoked users and tokens are kept over a restart.", to<&B::revocations_file>},
    {"sessions", "max_revocations", Kind::count, "1000000", "max_revocations", "Users and tokens that can be revoked.",
     to<&B::max_revocations>},

    {"limits", "max_connections", Kind::count, "100000", "max_connections",
     "Connections at once; beyond it new ones are refused. Never more than the file limit less 256.",
     to<&B::max_connections>},
    {"limits", "max_connections_per_address", Kind::count, "0", "max_connections_per_address",
     "The same from one address; 0: no limit.", to<&B::max_connections_per_address>},
    {"limits", "max_handshakes_per_second", Kind::count, "0", "max_handshakes_per_second",
     "Connections that may begin in a second; 0: no limit.", to<&B::max_handshakes_per_second>},
    {"limits", "max_message_bytes", Kind::size, "16MiB", "max_message_bytes", "The largest payload.",
     to<&B::max_message_bytes>},
    {"limits", "max_memory_bytes", Kind::size, "4GiB", "max_memory_bytes",
     "For all that clients can make the server hold; beyond it sessions are shed in a stated order.",
     to<&B::max_memory_bytes>},
    {"limits", "max_messages_per_second", Kind::count, "0", "max_messages_per_second",
     "Messages of one device's session; more are refused with the time to wait. 0: no limit.", message_rate},
    {"limits", "max_messages_per_second_burst", Kind::count, "0", "max_messages_per_second",
     "So many at once after a pause; 0: what the rate gives in a second.", message_rate},
    {"limits", "max_bytes_per_second", Kind::size, "0B", "max_bytes_per_second",
     "Payload bytes of one device's session; 0B: no limit.", byte_rate},
    {"limits", "max_bytes_per_second_burst", Kind::size, "0B", "max_bytes_per_second",
     "So much at once after a pause; 0B: what the rate gives in a second, and at least the largest message.",
     byte_rate},
    {"limits", "max_batch_bytes", Kind::size, "1MiB", "max_batch_bytes",
     "What a client may put into one batch: 132KiB to 1MiB.", to<&B::max_batch_bytes>},
    {"limits", "max_unacked_frames", Kind::count, "10000", "max_unacked",
     "Frames that a side of a session may have under way, sent and not acknowledged.", unacked_frames},
    {"limits", "max_unacked_bytes", Kind::size, "4MiB", "max_unacked",
     "The same in bytes: divided by the round-trip time it is the ceiling of a session's throughput.", unacked},
    {"limits", "max_queued_frames", Kind::count, "20000", "max_queued",
     "Frames that may wait for one client behind that; beyond it senders hear recipient_busy.", queued},
    {"limits", "max_queued_bytes", Kind::size, "32MiB", "max_queued",
     "The same in bytes; room for two of the largest messages is the least.", queued},

    {"handlers", "chat_answer", Kind::wording, "收到聊天消息: {text}", "chat_answer",
     "What a message of the type chat to the server is answered with, where {text} stands for what it says; \"\" in "
     "the "
     "file: nothing.",
     to<&B::chat_answer>},

    {"compression", "enabled", Kind::flag, "false", "compression", "Offer zstd and gzip to clients.",
     to<&B::compression>},
    {"compression", "threshold", Kind::size, "512B", "compression_threshold",
     "Smaller payloads go as they are; with a dictionary the default is 64B.", to<&B::compression_threshold>},
    {"compression", "level", Kind::count, "1", "compression_level", "Of zstd, 1 to 19; above 3 it takes much time.",
     to<&B::compression_level>},
    {"compression", "dictionary", Kind::path, "", "compression_dictionary",
     "A dictionary of `flare train`, used with clients that have the same.", to<&B::compression_dictionary>},

    {"auth", "mode", Kind::choice, "anonymous", "with_auth_handler",
     "Who may speak: anybody under any name, tokens of a file, signed tokens (JWT), or whom a service of yours names.",
     apply_authentication, "anonymous|static|jwt|http"},
    {"auth.static", "tokens_file", Kind::path, "", "static_token_auth",
     "Lines of TOKEN USER, perhaps with an expiry (2030-01-31T12:00:00Z). For its owner and group alone.", nullptr},

    {"auth.jwt", "key_file", Kind::path, "", "JwtOptions::key_file",
     "A public key in PEM, or the secret for HS256; read again when it changes.", nullptr},
    {"auth.jwt", "algorithm", Kind::choice, "", "JwtOptions::algorithm", "Of key_file.", nullptr,
     "HS256|RS256|ES256|EdDSA"},
    {"auth.jwt", "key_id", Kind::text, "", "JwtOptions::key_id", "Of key_file: tokens must name it (kid).", nullptr},
    {"auth.jwt", "jwks_file", Kind::path, "", "JwtOptions::jwks_file",
     "A JSON Web Key Set in place of key_file; read again when it changes.", nullptr},
    {"auth.jwt", "issuer", Kind::text, "", "JwtOptions::issuer", "What iss must be; not set: anything.", nullptr},
    {"auth.jwt", "audience", Kind::words, "", "JwtOptions::audience",
     "aud must name one of these; not set: tokens that name an audience are refused.", nullptr},
    {"auth.jwt", "user_claim", Kind::text, "sub", "JwtOptions::user_claim", "The claim that is the user.", nullptr},
    {"auth.jwt", "clock_skew", Kind::time, "1m", "JwtOptions::clock_skew", "How far the issuer's clock may be off.",
     nullptr},
    {"auth.jwt", "require_expiry", Kind::flag, "true", "JwtOptions::require_expiry",
     "Refuse tokens that do not say when they expire.", nullptr},
    {"auth.jwt", "max_life", Kind::time, "30d", "JwtOptions::max_life",
     "A token that expires later than that from now is refused.", nullptr},

    {"auth.http", "url", Kind::text, "", "HttpAuthOptions::url",
     "Of the service: http:// or https://, without a query.", nullptr},
    {"auth.http", "timeout", Kind::time, "3s", "HttpAuthOptions::timeout", "From the question to the answer.", nullptr},
    {"auth.http", "cache_for", Kind::time, "30s", "HttpAuthOptions::cache_for",
     "So long a good answer holds for the same token and user; 0s: every new session asks.", nullptr},
    {"auth.http", "cache_entries", Kind::count, "10000", "HttpAuthOptions::cache_entries",
     "Beyond it the oldest answers are forgotten.", nullptr},
    {"auth.http", "max_answer_bytes", Kind::size, "16KiB", "HttpAuthOptions::max_answer_bytes",
     "A longer answer counts as none.", nullptr},
    {"auth.http", "max_requests", Kind::count, "256", "HttpAuthOptions::max_requests",
     "Under way at once; beyond it clients are told to come back.", nullptr},
    {"auth.http", "ca_file", Kind::path, "", "HttpAuthOptions::ca_file",
     "https: whom to trust; not set: the system's store.", nullptr},
    {"auth.http", "authorization", Kind::secret, "", "HttpAuthOptions::authorization",
     "Sent as the header Authorization, so that the service knows the server.", nullptr},
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
