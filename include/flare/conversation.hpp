// What a server with a store tells about conversations: positions in their logs, entries, members.
//
// Protocol: docs/conversations.md explains the terms; <flare/conversations.hpp> has the calls.
// Threads:  values.
#pragma once

#include <flare/bytes.hpp>
#include <flare/export.hpp>
#include <flare/uuid.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare {

// A place in the log of a conversation. Within one epoch an offset means the same entry forever. The epoch, a random
// number, changes when the log may have lost entries that somebody has seen (an operator restored a backup).
struct Position {
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;  // from 1, without gaps

    friend bool operator==(const Position&, const Position&) = default;
};

// Where a message, or a change, is in the log.
struct StoredAt {
    Position position;
    std::chrono::system_clock::time_point time{};  // of the entry, by the server's clock; never decreases in a log

    friend bool operator==(const StoredAt&, const StoredAt&) = default;
};

// From the fewest rights to the most: docs/conversations.md, "Roles". none: not a member.
enum class MemberRole : std::uint8_t { none = 0, reader = 1, member = 2, moderator = 3, admin = 4, owner = 5 };
FLARE_EXPORT std::string_view name(MemberRole role) noexcept;

// Who may join: only users whom a member adds, or everybody.
enum class JoinPolicy : std::uint8_t { invite = 0, open = 1 };
FLARE_EXPORT std::string_view name(JoinPolicy policy) noexcept;

// How far back members read: from the entry on with which they joined, or from the first.
enum class HistoryVisibility : std::uint8_t { since_join = 0, all = 1 };
FLARE_EXPORT std::string_view name(HistoryVisibility visibility) noexcept;

// What is known of a log without reading it.
struct LogHead {
    std::uint64_t epoch = 0;
    std::uint64_t first = 0;     // the oldest offset that still exists; last + 1: there is none
    std::uint64_t last = 0;      // the newest offset; 0: nothing has been written yet
    std::uint64_t messages = 0;  // messages that count as unread, since the log began
};

// What the owner of a room has set.
struct RoomConfig {
    std::string title;
    JoinPolicy join = JoinPolicy::invite;
    HistoryVisibility visibility = HistoryVisibility::since_join;
    std::uint32_t max_payload_bytes = 0;     // of a message, uncompressed
    std::chrono::milliseconds slow_mode{0};  // time between two messages of a member; 0: off
    bool frozen = false;                     // only admins and owners write
};

// A conversation as the user who asks sees it.
struct Conversation {
    std::string name;  // "room:NAME", or the other user
    LogHead head;
    RoomConfig config;
    MemberRole role = MemberRole::none;  // of the user who asks
    std::uint64_t visible_from = 0;      // the first offset that this user may read
    std::uint32_t members = 0;
    // The user who asks is no member, and may become one by join(): this user has invited them, or "server". Nothing is
    // said of the log then but its epoch. Empty: the user is not invited.
    std::string invited_by{};
    // Of create() and join(): the entry that the call has written, or the end of the log if it changed nothing.
    std::optional<StoredAt> written;
};

// A user in a conversation, now or before.
struct Member {
    std::string user;
    MemberRole role = MemberRole::none;
    std::chrono::system_clock::time_point joined_at{};
    std::optional<std::chrono::system_clock::time_point> muted_until;
};

// Of Conversations::members().
struct MemberPage {
    std::vector<Member> members;  // at most 200
    bool more = false;            // there are further ones: ask again with `after` set to the last user, who is there
};

// What an entry is. The numbers are those of the protocol.
enum class EntryKind : std::uint8_t {
    unknown = 0,  // of a later version: it has its place in the log and cannot be shown
    message = 1,
    edit = 2,     // of the entry at `ref`; so are removal and reaction
    removal = 3,  // the payload is gone, the offset stays
    reaction = 4,
    membership = 5,  // `change` says who
    config = 6,      // `change` says what
    system = 7,      // an announcement of the server's application
};
FLARE_EXPORT std::string_view name(EntryKind kind) noexcept;

