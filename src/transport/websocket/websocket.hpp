// WebSocket carriers (RFC 6455), ws and wss, for both sides.
//
// Protocol: docs/websocket.md; RFC 6455.
// Threads:  each Listener and each ConnectAttempt belongs to one io_context run by one thread.
#pragma once

#include "transport/carrier.hpp"
#include "transport/http/request.hpp"
#include "transport/port_use.hpp"
#include "transport/proxy/forwarded.hpp"
#include "transport/proxy/networks.hpp"
#include "transport/tls/tls.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::transport::websocket {

// Who may say for which client a connection was made, and how it is said. A connection from elsewhere is its peer's
// own.
struct BehindProxy {
    proxy::Networks trusted;
    // Nothing: the PROXY protocol, before TLS and HTTP; without its header a connection of a trusted proxy ends.
    std::optional<proxy::ForwardedHeader> header;
};

struct Options {
    std::size_t max_batch_bytes = wire::kMaxBatchBytes;  // a longer message closes with 1009, batch_too_large
    // The same for the peer's first message, if it is less: what a stranger may make us hold.
    std::size_t max_first_batch_bytes = wire::kMaxBatchBytes;
    std::size_t read_bytes_per_turn = 64 * 1024;        // how much one connection may read in one turn of the loop
    std::chrono::milliseconds handshake_timeout{5000};  // TLS and upgrade together
    std::size_t max_request_bytes = 16 * 1024;          // upgrade request or response, headers included
    // Listener: which web pages may connect (the Origin header that browsers send, RFC 6455 section 10.2): pages of the
    // host that is asked itself, and these ("https://app.example.com"; "*": all). A client that sends none is no page.
    std::vector<std::string> allowed_origins;
    bool guards_names = false;                 // Listener: see PageRule
    PortUse port_use = PortUse::alone;         // Listener
    bool deflate = false;                      // Listener: agrees to permessage-deflate
    std::shared_ptr<const BehindProxy> proxy;  // Listener; null: every connection is its peer's own
};

// ---- server ----

class ListenerHandler {
public:
    // A connection from this address was accepted; false: it is closed at once (limit per address, shutdown). Empty: it
    // comes from a trusted proxy, and on_client() may follow.
    virtual bool on_connection(const std::string& peer_address) = 0;
    // A connection that was taken without an address is this client's. False: it is refused (limit per address), and
    // goes on counting as one without an address.
    virtual bool on_client(const std::string&) { return true; }
    // A connection for which on_connection() said true has gone before on_carrier() was called for it. Empty: it had no
    // address yet, or was the proxy's own.
    virtual void on_connection_gone(const std::string& peer_address) = 0;
    // The upgrade is complete. From here the carrier's own handler hears of its end.
    virtual void on_carrier(std::unique_ptr<Carrier> carrier) = 0;
    // A GET or HEAD that is no upgrade; its body, if it has one, is not read.
    virtual http::Response on_http(const http::Request& request) = 0;
    // accept() failed for want of files or memory: accepting pauses for 100 ms. Told once per pause.
    virtual void on_accept_paused(errc code) = 0;

protected:
    ~ListenerHandler() = default;
};

class Listener {
public:
    // Every worker may have a listener of its own on one address: Options::port_use.
    // `address`: "127.0.0.1:4000", "[::1]:0", ":4000" (all addresses, IPv6 and IPv4). `tls`: null for ws.
    // Errors: invalid_config, address_in_use, address_unavailable, permission_denied; error_text says which.

    static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& context, const std::string& address,
                                                  std::shared_ptr<tls::ServerContext> tls, Options options,
                                                  ListenerHandler& handler, std::string* error_text);
    virtual ~Listener() = default;  // stops listening; connections in their handshake are dropped
    virtual boost::asio::ip::tcp::endpoint local_endpoint() const = 0;
    virtual void stop_accepting() = 0;
    // Another certificate for connections that come from now on; those that stand keep theirs. Null makes no sense
    // where open() was given one, and the other way round.
    virtual void use(std::shared_ptr<tls::ServerContext> tls) = 0;
};

// ---- client ----

struct ConnectTarget {
    boost::asio::ip::tcp::endpoint endpoint;
    std::string host_header;  // "example.com:4000"
    std::string path = "/";
    std::string server_name;  // SNI and certificate name; a host name or an IP address
    bool secure = false;
    WireFormat format = WireFormat::protobuf;
};

struct ConnectError {
    errc code = errc::ok;
    std::string text;      // "127.0.0.1:4000: connection refused: is the server running, is the port right?"
    HandshakeTimes times;  // of a success, too
};

// One connection attempt to one address. Destroying it cancels at once and silently.
class ConnectAttempt {
public:
    virtual ~ConnectAttempt() = default;
};
// `done` is called once from the event loop, with a carrier or an error. `tls` may be null when !target.secure.
// Errors: connection_refused, connect_timeout, network_unreachable, tls_failed, certificate_rejected,
// bad_upgrade (any HTTP answer but 101; the text has the status), subprotocol_missing, connection_lost.
std::unique_ptr<ConnectAttempt> connect(boost::asio::io_context& context, ConnectTarget target,
                                        std::shared_ptr<tls::ClientContext> tls, Options options,
                                        std::function<void(std::unique_ptr<Carrier>, ConnectError)> done);

}  // namespace flare::transport::websocket
