// One history: a seed makes a world, its inhabitants and its troubles.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace flare::sim {

struct History {
    std::uint64_t seed = 0;
    std::string violation;  // empty: every promise held
    std::uint64_t trace_hash = 0;
    std::map<std::string, std::uint64_t> faults;
};

// Whether the server cuts logs and erases users, and people mark what they have read: in a tenth of all.
constexpr bool has_cleaning(std::uint64_t seed) noexcept { return seed % 20 == 6 || seed % 20 == 11; }
// Whether users clear conversations and choose something for them: in a twentieth, which had no store otherwise.
constexpr bool has_choices(std::uint64_t seed) noexcept { return seed % 20 == 16; }
// Whether people change messages, rooms and each other's rights: in half of those that had no store otherwise, in half
// of those that clean up, and in half of those in which users choose something.
constexpr bool has_changes(std::uint64_t seed) noexcept {
    return (seed % 5 == 3 && seed / 5 % 4 >= 2) || seed % 20 == 11 || seed % 40 == 16;
}
// Whether the server of this history has a store.
constexpr bool has_store(std::uint64_t seed) noexcept {
    return seed % 5 == 4 || has_changes(seed) || has_cleaning(seed) || has_choices(seed);
}
// Of these, a user has two devices that know conversations.
constexpr bool has_devices(std::uint64_t seed) noexcept { return has_store(seed) && seed / 5 % 3 == 0; }
// Of these, rooms are so large for the server that lists bring only their ends.
constexpr bool has_large_rooms(std::uint64_t seed) noexcept {
    return has_store(seed) && seed / (has_changes(seed) || has_cleaning(seed) || has_choices(seed) ? 20 : 5) % 4 == 0;
}

History live_through(std::uint64_t seed, bool print);

}  // namespace flare::sim
