// Verifies JSON Web Tokens: signed by one of our keys, meant for us, valid at this time.
//
// Nothing in a token is believed before its signature fits, but for the name of the key. What it says about keys
// elsewhere (jku, jwk, x5u) is passed over; what it calls critical (crit) is refused, as nothing of it is known here.
//
// Protocol: RFC 7515 (JWS compact), RFC 7519 (claims), RFC 8725 (what goes wrong with both).
// Threads:  pure functions.
#pragma once

#include "auth/verify_key.hpp"
#include "base/json/object.hpp"

#include <flare/auth.hpp>

#include <string>
#include <string_view>

namespace flare::auth {

inline constexpr std::size_t kMaxTokenBytes = 8192;
inline constexpr std::size_t kMaxTokenIdBytes = 256;

// What is wrong with a claim, in words for whoever made the token and without a piece of it; empty: nothing.
// A time may be missing (or null), a user may not.
std::string fault_of_time(const base::JsonObject& claims, std::string_view name);
std::string fault_of_user(const base::JsonObject& claims, std::string_view claim);

// Errors: unauthenticated, token_expired. The text says why, in words of ours: no piece of the token is in it.
Checked<Identity> verify_jwt(std::string_view token, const KeySet& keys, const JwtOptions& rules,
                             std::chrono::system_clock::time_point now);

}  // namespace flare::auth
