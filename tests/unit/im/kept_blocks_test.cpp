// The memory of what was told a moment ago.
#include "feed_bench.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flare::im::test {
namespace {

TEST(BlocksOfAWorker, AreBoundedTogether) {
    KeptBlocks kept(10'000);
    std::vector<KeptBlocks::Shelf> shelves(50);
    for (std::uint64_t at = 1; at <= 20; ++at) {
        for (KeptBlocks::Shelf& shelf : shelves) {
            at % 3 == 0 ? kept.add_page(shelf, block_of(at, at)) : kept.add_newest(shelf, block_of(at, at));
            kept.check_invariants();
        }
    }
    EXPECT_EQ(kept.bytes(), 10'000u);
    EXPECT_NE(KeptBlocks::find(shelves.back(), 20, 0), nullptr);
    EXPECT_EQ(KeptBlocks::find(shelves.back(), 1, 0), nullptr) << "what came first went first";
    for (KeptBlocks::Shelf& shelf : shelves) kept.clear(shelf);
    EXPECT_EQ(kept.bytes(), 0u);
}

// It is larger than all that may be kept: who is here reads it, the next one that comes replaces it.
TEST(BlocksOfAWorker, HoldOnePageHoweverLarge) {
    KeptBlocks kept(1000);
    KeptBlocks::Shelf shelf;
    kept.add_page(shelf, block_of(1, 1, 0, 0, 5000));
    EXPECT_NE(KeptBlocks::find(shelf, 1, 0), nullptr);
    kept.add_page(shelf, block_of(2, 2));
    EXPECT_EQ(KeptBlocks::find(shelf, 1, 0), nullptr);
    kept.check_invariants();
    kept.clear(shelf);
}

}  // namespace
}  // namespace flare::im::test
