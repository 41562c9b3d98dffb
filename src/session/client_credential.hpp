// With what a client asks for a session: the attempt and its credential; and the credential that is to take that one's
// place.
//
// Protocol: docs/protocol.md, "Attaching a carrier", "Credentials".
// Threads:  as ClientSession.
// Owner:    ClientSession.
#pragma once

#include "base/random.hpp"

#include <flare/uuid.hpp>

#include <optional>
#include <string>
#include <utility>

namespace flare::session {

class ClientCredential {
public:
    explicit ClientCredential(base::Random& random) : random_(random) {}

    // A connect or reconnect begins.
    void begin_attempt(std::string token) {
        attempt_ = random_.uuid();
        token_ = std::move(token);
    }
    // A Hello still to come must not find the session that is left.
    void leave_session() { attempt_ = random_.uuid(); }
    const Uuid& attempt() const noexcept { return attempt_; }  // nil: none has begun
    const std::string& token() const noexcept { return token_; }

    // Another one, which takes the place of one without an answer.
    void renew(std::string token) {
        new_token_ = std::move(token);
        due_ = true;
    }
    // It is to be written on the carrier that sends.
    bool due() const noexcept { return due_; }
    const std::string& take_due() noexcept {
        due_ = false;
        return *new_token_;
    }
    // Another carrier sends: one without an answer is written there, too.
    void say_again() noexcept { due_ = new_token_.has_value(); }
    // The server has answered. False: to one that another has taken the place of.
    bool answer(bool accepted) {
        if (!new_token_ || due_) return false;
        if (accepted) token_ = std::move(*new_token_);
        new_token_.reset();
        return true;
    }

private:
    base::Random& random_;
    Uuid attempt_;
    std::string token_;
    std::optional<std::string> new_token_;  // without an answer yet
    bool due_ = false;
};

}  // namespace flare::session
