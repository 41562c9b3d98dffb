// What changes of a message make of it, for those who keep entries: edits, removals and reactions are entries of the
// log, and who has kept a message ends up with what history() says of it.
//
// Protocol: docs/conversations.md, "Changes".
// Threads:  pure functions.
#pragma once

#include "client/im/entries.hpp"

#include <cstdint>
#include <string_view>

namespace flare::client {

// It is about another entry: an edit, a removal or a reaction.
bool is_change(const Entry& entry) noexcept;

// A change of what is cleared up to there says nothing of it.
void blank_cleared(PackedEntry& entry, std::uint64_t cleared_to);

// `change` is about `message`, which becomes what it says. `user`: whose reactions are own ones. False: the message has
// it already, in whatever order the two have come.
bool apply_change(PackedEntry& message, const PackedEntry& change, std::string_view user);

// `known` and `other` are the same entry, heard of in two ways: the newer content and the newer reactions count.
void take_newer(PackedEntry& known, PackedEntry other);

}  // namespace flare::client
