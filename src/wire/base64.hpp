// Base64 (RFC 4648) as the proto3 JSON mapping wants it: written with the standard alphabet and padding; read with
// the standard or the URL-safe alphabet, with or without padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace flare::wire {

std::string to_base64(std::string_view bytes);
// Nothing: `text` is not base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace flare::wire
