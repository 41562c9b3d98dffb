// The server: accepts clients, authenticates them, hands their messages to handlers and to each other.
//
//     auto server = flare::ServerBuilder().websocket_addr("127.0.0.1:4000").build();
//     if (!server) return fail(server.error().text);
//     if (auto started = server->start(); !started) return fail(started.error().text);
//     server->wait();
//
// Protocol: docs/server.md is the guide; docs/protocol.md defines the wire protocol.
// Threads:  Server may be used from any thread. Handlers: see Execution.
#pragma once

#include <flare/compression.hpp>
#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/identity.hpp>
#include <flare/message.hpp>
#include <flare/push_events.hpp>
#include <flare/retention.hpp>
#include <flare/server_api.hpp>
#include <flare/server_hooks.hpp>
#include <flare/server_stats.hpp>
#include <flare/store.hpp>
#include <flare/task.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare {

// A session, as handlers and hooks see it.
struct SessionInfo {
    std::string user;  // authenticated
    std::string device;
    std::string session_id;  // UUID
    Platform platform = Platform::unknown;
    // Identity::claims of the session's credential: the text of a JSON object, or empty. A renewed credential
    // (Client::refresh_token) replaces them for everything handled from then on. Copies share the memory.
    Bytes claims;
};

// The result of a message handler: nothing, a reply, or an error, which the sender sees as a failed send.
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

// Handles a message. The handlers of one session run in order, one at a time. If a handler throws, the send fails with
// handler_failed.
using MessageHandler = std::function<HandlerResult(const SessionInfo&, const Message&)>;
using AsyncMessageHandler = std::function<Task<HandlerResult>(SessionInfo, Message)>;

// Where a plain function runs.
enum class Execution : std::uint8_t {
    pool,    // on the handler pool: it may block
    worker,  // on the session's event loop, which is fastest: it must return within microseconds
};

// A client that asks for a session, or that renews the credential of its session.
struct AuthRequest {
    std::string token;
    std::string claimed_user;
    std::string device;
    Platform platform = Platform::unknown;
    std::string peer_address;
    std::string peer_certificate;  // subject of the verified client certificate; empty: none
    bool encrypted = false;
};
// Returns whom the credential stands for and until when, or the reason to refuse it. If the user differs from
// claimed_user, the server refuses with user_mismatch. Called for each new session, and for each renewed credential
// (Client::refresh_token).
using AuthHandler = std::function<Checked<Identity>(const AuthRequest&)>;
using AsyncAuthHandler = std::function<Task<Checked<Identity>>(AuthRequest)>;

// Accepts any claimed user without a check. The default; for testing, and behind a gateway that authenticates.
FLARE_EXPORT AuthHandler anonymous_auth();
// The user and expiry of a token of static_token_auth().
struct StaticToken {
    std::string user;
    std::chrono::system_clock::time_point expires = std::chrono::system_clock::time_point::max();
};
// Authenticates by a fixed map from token to user and expiry. Refuses with unauthenticated or token_expired, and ends a
// session when its token expires.
FLARE_EXPORT AuthHandler static_token_auth(std::map<std::string, StaticToken> tokens);

// Hooks. The server calls them one at a time on a dedicated thread: a slow hook delays later hooks, nothing else.
class FLARE_EXPORT EventHandler {
public:
    virtual ~EventHandler() = default;
    virtual void on_user_connected(const SessionInfo&) {}
    // code ok: a regular disconnect.
    virtual void on_user_disconnected(const SessionInfo&, const Failure&) {}
    virtual void on_heartbeat(const SessionInfo&) {}
};

// Decides whether `from` may send this message to the user `to`. Called on the event loop: it must not block.
using DeliveryPolicy = std::function<bool(std::string_view from, std::string_view to, const Message&)>;
// The same, with the whole session of the sender, for example its claims.
using SessionPolicy = std::function<bool(const SessionInfo& from, std::string_view to, const Message&)>;

// Decides whether this session may see whether `user` is there, and when it was last online. Called on the event loop
// for each user that a request names: it must not block.
using PresencePolicy = std::function<bool(const SessionInfo& asker, std::string_view user)>;

// Who may send what to whom. Each string is a whole name, a pattern with a * at its end or beginning ("app-*",
// "*@example.com"), or "*", which matches anybody.
struct PolicyRule {
    std::vector<std::string> from;   // users; at least one
    std::vector<std::string> to;     // users, or "server", which "*" also matches; at least one
    std::vector<std::string> types;  // of messages; empty: all
    bool allow = false;
};

