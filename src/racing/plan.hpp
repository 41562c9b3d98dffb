// The order in which the addresses of a connect start, and the head start of each over the next.
//
// Protocol: docs/racing.md, "Connecting"; RFC 8305 (Happy Eyeballs v2) for the 250 ms.
// Threads:  pure functions.
#pragma once

#include "racing/measurement.hpp"

#include <cstddef>
#include <vector>

namespace flare::racing {

inline constexpr std::chrono::milliseconds kStagger{250};
inline constexpr double kFullStaggerDifference =
    0.4;  // of the weights, from which on the head start is the whole stagger

// One address, in the order in which they were configured.
struct Entrant {
    Protocol protocol = Protocol::websocket;
    double weight = 0.5;     // 0..1
    bool favourite = false;  // has won here before, and not failed since
    bool doubtful = false;   // has failed here lately
};

struct Start {
    std::size_t entrant = 0;  // index
    std::chrono::milliseconds after{0};
};

// By: not doubtful, favourite, weight, given order. Each begins after those before it by a head start that grows with
// the difference of the weights up to kStagger; it is the whole stagger behind a favourite, before a doubtful one and
// between addresses of one protocol.
std::vector<Start> plan(const std::vector<Entrant>& entrants);

}  // namespace flare::racing
