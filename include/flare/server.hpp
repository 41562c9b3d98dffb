// The server: accepts clients, authenticates them, hands their messages to handlers and to each other.
//
//     auto server = flare::ServerBuilder().websocket_addr("127.0.0.1:4000").build();
//     if (!server) return fail(server.error().text);
//     if (auto started = server->start(); !started) return fail(started.error().text);
//     server->wait();
//
// Protocol: docs/server.md is the guide; docs/protocol.md says what travels.
// Threads:  Server may be used from any thread. Handlers: see Execution.
#pragma once

#include <flare/compression.hpp>
#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/identity.hpp>
#include <flare/message.hpp>
#include <flare/task.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare {

// A session, as handlers and hooks see it.
struct SessionInfo {
    std::string user;  // authenticated
    std::string device;
    std::string session_id;  // UUID
    Platform platform = Platform::unknown;
    // Identity::claims of the session's credential: the text of a JSON object, or empty. Another credential
    // (Client::refresh_token) brings its own, for what is handled from then on. A copy shares the memory.
    Bytes claims;
};

// What a message handler answers: nothing, a message, or an error that reaches the sender as a failed send.
class HandlerResult {
public:
    HandlerResult() = default;
    HandlerResult(Message reply) : reply_(std::move(reply)) {}        // NOLINT(google-explicit-constructor)
    HandlerResult(Failure failure) : failure_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)
    const std::optional<Message>& reply() const noexcept { return reply_; }
    const std::optional<Failure>& failure() const noexcept { return failure_; }

private:
    std::optional<Message> reply_;
    std::optional<Failure> failure_;
};

// For one session handlers run in order, one at a time. An exception ends as a failed send (handler_failed).
using MessageHandler = std::function<HandlerResult(const SessionInfo&, const Message&)>;
using AsyncMessageHandler = std::function<Task<HandlerResult>(SessionInfo, Message)>;

// Where a plain function runs.
enum class Execution : std::uint8_t {
    pool,    // on the handler pool: it may block
    worker,  // on the session's event loop, at once: it must return within microseconds; nothing is faster
};

// What is known of a client that wants a session, or brings another credential for it.
struct AuthRequest {
    std::string token;
    std::string claimed_user;
    std::string device;
    Platform platform = Platform::unknown;
    std::string peer_address;
    std::string peer_certificate;  // subject of a verified client certificate; empty: none
    bool encrypted = false;
};
// Whom the credential stands for and until when, or why it is refused. A claim that differs is refused with
// user_mismatch. Asked for each new session, and for each new credential of a session (Client::refresh_token).
using AuthHandler = std::function<Checked<Identity>(const AuthRequest&)>;
using AsyncAuthHandler = std::function<Task<Checked<Identity>>(AuthRequest)>;

// Takes any user at its word (the default: for trying things out, and behind a gateway that has authenticated already).
FLARE_EXPORT AuthHandler anonymous_auth();
// Whom a token of static_token_auth() stands for, and until when.
struct StaticToken {
    std::string user;
    std::chrono::system_clock::time_point expires = std::chrono::system_clock::time_point::max();
};
// token -> user and expiry. Refuses with unauthenticated or token_expired; ends a session when its token expires.
FLARE_EXPORT AuthHandler static_token_auth(std::map<std::string, StaticToken> tokens);

// Hooks. Called one after the other on a thread of their own: a slow one delays later hooks, nothing else.
class FLARE_EXPORT EventHandler {
public:
    virtual ~EventHandler() = default;
    virtual void on_user_connected(const SessionInfo&) {}
    // code ok: in good order.
    virtual void on_user_disconnected(const SessionInfo&, const Failure&) {}
    virtual void on_heartbeat(const SessionInfo&) {}
};

// May `from` send this message to the user `to`? Called on the event loop: it must not block.
using DeliveryPolicy = std::function<bool(std::string_view from, std::string_view to, const Message&)>;
// The same, with all that is known of the sender: SessionInfo::claims, for one.
using SessionPolicy = std::function<bool(const SessionInfo& from, std::string_view to, const Message&)>;