// What conversations may do, on a server with a store. Rates are per second, 0: no limit; a burst is what is allowed at
// once after a pause, 0: five times the rate.
struct ConversationLimits {
    // Messages and changes of one device. It counts by worker: a device whose conversations live on several workers may
    // send that much to those of each. At most 1,000,000.
    std::uint32_t device_per_second = 20;
    std::uint32_t device_burst = 0;
    // Messages and changes of all members into one conversation. At most 1,000,000.
    std::uint32_t conversation_per_second = 50;
    std::uint32_t conversation_burst = 0;
    // The same, each counted once for every member: what large rooms may cost. At most 100,000,000.
    std::uint32_t deliveries_per_second = 200'000;
    std::uint32_t deliveries_burst = 0;
    // Direct conversations that a user starts in an hour; one that the other user has answered no longer counts. At
    // most 10,000; 0: no limit. Each takes 16 bytes for that hour.
    std::uint32_t direct_per_hour = 50;
    // Largest payload, uncompressed, in the conversations that are made from now on: 1 byte to 1 MiB.
    std::uint32_t max_payload_bytes = 64 * 1024;
    std::uint32_t max_members = 100'000;  // of a room: 1 to 1,000,000
    // Users who may make rooms, and rooms that anybody may join: patterns as in PolicyRule. Others get forbidden.
    // Empty: nobody.
    std::vector<std::string> room_makers{"*"};
    std::vector<std::string> open_room_makers{"*"};
};

// The lowest level that the server logs. The log goes to standard error.
enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

// The format of a log line: text for people, or a JSON object for programs.
enum class LogFormat : std::uint8_t { text, json };

// How a proxy in front of the server passes the client's address.
enum class ProxyHeader : std::uint8_t {
    x_forwarded_for,  // the HTTP header X-Forwarded-For, as nginx writes it
    forwarded,        // the HTTP header Forwarded (RFC 7239)
    proxy_protocol,  // HAProxy's PROXY protocol, version 1 or 2, before TLS and HTTP; connections without it are closed
};

// The default duration of a revocation. No token that jwt_auth() accepts by default lives longer.
inline constexpr std::chrono::hours kRevocationLife{24 * 30};

// Whether a user may have sessions on several devices.
enum class DevicePolicy : std::uint8_t {
    many,
    newest_wins,  // a session on another device ends the previous one, whose client gets session_replaced
};

// offline: the user has no session; detached: every session has lost its connection and waits for its client; attached:
// at least one session has a live connection.
enum class UserPresence : std::uint8_t { offline, detached, attached };

// The outcome of a message that the server sent.
enum class Delivery : std::uint8_t {
    delivered,  // queued in a session with a live connection
    buffered,   // queued only in sessions that have no connection at the moment
};

// The outcome of a message, and the number of the user's sessions that it was too large for
// (ClientBuilder::max_message_bytes). If it was too large for all of them, the call fails with message_too_large.
struct DeliveryReport {
    Delivery delivery = Delivery::delivered;
    std::size_t too_large = 0;
    operator Delivery() const noexcept { return delivery; }  // NOLINT(google-explicit-constructor)
};

// Number of recipients: users for send_to_many(), sessions for broadcast().
struct FanOut {
    std::size_t reached = 0;    // the message was delivered or buffered
    std::size_t too_large = 0;  // not reached, because their clients accept no message of that size
    operator std::size_t() const noexcept { return reached; }  // NOLINT(google-explicit-constructor)
};

class FLARE_EXPORT Server {
public:
    Server(Server&&) noexcept;
    Server& operator=(Server&&) noexcept;
    ~Server();  // stop()

    // Binds all addresses, or none: on an error everything is released again. Errors name the address or the path:
    // address_in_use, address_unavailable, permission_denied, invalid_config, file_not_found, certificate_invalid,
    // certificate_expired, certificate_key_mismatch; file_unreadable, file_unwritable (revocations_file,
    // ticket_key_file).
    Checked<> start();
    // Says goodbye to every session, flushes their queues, closes and joins. Takes at most about 6 seconds. Idempotent.
    void stop();
    // Blocks until the server has stopped.
    void wait();

    // "127.0.0.1:4000", with the port actually bound; empty before start(), or when the protocol is not enabled.
    std::string websocket_addr() const;
    std::string quic_addr() const;
    std::string admin_addr() const;
    std::string api_addr() const;
    // The key that clients pin (ClientBuilder::server_key): the first key of sealing_key(), in base64. Empty: no key,
    // or the server is not running.
    std::string sealing_public_key() const;

