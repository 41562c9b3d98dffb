// One POST over HTTP/1.1 and its answer, on a connection of its own, within a time and a size.
//
// Protocol: RFC 9110 (interim answers are passed over, section 15.2), RFC 9112; TLS as in transport/tls.
// Threads:  the executor of the coroutine, which must be of a single thread.
#pragma once

#include "transport/tls/tls.hpp"

#include <flare/failure.hpp>
#include <flare/task.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace flare::transport::http {

// Where questions go, and how.
struct Endpoint {
    std::string host;  // without brackets
    std::uint16_t port = 0;
    std::string path = "/";
    std::string host_header;
    std::shared_ptr<tls::ClientContext> tls;                   // null: http
    std::vector<std::pair<std::string, std::string>> headers;  // beyond Host, Content-Length, Connection
    std::chrono::milliseconds timeout{3000};                   // for all of it
    std::size_t max_answer_bytes = 16 * 1024;                  // of the body
};

struct Url {
    bool secure = false;
    Endpoint endpoint;  // host, port, path and host_header
};
// "http://host[:port]/path", or https. User, password, query and fragment are refused: they would stand in logs.
// Errors: invalid_config; the text begins with what is wrong.
Checked<Url> parse_url(const std::string& text);

struct Answer {
    unsigned status = 0;
    std::string body;
};

// Errors: host_not_found, connection_refused, connect_timeout (no answer in time), connection_lost, tls_failed,
// certificate_rejected, malformed_frame (no HTTP, or longer than allowed).
Task<Checked<Answer>> post(std::shared_ptr<const Endpoint> endpoint, std::string body);

}  // namespace flare::transport::http
