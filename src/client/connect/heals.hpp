// Decides which errors a retry can fix. Any other error ends reconnecting (ReconnectFailed), whatever
// max_reconnect_attempts says; the first connect() returns every error at once.
//
// Threads: pure.
#pragma once

#include <flare/error.hpp>

namespace flare::client {

// The credential was refused; another one may be taken.
inline bool is_of_token(errc code) noexcept { return code == errc::unauthenticated || code == errc::token_expired; }

// `another_token`: the application has a provider, which may give another one.
inline bool heals(errc code, bool another_token) noexcept {
    if (is_of_token(code)) return another_token;
    // A proxy whose server is away, or the sign-in page of a network, answers in its place.
    if (code == errc::bad_upgrade || code == errc::hello_timeout) return true;
    const boost::system::error_code error = code;
    return !(error == errcond::auth || error == errcond::protocol || error == errcond::config);
}

}  // namespace flare::client
