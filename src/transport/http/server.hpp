// An HTTP/1.1 server: connections that are kept for many requests, with a bound on everything a peer can make it hold
// or wait for. Requests that come before the one in front is answered wait, and are answered in order.
//
// Protocol: RFC 9110, RFC 9112; TLS as in transport/tls.
// Threads:  its io_context's, which one thread runs: every call, every callback, every Responder.
#pragma once

#include "transport/http/request.hpp"
#include "transport/port_use.hpp"
#include "transport/tls/tls.hpp"

#include <flare/failure.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace flare::transport::http {

struct ServerOptions {
    std::size_t max_head_bytes = 16 * 1024;  // longer: 431
    std::size_t max_body_bytes = 64 * 1024;  // longer: 413
    // One more has the connection closed that has waited longest for its next request; where none waits it is itself
    // closed at once.
    std::size_t max_connections = 32;
    std::size_t max_requests = 1000;  // of one connection; the last is answered with Connection: close
    std::chrono::milliseconds request_timeout{
        5000};  // TLS and one request, to its last byte; and for taking the answer
    std::chrono::milliseconds answer_timeout{30'000};  // for the handler to answer; then 503
    std::chrono::milliseconds idle_timeout{15'000};    // between requests
    PortUse port_use = PortUse::alone;
};

class ServerConnection;

// The right to answer one request, once, at once or later. Dropped without an answer it answers 500. Does nothing when
// the connection has gone.
class Responder {
public:
    Responder(std::weak_ptr<ServerConnection> connection, std::size_t request)
        : connection_(std::move(connection)), request_(request) {}
    Responder(Responder&&) = default;
    Responder& operator=(Responder&&) = delete;
    ~Responder();

    void answer(Response response);

private:
    std::weak_ptr<ServerConnection> connection_;  // empty: it has answered
    std::size_t request_;                         // of the connection, counted from 1
};

// "text\n"
inline Response text_response(unsigned status, const std::string& text) {
    Response response;
    response.status = status;
    response.body = text + "\n";
    return response;
}

class ServerHandler {
public:
    // The header of a request is there. An answer: it is refused, its body is not read, the connection closes.
    virtual std::optional<Response> refuse(const RequestHead&, const std::string& /*peer_address*/) {
        return std::nullopt;
    }
    // How long the body of this request may be; never more than ServerOptions says.
    virtual std::size_t max_body_bytes(const RequestHead&) { return SIZE_MAX; }
    // What the connection says itself of a request that cannot be read, or is answered by nobody in time.
    virtual Response refusal(unsigned status, const std::string& text) { return text_response(status, text); }
    virtual void on_request(Request request, Responder responder) = 0;

protected:
    ~ServerHandler() = default;
};

class Server {
public:
    // `address` as tcp::Acceptor::open(); `tls`: null for http.
    // Errors: invalid_config, address_in_use, address_unavailable, permission_denied; the text says which.
    static Checked<std::unique_ptr<Server>> open(boost::asio::io_context& context, const std::string& address,
                                                 std::shared_ptr<tls::ServerContext> tls, ServerOptions options,
                                                 ServerHandler& handler);
    virtual ~Server() = default;  // drops its connections; no callback comes after it, and none from it
    virtual boost::asio::ip::tcp::endpoint local_endpoint() const = 0;
};

}  // namespace flare::transport::http
