// What one reader has read lately and may say again without its file: names of users, and what counts as unread
// at the ends of logs. When many users come back at once, most of what they read is the same.
//
// Nothing here can be out of date: the name of a user's row never changes, and whatever changes an entry gives its log
// another stamp.
//
// Protocol: docs/store.md, "Reading".
// Threads:  its reader's.
// Owner:    SqliteReader; emptied with its connection.
#pragma once

#include "base/aging_map.hpp"
#include "store/engine.hpp"
#include "store/listing.hpp"

#include <cstddef>
#include <cstdint>
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

// The end of a log as it is at a stamp: what counts as unread, from the newest entry down, without a hole.
struct LogTail {
    std::uint64_t stamp = 0;  // Head::stamp
    std::vector<UnreadCount::Seen> seen{};
};

class LogTails {
public:
    explicit LogTails(std::size_t most_bytes) noexcept : tails_(most_bytes) {}

    // What is known of the log at that stamp, maybe nothing, to be added to; valid until the next call. Null: a newer
    // end is known.
    LogTail* of(Row conversation, std::uint64_t stamp);
    // Something was added to it.
    void grown(Row conversation, const LogTail& tail) noexcept {
        tails_.resize(conversation, tail.seen.capacity() * sizeof(UnreadCount::Seen));
    }
    void clear() noexcept { tails_.clear(); }

private:
    base::AgingMap<Row, LogTail> tails_;
};

struct ReaderCaches {
    static constexpr std::size_t kTailBytes = 8 * 1024 * 1024;

    UserNameCache names;
    LogTails tails{kTailBytes};
};

}  // namespace flare::store::sqlite
