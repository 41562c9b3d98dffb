#include "base/pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace flare::base {
namespace {

TEST(Pool, EveryBlockIsItsTakersAlone) {
    struct Held {
        unsigned char* memory;
        std::size_t size;
        int mark;
    };
    std::vector<Held> held;
    for (int round = 0; round < 3; ++round) {
        for (std::size_t size = 0; size < 20'000; size = size * 9 / 8 + 1) {
            const int mark = static_cast<int>(held.size() % 251);
            held.push_back({static_cast<unsigned char*>(take(size)), size, mark});
            std::memset(held.back().memory, mark, size);
        }
        for (const Held& each : held) {
            for (std::size_t i = 0; i < each.size; ++i) ASSERT_EQ(each.memory[i], each.mark);
        }
        for (const Held& each : held) give(each.memory, each.size);
        held.clear();
    }
}

TEST(Pool, BlocksGoFromThreadToThread) {
    for (int round = 0; round < 10; ++round) {
        std::vector<void*> taken;
        std::thread([&] {
            for (int i = 0; i < 1000; ++i) taken.push_back(take(100));
        }).join();
        for (void* const each : taken) give(each, 100);
        std::thread([&] {
            void* const last = take(100);
            give(last, 100);
        }).join();
    }
}

// More than a thread keeps: the rest goes to the heap, and leak detection looks at it.
TEST(Pool, KeepsNoMoreThanItsBound) {
    std::vector<void*> taken;
    for (int i = 0; i < 5000; ++i) taken.push_back(take(4096));
    for (void* const each : taken) give(each, 4096);
}

TEST(Pool, ABlockGivenBackIsTakenAgain) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    // There every use after give() is to be seen.
#else
    void* const first = take(300);
    give(first, 300);
    void* const second = take(290);
    EXPECT_EQ(first, second);
    give(second, 290);
#endif
}

}  // namespace
}  // namespace flare::base
