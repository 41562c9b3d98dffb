// Authenticated encryption with associated data: AES-256-GCM (NIST SP 800-38D), from OpenSSL.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace flare::base {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;

// The sealed bytes, the tag behind them. A key must never see the same nonce twice.
std::string aes256_gcm_seal(std::string_view key, std::string_view nonce, std::string_view associated,
                            std::string_view plain);
// Nothing: another key, nonce or associated text, or not one bit of it is as it was.
std::optional<std::string> aes256_gcm_open(std::string_view key, std::string_view nonce, std::string_view associated,
                                           std::string_view sealed);

}  // namespace flare::base
