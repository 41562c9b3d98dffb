// The few primitives that sessions and sealing need, from OpenSSL.
//
// Threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::base {

std::string hmac_sha256(std::string_view key, std::string_view data);  // 32 bytes
// Takes the same time whatever the bytes are; lengths are not secret.
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

using Key = std::array<std::uint8_t, 32>;
inline std::string_view view(const Key& key) noexcept {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}
// Nothing: `bytes` are not 32.
std::optional<Key> key_of(std::string_view bytes) noexcept;
// Overwrites what was secret, whatever the compiler thinks of it.
void wipe(Key& key) noexcept;

Key sha256(std::string_view data);

// X25519 (RFC 7748). A secret is any 32 random bytes.
Key x25519_public(const Key& secret);
// Nothing: the other side's key is one of the few that lead to zero whatever the secret is.
std::optional<Key> x25519(const Key& secret, const Key& of_peer);

}  // namespace flare::base
