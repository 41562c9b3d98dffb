// The severity of each cause.
//
// Threads: pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace flare::flight {

// Higher is graver; 0: no such cause.
std::size_t gravity(std::string_view cause) noexcept;

}  // namespace flare::flight
