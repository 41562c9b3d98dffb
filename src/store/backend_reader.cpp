#include "store/backend_reader.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flare::store {

void merge_ended(std::vector<LoggedEntry> ended, std::uint32_t limit, LogPart& part) {
    if (ended.empty()) return;
    std::vector<LoggedEntry> all;
    all.reserve(part.entries.size() + ended.size());
    // The entry that tells an end comes before it.
    std::merge(std::make_move_iterator(part.entries.begin()), std::make_move_iterator(part.entries.end()),
               std::make_move_iterator(ended.begin()), std::make_move_iterator(ended.end()), std::back_inserter(all),
               [](const LoggedEntry& a, const LoggedEntry& b) { return a.place < b.place; });
    std::size_t count = std::min<std::size_t>(all.size(), limit);
    while (count < all.size() && all[count].place == all[count - 1].place) ++count;
    part.more = part.more || count < all.size();
    all.resize(count);
    part.entries = std::move(all);
}

// Times grow with places, but for a clock that was set back: 5 minutes at most.
Result<std::uint64_t> place_before(Reader& reader, std::uint64_t unix_ms) {
    constexpr std::uint64_t kBackMs = 5 * 60 * 1000;
    const std::uint64_t wanted = unix_ms - std::min(unix_ms, kBackMs);
    const auto end = reader.backend().log({INT64_MAX, 1});
    if (!end) return end.error();
    std::uint64_t low = 0;  // what is behind it may be wanted
    std::uint64_t high = end->newest;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        const auto part = reader.backend().log({middle, 1, 1});
        if (!part) return part.error();
        if (part->entries.empty() || part->entries.front().entry.time_ms >= wanted)
            high = middle;
        else
            low = part->entries.front().place;
    }
    return low;
}

}  // namespace flare::store