    // ---- blocking calls; they return would_deadlock when called on one of the server's event loops ----

    Checked<UserPresence> presence(std::string user);
    Checked<std::vector<SessionInfo>> sessions(std::string user);
    Checked<std::vector<std::string>> online_users();
    // Sends a message to all sessions of a user, from "server" or from `message.from` if set. Errors: user_offline,
    // recipient_busy, busy (no memory, or the user is expected back after a restart: the text says when),
    // message_too_large (for this server, or for every session of the user), invalid_name (type or from longer than 256
    // bytes, or not UTF-8).
    Checked<DeliveryReport> send(std::string user, Message message);
    // Sends to several users.
    Checked<FanOut> send_to_many(std::vector<std::string> users, Message message);
    // Sends to every session.
    Checked<FanOut> broadcast(Message message);
    // Ends all sessions of a user and returns how many. Their clients get `kicked` with the text.
    Checked<std::size_t> disconnect_user(std::string user, std::string text = {});
    Checked<bool> disconnect_session(std::string session_id, std::string text = {});
    // Revokes a user, or the credential with this id (Identity::token_id, the `jti` of a JWT), at once. Ends the
    // sessions concerned with credential_revoked and the text, and refuses to resume them or to make new ones until
    // `until` (default: kRevocationLife from now; a time in the past lifts the revocation). Returns how many sessions
    // were ended. Errors: invalid_config (the id is empty or longer than 256 bytes); busy (max_revocations is reached,
    // nothing was done); file_unwritable (the revocation holds, but is lost when this process ends).
    Checked<std::size_t> revoke_user(std::string user, std::optional<std::chrono::system_clock::time_point> until = {},
                                     std::string text = {});
    Checked<std::size_t> revoke_token(std::string token_id,
                                      std::optional<std::chrono::system_clock::time_point> until = {},
                                      std::string text = {});
    // Like disconnect_session(), but takes effect at once, and tells the client not to reconnect by itself. The
    // credential stays valid.
    Checked<bool> revoke_session(std::string session_id, std::string text = {});
    // Drops the connections of a user without a goodbye, like a failing network; the sessions stay, and their clients
    // resume them. For testing how an application reacts. Returns the number of connections.
    Checked<std::size_t> drop_connections(std::string user);
    // Deletes everything that a user has written, in every conversation, and removes the user from all rooms, in the
    // background: each deletion is told like any other, some 500 a second. Ends the user's sessions; revoke_user()
    // keeps the user from coming back. Returns once the store has it that this is to be done: from then on it is done
    // to the end, also after a crash. The user's name stays in the log. Errors: unknown_target (nobody of this name has
    // ever connected), not_supported (no store), busy, storage_failed.
    Checked<> erase(std::string user);
    // Reloads certificates, keys and CAs for wss and QUIC, and the sealing key. If all are valid, new connections use
    // them; existing connections stay. Errors: as for start(); they change nothing.
    Checked<> reload_certificates();
    // Reads ServerApi::keys_file again. Errors: those of the file, and the old keys stay in use; not_connected: the
    // server is not running; not_supported: it has no such file.
    Checked<> reload_api_keys();
    // Those of ServerBuilder::hooks(). It lives as long as this server does, and moves with it.
    ServerHooks hooks() const;
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

