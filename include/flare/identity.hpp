// Whom a credential stands for, as an authentication handler finds out.
//
// Threads: a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace flare {

struct Identity {
    Identity() = default;
    Identity(std::string user_) : user(std::move(user_)) {}        // NOLINT(google-explicit-constructor)
    Identity(const char* user_) : Identity(std::string(user_)) {}  // NOLINT(google-explicit-constructor)
    Identity(std::string user_, std::chrono::system_clock::time_point expires_)
        : user(std::move(user_)), expires(expires_) {}

    std::string user;
    // A session of this credential ends then, unless its client brings another one. max(): never.
    std::chrono::system_clock::time_point expires = std::chrono::system_clock::time_point::max();
    // What Server::revoke_token() calls the credential (`jti` of a JWT). Empty: it cannot be revoked by itself.
    std::string token_id;
    // What else is known of the user, as the text of a JSON object ({"role":"admin"}), for handlers, hooks and policies
    // (SessionInfo::claims): at most kMaxClaimsBytes, else claims_too_large. Empty: nothing. jwt_auth() gives the whole
    // payload of the token, http_auth() the member `claims` of the answer.
    std::string claims;
};

inline constexpr std::size_t kMaxClaimsBytes = 4096;

}  // namespace flare
