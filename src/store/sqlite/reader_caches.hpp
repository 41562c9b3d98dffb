// What one reader has read lately and may say again without its file: names of users, and the newest entries of
// conversations. When many users come back at once, most of what they read is the same.
//
// Nothing here can be out of date: the name of a user's row never changes, and whatever changes an entry gives its log
// another stamp.
//
// Protocol: docs/store.md, "Reading".
// Threads:  its reader's.
// Owner:    SqliteReader; emptied with its connection.
#pragma once

#include "store/engine.hpp"
#include "store/listing.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::store::sqlite {

// Each row has one place, which the last one asked for takes.
class UserNameCache {
public:
    // Null: it is not known.
    const std::string* find(Row user) const noexcept;
    void put(Row user, std::string_view name);
    void clear() noexcept { slots_ = {}; }

private:
    static constexpr std::size_t kSlots = 16 * 1024;  // a power of two
    struct Slot {
        Row user = 0;
        std::string name{};
    };
    std::vector<Slot> slots_;  // allocated with the first one
};

// The end of a log as it is at a stamp: both lists begin with the newest entry and have no hole.
struct LogTail {
    std::uint64_t stamp = 0;  // Head::stamp
    std::vector<Entry> entries{};
    std::vector<UnreadCount::Seen> seen{};
    std::size_t bytes = 0;  // that were counted for it
};

// Two halves: what is used goes into the young one, which becomes the old one when it is full, and the old one goes.
class LogTails {
public:
    static constexpr std::size_t kMostEntries = 50;           // of a log
    static constexpr std::size_t kMostTailBytes = 64 * 1024;  // likewise
    explicit LogTails(std::size_t most_bytes) noexcept : most_young_(most_bytes / 2) {}

    // What is known of the log at that stamp, maybe nothing, to be added to; valid until the next call. Null: a newer
    // end is known.
    LogTail* of(Row conversation, std::uint64_t stamp);
    // Something was added to it.
    void grown(LogTail& tail) noexcept;
    void clear() noexcept;
    std::size_t size() const noexcept { return young_.size() + old_.size(); }

private:
    using Tails = boost::unordered_flat_map<Row, std::unique_ptr<LogTail>>;

    std::size_t most_young_;
    std::size_t young_bytes_ = 0;
    Tails young_;
    Tails old_;
};

struct ReaderCaches {
    static constexpr std::size_t kTailBytes = 8 * 1024 * 1024;

    UserNameCache names;
    LogTails tails{kTailBytes};
};

}  // namespace flare::store::sqlite