// A change of members or configuration, complete: a reader needs no earlier entry to understand it.
struct ConversationChange {
    // unknown: of a later version; members and config say what holds from here on.
    enum class Kind : std::uint8_t {
        unknown = 0,
        created = 1,
        joined = 2,
        left = 3,  // a second member has become owner
        added = 4,
        removed = 5,
        role = 6,
        muted = 7,   // or may write again
        banned = 8,  // or may join again
        config = 9,
        invited = 10,  // or no longer: declined by `from`, or taken back
    };
    // What one of them is from this entry on.
    struct ChangedMember {
        std::string user;
        MemberRole role = MemberRole::none;  // from this entry on
        std::optional<std::chrono::system_clock::time_point> muted_until;
        std::optional<std::chrono::system_clock::time_point> banned_until;
        bool invited = false;  // may join, and is no member yet
    };
    Kind kind = Kind::unknown;
    std::vector<ChangedMember> members;
    std::optional<RoomConfig> config;  // all of it, as it is from this entry on; none: unchanged
};
FLARE_EXPORT std::string_view name(ConversationChange::Kind kind) noexcept;

// How many users have reacted to a message with one key, an emoji for example.
struct Reaction {
    std::string key;
    std::uint64_t users = 0;
    bool own = false;  // the user of this client is one of them

    friend bool operator==(const Reaction&, const Reaction&) = default;
};

// One entry of a log.
struct Entry {
    std::uint64_t offset = 0;
    std::uint64_t changed_at =
        0;  // offset of the last edit, or of the removal, of this one; 0: it is as it was written
    EntryKind kind = EntryKind::unknown;
    Uuid id;           // of the message, or of the request that wrote the entry
    std::string from;  // user id, or "server"; empty: a user who no longer exists
    std::chrono::system_clock::time_point time{};
    std::string type;
    Bytes payload;                      // uncompressed; of a reaction: its key; membership, config: see `change`
    bool deleted = false;               // a message that was deleted, or an edit of one: there is no payload
    std::uint64_t ref = 0;              // the entry that this one is about; a message: that it replies to; 0: none
    bool silent = false;                // counts as unread for nobody
    bool mentions_all = false;          // mentions every member
    std::vector<std::string> mentions;  // of a message: the members whom it names
    bool taken_back = false;            // of a reaction: the user has taken it back
    std::uint64_t messages = 0;         // messages that count as unread, up to this entry
    std::optional<ConversationChange> change;  // of the kinds membership and config
    // To a message, by key; in history() and list(). A subscription tells the reactions as they come.
    std::vector<Reaction> reactions;
    std::uint64_t reactions_upto = 0;  // entries up to this offset are counted in them; 0: none is
};

// How far a user has read a conversation. The mark is of the user, not of a device.
struct ReadMark {
    std::uint64_t offset = 0;  // everything up to it has been read
    std::uint64_t unread = 0;  // messages of others behind it that are not silent
    bool more = false;         // there may be more unread ones than were counted
    // The user has marked the conversation as unread from this entry on (Marks::mark_unread()): show it as unread,
    // whatever the count. 0: not.
    std::uint64_t unread_from = 0;
    std::uint64_t mentions = 0;  // of the unread ones, those that mention the user or all members; at most 999
};

// Of which messages the devices of a user are woken by a push.
enum class NotifyLevel : std::uint8_t {
    all = 0,
    mentions = 1,  // those that name the user, or every member
    none = 2,
};
FLARE_EXPORT std::string_view name(NotifyLevel level) noexcept;

// What a user has chosen for a conversation, for all of their devices (Client::settings()). Nobody else sees it.
struct ConversationSettings {
    NotifyLevel notify = NotifyLevel::all;
    // No device is woken before; Conversations::kForever: never. none: the conversation is not muted.
    std::optional<std::chrono::system_clock::time_point> muted_until;
    std::uint64_t pinned = 0;      // the list has those with higher numbers first; 0: not pinned
    bool hidden = false;           // the list leaves it out, until the next message
    std::uint64_t cleared_to = 0;  // the user sees no entry up to this offset; 0: nothing was cleared

