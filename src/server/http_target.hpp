// Parses the target of a plain HTTP request.
//
// Protocol: RFC 9112 section 3.2.1 (origin form; the reader of requests has made it of any other).
// Threads:  pure functions.
#pragma once

#include <boost/url/pct_string_view.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flare::server {

// The path of a target, decoded, whatever its query is. Nothing: its escapes are none.
inline std::optional<std::string> path_of(std::string_view target) {
    const std::string_view path = target.substr(0, target.find('?'));
    const auto escaped = boost::urls::make_pct_string_view({path.data(), path.size()});
    if (!escaped) return std::nullopt;
    return escaped->decode();
}

}  // namespace flare::server
