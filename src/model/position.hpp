// A place in the log of a conversation.
//
// Protocol: docs/conversations.md, "Positions".
// Threads:  values.
#pragma once

#include <compare>
#include <cstdint>

namespace flare::model {

// Offsets are gapless, from 1, in the order of the log. Within one epoch an offset means the same entry for ever; an
// epoch ends when a log may have lost entries that others have seen (a restored backup).
struct Position {
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;  // 0: before the first entry

    friend auto operator<=>(const Position&, const Position&) = default;
};

}  // namespace flare::model
