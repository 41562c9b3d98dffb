#include "auth/base64url.hpp"

#include "wire/base64.hpp"

#include <algorithm>

namespace flare::auth {

std::string to_base64url(std::string_view bytes) {
    std::string text = wire::to_base64(bytes);
    while (text.ends_with('=')) text.pop_back();
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
    auto bytes = wire::from_base64(text);
    if (!bytes || to_base64url(*bytes) != text) return std::nullopt;
    return bytes;
}

}  // namespace flare::auth