// Who may send what to whom. Each text is a whole name, or one with a * at its end or at its beginning ("app-*",
// "*@example.com"), or "*", which is anybody.
struct PolicyRule {
    std::vector<std::string> from;   // users; at least one
    std::vector<std::string> to;     // users, or "server", which "*" is too; at least one
    std::vector<std::string> types;  // of messages; empty: all
    bool allow = false;
};

// From what on the server writes to its log, which is standard error.
enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

// How a line of the log looks: for people, or an object for programs.
enum class LogFormat : std::uint8_t { text, json };

// How a proxy in front says for which client it has made a connection.
enum class ProxyHeader : std::uint8_t {
    x_forwarded_for,  // an HTTP header, as nginx writes it
    forwarded,        // the same by RFC 7239
    proxy_protocol,   // HAProxy's, version 1 or 2, before TLS and HTTP; a connection without it is closed
};

// Counted since start(), over all workers; what is there now, where it says so.
struct ServerStats {
    std::uint64_t sessions = 0;  // now, attached and detached
    std::uint64_t sessions_attached = 0;
    std::uint64_t sessions_detached = 0;
    std::map<Protocol, std::uint64_t> connections;  // open now
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;  // limits
    std::uint64_t admissions = 0;           // new sessions let in by admission_rate()
    std::uint64_t admissions_refused = 0;   // and those told to come back later
    std::uint64_t tickets_honoured = 0;     // sessions made for a ticket of before a restart: nobody was asked
    std::uint64_t sessions_created = 0;
    std::uint64_t sessions_resumed = 0;  // carriers attached to a session that existed
    std::uint64_t hand_overs = 0;        // sockets moved to their user's home worker
    std::uint64_t quic_early_data = 0;   // connections that began with early data (0-RTT)
    std::uint64_t quic_migrations = 0;   // of connections, to another address of their client
    std::uint64_t quic_misrouted = 0;    // packets that the kernel brought to another worker than their id names
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;  // replies and deliveries queued
    std::uint64_t messages_refused = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t heartbeats = 0;
    std::map<errc, std::uint64_t> errors;  // by kind: protocol errors, refusals, ends
    std::chrono::nanoseconds handler_time_total{0};
    std::uint64_t handler_runs = 0;
    std::uint64_t users_expected = 0;          // whom a restart has let go and who are not back: now
    std::uint64_t revocations = 0;             // users and tokens that are remembered as revoked
    std::uint32_t capacity = 0;                // connections that this process can hold
    std::uint32_t websocket_capacity = 0;      // and of these over WebSocket, which take a file each; 0: not enabled
    std::uint64_t memory_bytes = 0;            // of max_memory_bytes, in use
    std::uint64_t sessions_refused_busy = 0;   // new ones, when memory was used up: then, in this order,
    std::uint64_t sessions_shed_detached = 0;  // that were ended while they had no connection
    std::uint64_t sessions_shed_stalled = 0;   // and whose clients took nothing
    CompressionStats compression;
    std::uint64_t worker_stalls = 0;  // how often an event loop did not turn for a second: a handler blocked it
};

// How long a revocation is kept when nobody says; no token that jwt_auth() takes by default lives longer.
inline constexpr std::chrono::hours kRevocationLife{24 * 30};

// May a user have sessions on several devices?
enum class DevicePolicy : std::uint8_t {
    many,
    newest_wins,  // a session on another device ends the one before, whose client is told session_replaced
};

// Of a user's sessions: one has a live connection; all have lost theirs and wait; there is none.
enum class UserPresence : std::uint8_t { offline, detached, attached };

// What became of a message that the server sent.
enum class Delivery : std::uint8_t {
    delivered,  // in a session with a live connection
    buffered,   // only in sessions that have lost their connection at the moment
};

// The same, and for how many of the user's sessions it was too large (ClientBuilder::max_message_bytes), though others
// took it. None took it: message_too_large is the error.
struct DeliveryReport {
    Delivery delivery = Delivery::delivered;
    std::size_t too_large = 0;
    operator Delivery() const noexcept { return delivery; }  // NOLINT(google-explicit-constructor)
};

