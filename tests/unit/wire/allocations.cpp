// In a file of its own: where new and delete can be seen together the compiler takes them for a mismatched pair.
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t count = 0;
thread_local std::size_t failing = 0;  // which one
}  // namespace

namespace flare::wire::test {
std::size_t allocations() noexcept { return count; }
void fail_allocation(std::size_t n) noexcept { failing = n == 0 ? 0 : count + n; }
}  // namespace flare::wire::test

// The array forms of the standard library end in these; so do its nothrow forms, but not those of the address
// sanitizer.
void* operator new(std::size_t size) {
    if (++count == failing) throw std::bad_alloc();
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++count;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
