// The client: one session with a server, over whatever connection there is at the moment.
//
//     auto client = flare::ClientBuilder("alice")
//                       .server_addresses(flare::ServerAddresses().with_websocket_url("ws://127.0.0.1:4000"))
//                       .with_event_callback([](const flare::Event& event) { ... })
//                       .build();
//     client->connect();
//     auto result = client->send_text_message("server", "hello");
//
// Protocol: docs/client.md is the guide; docs/protocol.md says what travels.
// Threads:  a Client may be used from any thread, from its own callback too. Destroying it is safe in any state.
#pragma once

#include <flare/compression.hpp>
#include <flare/events.hpp>
#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/message.hpp>
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

// Where the server is; at least one. Others of the same protocol are tried in the order wss, ws.
class ServerAddresses {
public:
    // "ws://host[:port][/path]"; the host may be a name (IPv6 and IPv4 are tried), an IPv4 address or an [IPv6
    // address].
    ServerAddresses& with_websocket_url(std::string url) { return websocket = std::move(url), *this; }
    ServerAddresses& with_websocket_tls_url(std::string url) { return websocket_tls = std::move(url), *this; }
    // "quic://host[:port]"; always encrypted and verified.
    ServerAddresses& with_quic_url(std::string url) { return quic = std::move(url), *this; }

    std::string websocket;
    std::string websocket_tls;
    std::string quic;
};

// Which protocols are used: all, measured; one; or all, and the application moves by switch_protocol().
enum class ProtocolSelection : std::uint8_t { auto_racing, websocket, quic, manual };

// With addresses of two protocols the client races them: at each connect, and behind the session, by measuring. The
// text is docs/racing.md.
struct ProtocolRacingConfig {
    bool enabled = true;                      // off: the first connection that stands is used, nothing is measured
    std::chrono::milliseconds timeout{5000};  // of one race behind the session
    std::uint32_t test_message_count = 10;    // small and large probes each, at most 20
    // 0..1: head start at a connect, and factor of the score. They move with what is measured on a network.
    std::map<Protocol, double> protocol_weights{{Protocol::quic, 0.7}, {Protocol::websocket, 0.3}};
    bool auto_fallback = true;  // when a connection fails, or is of no use, the session goes on over another protocol
    std::chrono::milliseconds racing_interval{30'000};
    // Keeps a connection of the second best protocol open, to continue on at once when the first fails.
    bool warm_standby = false;
    // Where it is kept, across processes, which protocol did how well on which network. Default: in memory.
    std::string memory_file;
};

// Of sealing: not at all; where the server can; or nothing without it.
enum class Encryption : std::uint8_t { off, preferred, required };

// Of ClientBuilder::max_reconnect_attempts(): the client never gives up.
inline constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();

// docs/client.md, "Connection and status", says when it is which.
enum class ClientStatus : std::uint8_t { disconnected, connecting, connected, reconnecting, failed };
FLARE_EXPORT std::string_view name(ClientStatus status) noexcept;

// What became of a message. success: handled, delivered, or in a session of the recipient that lost its connection.
struct SendResult {
    bool success = false;
    Uuid message_id;
    errc error = errc::ok;
    std::string error_message;
    // success, but not on all devices of the recipient: message_too_large for some, as error_message says; else ok.
    errc partly = errc::ok;
    std::chrono::milliseconds retry_after{0};           // how long the server asks to wait; 0: it names no time
    std::uint32_t retry_count = 0;                      // times sent again
    std::chrono::system_clock::time_point send_time{};  // when it was given to the client
    std::chrono::nanoseconds latency{0};                // from there to its receipt
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
    bool sealed = false;                          // the connection in use: ClientBuilder::encryption()
    std::optional<std::chrono::nanoseconds> rtt;  // smoothed
    // The path of a QUIC connection, as its transport sees it (RFC 9002).
    struct QuicPath {
        std::chrono::nanoseconds smoothed_rtt{0};
        std::uint64_t congestion_window = 0;  // bytes
        std::uint64_t bytes_in_flight = 0;
        std::uint64_t migrations = 0;  // moves to another address, of this connection
    };
    std::optional<QuicPath> quic;  // the connection in use
    CompressionStats compression;
};

// Measured; nothing is assumed.
struct ProtocolMetrics {
    Protocol protocol = Protocol::websocket;
    std::uint64_t connects = 0;
    std::uint64_t connect_failures = 0;
    std::optional<std::chrono::nanoseconds> connection_latency;  // last: transport and session handshake
    std::optional<std::chrono::nanoseconds> rtt;                 // last heartbeat
    bool available = true;                                       // its last attempt did not fail
    // Of the last race behind the session; docs/racing.md says how they are measured.
    std::uint64_t races = 0;
    std::uint64_t probes_sent = 0;  // all races
    std::uint64_t probes_answered = 0;
    std::optional<std::chrono::nanoseconds> latency_min, latency_median, latency_p99, jitter;  // of round trips
    std::optional<double> bytes_per_second;
    std::optional<double> success_rate;  // 0..1
    std::optional<double> weight;        // as configured, moved by what was measured on this network
    std::optional<double> score;         // higher is better; nothing: not measured, or not available
    // QUIC: connections whose first packets carried messages (0-RTT), and what the server made of these.
    std::uint64_t early_data_accepted = 0;
    std::uint64_t early_data_rejected = 0;  // they were sent again after the handshake
};

class FLARE_EXPORT Client {
public:
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    // Ends at once: calls that wait complete with client_closed, no goodbye is said (see disconnect()). In a callback
    // it never waits; elsewhere it waits for the callback that is running.
    ~Client();