// How many a message reached: users with send_to_many(), sessions with broadcast().
struct FanOut {
    std::size_t reached = 0;    // it was delivered, or buffered
    std::size_t too_large = 0;  // that it did not reach because their clients take nothing that large
    operator std::size_t() const noexcept { return reached; }  // NOLINT(google-explicit-constructor)
};

class FLARE_EXPORT Server {
public:
    Server(Server&&) noexcept;
    Server& operator=(Server&&) noexcept;
    ~Server();  // stop()

    // Binds, or nothing: on an error everything is released again. Errors name the address or the path:
    // address_in_use, address_unavailable, permission_denied, invalid_config, file_not_found, certificate_invalid,
    // certificate_expired, certificate_key_mismatch; file_unreadable, file_unwritable (revocations_file,
    // ticket_key_file).
    Checked<> start();
    // Says goodbye to every session (they flush what waits), closes, joins. At most about 6 seconds. Idempotent.
    void stop();
    // Blocks until the server has stopped.
    void wait();

    // "127.0.0.1:4000", with the port that was really bound; empty before start() or when not enabled.
    std::string websocket_addr() const;
    std::string quic_addr() const;
    std::string admin_addr() const;
    // What clients pin (ClientBuilder::server_key): the first key of sealing_key(), in base64. Empty: none, or not
    // running.
    std::string sealing_public_key() const;

    // ---- blocking calls; on one of the server's own event loops they return would_deadlock ----

    Checked<UserPresence> presence(std::string user);
    Checked<std::vector<SessionInfo>> sessions(std::string user);
    Checked<std::vector<std::string>> online_users();
    // From "server", or from `message.from` when it is set. Errors: user_offline, recipient_busy, busy (no memory, or
    // the user is expected back after a restart: the text says when), message_too_large (for this server, or for every
    // session of the user), invalid_name (type or from: more than 256 bytes, or not UTF-8).
    Checked<DeliveryReport> send(std::string user, Message message);
    // For how many users it was delivered or buffered, and for how many it was too large.
    Checked<FanOut> send_to_many(std::vector<std::string> users, Message message);
    // To every session: how many took it, and for how many it was too large.
    Checked<FanOut> broadcast(Message message);
    // Ends all sessions of a user; returns how many. The client is told `kicked` and the text.
    Checked<std::size_t> disconnect_user(std::string user, std::string text = {});
    Checked<bool> disconnect_session(std::string session_id, std::string text = {});
    // Takes effect at once: ends the sessions of the user, or those whose credential has that id (Identity::token_id,
    // the `jti` of a JWT), with credential_revoked and the text, and refuses to resume them or to make new ones until
    // then (by default kRevocationLife from now; a time that has passed lifts a revocation). Returns how many sessions
    // were ended. Errors: invalid_config (the name is empty or longer than 256 bytes); busy: max_revocations, nothing
    // was done; file_unwritable: done, but lost when this process ends.
    Checked<std::size_t> revoke_user(std::string user, std::optional<std::chrono::system_clock::time_point> until = {},
                                     std::string text = {});
    Checked<std::size_t> revoke_token(std::string token_id,
                                      std::optional<std::chrono::system_clock::time_point> until = {},
                                      std::string text = {});
    // As disconnect_session(), but at once, and its client is told not to come back by itself. Its credential stays
    // good.
    Checked<bool> revoke_session(std::string session_id, std::string text = {});
    // Discards the connections of a user without a word, as a failing network would; the sessions stay, and their
    // clients come back to them. For trying out how an application takes it. Returns how many there were.
    Checked<std::size_t> drop_connections(std::string user);
    // Reads certificates, keys and authorities for wss and QUIC, and the sealing key, again. When all are good,
    // connections that come from now on are served with them; those that stand stay. Errors, which change nothing, as
    // start().
    Checked<> reload_certificates();
    Checked<ServerStats> stats();

    // ---- the same for coroutines, on any executor ----

