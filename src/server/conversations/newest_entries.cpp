#include "server/conversations/newest_entries.hpp"

#include <utility>

namespace flare::server::reading {

// Offsets of a log that grows go through the 64 places of its conversation, and what is of an earlier stamp grows old.
std::uint64_t NewestEntries::place_of(const Which& which) noexcept {
    constexpr std::uint64_t kPlaces = 64;
    return which.conversation * kPlaces + (which.begin ^ which.encodings) % kPlaces;
}

NewestEntries::Ptr NewestEntries::find(const Which& which) {
    const std::lock_guard lock(mutex_);
    const Ptr* const found = kept_.find(place_of(which));
    return found != nullptr && (*found)->which == which ? *found : nullptr;
}

void NewestEntries::put(Encoded encoded) {
    if (encoded.entries.size() > kMostOfOne) return;
    const std::uint64_t place = place_of(encoded.which);
    const auto made = std::make_shared<const Encoded>(std::move(encoded));
    const std::lock_guard lock(mutex_);
    const Ptr* const found = kept_.find(place);
    const bool is_older =
        found != nullptr && (*found)->which.epoch == made->which.epoch && (*found)->which.stamp > made->which.stamp;
    if (is_older) return;
    kept_.put(place, made, sizeof(Encoded) + made->entries.capacity());
}

}  // namespace flare::server::reading
