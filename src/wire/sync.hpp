// The list of a user's conversations, and marks of what they have read, as C++ values. Texts and bytes are views into
// what was decoded.
//
// Protocol: proto/flare/im/v1/sync.proto; docs/protocol.md, "Sync".
// Threads:  pure functions and values.
#pragma once

#include "wire/requests.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::wire::im {

inline constexpr std::size_t kMaxSyncPage = 200;     // conversations, with those that are gone
inline constexpr std::size_t kMaxSyncFeeds = 500;    // that a page names beside them
inline constexpr std::size_t kMaxSyncEntries = 50;   // of a conversation
inline constexpr std::size_t kMaxCursorBytes = 128;  // opaque to clients
inline constexpr std::uint32_t kMaxUnread = 999;     // that is counted
inline constexpr std::size_t kMaxStates = 64;        // in one frame
inline constexpr std::size_t kMaxOthers = 100;       // whose marks are told: members of a larger room are not

// ---- requests ----

struct Sync {
    std::string_view cursor;  // empty: everything
    std::string_view page;    // empty: the first one
    std::uint32_t limit = 0;
    std::uint32_t entries = 0;
    bool feeds = false;
};

// read.mark, read.unmark
struct MarkRead {
    std::string_view conversation;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;
};

// readers
struct ReaderQuery {
    std::string_view conversation;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;
    std::string_view after;
    std::uint32_t limit = 0;
};

// ---- responses ----

// How far another user has come.
struct UserMark {
    std::string_view user;
    std::uint64_t read = 0;
    std::uint64_t delivered = 0;  // a device of theirs has it; never below `read`

    friend bool operator==(const UserMark&, const UserMark&) = default;
};

// Who of a conversation's members, but the sender, has read an entry.
struct ReaderPage {
    std::vector<UserMark> readers;
    std::uint32_t read = 0;       // how many have, on all pages
    std::uint32_t delivered = 0;  // likewise, to how many it was delivered
    std::uint32_t members = 0;    // of how many
    bool more = false;
};

struct ReadMark {
    std::uint64_t offset = 0;  // everything up to it is read
    std::uint32_t unread = 0;  // messages of others behind it
    bool more = false;         // there are more unread ones than were counted
    std::uint64_t last = 0;    // in an answer and in a state: the newest entry that was looked at
    // Likewise: messages that count as unread, since the log began, up to that entry. 0: it is not said, or there are
    // none.
    std::uint64_t messages = 0;
    std::uint64_t unread_from = 0;  // the user has marked it as unread from this entry on; 0: not
    std::uint32_t mentions = 0;     // of the unread ones, those that name the user or all members; at most kMaxUnread

    friend bool operator==(const ReadMark&, const ReadMark&) = default;
};

// What is new of a conversation, told unasked to a session that follows its user's list. What is 0 or missing is not
// said.
struct ConversationState {
    std::string_view conversation;  // empty: more has changed than the server keeps; sync
    std::uint64_t epoch = 0;
    std::uint64_t last = 0;  // the end of the log, of a conversation without a feed
    std::uint64_t messages = 0;
    std::int64_t last_ms = 0;
    std::optional<ReadMark> mark;      // another session of the user has moved it, or any has changed unread_from
    bool gone = false;                 // the user is no member any more
    std::vector<UserMark> others;      // how far other members have come, of those that have changed
    std::uint64_t mentioned = 0;       // the newest entry that names the user, of a conversation without a feed
    bool invited = false;              // the user is invited; sync names the conversation
    std::optional<Settings> settings;  // another session of the user has changed them
};

struct SyncedConversation {
    std::optional<Conversation> about;
    std::int64_t last_ms = 0;
    std::optional<ReadMark> mark;
    std::vector<Entry> entries;
    std::uint32_t feed = 0;        // 0: none
    std::vector<UserMark> others;  // of a direct conversation, or of a small room whose feed begins unasked
    std::optional<Settings> settings;
};

// A feed of a conversation that has not changed since the cursor. It begins behind its newest entry.
struct SyncedFeed {
    std::string_view conversation;
    std::uint32_t feed = 0;
};

struct SyncPage {
    std::vector<SyncedConversation> conversations;  // the newest activity first
    Names gone;
    std::string_view next;          // empty: this is the last page
    std::string_view cursor;        // the same on every page
    bool whole = false;             // what no page names is gone
    std::vector<SyncedFeed> feeds;  // of the last page: of live conversations that no page names
};

// size_of(), append(), encode() and decode() are those of requests.hpp.

// Appends a conversation to an encoded page, before anything else of the page: `conversation` was encoded without a
// feed, whose number is known now. 0: it has none.
void append_synced(std::string& page, std::string_view conversation, std::uint32_t feed);

}  // namespace flare::wire::im