    // ---- connection ----

    // The protocol in use. Errors: connection_refused, connect_timeout, host_not_found ..., one text that says for
    // each address why it failed; what the server refused with; already_connected.
    Checked<Protocol> connect();
    // Sends what waits, says goodbye, closes; at most about 5 seconds.
    void disconnect();
    // Drops the connection and resumes the session on another. An error tells of one attempt: the client goes on
    // trying.
    Checked<Protocol> reconnect();

    // ---- messages: they return when the server has answered with a receipt, or with the reason why not ----

    // Errors (SendResult::error): not_connected (no session, and none is sought; or no connection for send_timeout, and
    // the message was not sent), outbox_full, message_too_large,
    // invalid_name (target or type: more than 256 bytes, or not UTF-8), unknown_target, not_supported (room:NAME),
    // duplicate_message_id; user_offline, forbidden, handler_failed or what the handler said; rate_limited,
    // recipient_busy (after retry_after, under a new id); busy (for 10 minutes the client sends it again by itself
    // whenever the server says); outcome_unknown; cancelled, client_closed, would_deadlock.
    SendResult send_text_message(std::string target, std::string text);  // type "text"
    SendResult send_binary_message(std::string target, Bytes bytes, std::string type = "binary");
    SendResult send_message(std::string target, Message message);
    std::vector<SendResult> send_batch(std::vector<Message> messages);  // each to its `to`
    // Queues and returns: the outcome comes as MessageSent or MessageFailed. Errors: as a send that fails at once.
    Checked<Uuid> post_message(std::string target, Message message);

    std::size_t get_message_queue_length() const;  // without an outcome yet
    // Forgets what was never sent; each fails with `cancelled`. Returns how many.
    std::size_t clear_message_queue();

    // ---- state ----

    ClientStatus get_status() const;
    ConnectionStats get_connection_stats() const;
    std::optional<Protocol> get_current_protocol() const;
    ProtocolMetrics get_protocol_metrics(Protocol protocol) const;
    std::vector<ProtocolMetrics> get_all_protocol_metrics() const;
    // By score; until two are measured, the one in use.
    std::optional<Protocol> get_best_protocol() const;
    bool is_protocol_available(Protocol protocol) const;  // configured, and its last attempt did not fail
    // Moves the session to a connection of that protocol; nothing is lost, repeated or reordered. Errors:
    // protocol_unavailable, not_connected, busy, and those of connect(): then the connection stays where it is.
    Checked<Protocol> switch_protocol(Protocol protocol);
    // Moves the QUIC connection in use to another socket, as it does by itself when this machine's addresses change.
    // `local_address`: where from ("192.0.2.7"); empty: the system's choice. Errors: not_connected,
    // protocol_unavailable (it is no QUIC connection), address_unavailable, network_unreachable, invalid_config.
    Checked<> migrate(std::string local_address = {});
    // Brings the server another credential for the session, without reconnecting, and returns when it has looked at
    // it. Errors: not_connected, cancelled (another call came before the answer), and what the server refuses it with
    // (unauthenticated, token_expired, user_mismatch ...): then the session goes on with the credential that it has.
    Checked<> refresh_token(std::string token);
    // Empty: no session.
    std::string get_session_id() const;
    // What decided about connections, and when: attempts, races, suspicions, switches with their reasons. Always on;
    // nothing is recorded of a message. One JSON object a line, the last 512 of them (docs/explain.md, "Records").
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

