// A bounded queue from many threads to one: a ring of cells, each with its turn number. Nobody ever waits; a full queue
// rejects the value.
//
// Threads: push() any, pop() one.
// Owner:   LineWriter.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

namespace flare::base {

template <typename T>
class LineQueue {
public:
    // capacity: a power of two.
    explicit LineQueue(std::size_t capacity) : cells_(capacity), mask_(capacity - 1) {
        for (std::size_t i = 0; i < capacity; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
    }
    // False: it is full, and `value` is as it was.
    bool push(T&& value) {
        std::size_t at = tail_.load(std::memory_order_relaxed);
        while (true) {
            Cell& cell = cells_[at & mask_];
            const std::size_t turn = cell.turn.load(std::memory_order_acquire);
            if (turn == at) {
                if (!tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
                cell.value = std::move(value);
                cell.turn.store(at + 1, std::memory_order_release);
                return true;
            }
            if (turn < at) return false;  // it still holds what was put there a round ago
            at = tail_.load(std::memory_order_relaxed);
        }
    }
    // False: it is empty, or the next value is just being put there.
    bool pop(T& value) {
        Cell& cell = cells_[head_ & mask_];
        if (cell.turn.load(std::memory_order_acquire) != head_ + 1) return false;
        value = std::exchange(cell.value, T());
        cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
        ++head_;
        return true;
    }

private:
    struct Cell {
        std::atomic<std::size_t> turn{0};  // == position: free for it; == position + 1: holds its value
        T value{};
    };
    std::vector<Cell> cells_;
    const std::size_t mask_;
    std::atomic<std::size_t> tail_{0};  // the next position to be taken by push()
    std::size_t head_ = 0;              // the next one that pop() looks at
};

}  // namespace flare::base
