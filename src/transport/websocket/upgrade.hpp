// The HTTP/1.1 exchange that turns a TCP connection into a WebSocket, for both
// sides. Sans-I/O: bytes in, a decision and bytes out.
//
// Protocol: RFC 6455 section 4; docs/websocket.md, "Upgrade".
// Threads:  one at a time.
#pragma once

#include "transport/carrier.hpp"
#include "transport/http/interim.hpp"
#include "transport/http/request_parser.hpp"
#include "transport/websocket/page_rule.hpp"
#include "transport/websocket/websocket.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace flare::transport::websocket {

inline constexpr std::string_view kProtobufSubprotocol = "flare.v1";
inline constexpr std::string_view kJsonSubprotocol = "flare.v1.json";

std::string_view subprotocol_of(WireFormat format) noexcept;

// ---- server ----

// Collects one request up to the end of its header, and decides on it.
class RequestReader {
public:
    // max_bytes: header included; a longer one is refused with 431. `deflate`: permessage-deflate is offered.
    explicit RequestReader(std::size_t max_bytes, bool deflate = false, PageRule pages = {})
        : parser_(max_bytes), pages_(pages), deflate_(deflate) {}

    enum class State : std::uint8_t {
        incomplete,  // more bytes are needed
        upgrade,     // answer() is the 101; the connection is a WebSocket once it is written
        http,        // a GET or HEAD that is no upgrade
        refused,     // answer() says why; close once it is written
    };
    // Takes all of `bytes`. Call it until it returns anything but incomplete.
    State feed(std::string_view bytes);

    const std::string& answer() const noexcept { return answer_; }
    WireFormat format() const noexcept { return format_; }
    bool deflates() const noexcept { return deflates_; }                       // the 101 agrees to permessage-deflate
    bool refused_page() const noexcept { return refused_page_; }               // refused, by PageRule
    const http::RequestHead& head() const noexcept { return parser_.head(); }  // with upgrade and http
    // What came behind the request; after upgrade these are the first frames.
    std::string take_rest() { return parser_.take_rest(); }

private:
    State refuse(unsigned status, std::string text, http::Fields fields = {});
    State decide();

    http::HeadParser parser_;
    PageRule pages_;
    std::string answer_;
    WireFormat format_ = WireFormat::protobuf;
    bool deflate_;
    bool deflates_ = false;
    bool refused_page_ = false;
};

// ---- client ----

// ", which leads to LOCATION: ...", escaped, for an answer that sends the client elsewhere; empty: it does not.
std::string redirect_of(unsigned status, std::string_view location);

// 16 random bytes in base64.
std::string make_key();
// What the server answers to `key`.
std::string accept_of(std::string_view key);
std::string upgrade_request(const ConnectTarget& target, std::string_view key);

// Passes over interim answers (100, 102, 103), as long as all headers together have at most max_bytes.
class ResponseReader {
public:
    ResponseReader(std::string key, WireFormat format, std::size_t max_bytes)
        : key_(std::move(key)), format_(format), max_bytes_(max_bytes), interim_(max_bytes) {}

    enum class State : std::uint8_t { incomplete, upgraded, refused };
    State feed(std::string_view bytes);
    // The peer has finished sending: incomplete becomes refused.
    State end();

    // refused: bad_upgrade, subprotocol_missing, or connection_lost.
    const ConnectError& error() const noexcept { return error_; }
    std::string take_rest() { return std::move(buffer_); }

private:
    State refuse(errc code, std::string text);
    State decide(std::string_view header);
    State refuse_status();

    std::string key_;
    WireFormat format_;
    std::size_t max_bytes_;
    std::string buffer_;
    http::InterimAnswers interim_;
    std::string status_line_;     // "400 Bad Request", once the header says anything but 101
    std::size_t body_bytes_ = 0;  // of the body of such an answer, as much as is shown
    ConnectError error_;
};

}  // namespace flare::transport::websocket
