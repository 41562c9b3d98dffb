// How long the entries of a log are kept, and from which one on a log is within that.
//
// Protocol: docs/conversations.md, "Retention".
// Threads:  pure functions; those of the reader.
#pragma once

#include "store/engine.hpp"

#include <cstdint>

namespace flare::store {

// What is beyond any of them goes, the oldest first. 0: no limit.
struct RetentionRules {
    std::uint64_t age_ms = 0;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  // of payloads, as they are stored

    bool any() const noexcept { return age_ms != 0 || entries != 0 || bytes != 0; }
    friend bool operator==(const RetentionRules&, const RetentionRules&) = default;
};

// The first entry of this log that stays; 0: all of it does. Reads some 20 entries to find an age, and what is to go to
// count bytes. `of` is as the reader gave it, and nothing of it is being deleted. Errors: the reader's.
Result<std::uint64_t> first_kept(Reader& reader, const Conversation& of, const RetentionRules& rules,
                                 std::uint64_t now_ms);

}  // namespace flare::store
