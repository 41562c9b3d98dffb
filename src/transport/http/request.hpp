// Requests and answers of HTTP/1.1, as whoever answers has them.
//
// Threads: values.
#pragma once

#include "transport/http/fields.hpp"

#include <cstdint>
#include <string>

namespace flare::transport::http {

// What is known of a request once its header is there.
struct RequestHead {
    std::string method;
    std::string target;  // origin form ("/a?b"), whatever form it was written in; "*" and CONNECT's as they are
    std::string host;    // as it was asked for; empty: HTTP/1.0 without one
    bool modern = true;  // HTTP/1.1; else 1.0
    bool keeps = true;   // the peer would have the connection stay for another request
    Fields fields;
    bool chunked = false;              // there is a body, of chunks
    std::uint64_t content_length = 0;  // else of the body; 0: there is none

    bool has_body() const noexcept { return chunked || content_length != 0; }
};

struct Request {
    RequestHead head;
    std::string body;
    std::string peer_address;  // "192.0.2.1"
};

struct Response {
    unsigned status = 404;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body{};
    Fields fields{};  // more than Content-Type, Content-Length, Connection and Date; no line breaks in them
};

}  // namespace flare::transport::http
