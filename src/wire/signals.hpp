// Signals: who types, and who is there. A notice tells of them unasked, in a frame without a number: it is lost with
// its carrier, and the first that is left out when there is no room. Texts are views into what was decoded.
//
// Protocol: proto/flare/im/v1/signals.proto; docs/wire.md, "Notice".
// Threads:  pure functions and values.
#pragma once

#include "wire/requests.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace flare::wire::im {

// Users that one request may name; a server takes fewer (docs/protocol.md, "Presence"), and says so by an error of its
// own.
inline constexpr std::size_t kMaxPresenceUsers = 2'000;
inline constexpr std::size_t kMaxNoticed = 256;  // users in a notice, and as many who type

// A state of a later version is `unknown`.
enum class Presence : std::uint8_t {
    unknown = 0,  // the server does not know yet, or does not tell
    offline = 1,
    away = 2,  // there is a session, and its client says that nobody looks
    online = 3,
};

// ---- requests ----

// typing, and in a notice.
struct Typing {
    std::string_view conversation;
    std::string_view user;  // only in a notice
    bool on = false;
};

// presence.set
struct PresenceSet {
    Presence state = Presence::unknown;  // away or online
};

// presence.subscribe, presence.unsubscribe, presence.get
struct PresenceUsers {
    Names users;
};

// ---- responses ----

struct PresenceState {
    std::string_view user;
    Presence state = Presence::unknown;
    std::int64_t last_active_ms = 0;  // Unix time; 0: not known

    friend bool operator==(const PresenceState&, const PresenceState&) = default;
};

struct PresenceSnapshot {
    std::vector<PresenceState> states;
    std::uint32_t lease_ms = 0;  // of presence.subscribe: when it ends, unless it is asked for again
};

// occupancy.get
struct Occupancy {
    std::uint32_t online = 0;  // members with a session
    std::uint32_t members = 0;
};

// ---- the frame ----

// The body of a frame of kind `notice`.
struct Notice {
    std::vector<Typing> typing;
    std::vector<PresenceState> presence;
};

const Schema& notice_schema() noexcept;
// The encoded body of a frame, for every session that is told. Precondition: no more than kMaxNoticed of each.
Body notice_body(const Notice& notice);

// size_of(), append(), encode() and decode() are those of requests.hpp.

}  // namespace flare::wire::im
