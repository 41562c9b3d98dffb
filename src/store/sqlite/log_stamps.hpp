// When each conversation's log changed last, in eight bytes for each. A list of conversations is chosen by these: to
// look up thousands of rows for it would take longer than all the rest.
//
// Protocol: docs/store.md, "Listing".
// Threads:  one at a time: the lock of its HeadTable.
// Owner:    HeadTable.
#pragma once

#include "store/engine.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace flare::store::sqlite {

class LogStamp {
public:
    LogStamp() = default;  // is not known
    LogStamp(std::uint64_t stamp, bool removed) noexcept : value_(stamp << 2 | (removed ? 3 : 1)) {}

    bool known() const noexcept { return value_ != 0; }
    std::uint64_t stamp() const noexcept { return value_ >> 2; }  // Head::stamp
    bool removed() const noexcept { return (value_ & 2) != 0; }

private:
    std::uint64_t value_ = 0;
};

// By row. Room is made for rows that somebody lists, a thousand neighbours at a time, and never for those above kMost:
// there are 128 MiB at most.
class LogStamps {
public:
    static constexpr Row kMost = Row{16} * 1024 * 1024;

    void make_room(Row row) {
        if (row >= kMost) return;
        if (chunks_.size() <= row / kRows) chunks_.resize(row / kRows + 1);
        auto& chunk = chunks_[row / kRows];
        if (chunk == nullptr) chunk = std::make_unique<Chunk>();
    }
    // Nothing where there is no room.
    void put(Row row, LogStamp stamp) noexcept {
        if (LogStamp* const place = at(row)) *place = stamp;
    }
    LogStamp of(Row row) const noexcept {
        const LogStamp* const place = at(row);
        return place == nullptr ? LogStamp() : *place;
    }

private:
    static constexpr std::size_t kRows = 1024;
    using Chunk = std::array<LogStamp, kRows>;

    LogStamp* at(Row row) const noexcept {
        const bool there = row / kRows < chunks_.size() && chunks_[row / kRows] != nullptr;
        return there ? &(*chunks_[row / kRows])[row % kRows] : nullptr;
    }

    std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace flare::store::sqlite
