#include "store/sqlite/block.hpp"

#include <gtest/gtest.h>

namespace flare::store::sqlite {
namespace {

Block block_of(std::uint64_t first, std::initializer_list<std::uint64_t> rows) {
    Block made(first);
    for (const std::uint64_t row : rows) made.add(row);
    return made;
}

TEST(Block, KnowsTheRowsOfItsEntriesOnly) {
    const Block block = block_of(33, {100, 101, 5'000'000'000 - 705'032'704});
    EXPECT_EQ(block.first(), 33u);
    EXPECT_EQ(block.end(), 36u);
    EXPECT_EQ(block.row_of(32), 0u);
    EXPECT_EQ(block.row_of(33), 100u);
    EXPECT_EQ(block.row_of(34), 101u);
    EXPECT_EQ(block.row_of(35), 5'000'000'000u - 705'032'704);
    EXPECT_EQ(block.row_of(36), 0u);
}

TEST(Block, IsWhatItWasWhenItIsReadAgain) {
    std::string bytes;
    for (const Block& block : {block_of(1, {1}), block_of(7, {127, 128, 255, 16'383, 16'384 + 16'384, UINT32_MAX}),
                               block_of(9, {std::uint64_t{1} << 62, (std::uint64_t{1} << 62) + UINT32_MAX})}) {
        Block read;
        ASSERT_TRUE(Block::decode(block.first(), block.encode(bytes), read));
        EXPECT_EQ(read.first(), block.first());
        EXPECT_EQ(read.end(), block.end());
        for (std::uint64_t at = block.first(); at < block.end(); ++at) EXPECT_EQ(read.row_of(at), block.row_of(at));
    }
}

TEST(Block, IsFullAtThirtyTwoEntriesOrWhenARowIsFarAway) {
    Block block(1);
    EXPECT_FALSE(block.full_for(std::uint64_t{1} << 60));
    for (std::uint64_t row = 10; row < 10 + Block::kEntries; ++row) {
        EXPECT_FALSE(block.full_for(row));
        EXPECT_EQ(block.is_half_full(), row >= 10 + Block::kEntries / 2);
        block.add(row);
    }
    EXPECT_TRUE(block.full_for(1000));
    block = block_of(1, {10});
    EXPECT_FALSE(block.full_for(10 + std::uint64_t{UINT32_MAX}));
    EXPECT_TRUE(block.full_for(11 + std::uint64_t{UINT32_MAX}));
}

TEST(Block, RefusesBytesThatItDoesNotWrite) {
    Block block = block_of(5, {6});
    const std::string endless(11, '\xff');
    const std::string too_many(Block::kEntries + 1, '\x01');
    for (const std::string_view bytes :
         {std::string_view(), std::string_view("\x80"), std::string_view("\x05\x80", 2), std::string_view("\0", 1),
          std::string_view("\x05\0", 2), std::string_view(endless), std::string_view(too_many)})
        EXPECT_FALSE(Block::decode(1, bytes, block)) << bytes.size();
    EXPECT_EQ(block.row_of(5), 6u);  // left alone
}

}  // namespace
}  // namespace flare::store::sqlite
