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

// Whether the server of this history has a store.
constexpr bool has_store(std::uint64_t seed) noexcept { return seed % 5 == 4; }

History live_through(std::uint64_t seed, bool print);

}  // namespace flare::sim
