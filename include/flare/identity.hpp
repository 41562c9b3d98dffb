// The result of an authentication handler: whom a credential stands for.
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
    // When a session with this credential ends, unless its client renews the credential. max(): never.
    std::chrono::system_clock::time_point expires = std::chrono::system_clock::time_point::max();
    // Identifies the credential for Server::revoke_token() (`jti` of a JWT). Empty: it cannot be revoked individually.
    std::string token_id;
    // Further attributes of the user, as the text of a JSON object ({"role":"admin"}), for handlers, hooks and policies
    // (SessionInfo::claims). At most kMaxClaimsBytes, otherwise claims_too_large. Empty: none. jwt_auth() passes the
    // whole payload of the token, http_auth() the member `claims` of the response.
    std::string claims;
};

inline constexpr std::size_t kMaxClaimsBytes = 4096;

}  // namespace flare