    // The address to listen on: "127.0.0.1:4000", "[::1]:0"; port 0 picks a free port. Default 127.0.0.1:4000.
    ServerBuilder& websocket_addr(std::string address);
    ServerBuilder& enable_websocket(bool on);
    ServerBuilder& websocket_only();
    // Origins of web pages that may connect ("https://app.example.com"; "*": all), in addition to pages served from the
    // same host and port. Default: none. Non-browser clients send no Origin header and are always allowed.
    // A server on loopback without an authentication handler accepts only clients that address it by IP address or as
    // localhost, because a web page can make any other name resolve to this machine (DNS rebinding). To accept another
    // name, list its origin here ("http://dev.example.com:4000"); that also covers clients without an Origin header.
    ServerBuilder& allowed_origins(std::vector<std::string> origins);
    // Trusts proxies in front of WebSocket that connect from these networks ("10.0.0.0/8", "2001:db8::/32",
    // "192.0.2.1"): the client's address is then taken from their header, for the log, the auth handler and
    // max_connections_per_address(). The header is read from its end up to the first address that is not in the list.
    // For connections from elsewhere the header is not read, and the peer is the client. Default: no proxy is trusted.
    // QUIC has no such header.
    ServerBuilder& trusted_proxies(std::vector<std::string> networks, ProxyHeader header);
    // Serves wss:// instead of ws://. PEM files.
    ServerBuilder& websocket_tls(std::string certificate_file, std::string key_file);
    ServerBuilder& client_ca_file(std::string path);
    ServerBuilder& require_client_cert(bool on);
    // UDP. Default 127.0.0.1:4010.
    ServerBuilder& quic_addr(std::string address);
    ServerBuilder& enable_quic(bool on);  // on
    ServerBuilder& quic_only();
    // PEM files; QUIC is always encrypted. Default certs/server.crt and certs/server.key.
    ServerBuilder& quic_tls(std::string certificate_file, std::string key_file);
    // Checks at this interval whether certificate, key or CA files have changed, and reloads them like
    // Server::reload_certificates(). If a new set is invalid, the server logs it and keeps the old set. 0: never
    // (default).
    ServerBuilder& watch_certificates(std::chrono::milliseconds interval);
    // Application protocols that clients may request (ALPN, RFC 7301). Default flare-core.
    ServerBuilder& quic_alpn(std::vector<std::string> protocols);
    // Secret text that stays the same across restarts: clients of the previous process then learn at once that their
    // connections are gone (stateless reset, RFC 9000 section 10.3). Default: a new one at each start.
    ServerBuilder& quic_secret(std::string secret);
    // File with that secret, 32 bytes in hex or base64; if missing, it is created for this user only. quic_secret()
    // takes precedence. Default: none.
    ServerBuilder& quic_secret_file(std::string path);
    // Accepts early data (0-RTT) from returning clients, before the handshake is complete. Replayed packets have no
    // effect. On; off if client_ca_file() is set.
    ServerBuilder& enable_quic_0rtt(bool on);
    ServerBuilder& quic_congestion(QuicCongestion algorithm);  // cubic
    // Number of handshakes, unfinished or failed in the last seconds, above which a worker makes new clients validate
    // their address, which costs them a round trip (Retry, RFC 9000 section 8.1.2). 0: always. Default 256.
    ServerBuilder& quic_retry_above(std::uint32_t handshakes);
    // Folder for a qlog file of every QUIC connection. Expensive. Off.
    ServerBuilder& quic_qlog(std::string folder);
    ServerBuilder& both_protocols();
    // Serves /metrics (Prometheus text), /healthz, /readyz, /stats and /sessions, without authentication. start()
    // therefore refuses (invalid_config) an address that other machines can reach, unless expose_metrics() is on. It
    // holds 32 connections, each for at most hello_timeout(); further ones are closed at once. Default: off.
    ServerBuilder& admin_addr(std::string address);
    // Allows admin_addr() to be reachable from other machines, for a Prometheus elsewhere: anybody gets /metrics,
    // /healthz and /readyz; /stats and /sessions stay limited to this machine. Off.
    ServerBuilder& expose_metrics(bool on);
    // Serves the server API, HTTP and JSON for back-ends in any language: docs/server-api.md. Without a key start()
    // refuses (invalid_config), as it does an address that other machines can reach without TLS, unless
    // allow_insecure() is on. Default: off.
    ServerBuilder& server_api(ServerApi api);
    // Tells back-ends what happens, and asks them before some things are done: docs/hooks.md. At most 64 of them; a
    // second call replaces those of the first. start() refuses (invalid_config) a hook of the log without a store.
    // Default: none.
    ServerBuilder& hooks(std::vector<ServerHook> hooks);
    // File with the secret sealing key, readable by this user only; clients can then seal their traffic on any
    // transport (ClientBuilder::encryption). `flare certs sealing-key FILE` makes one. With several lines, the server
    // gives clients that ask the first key, and also serves clients that know another. The certificate of
    // websocket_tls(), or else of quic_tls(), vouches for the key. Default: no sealing.
    ServerBuilder& sealing_key(std::string file);

