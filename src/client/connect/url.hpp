// Server addresses as URLs.
//
// Protocol: RFC 3986; RFC 6455 section 3 for ws and wss; "quic://host:port" is ours.
// Threads:  pure functions.
#pragma once

#include <flare/failure.hpp>
#include <flare/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flare::client {

struct Url {
    std::string text;    // as given, for error texts
    std::string scheme;  // lower case
    std::string host;    // without brackets
    std::uint16_t port = 0;
    std::string path = "/";  // with the query
    bool secure = false;
    Protocol protocol = Protocol::websocket;
    std::string host_header() const;
    std::string shown() const;  // "wss://chat.example:4000"
};

// `scheme`: "ws", "wss" or "quic"; another one is refused. In `text` its case does not matter. Errors: invalid_config.
Checked<Url> parse_url(std::string_view text, std::string_view scheme);

}  // namespace flare::client
