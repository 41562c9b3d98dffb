// How often this thread has called operator new, and calls that find no memory; the whole test program counts
// (allocations.cpp).
#pragma once

#include <cstddef>

namespace flare::wire::test {

std::size_t allocations() noexcept;
// The n-th call of this thread from now on throws std::bad_alloc; 0: none does.
void fail_allocation(std::size_t n) noexcept;

}  // namespace flare::wire::test
