// The client: one session with a server, carried by whichever connection is best at the moment.
//
//     auto client = flare::ClientBuilder("alice")
//                       .server_addresses(flare::ServerAddresses().with_websocket_url("ws://127.0.0.1:4000"))
//                       .with_event_callback([](const flare::Event& event) { ... })
//                       .build();
//     client->connect();
//     auto result = client->send_text_message("server", "hello");
//
// Protocol: docs/client.md is the guide; docs/protocol.md defines the wire protocol.
// Threads:  a Client may be used from any thread, including its own callback. It may be destroyed in any state.
#pragma once

#include <flare/compression.hpp>
#include <flare/conversations.hpp>
#include <flare/events.hpp>
#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/invitations.hpp>
#include <flare/marks.hpp>
#include <flare/message.hpp>
#include <flare/push.hpp>
#include <flare/restrictions.hpp>
#include <flare/settings.hpp>
#include <flare/signals.hpp>
#include <flare/task.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace flare {

namespace client {
class PoolResources;
}

// The server's addresses; at least one. Of the two WebSocket addresses, wss is tried before ws.
class ServerAddresses {
public:
    // "ws://host[:port][/path]". The host is a name (both IPv6 and IPv4 are tried), an IPv4 address or an [IPv6
    // address].
    ServerAddresses& with_websocket_url(std::string url) { return websocket = std::move(url), *this; }
    ServerAddresses& with_websocket_tls_url(std::string url) { return websocket_tls = std::move(url), *this; }
    // "quic://host[:port]"; always encrypted and verified.
    ServerAddresses& with_quic_url(std::string url) { return quic = std::move(url), *this; }

    std::string websocket;
    std::string websocket_tls;
    std::string quic;
};

// Which protocols are used. auto_racing: all, and the client moves to the better one; websocket, quic: that one only;
// manual: all, and the application moves the session with switch_protocol().
enum class ProtocolSelection : std::uint8_t { auto_racing, websocket, quic, manual };

// With addresses of two protocols, the client races them at each connect, and measures both in the background of the
// session. See docs/racing.md.
struct ProtocolRacingConfig {
    bool enabled = true;                      // false: use the first connection established, measure nothing
    std::chrono::milliseconds timeout{5000};  // of one background race
    std::uint32_t test_message_count = 10;    // number of small probes, and of large probes; at most 20
    // 0..1: determine the head start at a connect and weigh the score. Measurements on a network adjust them.
    std::map<Protocol, double> protocol_weights{{Protocol::quic, 0.7}, {Protocol::websocket, 0.3}};
    bool auto_fallback = true;  // when a connection fails or stalls, the session continues over the other protocol
    std::chrono::milliseconds racing_interval{30'000};
    // Keeps a connection of the second-best protocol open, so that a fallback does not have to connect first.
    bool warm_standby = false;
    // File that remembers across processes how well each protocol did on each network. Default: in memory only.
    std::string memory_file;
};

// Sealing: never; if the server supports it; or required, so that connect() fails without it.
enum class Encryption : std::uint8_t { off, preferred, required };

// For ClientBuilder::max_reconnect_attempts(): the client never gives up.
inline constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();

// docs/client.md, "Connection and status", defines each state.
enum class ClientStatus : std::uint8_t { disconnected, connecting, connected, reconnecting, failed };
FLARE_EXPORT std::string_view name(ClientStatus status) noexcept;

// The outcome of a message. success: the server's handler has handled it; or it is in the log of its conversation
// (`stored`); or, if the server has no store, it was delivered to the recipient, or is queued in a session of the
// recipient that has lost its connection.
struct SendResult {
    bool success = false;
    Uuid message_id;
    errc error = errc::ok;
    std::string error_message;
    // Set to message_too_large when success is true but some of the recipient's devices could not take the message;
    // error_message then says so. Otherwise ok.
    errc partly = errc::ok;
    std::chrono::milliseconds retry_after{0};           // how long the server asks to wait; 0: it named no time
    std::uint32_t retry_count = 0;                      // how many times it was sent again
    std::chrono::system_clock::time_point send_time{};  // when the application handed it to the client
    std::chrono::nanoseconds latency{0};                // from send_time to the receipt
    // Where the message is in the log of its conversation; ConnectionStats::durability says whether that is on disk.
    // None: the server has no store, or the message went to "server".
    std::optional<StoredAt> stored{};
};

// Counted since the client was built, over all its connections.
struct ConnectionStats {
    std::uint64_t messages_sent = 0;  // acknowledged by a receipt
    std::uint64_t messages_received = 0;
    std::uint64_t bytes_sent = 0;  // on the wire, all connections
    std::uint64_t bytes_received = 0;
    std::uint64_t heartbeat_count = 0;  // answered
    std::uint64_t error_count = 0;
    std::uint64_t reconnect_count = 0;
    std::chrono::nanoseconds connection_time{0};  // from connect() to the first ready session
    std::chrono::system_clock::time_point last_activity{};
    std::optional<Protocol> protocol;
    bool sealed = false;                          // whether the connection in use is sealed
    Durability durability = Durability::none;     // what `stored` is worth, as the server said when it was last reached
    std::optional<std::chrono::nanoseconds> rtt;  // smoothed
    // Path statistics of a QUIC connection (RFC 9002).
    struct QuicPath {
        std::chrono::nanoseconds smoothed_rtt{0};
        std::uint64_t congestion_window = 0;  // bytes
        std::uint64_t bytes_in_flight = 0;
        std::uint64_t migrations = 0;  // times this connection moved to another address
    };
    std::optional<QuicPath> quic;  // the connection in use
    CompressionStats compression;
    std::uint64_t notices_unreadable = 0;  // of typing and presence, passed over: the server is newer, or at fault
};

// Measurements of one protocol. Every figure is measured; none is an assumption.
struct ProtocolMetrics {
    Protocol protocol = Protocol::websocket;
    std::uint64_t connects = 0;
    std::uint64_t connect_failures = 0;
    std::optional<std::chrono::nanoseconds> connection_latency;  // of the last connect: transport and session handshake
    std::optional<std::chrono::nanoseconds> rtt;                 // of the last heartbeat
    bool available = true;                                       // false: the last attempt failed
    // Background races. The probe counters cover all races, the figures below them the last race; docs/racing.md
    // explains how they are measured.
    std::uint64_t races = 0;
    std::uint64_t probes_sent = 0;
    std::uint64_t probes_answered = 0;
    std::optional<std::chrono::nanoseconds> latency_min, latency_median, latency_p99, jitter;  // round trips
    std::optional<double> bytes_per_second;
    std::optional<double> success_rate;  // 0..1
    std::optional<double> weight;        // the configured weight, adjusted by measurements on this network
    std::optional<double> score;         // higher is better; empty: not measured, or not available
    // QUIC connections that sent early data (0-RTT), by whether the server accepted it.
    std::uint64_t early_data_accepted = 0;
    std::uint64_t early_data_rejected = 0;  // the data was sent again after the handshake
};

class FLARE_EXPORT Client {
public:
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    // Closes at once: pending calls complete with client_closed, and the server gets no goodbye (use disconnect() for
    // that). Called from a callback, it never blocks; elsewhere it waits for the callback that is running.
    ~Client();

