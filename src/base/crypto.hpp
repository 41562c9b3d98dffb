// The few primitives that sessions need, from OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace flare::base {

std::string sha256(std::string_view data);                             // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view data);  // 32 bytes
// Takes the same time whatever the bytes are; lengths are not secret.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace flare::base
