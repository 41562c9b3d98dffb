// Whom a credential stands for, as an authentication handler finds out.
//
// Threads: a value.
#pragma once

#include <chrono>
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
};

}  // namespace flare