    friend bool operator==(const ConversationSettings&, const ConversationSettings&) = default;
};

// How far another user has come in a conversation. Both only grow.
struct UserMark {
    std::string user;
    std::uint64_t read = 0;       // everything up to this offset has been read
    std::uint64_t delivered = 0;  // a device of the user has everything up to it; never below `read`

    friend bool operator==(const UserMark&, const UserMark&) = default;
};

// Of Marks::readers(): who has read a message, its sender aside.
struct ReaderPage {
    std::vector<UserMark> readers;  // in a fixed order; at most 200
    bool more = false;              // there are further ones: ask again with `after` set to the last user
    // Of all pages, said on the first one: how many members have read it, to how many it was delivered, and how many
    // there are that may read it. In a room of more than 100 members `delivered` is `read`.
    std::uint32_t read = 0;
    std::uint32_t delivered = 0;
    std::uint32_t members = 0;
};

// A conversation of the list that a client keeps: ClientBuilder::sync_conversations().
struct ListedConversation {
    Conversation about;
    ReadMark mark;
    std::chrono::system_clock::time_point last_time{};  // of the newest entry, by the server's clock
    std::vector<Entry> entries;  // the newest ones that the client knows, by offset, ascending: none to 10
    // How far other members have come, as far as it was told: in direct conversations, and in rooms of at most 100
    // members that are live. By user.
    std::vector<UserMark> others;
    ConversationSettings settings{};
};

// A room to which the user of this client is invited: Invitations::received().
struct Invitation {
    std::string room;                              // "room:NAME"
    std::string invited_by;                        // user id, or "server"
    RoomConfig config{};                           // as it was when the invitation was told
    std::uint32_t members = 0;                     // likewise
    std::chrono::system_clock::time_point time{};  // of the invitation, by the server's clock
};

// Which part of a log to read.
struct HistoryQuery {
    // The entries below this offset, the newest of them; 0: below the end of the log.
    static HistoryQuery before(std::uint64_t offset, std::uint32_t limit = 0) { return {offset, std::nullopt, limit}; }
    // The entries above this offset, the oldest of them; 0: from the beginning.
    static HistoryQuery after(std::uint64_t offset, std::uint32_t limit = 0) { return {0, offset, limit}; }

    std::uint64_t before_offset = 0;
    std::optional<std::uint64_t> after_offset;  // set: before_offset is ignored
    std::uint32_t limit = 0;                    // entries; more than 200 is 200; 0: 50
    std::uint32_t max_bytes = 0;  // of payloads as stored; more than 1 MiB is 1 MiB; 0: 1 MiB. One entry always comes
};

// Of Conversations::history().
struct HistoryPage {
    LogHead head;
    std::vector<Entry> entries;  // by offset, ascending; at most 200, and 16 MiB of payloads
    bool more = false;           // further entries in the direction asked for; then `entries` is not empty
    // There is no session, and the page is what the client's cache has: ClientBuilder::cache_file(). Head and entries
    // are as they were when they were last heard of.
    bool from_cache = false;
};

// Why a subscription leaves entries out. The numbers up to 4 are those of the protocol.
enum class HistoryGapReason : std::uint8_t {
    unknown = 0,         // of a later version
    too_far_behind = 1,  // more entries were missed than the server sends without being asked; history() has them
    pruned = 2,          // the server has removed them by its rules of retention
    other_epoch = 3,     // the log has another epoch: offsets of the earlier one mean nothing in it
    diverged = 4,        // the log does not have the entry after which the subscription was to begin
    skipped = 5,         // own messages of unknown outcome, or nobody has said why; history() may have them
};
FLARE_EXPORT std::string_view name(HistoryGapReason reason) noexcept;

// Entries that a subscription does not tell; it continues behind them.
struct HistoryGap {
    std::string conversation;
    HistoryGapReason reason = HistoryGapReason::unknown;
    std::uint64_t epoch = 0;  // of the log; with other_epoch the new one
    std::uint64_t first = 0;  // the missing offsets, in this epoch; last < first: none are
    std::uint64_t last = 0;
};

}  // namespace flare