    // ---- connection ----

    // Establishes a session and returns the protocol in use. Errors: connection_refused, connect_timeout,
    // host_not_found ..., with one text that gives the reason for each address; the server's refusal;
    // already_connected.
    Checked<Protocol> connect();
    // Sends what is queued, says goodbye and closes. Takes at most about 5 seconds. What the server has put off is not
    // waited for, nor what waits behind it or for its turn: that fails with not_connected.
    void disconnect();
    // Drops the connection and resumes the session on a new one. An error reports one failed attempt; the client keeps
    // trying.
    Checked<Protocol> reconnect();

    // ---- messages: these calls return when the server's receipt arrives, or with the reason why there is none ----

    // Errors (SendResult::error):
    // - not_connected: no session, and the client is not trying to get one; or no connection for send_timeout, and the
    //   message was not sent
    // - outbox_full, message_too_large, unknown_target, duplicate_message_id
    // - not_supported: room:NAME, and the server has no store
    // - invalid_name: target or type longer than 256 bytes, or not UTF-8
    // - user_offline, forbidden, handler_failed, or the error that the handler returned
    // - rate_limited, recipient_busy: send again after retry_after, under a new id
    // - busy: after the client has kept it for 10 minutes and sent it again whenever the server said; they begin anew
    //   when the server takes another message to the same target
    // - of messages to users and rooms, if the server has a store: rate_limited, storage_full, storage_failed after the
    //   same 10 minutes; unknown_conversation, muted, banned, conversation_frozen, too_many_conversations, too_old
    // - outcome_unknown, cancelled, client_closed, would_deadlock
    SendResult send_text_message(std::string target, std::string text);  // type "text"
    SendResult send_binary_message(std::string target, Bytes bytes, std::string type = "binary");
    SendResult send_message(std::string target, Message message);
    std::vector<SendResult> send_batch(std::vector<Message> messages);  // each goes to its `to`
    // Queues the message and returns its id; the outcome arrives as MessageSent or MessageFailed. Errors: those with
    // which a send fails at once. With a cache file it is also queued while the client is disconnected or has failed;
    // and the call returns when the message is in the file, if it is not made on the event thread, or for a client on
    // the application's own loop.
    Checked<Uuid> post_message(std::string target, Message message);

