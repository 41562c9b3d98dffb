// Recycles small, short-lived blocks of memory per thread, instead of using the heap. What a thread keeps is bounded;
// larger blocks come from the heap.
//
// Threads: any; a block may be given back by another thread than the one that took it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace flare::base {

// As operator new and delete. give() wants the size that take() was asked for.
void* take(std::size_t size);
void give(void* memory, std::size_t size) noexcept;

// For containers that grow and shrink with every message.
template <typename T>
struct PoolAllocator {
    using value_type = T;
    static_assert(alignof(T) <= alignof(std::max_align_t));

    PoolAllocator() noexcept = default;
    template <typename U>
    PoolAllocator(const PoolAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)

    T* allocate(std::size_t count) { return static_cast<T*>(take(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t count) noexcept { give(memory, count * sizeof(T)); }
    friend bool operator==(PoolAllocator, PoolAllocator) noexcept { return true; }
};

// What derives from this and is made with new comes from the pool.
struct Pooled {
    static void* operator new(std::size_t size) { return take(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { give(memory, size); }
};

struct GiveBack {
    std::size_t size = 0;
    void operator()(char* memory) const noexcept { give(memory, size); }
};
using PooledBlock = std::unique_ptr<char[], GiveBack>;  // get_deleter().size bytes
inline PooledBlock make_block(std::size_t size) { return {static_cast<char*>(take(size)), GiveBack{size}}; }

using PooledString = std::basic_string<char, std::char_traits<char>, PoolAllocator<char>>;

}  // namespace flare::base
