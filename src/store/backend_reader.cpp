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

}  // namespace flare::store