    // Rooms, their members, and the history of conversations.
    Conversations& conversations();
    // Who is invited to a room, and the invitations of this user.
    Invitations& invitations();
    // Who is banned from a room, and whom this user blocks.
    Restrictions& restrictions();
    // Whether this device takes pushes.
    Push& push();
    // Who has read what, and what is to show as unread.
    Marks& marks();
    // What this user chooses for conversations: pushes, pinning, hiding, clearing.
    Settings& settings();
    // Who types, and who is there.
    Signals& signals();

    std::size_t get_message_queue_length() const;  // messages without an outcome
    // Drops messages that were never sent; each fails with `cancelled`. Returns how many.
    std::size_t clear_message_queue();

    // ---- state ----

    ClientStatus get_status() const;
    ConnectionStats get_connection_stats() const;
    std::optional<Protocol> get_current_protocol() const;
    ProtocolMetrics get_protocol_metrics(Protocol protocol) const;
    std::vector<ProtocolMetrics> get_all_protocol_metrics() const;
    // The protocol with the higher score; until both are measured, the one in use.
    std::optional<Protocol> get_best_protocol() const;
    bool is_protocol_available(Protocol protocol) const;  // configured, and its last attempt did not fail
    // Moves the session to a connection of that protocol; nothing is lost, repeated or reordered. Errors, after which
    // the session stays on its connection: protocol_unavailable, not_connected, busy, and those of connect().
    Checked<Protocol> switch_protocol(Protocol protocol);
    // Migrates the QUIC connection in use to a new socket; the client does so by itself when this machine's addresses
    // change. `local_address`: the source address ("192.0.2.7"); empty: the system chooses. Errors: not_connected,
    // protocol_unavailable (the connection is not QUIC), address_unavailable, network_unreachable, invalid_config.
    Checked<> migrate(std::string local_address = {});
    // Sends the server a new credential for the session, without reconnecting, and returns when the server has checked
    // it. Errors, after which the session continues with its present credential: not_connected, cancelled (another call
    // came before the answer), and the server's refusal (unauthenticated, token_expired, user_mismatch ...).
    Checked<> refresh_token(std::string token);
    // Empty: no session.
    std::string get_session_id() const;
    // The flight record: every decision about connections, with its time and reason (attempts, races, suspicions,
    // switches), and how far each subscription has come. Always on; nothing of a message is recorded. One JSON object
    // per line, the last 512 lines about connections and 256 about conversations (docs/explain.md, "Records").
    std::string get_flight_record() const;

    // ---- the same for coroutines, on any executor ----

    Task<Checked<Protocol>> async_connect();
    Task<void> async_disconnect();
    Task<Checked<Protocol>> async_reconnect();
    Task<Checked<>> async_refresh_token(std::string token);
    Task<SendResult> async_send_text_message(std::string target, std::string text);
    Task<SendResult> async_send_binary_message(std::string target, Bytes bytes, std::string type = "binary");
    Task<SendResult> async_send_message(std::string target, Message message);

private:
    friend class ClientBuilder;
    friend class SessionPool;
    class Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

using TokenProvider = std::function<std::string()>;

class FLARE_EXPORT ClientBuilder {
public:
    explicit ClientBuilder(std::string user_id);
    ClientBuilder(const ClientBuilder&);
    ~ClientBuilder();

    ClientBuilder& server_addresses(ServerAddresses addresses);
    ClientBuilder& protocol_selection_mode(ProtocolSelection mode);
    ClientBuilder& protocol_racing(ProtocolRacingConfig config);

