// Entries of conversations as feeds give them, encoded once for all subscribers, and the blocks that a worker keeps for
// feeds that are behind: of each conversation the newest ones, and those of pages that were read a moment ago.
//
// Protocol: docs/conversations.md, "Feeds".
// Threads:  a Block any, it never changes; KeptBlocks one at a time.
// Owner:    Feeds.
#pragma once

#include "base/pool.hpp"
#include "im/effects.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

namespace flare::im {

using EncodingSet = std::uint8_t;  // wire::Encodings

// A part of a log without holes. What is given for it is known to whoever makes it, and derives from this.
struct Block {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    SessionKey sole_sender = 0;  // who sent all of it, and has the receipts; 0: several did, or none that counts
    EncodingSet encodings = 0;   // which its reader must take
    bool few = false;            // the members are so few that each hears how far the others have come
    std::size_t bytes = 0;
};
using BlockPtr = std::shared_ptr<const Block>;

class KeptBlocks {
public:
    class Shelf;

private:
    struct Kept {
        BlockPtr block;
        Shelf* shelf;
        bool newest;
    };
    using List = std::list<Kept, base::PoolAllocator<Kept>>;

public:
    // Of one conversation; beyond them the oldest go.
    static constexpr std::size_t kMostNewest = 128;
    static constexpr std::size_t kMostNewestBytes = 64 * 1024;
    static constexpr std::size_t kMostPageBytes = 256 * 1024;
    // Of all conversations of a worker; beyond them what came first goes.
    static constexpr std::size_t kMostBytes = 16 * 1024 * 1024;

    // What is kept of one conversation. Empty when it goes: clear().
    class Shelf {
        friend class KeptBlocks;
        std::vector<List::iterator> newest_;  // ascending
        std::vector<List::iterator> pages_;   // as they came
        std::uint64_t entries_ = 0;           // in newest_
        std::size_t newest_bytes_ = 0;
        std::size_t page_bytes_ = 0;
    };

    explicit KeptBlocks(std::size_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}

    // The home has told it: it is behind all that is there.
    void add_newest(Shelf& shelf, const BlockPtr& block);
    // It was read for feeds that are behind. It is kept in any case until the next call.
    void add_page(Shelf& shelf, const BlockPtr& block);
    void drop_pages(Shelf& shelf);
    void clear(Shelf& shelf);

    // One that begins there, for a reader that takes `encodings`. Null: there is none. Valid until the next call that
    // changes something.
    static const BlockPtr* find(const Shelf& shelf, std::uint64_t first, EncodingSet encodings);
    // Where a page that begins at `first`, and ends at `last` or before, meets what is there.
    static std::uint64_t page_end(const Shelf& shelf, std::uint64_t first, std::uint64_t last);

    std::size_t bytes() const noexcept { return bytes_; }
    void check_invariants() const;

private:
    List::iterator add(Shelf& shelf, const BlockPtr& block, bool newest);
    void drop_first_newest(Shelf& shelf);
    void drop_page(Shelf& shelf, std::size_t at);
    void drop(List::iterator kept);
    void drop_beyond_limit();

    const std::size_t most_bytes_;
    List kept_;  // as they came
    std::size_t bytes_ = 0;
};

}  // namespace flare::im
