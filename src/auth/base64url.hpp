// Base64 as tokens use it: the URL-safe alphabet, no padding, and exactly one text for each sequence of bytes.
//
// Protocol: RFC 7515 section 2, RFC 4648 section 5 and section 3.5.
// Threads:  pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace flare::auth {

// Nothing: another alphabet, padding, a length that does not exist, or bits left over that are not zero.
std::optional<std::string> from_base64url(std::string_view text);
std::string to_base64url(std::string_view bytes);

}  // namespace flare::auth
