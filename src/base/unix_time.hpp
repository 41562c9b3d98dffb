// The system's clock in the milliseconds in which times are stored and sent.
//
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>

namespace flare::base {

inline std::uint64_t unix_ms_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace flare::base
