// Feeds, and the bodies of the requests that begin and end them, as C++ values. Texts and bytes are views into what was
// decoded.
//
// Protocol: proto/flare/im/v1/feeds.proto; docs/protocol.md, "Feeds"; docs/wire.md, "Feed".
// Threads:  pure functions and values.
#pragma once

#include "wire/requests.hpp"
#include "wire/sync.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flare::wire::im {

// A feed holds one entry, or several that are together no longer than this: whoever makes them keeps to it.
inline constexpr std::size_t kFeedBlockBytes = 32 * 1024;
// More than kFeedBlockBytes have room for: an entry has at least 34 bytes.
inline constexpr std::size_t kMaxFeedEntries = 1024;

// Why entries are not told. One of a later version is `unspecified`.
enum class FeedResetReason : std::uint8_t {
    unspecified = 0,
    too_far_behind = 1,  // more entries than the server catches up with
    pruned = 2,          // the rules of retention have removed them
    other_epoch = 3,     // the position is of another log
    diverged = 4,        // the log has another entry there, or does not reach so far
};

// Entries before `next` are not told, and the feed goes on at `next`.
struct FeedReset {
    FeedResetReason reason = FeedResetReason::unspecified;
    std::uint64_t first = 0;  // the oldest offset that is there
    std::uint64_t last = 0;   // the newest offset
    std::uint64_t next = 0;   // the first one that will be told
    std::uint64_t epoch = 0;

    friend bool operator==(const FeedReset&, const FeedReset&) = default;
};

// The body of a frame of kind `feed`.
struct Feed {
    std::vector<Entry> entries;      // ascending offsets, without holes but for the subscriber's own messages
    std::optional<FeedReset> reset;  // comes before the entries
    std::uint64_t removed = 0;       // offset of the entry that ended the membership; the feed has ended. 0: it has not
    errc failed = errc::ok;          // the feed of a sync could not begin: subscribe
    // The feed begins unasked, behind about.head.last: the conversation is new in the user's list.
    std::optional<SyncedConversation> began;
    std::vector<ConversationState> states;  // of a frame of no feed: its number is 0
};

// ---- requests ----

struct Subscribe {
    std::string_view conversation;
    std::uint64_t epoch = 0;
    std::uint64_t after = 0;  // the last entry that is known; 0 with epoch 0: from the newest entry on
    Uuid id;                  // of that entry, which shows that the log is the same; nil: not said
    bool complete = false;    // never reset for being too far behind
};

struct Unsubscribe {
    std::string_view conversation;
};

// ---- responses ----

struct Subscribed {
    std::uint32_t feed = 0;  // the number of its frames
    std::optional<Head> head;
    std::uint64_t visible_from = 0;  // the first offset that who asks may read
    std::uint64_t next = 0;          // the first offset that will be told
    std::optional<FeedReset> reset;
    std::vector<UserMark> others;  // of a conversation of at most kMaxOthers members
};

struct Unsubscribed {};

// size_of(), append(), encode() and decode() are those of requests.hpp; request_schema() and response_schema() know the
// requests. This is what the body of the frame is.
const Schema& feed_schema() noexcept;

// The encoded body of a frame, for every subscriber: a copy of it gets the number of the feed. Its cost is the length
// of its content. Precondition: no more than kMaxFeedEntries.
Body feed_body(const Feed& feed);

}  // namespace flare::wire::im
