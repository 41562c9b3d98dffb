// Whether a user is there: what Signals (signals.hpp) answers and event::PresenceChanged tells.
//
// Threads: values.
#pragma once

#include <flare/export.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare {

// unknown: the server has just been started and has not seen the user yet, or does not tell this user: it blocks the
// one who asks, or the application does not allow it. A short loss of the connection changes nothing: `offline` is told
// after the server's grace (20 s).
enum class PresenceState : std::uint8_t {
    unknown = 0,
    offline = 1,
    away = 2,  // connected, and every client of the user has said that nobody looks
    online = 3,
};

// What is known of a user.
struct Presence {
    std::string user;
    PresenceState state = PresenceState::unknown;
    // When the user was last online, by the server's clock; of one who is online, when this was told. None: not known.
    // The server remembers it in memory only.
    std::optional<std::chrono::system_clock::time_point> last_active;
};

// How many members of a conversation have a connection.
struct Occupancy {
    std::uint32_t online = 0;
    std::uint32_t members = 0;
};

// "online", "offline" ...
FLARE_EXPORT std::string_view name(PresenceState state) noexcept;

}  // namespace flare