    // Handles every type without its own handler. Default: `chat` -> `chat_response`, anything else -> `echo`.
    ServerBuilder& with_message_handler(MessageHandler handler, Execution where = Execution::pool);
    ServerBuilder& with_message_handler(AsyncMessageHandler handler);
    ServerBuilder& on_message_type(std::string type, MessageHandler handler, Execution where = Execution::pool);
    ServerBuilder& on_message_type(std::string type, AsyncMessageHandler handler);
    ServerBuilder& with_auth_handler(AuthHandler handler);  // on the handler pool
    ServerBuilder& with_auth_handler(AsyncAuthHandler handler);
    // Allows a server that other machines can reach to start without TLS, or without an authentication handler that
    // checks something; the log says so. Otherwise start() refuses (invalid_config). Off.
    ServerBuilder& allow_insecure(bool on);
    ServerBuilder& device_policy(DevicePolicy policy);  // many
    // Limit of devices per user; beyond it a new session replaces the user's oldest. 1 is newest_wins. 0: any number.
    ServerBuilder& max_devices_per_user(std::uint32_t count);
    // File that keeps revocations across restarts; not shared between servers. start() reads it, or creates it if
    // missing. An unreadable line is an error. Default: in memory only.
    ServerBuilder& revocations_file(std::string path);
    ServerBuilder& max_revocations(std::uint32_t count);  // 1,000,000 users and tokens, some 100 bytes each
    ServerBuilder& with_event_handler(std::shared_ptr<EventHandler> handler);
    ServerBuilder& with_delivery_policy(DeliveryPolicy policy);
    ServerBuilder& with_session_policy(SessionPolicy policy);  // instead of with_delivery_policy()
    // Rules for every message of a client, to users and to "server", checked before anything else: the first rule that
    // matches decides, and a message that matches none is refused. The sender gets forbidden. Empty (default):
    // everything is allowed. At most 1,000 rules. with_delivery_policy() is called after them.
    ServerBuilder& policy_rules(std::vector<PolicyRule> rules);
    // Reply (`chat_response`) of the default handler to `chat`; {text} is replaced by the message's text. Empty: no
    // reply. Default: the text in the guide.
    ServerBuilder& chat_answer(std::string text);

