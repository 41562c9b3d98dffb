// Signals of a worker: who types, who is there, and how many.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "server/signals/occupancy.hpp"
#include "server/signals/presence.hpp"
#include "server/signals/typing.hpp"

namespace flare::server {

struct ServerSignals {
    TypingSignals typing;
    PresenceSignals presence;
    OccupancySignals occupancy;
};

}  // namespace flare::server
