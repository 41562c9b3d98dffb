// The state of one turn of a worker's loop: when its input arrived, and what it has cost so far.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "session/types.hpp"

#include <chrono>
#include <cstddef>

namespace flare::server {

struct Turn {
    session::TimePoint handled_at{};                   // the last batch came, or the last handler ended
    std::chrono::system_clock::time_point taken_at{};  // what is at hand came then, by the clock on the wall
    std::size_t inflating = 0;  // announced sizes of what this turn's messages inflate on the loop
};

}  // namespace flare::server