    ClientBuilder& connection_timeout(std::chrono::milliseconds time);  // 5 s, for connect() and for each reconnect
    ClientBuilder& heartbeat_interval(std::chrono::milliseconds time);  // 30 s
    ClientBuilder& heartbeat_timeout(std::chrono::milliseconds time);   // 60 s
    // Attempts in a row before the client gives up (ReconnectFailed); 0: none. kUnlimited. What no attempt can heal
    // ends them all the same.
    ClientBuilder& max_reconnect_attempts(std::uint32_t count);
    // 1 s, doubling, half of it drawn at random; at most 5 s in the first two minutes of an outage, then at most 30 s.
    // A longer one stays as it is.
    ClientBuilder& reconnect_delay(std::chrono::milliseconds time);
    ClientBuilder& auto_reconnect(bool on);  // on
    // How long a call that waits for its message's outcome waits while there is no connection: 2 min; 0: for ever. See
    // docs/client.md, "Outages".
    ClientBuilder& send_timeout(std::chrono::milliseconds time);
    // A message without acknowledgement for `delay` goes out again on another connection, up to `count` times: 3, 1 s.
    ClientBuilder& message_retry(std::uint32_t count, std::chrono::milliseconds delay);
    ClientBuilder& buffer_size(std::size_t bytes);                         // 8192: read in one turn of the loop
    ClientBuilder& outbox_limit(std::size_t messages, std::size_t bytes);  // 10,000, 64 MiB; beyond it outbox_full
    ClientBuilder& max_message_bytes(std::uint64_t bytes);                 // 16 MiB
    // Payloads are compressed, both ways, when the server offers it; CapabilityUnavailable tells when it does not. Off.
    ClientBuilder& compression(bool on);
    // Payloads below go as they are: 512 bytes, with a dictionary 64.
    ClientBuilder& compression_threshold(std::size_t bytes);
    // A zstd dictionary file, the server's: then short messages shrink too. build() reads it.
    ClientBuilder& compression_dictionary(std::string path);
    // Seals everything between this client and the server, whatever the transport does: docs/client.md, "Sealing". Off.
    // true, `required`: with a server that cannot, connect() fails with encryption_unavailable. `preferred`: then it
    // goes unsealed, which an event tells (CapabilityUnavailable).
    ClientBuilder& encryption(bool on);
    ClientBuilder& encryption(Encryption mode);
    // What the server is known by when sealing: its key, 32 bytes in base64 (Server::sealing_public_key()). Without it
    // the server's certificate vouches for its key, checked as for wss://; over ws:// that needs ca_file().
    ClientBuilder& server_key(std::string base64);
    ClientBuilder& tls(bool verify);           // on; false with a wss:// address is refused
    ClientBuilder& ca_file(std::string path);  // default: the system's store
    ClientBuilder& client_cert(std::string certificate_file, std::string key_file);
    ClientBuilder& server_name(std::string name);  // default: the URL's host
    // When a session is resumed over QUIC, hello and messages go with the first packets (0-RTT). On. Never a token.
    ClientBuilder& enable_quic_0rtt(bool on);
    // Where TLS session tickets outlive the process, for cheaper handshakes: a file that only this user can read.
    // Default: they are kept in memory.
    ClientBuilder& quic_ticket_file(std::string path);
    ClientBuilder& quic_congestion(QuicCongestion algorithm);  // cubic
    ClientBuilder& quic_qlog(std::string folder);              // as ServerBuilder::quic_qlog()
    // Where the flight record (Client::get_flight_record()) is kept as a file, too: SESSION.jsonl, readable by this
    // user only, at most 512 KiB; of more than 64 the oldest goes. `flare explain` reads it. A local folder, which must
    // exist. When it cannot be written, an Error event says so, once, and the session goes on. Default: in memory only.
    ClientBuilder& flight_recorder(std::string folder);
    ClientBuilder& token(std::string token);
    ClientBuilder& token(
        // Asked on the I/O thread before each connect, and when the token expires soon: it must not block long.
        TokenProvider provider);
    ClientBuilder& platform(Platform platform);  // desktop
    // One session for each (user, device). Default: a random id for each Client object.
    ClientBuilder& device_id(std::string id);
    ClientBuilder& with_event_callback(EventCallback callback);
    // Runs the client on this loop, which must outlive it, in place of a thread of its own. One thread runs the loop. A
    // client listens on after disconnect(): run() returns when the loop is stopped, or its clients are destroyed.
    ClientBuilder& io_context(boost::asio::io_context& context);

    // Errors: invalid_config (the text names the field), and those of certificate and dictionary files.
    Checked<Client> build() const;

private:
    friend class SessionPool;
    const std::string& user_id() const;
    Checked<Client> build(std::shared_ptr<client::PoolResources> shared) const;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace flare
