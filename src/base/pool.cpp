#include "base/pool.hpp"

#include <cstdint>
#include <new>
#include <utility>

namespace flare::base {
namespace {

// Blocks are multiples of this: no more than 63 bytes are wasted.
constexpr std::size_t kStep = 64;
constexpr std::size_t kLargest = 64 * 1024;
constexpr std::size_t kClasses = kLargest / kStep;
constexpr std::size_t kKeptBytes = 8 * 1024 * 1024;  // by each thread

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kKeeps = false;  // or a block that is used after it was given back would go unnoticed
#else
constexpr bool kKeeps = true;
#endif

struct Block {
    Block* next;
};

// Trivially destructible: blocks are given back by destructors that run after those of this thread, too.
struct Kept {
    Block* first[kClasses];
    std::size_t bytes;
    bool ends;  // with the thread
};
constinit thread_local Kept kept{};

struct AtThreadEnd {
    ~AtThreadEnd() {
        kept.ends = true;
        for (Block*& first : kept.first) {
            while (first != nullptr) ::operator delete(std::exchange(first, first->next));
        }
    }
};

constexpr std::size_t class_of(std::size_t size) noexcept { return (size - 1) / kStep; }

}  // namespace

void* take(std::size_t size) {
    if (!kKeeps || size == 0 || size > kLargest) return ::operator new(size);
    const std::size_t index = class_of(size);
    Block* const block = kept.first[index];
    if (block == nullptr) return ::operator new((index + 1) * kStep);
    kept.first[index] = block->next;
    kept.bytes -= (index + 1) * kStep;
    return block;
}

void give(void* memory, std::size_t size) noexcept {
    if (!kKeeps || size == 0 || size > kLargest) return ::operator delete(memory);
    const std::size_t index = class_of(size);
    const std::size_t bytes = (index + 1) * kStep;
    if (kept.ends || kept.bytes + bytes > kKeptBytes) return ::operator delete(memory);
    thread_local AtThreadEnd at_thread_end;
    (void)at_thread_end;
    kept.first[index] = new (memory) Block{kept.first[index]};
    kept.bytes += bytes;
}

}  // namespace flare::base