    ClientBuilder& connection_timeout(std::chrono::milliseconds time);  // 5 s; for connect() and each reconnect
    ClientBuilder& heartbeat_interval(std::chrono::milliseconds time);  // 30 s
    ClientBuilder& heartbeat_timeout(std::chrono::milliseconds time);   // 60 s
    // Consecutive failed attempts before the client gives up (ReconnectFailed); 0: never reconnect. Default kUnlimited.
    // An error that retrying cannot fix ends reconnecting in any case.
    ClientBuilder& max_reconnect_attempts(std::uint32_t count);
    // Delay before the first reconnect: 1 s. It doubles with each attempt, half of it random, up to 5 s in the first
    // two minutes of an outage and up to 30 s after that. A longer configured delay is used as it is.
    ClientBuilder& reconnect_delay(std::chrono::milliseconds time);
    ClientBuilder& auto_reconnect(bool on);  // on
    // How long a blocking send waits for its outcome while there is no connection; and how long a call of
    // Conversations waits without a connection, and for the server's answer on a live one. 2 min; 0: indefinitely, also
    // for a server that never answers. See docs/client.md, "Outages", "Conversations".
    ClientBuilder& send_timeout(std::chrono::milliseconds time);
    // Sends a message again on another connection if it is not acknowledged within `delay` (1 s), up to `count` (3)
    // times.
    ClientBuilder& message_retry(std::uint32_t count, std::chrono::milliseconds delay);
    ClientBuilder& buffer_size(std::size_t bytes);                         // 8192; bytes read per turn of the loop
    ClientBuilder& outbox_limit(std::size_t messages, std::size_t bytes);  // 10,000, 64 MiB; beyond it outbox_full
    ClientBuilder& max_message_bytes(std::uint64_t bytes);                 // 16 MiB
    // Keeps the list of the user's conversations: Conversations::list(), ConversationChanged, ConversationsSynced.
    // After each connect the client asks the server what has changed, and tells the entries of conversations that the
    // server keeps live (direct ones, and rooms of at most 256 members; 500 in all) as subscriptions do; among them
    // what it missed, but for what was there before the first sync. If the server has no list, it emits
    // CapabilityUnavailable. Off: docs/client.md, "The list of conversations".
    ClientBuilder& sync_conversations(bool on);
    // Compresses payloads in both directions if the server offers it; otherwise emits CapabilityUnavailable. Off.
    ClientBuilder& compression(bool on);
    // Payloads smaller than this are not compressed: 512 bytes, with a dictionary 64.
    ClientBuilder& compression_threshold(std::size_t bytes);
    // A zstd dictionary file, the same as the server's; it makes short messages compressible. build() reads it.
    ClientBuilder& compression_dictionary(std::string path);
    // Seals everything between this client and the server, whatever the transport does: docs/client.md, "Sealing". Off.
    // If the server does not support sealing: with true or `required`, connect() fails with encryption_unavailable;
    // with `preferred`, the client continues unsealed and emits CapabilityUnavailable.
    ClientBuilder& encryption(bool on);
    ClientBuilder& encryption(Encryption mode);
    // The server's public sealing key, 32 bytes in base64 (Server::sealing_public_key()). Without it, the server's
    // certificate must vouch for the key and is verified as for wss://; over ws:// that needs ca_file().
    ClientBuilder& server_key(std::string base64);
    ClientBuilder& tls(bool verify);           // on; build() refuses false with a wss:// or quic:// address
    ClientBuilder& ca_file(std::string path);  // default: the system's store
    ClientBuilder& client_cert(std::string certificate_file, std::string key_file);
    ClientBuilder& server_name(std::string name);  // default: the URL's host
    // When a session resumes over QUIC, sends Hello and messages in the first packets (0-RTT); never a token. On.
    ClientBuilder& enable_quic_0rtt(bool on);
    // File that keeps TLS session tickets across processes, for cheaper handshakes; readable by this user only.
    // Default: in memory only.
    ClientBuilder& quic_ticket_file(std::string path);
    ClientBuilder& quic_congestion(QuicCongestion algorithm);  // cubic
    ClientBuilder& quic_qlog(std::string folder);              // as ServerBuilder::quic_qlog()
    // Folder for the flight record (Client::get_flight_record()), which `flare explain` reads. It must exist and be
    // local. Each session writes SESSION.jsonl, readable by this user only, at most 512 KiB; beyond 64 files the oldest
    // is deleted. If writing fails, the client emits one Error event and the session continues. Default: in memory
    // only.
    ClientBuilder& flight_recorder(std::string folder);
    // File that keeps conversations and the outbox for the next run of the program, for this user alone: history() has
    // what is in it while there is no session, subscriptions go on where the last run was told, and posted messages are
    // sent by the next run if this one ends before. One client at a time. docs/client.md, "The cache". Default: none.
    ClientBuilder& cache_file(std::string path);
    ClientBuilder& token(std::string token);
    ClientBuilder& token(
        // Called on the I/O thread before each connect, and when the token is about to expire; it must not block long.
        TokenProvider provider);
    ClientBuilder& platform(Platform platform);  // desktop
    // The server keeps one session per (user, device). Default: a random id for each Client object.
    ClientBuilder& device_id(std::string id);
    ClientBuilder& with_event_callback(EventCallback callback);
    // Runs the client on this loop, which must outlive it, instead of its own thread. Only one thread may run the loop.
    // A client keeps work on the loop even after disconnect(): run() returns when the loop is stopped, or when its
    // clients are destroyed.
    ClientBuilder& io_context(boost::asio::io_context& context);

    // Errors: invalid_config (the text names the field), and errors of certificate, dictionary and cache files:
    // cache_in_use, cache_of_another_user. A damaged cache file is renamed to PATH.damaged, which an Error event with
    // cache_damaged tells.
    Checked<Client> build() const;

private:
    friend class SessionPool;
    const std::string& user_id() const;
    Checked<Client> build(std::shared_ptr<client::PoolResources> shared) const;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace flare
