// QUIC carriers (RFC 9000) for both sides, on ngtcp2 and GnuTLS.
//
// Protocol: docs/quic.md; RFC 9000, RFC 9001.
// Threads:  each Listener and each ConnectAttempt belongs to one io_context run by one thread; contexts are immutable
//           and may be shared by threads.
#pragma once

#include "base/place.hpp"
#include "transport/carrier.hpp"
#include "transport/port_use.hpp"
#include "transport/tls/tls.hpp"

#include <boost/asio/ip/udp.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::transport::quic {

inline constexpr const char* kAlpn = "flare-core";

// ---- keys and certificates ----

using Secret = std::array<std::uint8_t, 32>;

// What a server grants to clients that come back.
struct Resumption {
    Secret secret{};         // makes the keys of its tickets: the same in every process that shall take them
    bool early_data = true;  // 0-RTT (RFC 9001 section 4.6)
};

class ServerContext {
public:
    // The files, errors and texts are those of tls::ServerContext::load(). `alpn`: what clients may speak, in the order
    // of preference; a client that offers none of them is refused (RFC 7301).
    // Without `resumption`, and where client certificates are asked for, there are no tickets. `before`: the context
    // that this one takes the place of; what it remembers of early data stays remembered. May be null.
    static Result<std::shared_ptr<ServerContext>> load(const tls::ServerOptions& options, std::vector<std::string> alpn,
                                                       std::string* error_text,
                                                       const std::optional<Resumption>& resumption = std::nullopt,
                                                       const ServerContext* before = nullptr);
    struct Keys;
    explicit ServerContext(std::unique_ptr<Keys> keys);
    ~ServerContext();
    const Keys& keys() const noexcept { return *keys_; }

private:
    std::unique_ptr<Keys> keys_;
};

class ClientContext {
public:
    // As tls::ClientContext::load(). `ticket_file`: see TicketStore; empty: tickets are kept in memory alone.
    static Result<std::shared_ptr<ClientContext>> load(const tls::ClientOptions& options, std::vector<std::string> alpn,
                                                       std::string* error_text, const std::string& ticket_file = {});
    struct Keys;
    explicit ClientContext(std::unique_ptr<Keys> keys);
    ~ClientContext();
    const Keys& keys() const noexcept { return *keys_; }

private:
    std::unique_ptr<Keys> keys_;
};

// ---- both sides ----

