// How often the heap is asked for memory.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace flare::bench {

// How often this thread has called operator new.
std::uint64_t allocations() noexcept;

// Of a process; may lie in memory that processes share.
struct HeapCounts {
    std::atomic<std::uint64_t> by_new{0};     // calls of operator new
    std::atomic<std::uint64_t> by_malloc{0};  // of malloc, calloc and realloc: most of the former, and of C libraries
};
// From now on every call of this process is counted there; `counts` outlives the process.
void count_heap_in(HeapCounts* counts) noexcept;
// False in programs whose malloc is nobody's but the system's: nothing is ever counted.
bool counts_heap() noexcept;

}  // namespace flare::bench
