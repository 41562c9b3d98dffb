// Server addresses as URLs.
//
// Protocol: RFC 3986; RFC 6455 section 3 for ws and wss.
// Threads:  pure functions.
#pragma once

#include <flare/failure.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flare::client {

struct Url {
    std::string text;  // as given, for error texts
    std::string host;  // without brackets
    std::uint16_t port = 0;
    std::string path = "/";  // with the query
    bool secure = false;
    std::string host_header() const;
};

// `scheme`: "ws" or "wss"; another one is refused. Errors: invalid_config.
Checked<Url> parse_url(std::string_view text, std::string_view scheme);

}  // namespace flare::client
