// Where the entries of a conversation are in the log: a block has the row numbers of up to 32 entries in a row, and is
// one row of the table `block`. A plain index would write one page for each entry; this writes one for 32.
//
// Protocol: docs/decisions/0026-sqlite-blocks.md.
// Threads:  values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flare::store::sqlite {

class Block {
public:
    static constexpr std::uint32_t kEntries = 32;

    explicit Block(std::uint64_t first = 1) noexcept : first_(first) {}

    std::uint64_t first() const noexcept { return first_; }  // the offset of its first entry
    std::uint64_t end() const noexcept { return first_ + count_; }
    bool empty() const noexcept { return count_ == 0; }
    // No place for an entry in row `row`: that follows in the next block.
    bool full_for(std::uint64_t row) const noexcept {
        return count_ == kEntries || (count_ > 0 && row - base_ > UINT32_MAX);
    }
    // It is worth no second write: when it was written, the next one begins.
    bool is_half_full() const noexcept { return count_ >= kEntries / 2; }
    // Of the entry end(). Not if full_for(row); rows ascend.
    void add(std::uint64_t row) noexcept {
        if (count_ == 0) base_ = row;
        behind_[count_++] = static_cast<std::uint32_t>(row - base_);
    }
    // 0: the block has no such entry.
    std::uint64_t row_of(std::uint64_t offset) const noexcept {
        return offset >= first_ && offset < end() ? base_ + behind_[offset - first_] : 0;
    }

    // As it is stored: the first row and then the distances, each 7 bits at a time, the lowest first.
    std::string_view encode(std::string& to) const;
    // Nothing that encode() has written: false.
    static bool decode(std::uint64_t first, std::string_view bytes, Block& to) noexcept;

private:
    std::uint64_t first_;
    std::uint64_t base_ = 0;  // the row of the first entry
    std::uint32_t count_ = 0;
    std::array<std::uint32_t, kEntries> behind_{};  // the rows, as distances from base_, ascending
};

}  // namespace flare::store::sqlite
