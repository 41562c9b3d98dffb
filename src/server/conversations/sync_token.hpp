// Where a sync stands: what its client says again, in a cursor or in the token of a page. The server keeps nothing of
// it, and believes it: who says another place is shown other pages of the own list.
//
// Protocol: docs/protocol.md, "Sync".
// Threads:  pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::server::reading {

// Stamps of the store. They mean something in one of its generations.
struct SyncPlace {
    std::uint64_t generation = 0;
    std::uint64_t above = 0;  // what changed up to there is known; 0: nothing is
    std::uint64_t upto = 0;   // what changed above is of a later sync; 0: this is the first page
    // Of the last conversation of the page before.
    std::uint64_t before_stamp = UINT64_MAX;
    std::uint64_t before_row = UINT64_MAX;

    bool first_page() const noexcept { return upto == 0; }
};

// What a request says. Nothing: one of the two was not made by cursor_of() or token_of().
std::optional<SyncPlace> place_of(std::string_view cursor, std::string_view page);

// For the sync after one that has shown what was committed up to `upto`.
std::string cursor_of(std::uint64_t generation, std::uint64_t upto);
std::string token_of(const SyncPlace& place);

}  // namespace flare::server::reading