struct Options {
    std::size_t max_batch_bytes = wire::kMaxBatchBytes;        // a longer part closes with batch_too_large
    std::size_t max_first_batch_bytes = wire::kMaxBatchBytes;  // the same for the first of all, if it is less
    std::chrono::milliseconds handshake_timeout{5000};
    // The less of both sides' counts (RFC 9000 section 10.1). The session's heartbeat keeps a connection alive.
    std::chrono::milliseconds idle_timeout{120'000};
    QuicCongestion congestion = QuicCongestion::cubic;
    std::string qlog_folder;  // empty: no qlog

    bool tickets = true;  // a client's: keep and use session tickets

    // ---- a server's ----
    std::uint32_t worker = 0;   // its connection ids have places of this one
    std::uint32_t workers = 1;  // how many listeners share the port
    // Makes stateless reset tokens (RFC 9000 section 10.3) and Retry tokens: the same for all workers, and for a
    // server that is started again, so that its clients learn at once that their connections are gone.
    Secret secret{};
    // Handshakes under way, or failed within the last seconds, from which on addresses are validated by Retry (RFC 9000
    // section 8.1.2).
    std::size_t retry_above = 256;
    std::uint32_t unidirectional_streams =
        0;  // that a client may open; Flare's use none, those of HTTP/3 insist on three
    PortUse port_use = PortUse::alone;

    bool operator==(const Options&) const = default;
};

// ---- server ----

class ListenerHandler {
public:
    enum class Answer : std::uint8_t {
        admit,
        validate,  // not before the address is validated (Retry); to one that is, the same as refuse
        refuse,    // CONNECTION_REFUSED, at once
    };
    // A handshake begins. `validated`: its address is the peer's own, as the token of a Retry shows; else anybody may
    // have written it, and it must be held against nobody who has that address.
    virtual Answer on_handshake(const std::string& peer_address, bool validated) = 0;
    // A connection that was admitted has gone before on_carrier() was called for it, and so have its last words.
    virtual void on_handshake_gone(const std::string& peer_address, bool validated) = 0;
    // The handshake is complete, which validates the address (RFC 9000 section 8.1); or early data has come before
    // that, as CarrierInfo::early says. `validated`: what on_handshake() was told.
    virtual void on_carrier(std::unique_ptr<Carrier> carrier, bool validated) = 0;

protected:
    ~ListenerHandler() = default;
};

// What a listener holds at the moment.
struct ListenerLoad {
    std::size_t connections = 0;  // whole ones: handshakes under way, carriers
    std::size_t handshakes = 0;   // that count for Options::retry_above: under way, or failed lately
    std::size_t farewells = 0;    // last words of connections that have ended, a few hundred bytes each
    std::size_t farewell_bytes = 0;
};

class Listener {
public:
    // As websocket::Listener::open(). With Options::workers > 1 the listeners of a port must be opened in the order of
    // their numbers: the kernel is told to bring each connection's packets to the worker whose place its id has.
    static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& context, const std::string& address,
                                                  std::shared_ptr<ServerContext> keys, Options options,
                                                  ListenerHandler& handler, std::string* error_text);
    virtual ~Listener() = default;  // handshakes under way are dropped; carriers go on
    virtual boost::asio::ip::udp::endpoint local_endpoint() const = 0;
    virtual void stop_accepting() = 0;
    // Packets for connections of another worker, which the kernel should have brought there. They are dropped.
    virtual std::uint64_t misrouted() const = 0;
    virtual ListenerLoad load() const = 0;
    // Other keys for connections that come from now on; those that stand keep theirs.
    virtual void use(std::shared_ptr<ServerContext> keys) = 0;
};

// ---- client ----

struct ConnectTarget {
    boost::asio::ip::udp::endpoint endpoint;
    std::string server_name;  // certificate name; a host name or an IP address
    // Where the user belongs: goes into the first connection id.
    std::optional<base::Place> place;
    // With other connections of the same io_context to this endpoint that say so and have the same options: for
    // processes with many. Then migrate() moves all of them.
    bool share_socket = false;
    // Called at most once, before connect() returns, when the server has given a ticket that allows early data: what
    // shall go with the first packets. It goes again, once, if the server refuses early data. Empty: nothing.
    std::function<void(wire::Batch&)> first_flight;
};

struct ConnectError {
    errc code = errc::ok;
    std::string text;      // begins with the address
    HandshakeTimes times;  // of a success, too
};

// One connection attempt to one address. Destroying it cancels at once and silently.
class ConnectAttempt {
public:
    virtual ~ConnectAttempt() = default;
};
// `done` is called once from the event loop, with a carrier or an error. Errors: connection_refused, connect_timeout,
// network_unreachable, tls_failed (ALPN too: the text says so), certificate_rejected, closed_by_peer.
std::unique_ptr<ConnectAttempt> connect(boost::asio::io_context& context, ConnectTarget target,
                                        std::shared_ptr<ClientContext> keys, Options options,
                                        std::function<void(std::unique_ptr<Carrier>, ConnectError)> done);

// Moves a client's carrier to a new socket, as after a change of the network: the connection goes on (RFC 9000
// section 9). `from`: the local address; unspecified: the kernel's choice. When the new path does not validate the
// carrier ends with connection_lost. Errors: protocol_unavailable (not a QUIC carrier of a client), not_connected,
// network_unreachable, address_unavailable.
Result<void> migrate(Carrier& carrier, const boost::asio::ip::address& from = {});

}  // namespace flare::transport::quic
