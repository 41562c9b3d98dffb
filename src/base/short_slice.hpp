// A thread that sleeps often and works shortly asks the scheduler for short turns: it then gets its core at once when
// it wakes, and not when others have used up theirs.
//
// Protocol: sched_setattr(2), Linux 6.12 and later: sched_runtime of SCHED_OTHER.
// Threads:  the one that calls it.
#pragma once

#include <chrono>

namespace flare::base {

// False: the kernel does not know it or does not allow it; everything stays as it was. The share of CPU does not
// change.
bool ask_for_short_slice(std::chrono::nanoseconds slice) noexcept;

}  // namespace flare::base
