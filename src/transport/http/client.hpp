// Questions over HTTP/1.1 to one server and their answers, each within a time and a size, on connections that are kept.
//
// Protocol: RFC 9110 (interim answers are passed over, section 15.2), RFC 9112; TLS as in transport/tls.
// Threads:  any may ask; each question on the executor of its coroutine, which must be of a single thread.
#pragma once

#include "transport/http/fields.hpp"
#include "transport/http/kept_connections.hpp"
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
    std::size_t most_kept = 8;                                 // connections that wait for a question; 0: none stays
    std::chrono::milliseconds keep_for{30'000};                // and for how long
    // The server may hear a question twice without harm. A connection that was kept may turn out to be closed when the
    // question is on its way already; it is asked again, once and on a new one, only if this is true.
    bool repeatable = false;
};

struct Url {
    bool secure = false;
    Endpoint endpoint;  // host, port, path and host_header
};
// "http://host[:port]/path", or https. User, password, query and fragment are refused: they would stand in logs.
// Errors: invalid_config; the text begins with what is wrong.
Checked<Url> parse_url(const std::string& text);

struct Question {
    std::string method = "POST";  // not HEAD, whose answers have no body; not CONNECT
    std::string target{};         // path and query, escaped; empty: the path of the endpoint
    Fields fields{};              // beyond those of the endpoint
    std::string body{};
};

struct Answer {
    unsigned status = 0;
    std::string body;
    Fields fields{};
};

class Client {
public:
    explicit Client(Endpoint endpoint)
        : endpoint_(std::move(endpoint)), kept_(endpoint_.most_kept, endpoint_.keep_for) {}

    // Errors: host_not_found, connection_refused, connect_timeout (no answer in time), connection_lost, tls_failed,
    // certificate_rejected, malformed_frame (no HTTP, or longer than allowed), invalid_config (what is asked cannot be
    // written as HTTP: a control character in a field, a space in the target; nothing was sent).
    static Task<Checked<Answer>> ask(std::shared_ptr<Client> client, Question question);
    // headers: of this question, beyond those of the endpoint.
    using Headers = std::vector<std::pair<std::string, std::string>>;
    static Task<Checked<Answer>> post(std::shared_ptr<Client> client, std::string body, Headers headers = {});

    const Endpoint& endpoint() const noexcept { return endpoint_; }
    KeptConnections& kept() noexcept { return kept_; }

private:
    const Endpoint endpoint_;
    KeptConnections kept_;
};

}  // namespace flare::transport::http