    // Concurrent connections; beyond that, new ones are refused. Default 100,000, and never more than the open-file
    // limit of the process minus 256.
    ServerBuilder& max_connections(std::uint32_t count);
    // Concurrent connections per address. Only validated addresses count, because anybody can forge the source of a
    // first QUIC packet; an IPv6 /64 network counts as one address. 0: no limit (default).
    ServerBuilder& max_connections_per_address(std::uint32_t count);
    // New sessions per second. Further ones are refused with rate_limited before the auth handler is called, and told
    // when to come back. Resuming a live session is always admitted. The same rate spreads the return of clients when
    // the server stops. 0: no limit (default).
    ServerBuilder& admission_rate(std::uint32_t per_second);
    // File with the ticket key, 32 bytes in hex or base64 (created if missing), and optionally the previous key on a
    // second line. After a restart with the same file, a known client gets a new session without the auth handler, as
    // long as its credential has not expired. Until it is back, senders to that user get busy instead of user_offline:
    // stop() writes the disconnected users to a file next to it (with ".returning" appended to the name), which the
    // next start() reads. docs/server.md, "Storms". Default: none.
    ServerBuilder& ticket_key_file(std::string path);
    ServerBuilder& heartbeat_interval(std::chrono::milliseconds time);  // 30 s; the interval asked of clients
    ServerBuilder& heartbeat_timeout(std::chrono::milliseconds time);   // 60 s; a connection silent that long is closed
    ServerBuilder& max_missed_heartbeats(std::uint32_t count);          // 3
    ServerBuilder& hello_timeout(std::chrono::milliseconds time);       // 5 s for TLS and upgrade, then 5 s until Hello
    ServerBuilder& session_life(std::chrono::milliseconds time);        // 2 min after the last connection
    // How long before expiry of a session's credential its client is warned: 1 min. Less for a credential whose
    // lifetime is under four times that.
    ServerBuilder& credential_warning(std::chrono::milliseconds time);
    // A session ends when its client has read nothing for this long while data is queued for it. 30 s.
    ServerBuilder& slow_consumer_after(std::chrono::milliseconds time);
    ServerBuilder& max_message_bytes(std::uint64_t bytes);  // 16 MiB, at most 1 GiB; beyond it message_too_large
    // Where conversations are kept: messages to users and rooms are then answered with `stored`, also when nobody of
    // them is connected. Without a store (the default) messages reach those who are connected, and there are no rooms.
    ServerBuilder& store(Store store);
    ServerBuilder& conversation_limits(ConversationLimits limits);  // of a server with a store
    // How long conversations keep their entries; by default for ever. All of them are looked at every `interval`, at
    // least 1 s; 10 min by default.
    ServerBuilder& retention(RetentionRules rooms, RetentionRules direct);
    ServerBuilder& retention_interval(std::chrono::milliseconds interval);
    ServerBuilder& with_retention_policy(RetentionPolicy policy);
    // Is told for whom messages wait who have no session with a live connection. With a store. Default: none, and
    // nothing is computed.
    ServerBuilder& with_push_handler(std::shared_ptr<PushHandler> handler);
    // How long a message may be read, and its reader come back, before that: 5 s, 10 ms to 1 h. The handler is called
    // up to a fifth later.
    ServerBuilder& push_after(std::chrono::milliseconds time);
    // Of a server with a store, like the next two. A user without a connection is `offline` after so long, and so long
    // after start() a user who has not come yet is `unknown`. 20 s, at most 10 min.
    ServerBuilder& presence_grace(std::chrono::milliseconds time);
    // A session follows the presence of others for so long, unless its client asks again, as Flare's does. 10 min; 1 s
    // to 24 h.
    ServerBuilder& presence_lease(std::chrono::milliseconds time);
    // Whom it refuses is `unknown` to the session that asks. Default: everybody may see everybody who has not blocked
    // them.
    ServerBuilder& presence_policy(PresencePolicy policy);
    // Ceiling for all memory that peers can make the server hold: 4 GiB, at least 1 MiB. At the limit the server
    // refuses new sessions with busy, then ends sessions without a connection, then those whose clients read nothing:
    // docs/server.md, "Memory".
    ServerBuilder& max_memory_bytes(std::uint64_t bytes);
    // New connections per second, and as many at once after a pause; further ones are refused. 0: no limit (default).
    ServerBuilder& max_handshakes_per_second(std::uint32_t count);
    // Rate limits of one device's session; more is refused with rate_limited and the time to wait. 0: no limit
    // (default). burst: allowed at once after a pause; 0: as much as the rate allows in one second, and at least one
    // message of max_message_bytes.
    ServerBuilder& max_messages_per_second(std::uint32_t count, std::uint32_t burst = 0);
    ServerBuilder& max_bytes_per_second(std::uint64_t bytes, std::uint64_t burst = 0);  // payload bytes
    // Largest batch that a client may send: 132 KiB to 1 MiB (default).
    ServerBuilder& max_batch_bytes(std::uint32_t bytes);
    // What each side of a session may have in flight (sent, not acknowledged). Default 10,000 frames and 4 MiB, at
    // least 64 frames and 64 KiB. It limits throughput on long paths to bytes / round-trip time.
    ServerBuilder& max_unacked(std::uint32_t frames, std::uint64_t bytes);
    // What may be queued for one client beyond that; when exceeded, senders get recipient_busy. At least 16 frames and
    // two messages of max_message_bytes. Default 20,000 frames and 32 MiB.
    ServerBuilder& max_queued(std::uint32_t frames, std::uint64_t bytes);
    ServerBuilder& worker_threads(std::uint32_t count);   // event loops, at most 1024; 0: one per core
    ServerBuilder& handler_threads(std::uint32_t count);  // the handler pool, 1 to 1024; default 4
    ServerBuilder& log_level(LogLevel level);             // info
    // text: lines for people; json: one object per line with `time`, `level` and `text`. The process has one log: the
    // last start() decides.
    ServerBuilder& log_format(LogFormat format);  // text
    ServerBuilder& log_users(bool on);            // on; off: a dash takes the place of user names in the log

    // Offers zstd and gzip to clients; docs/compression.md says what is compressed and when not to. Off.
    ServerBuilder& compression(bool on);
    // Payloads smaller than this are not compressed: 512 bytes, with a dictionary 64.
    ServerBuilder& compression_threshold(std::size_t bytes);
    ServerBuilder& compression_level(int level);  // zstd level, 1 to 19; above 3 is slow. Default 1
    // A zstd dictionary file (made by `flare train`), used with clients that have the same one. build() reads it.
    ServerBuilder& compression_dictionary(std::string path);
    // Accepts permessage-deflate (RFC 7692) from clients that offer it, as browsers do, each message by itself. Off.
    ServerBuilder& websocket_deflate(bool on);

    // Errors: invalid_config (the text names the field); file_not_found or file_unreadable for compression_dictionary.
    Checked<Server> build() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace flare
