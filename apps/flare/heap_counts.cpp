// What bench/allocations.cpp is in flare_bench: here malloc stays the system's, and nothing is counted.
#include "allocations.hpp"

namespace flare::bench {

void count_heap_in(HeapCounts*) noexcept {}
bool counts_heap() noexcept { return false; }

}  // namespace flare::bench