    Task<Checked<UserPresence>> async_presence(std::string user);
    Task<Checked<DeliveryReport>> async_send(std::string user, Message message);
    Task<Checked<FanOut>> async_broadcast(Message message);
    Task<Checked<std::size_t>> async_disconnect_user(std::string user, std::string text = {});
    Task<Checked<std::size_t>> async_revoke_user(std::string user,
                                                 std::optional<std::chrono::system_clock::time_point> until = {},
                                                 std::string text = {});
    Task<Checked<std::size_t>> async_revoke_token(std::string token_id,
                                                  std::optional<std::chrono::system_clock::time_point> until = {},
                                                  std::string text = {});
    Task<Checked<ServerStats>> async_stats();

private:
    friend class ServerBuilder;
    class Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

class FLARE_EXPORT ServerBuilder {
public:
    ServerBuilder();
    ServerBuilder(const ServerBuilder&);
    ~ServerBuilder();

    // Where to listen: "127.0.0.1:4000", "[::1]:0"; port 0 takes a free one. Default 127.0.0.1:4000.
    ServerBuilder& websocket_addr(std::string address);
    ServerBuilder& enable_websocket(bool on);
    ServerBuilder& websocket_only();
    // Web pages that may connect, by what browsers send as Origin ("https://app.example.com"; "*": all of them), beside
    // those that come from the host and port that they ask. Clients that are no browsers send none and may connect.
    // Default: no others. A server on loopback without an authentication handler accepts only clients that ask for it
    // by address or as localhost, because a web page can have any other name lead to this machine (DNS rebinding); name
    // the origin here ("http://dev.example.com:4000") to accept it, of clients that send none too.
    ServerBuilder& allowed_origins(std::vector<std::string> origins);
    // WebSocket behind proxies, which connect from these networks ("10.0.0.0/8", "2001:db8::/32", "192.0.2.1"): what
    // their header says is the client's address, in the log, for the auth handler and for
    // max_connections_per_address(). It is read from its end up to the first address that is not in the list.
    // Connections from elsewhere are taken as their peer's own, and their header is not read. Default: no proxy is
    // trusted. QUIC has no such header.
    ServerBuilder& trusted_proxies(std::vector<std::string> networks, ProxyHeader header);
    // wss:// in place of ws://. PEM files.
    ServerBuilder& websocket_tls(std::string certificate_file, std::string key_file);
    ServerBuilder& client_ca_file(std::string path);
    ServerBuilder& require_client_cert(bool on);
    // UDP. Default 127.0.0.1:4010.
    ServerBuilder& quic_addr(std::string address);
    ServerBuilder& enable_quic(bool on);  // on
    ServerBuilder& quic_only();
    // PEM files; QUIC is always encrypted. Default certs/server.crt and certs/server.key.
    ServerBuilder& quic_tls(std::string certificate_file, std::string key_file);
    // Looks so often whether a file of a certificate, a key or an authority has changed, and reads them again, as
    // Server::reload_certificates(). A set that is not good is logged and the one in use stays. 0: never (default).
    ServerBuilder& watch_certificates(std::chrono::milliseconds interval);
    // What clients may ask for (RFC 7301). Default flare-core.
    ServerBuilder& quic_alpn(std::vector<std::string> protocols);
    // Any text that is kept for the next start, and kept secret: clients of a server that was started again with it
    // hear at once that their connections are gone (RFC 9000 section 10.3). Default: another one for each start.
    ServerBuilder& quic_secret(std::string secret);
    // The same from a file that is kept for the next start, with 32 bytes in hex or base64; made, for this user alone,
    // when it is missing. quic_secret() goes before it. Default: none.
    ServerBuilder& quic_secret_file(std::string path);
    // Takes the messages of a client that comes back from its first packets, before the handshake is complete. Copies
    // of these packets have no effect. On; off where client_ca_file() is given.
    ServerBuilder& enable_quic_0rtt(bool on);
    ServerBuilder& quic_congestion(QuicCongestion algorithm);  // cubic
    // From how many handshakes on, unfinished or failed in the last seconds, a worker makes new clients show that their
    // address is their own, which costs them a round trip (Retry, RFC 9000 section 8.1.2). 0: always. Default 256.
    ServerBuilder& quic_retry_above(std::uint32_t handshakes);
    // Records every QUIC connection in a file of its own in this folder (qlog). Off: it costs a lot.
    ServerBuilder& quic_qlog(std::string folder);
    ServerBuilder& both_protocols();
    // /metrics (Prometheus text), /healthz, /readyz, /stats and /sessions. Default: off. It is not authenticated, so
    // start() refuses (invalid_config) an address that other machines can reach, unless expose_metrics() is on. It
    // takes 32 connections at a time, each for hello_timeout() at most; further ones are closed at once.
    ServerBuilder& admin_addr(std::string address);
    // Lets other machines reach admin_addr(), for a Prometheus elsewhere: /metrics, /healthz and /readyz are answered
    // to anybody, /stats and /sessions to this machine alone. Off.
    ServerBuilder& expose_metrics(bool on);
    // Lets clients seal what they say, whatever the transport (ClientBuilder::encryption). A file that only this user
    // can read, with the secret key; `flare certs sealing-key FILE` makes one. With more lines than one: clients that
    // ask are told the first key, those that know another are served too. The certificate of websocket_tls(), else of
    // quic_tls(), vouches for it. Default: no sealing.
    ServerBuilder& sealing_key(std::string file);

