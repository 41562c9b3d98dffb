// What goes when memory is used up: docs/server.md, "Memory".
//
// Threads: its worker only; time is an argument.
// Owner:   SessionTable.
#pragma once

#include "session/session_life.hpp"

#include <cstddef>
#include <cstdint>

namespace flare::session {

// What goes first when memory is used up, in this order.
enum class Shed : std::uint8_t {
    detached,  // what is left of sessions that have ended, then those without a carrier
    stalled,   // whose clients have taken nothing for a while, though something waits; the longest first
};

class Shedding {
public:
    Shedding(const Budget& budget, SessionTableListener& listener, SessionIndex& sessions, Devices& devices,
             Tombstones& tombstones, SessionLife& life)
        : budget_(budget),
          listener_(listener),
          sessions_(sessions),
          devices_(devices),
          tombstones_(tombstones),
          life_(life) {}

    // No memory for another session.
    bool no_room(TimePoint now);
    // There was none for something: asks for shed(), not too often.
    void memory_short(TimePoint now);
    // Ends sessions of this kind until the budget is relieved; returns how many.
    std::size_t shed(Shed kind, TimePoint now);

private:
    void forget_ended(TimePoint now);
    std::size_t end_detached(TimePoint now);
    std::size_t end_stalled(TimePoint now);

    const Budget& budget_;
    SessionTableListener& listener_;
    SessionIndex& sessions_;
    Devices& devices_;
    Tombstones& tombstones_;
    SessionLife& life_;
    TimePoint again_at_{};
};

}  // namespace flare::session
