// A note beside a store of how far it has come. If an older copy of the file is put back by hand, or the disk has lost
// what it said was written, the next start knows it by this.
//
// Protocol: docs/store.md, "Backup and restore".
// Threads:  one at a time.
// Owner:    SqliteEngine, which holds the store's lock.
#pragma once

#include "base/file.hpp"

#include <cstdint>
#include <string>

namespace flare::store::sqlite {

class StampNote {
public:
    // Reads what is noted. A file that cannot be used is as one that is not there.
    explicit StampNote(const std::string& path);

    // The store has been further than this, in this generation.
    bool is_behind(std::uint64_t generation, std::uint64_t stamp) const noexcept {
        return generation == generation_ && stamp < stamp_;
    }
    std::uint64_t stamp() const noexcept { return stamp_; }
    // What is committed, and on disk: a note is never ahead of a good store. It is not synced itself: after a loss of
    // power an earlier one may be there.
    void put(std::uint64_t generation, std::uint64_t stamp) noexcept;

private:
    base::Descriptor file_;
    std::uint64_t generation_ = 0;  // 0: nothing is noted
    std::uint64_t stamp_ = 0;
};

}  // namespace flare::store::sqlite