    // For every type that has no handler of its own. Default: `chat` -> `chat_response`, anything else -> `echo`.
    ServerBuilder& with_message_handler(MessageHandler handler, Execution where = Execution::pool);
    ServerBuilder& with_message_handler(AsyncMessageHandler handler);
    ServerBuilder& on_message_type(std::string type, MessageHandler handler, Execution where = Execution::pool);
    ServerBuilder& on_message_type(std::string type, AsyncMessageHandler handler);
    ServerBuilder& with_auth_handler(AuthHandler handler);  // on the handler pool
    ServerBuilder& with_auth_handler(AsyncAuthHandler handler);
    // A server that can be reached from other machines refuses to start (invalid_config) without an authentication
    // handler that looks at something, or without TLS. On: it starts, and says so in its log. Off.
    ServerBuilder& allow_insecure(bool on);
    ServerBuilder& device_policy(DevicePolicy policy);  // many
    // Beyond it a new session takes the place of the user's oldest, as with newest_wins, which is 1. 0: any number.
    ServerBuilder& max_devices_per_user(std::uint32_t count);
    // Where revocations are kept over a restart, for one server. Read by start(), made when there is none. A line that
    // cannot be read is an error. Default: in memory only.
    ServerBuilder& revocations_file(std::string path);
    ServerBuilder& max_revocations(std::uint32_t count);  // 1,000,000 users and tokens, some 100 bytes each
    ServerBuilder& with_event_handler(std::shared_ptr<EventHandler> handler);
    ServerBuilder& with_delivery_policy(DeliveryPolicy policy);
    ServerBuilder& with_session_policy(SessionPolicy policy);  // in place of with_delivery_policy()
    // Looked at for every message of a client, to users and to "server", before anything is done with it: the first
    // rule that fits decides, and what no rule fits is not allowed. The sender hears forbidden. Empty (default):
    // everything is allowed. At most 1,000 rules. with_delivery_policy() is asked after them.
    ServerBuilder& policy_rules(std::vector<PolicyRule> rules);
    // What the default handler answers to `chat`, as `chat_response`: {text} stands for what the message says. Empty:
    // nothing. Default: the text of the guide.
    ServerBuilder& chat_answer(std::string text);

