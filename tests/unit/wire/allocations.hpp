// How often this thread has called operator new; the whole test program counts (allocations.cpp).
#pragma once

#include <cstddef>

namespace flare::wire::test {

std::size_t allocations() noexcept;

}  // namespace flare::wire::test
