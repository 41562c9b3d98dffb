// Signatures of what hooks are sent.
//
// Protocol: Standard Webhooks 1.0.0, "Signature scheme": HMAC-SHA-256 over "ID.TIMESTAMP.BODY", as "v1,BASE64"; with
//           several keys one after the other, a space between.
// Threads:  pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flare::server::hooks {

inline constexpr std::string_view kSecretPrefix = "whsec_";
inline constexpr std::size_t kMinSecretBytes = 24;
inline constexpr std::size_t kMaxSecretBytes = 64;

// The key that a secret stands for. Nothing: it is none.
std::optional<std::string> key_of_secret(std::string_view secret);
// unix_s: seconds.
std::string signature_of(std::span<const std::string> keys, std::string_view id, std::uint64_t unix_s,
                         std::string_view body);

}  // namespace flare::server::hooks
