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
    std::size_t most;  // 0 before the first block is given back, and when the thread ends
    bool ends;
};
constinit thread_local Kept kept{};

struct AtThreadEnd {
    ~AtThreadEnd() {
        kept.ends = true;
        kept.most = 0;
        for (Block*& first : kept.first) {
            while (first != nullptr) ::operator delete(std::exchange(first, first->next));
        }
    }
};

// Keeps no more than may be kept. The first block of a thread comes here too.
void give_or_delete(void* memory, std::size_t index) noexcept {
    Kept& mine = kept;
    const std::size_t bytes = (index + 1) * kStep;
    if (mine.ends || mine.bytes + bytes > kKeptBytes) return ::operator delete(memory);
    thread_local AtThreadEnd at_thread_end;
    (void)at_thread_end;
    mine.most = kKeptBytes;
    mine.first[index] = new (memory) Block{mine.first[index]};
    mine.bytes += bytes;
}

constexpr std::size_t class_of(std::size_t size) noexcept { return (size - 1) / kStep; }

}  // namespace

void* take(std::size_t size) {
    const std::size_t index = class_of(size);  // beyond them, of no bytes too
    if (!kKeeps || index >= kClasses) return ::operator new(size);
    Kept& mine = kept;
    Block* const block = mine.first[index];
    if (block == nullptr) return ::operator new((index + 1) * kStep);
    mine.first[index] = block->next;
    mine.bytes -= (index + 1) * kStep;
    return block;
}

void give(void* memory, std::size_t size) noexcept {
    const std::size_t index = class_of(size);
    if (!kKeeps || index >= kClasses) return ::operator delete(memory);
    Kept& mine = kept;
    const std::size_t bytes = mine.bytes + (index + 1) * kStep;
    if (bytes > mine.most) return give_or_delete(memory, index);
    mine.first[index] = new (memory) Block{mine.first[index]};
    mine.bytes = bytes;
}

}  // namespace flare::base
