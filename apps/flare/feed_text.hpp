// What subscriptions tell, for output: entries, and positions in a log as text.
//
// Threads: pure functions.
#pragma once

#include <flare/events.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::cli {

// An entry of a subscription, and where it is.
struct HeardEntry {
    std::string conversation;
    std::uint64_t epoch = 0;
    Entry entry;
};
// Nothing: the event tells no entry.
std::optional<HeardEntry> entry_in(const Event& event);

// "EPOCH:OFFSET", which --after takes.
std::string position_text(const Position& position);
// Nothing: it is not written so.
std::optional<Position> position_of(std::string_view text);

}  // namespace flare::cli
