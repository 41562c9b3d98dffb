// Counts what is taken from the heap: for this thread, and for a whole process where one asked for it.
//
// operator new is what Flare uses; malloc, which is under it, also serves the C libraries (GnuTLS, ngtcp2, OpenSSL).
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t count = 0;
flare::bench::HeapCounts* process_counts = nullptr;

void* counted(std::size_t size) {
    ++count;
    if (process_counts != nullptr) process_counts->by_new.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}

void* counted(std::size_t size, std::align_val_t alignment) {
    ++count;
    if (process_counts != nullptr) process_counts->by_new.fetch_add(1, std::memory_order_relaxed);
    const auto align = static_cast<std::size_t>(alignment);
    if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align)) return memory;
    throw std::bad_alloc();
}

}  // namespace

namespace flare::bench {
std::uint64_t allocations() noexcept { return count; }
void count_heap_in(HeapCounts* counts) noexcept { process_counts = counts; }
bool counts_heap() noexcept { return true; }
}  // namespace flare::bench

// The array and nothrow forms of the standard library end in these.
void* operator new(std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return counted(size, alignment); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

// Sanitizers have a malloc of their own.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);

static void count_malloc() {
    if (process_counts != nullptr) process_counts->by_malloc.fetch_add(1, std::memory_order_relaxed);
}
void* malloc(std::size_t size) {
    count_malloc();
    return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) {
    count_malloc();
    return __libc_calloc(number, size);
}
void* realloc(void* memory, std::size_t size) {
    count_malloc();
    return __libc_realloc(memory, size);
}
}
#endif