    // 100,000, and never more than the process may have open files, less 256. At the limit new ones are refused.
    ServerBuilder& max_connections(std::uint32_t count);
    // Of addresses that have shown to be the peer's own (anybody can write another's into a first QUIC packet); an IPv6
    // network of 64 bits counts as one. 0: no limit (default).
    ServerBuilder& max_connections_per_address(std::uint32_t count);
    // How many sessions may begin in a second; others are refused with rate_limited before the auth handler is asked,
    // and told when to come back. Resuming a session that lives is always let in. Also how fast the clients of a server
    // that stops are told to come back. 0: no limit (default).
    ServerBuilder& admission_rate(std::uint32_t per_second);
    // A file that is kept for the next start, with a key of 32 bytes in hex or base64 (made when it is missing), and
    // perhaps the one before in a second line. With it a client that was here before comes back to a server that was
    // started again without the auth handler being asked, as long as its credential has not expired, and who writes to
    // it meanwhile hears busy in place of user_offline: stop() writes whom it lets go into a file beside it
    // (".returning" at the end of its name), which the next start() takes. docs/server.md, "Storms". Default: none.
    ServerBuilder& ticket_key_file(std::string path);
    ServerBuilder& heartbeat_interval(std::chrono::milliseconds time);  // 30 s: what clients are asked to keep
    ServerBuilder& heartbeat_timeout(std::chrono::milliseconds time);   // 60 s of silence end a connection
    ServerBuilder& max_missed_heartbeats(std::uint32_t count);          // 3
    ServerBuilder& hello_timeout(std::chrono::milliseconds time);  // 5 s for TLS and upgrade, and again until Hello
    ServerBuilder& session_life(std::chrono::milliseconds time);   // 2 min after the last connection
    // 1 min: so long before the credential of a session expires its client is told; less for credentials that live
    // less than four times as long.
    ServerBuilder& credential_warning(std::chrono::milliseconds time);
    // 30 s in which something waits for a client that takes nothing end its session.
    ServerBuilder& slow_consumer_after(std::chrono::milliseconds time);
    ServerBuilder& max_message_bytes(std::uint64_t bytes);  // 16 MiB, at most 1 GiB; beyond it message_too_large
    // 4 GiB, at least 1 MiB, for all that peers can make the server hold. At the limit new sessions are refused
    // with busy, then those without a connection end, then those whose clients take nothing: docs/server.md, "Memory".
    ServerBuilder& max_memory_bytes(std::uint64_t bytes);
    // How many connections may begin in a second, as many of them at once after a pause; more are refused. 0: no limit
    // (default).
    ServerBuilder& max_handshakes_per_second(std::uint32_t count);
    // What is acted on of one device's session; more is refused with rate_limited and the time to wait. 0: no limit
    // (default). burst: so much at once after a pause; 0: what the rate gives in a second, and at least one message of
    // max_message_bytes.
    ServerBuilder& max_messages_per_second(std::uint32_t count, std::uint32_t burst = 0);
    ServerBuilder& max_bytes_per_second(std::uint64_t bytes, std::uint64_t burst = 0);  // of payloads
    // What a client may put into one batch: 132 KiB to 1 MiB (default).
    ServerBuilder& max_batch_bytes(std::uint32_t bytes);
    // What a side of a session may have under way, sent and not acknowledged: at least 64 frames and 64 KiB. Default
    // 10,000 and 4 MiB. Less costs throughput on long ways: bytes / round-trip time is its ceiling.
    ServerBuilder& max_unacked(std::uint32_t frames, std::uint64_t bytes);
    // What may wait for one client behind that; beyond it whoever sends hears recipient_busy. At least 16 frames and
    // two messages of max_message_bytes. Default 20,000 and 32 MiB.
    ServerBuilder& max_queued(std::uint32_t frames, std::uint64_t bytes);
    ServerBuilder& worker_threads(std::uint32_t count);   // event loops, at most 1024; 0: one for each core
    ServerBuilder& handler_threads(std::uint32_t count);  // the handler pool, 1 to 1024; default 4
    ServerBuilder& log_level(LogLevel level);             // info
    // text: a line; json: an object a line, with `time`, `level` and `text`. One log for the process: the last start()
    // decides.
    ServerBuilder& log_format(LogFormat format);  // text
    ServerBuilder& log_users(bool on);            // user names in the log; off: a dash in their place. On

    // Offers zstd and gzip to clients; docs/compression.md says what is compressed and when not to. Off.
    ServerBuilder& compression(bool on);
    // Payloads below go as they are: 512 bytes, with a dictionary 64.
    ServerBuilder& compression_threshold(std::size_t bytes);
    ServerBuilder& compression_level(int level);  // of zstd, 1 to 19; above 3 it takes much time. Default 1
    // A zstd dictionary file (`flare train` makes one), used with clients that have the same. build() reads it.
    ServerBuilder& compression_dictionary(std::string path);
    // Agrees to permessage-deflate (RFC 7692) with clients that offer it, as browsers do, each message by itself. Off.
    ServerBuilder& websocket_deflate(bool on);

    // Errors: invalid_config; the text names the field. file_not_found, file_unreadable: compression_dictionary.
    Checked<Server> build() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace flare
