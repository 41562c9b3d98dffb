// The body of an answer, as whoever reads one begins.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  pure functions.
#pragma once

#include "client/loop/requests.hpp"
#include "wire/requests.hpp"

#include <flare/failure.hpp>

#include <utility>

namespace flare::client {

inline Failure unreadable() {
    return {errc::malformed_frame, "the server's answer cannot be read: update the older side"};
}

// The one body of an answer; views of it.
template <typename Body>
Checked<Body> body_of(const Answer& answer) {
    if (answer.code != errc::ok) return Failure(answer.code, answer.text);
    if (answer.bodies.size() != 1) return unreadable();
    auto body = wire::im::decode<Body>(answer.bodies.front().view());
    if (!body) return unreadable();
    return std::move(*body);
}

}  // namespace flare::client
