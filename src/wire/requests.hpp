// Bodies of requests and responses about conversations, as C++ values. Texts and bytes are views into what was decoded.
//
// Protocol: proto/flare/im/v1/requests.proto; docs/wire.md, "Bodies of requests".
// Threads:  pure functions and values.
#pragma once

#include "model/conversation.hpp"
#include "model/entry.hpp"
#include "model/member.hpp"
#include "wire/about.hpp"
#include "wire/frame.hpp"
#include "wire/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::wire::im {

inline constexpr std::size_t kMaxRoomBytes = 128;  // of a room's name
inline constexpr std::size_t kMaxTitleBytes = 256;
inline constexpr std::size_t kMaxUsers = 500;     // that one request names
inline constexpr std::size_t kMaxPage = 200;      // entries or members in a response
inline constexpr std::size_t kMaxReactions = 32;  // to a message, each with its number of users
inline constexpr std::uint32_t kMaxPageBytes = 1024 * 1024;
inline constexpr std::size_t kMaxPushServiceBytes = 64;
inline constexpr std::size_t kMaxPushTokenBytes = 4096;

// Names of users: none is empty or longer than kMaxNameBytes, no request has more than kMaxUsers.
using Names = std::vector<std::string_view>;

// ---- requests ----

struct ConversationCreate {
    std::string_view name;  // either this: of a room, without "room:"
    std::string_view user;  // or this: a direct conversation
    std::string_view title;
    model::Join join = model::Join::invite;
    model::Visibility visibility = model::Visibility::since_join;
    Names members;
};

// conversation.update
struct ConversationUpdate {
    // Bits of `changes`: which of the fields count.
    static constexpr std::uint32_t kTitle = 1;
    static constexpr std::uint32_t kJoin = 2;
    static constexpr std::uint32_t kVisibility = 4;
    static constexpr std::uint32_t kMaxPayloadBytes = 8;
    static constexpr std::uint32_t kSlowMode = 16;
    static constexpr std::uint32_t kFrozen = 32;

    bool says(std::uint32_t field) const noexcept { return (changes & field) != 0; }

    std::string_view conversation;
    std::uint32_t changes = 0;
    std::string_view title;
    model::Join join = model::Join::invite;
    model::Visibility visibility = model::Visibility::since_join;
    std::uint32_t max_payload_bytes = 0;
    std::uint32_t slow_mode_ms = 0;
    bool frozen = false;
};

// conversation.get, conversation.join, conversation.leave, conversation.delete, user.block, user.unblock
struct ConversationRef {
    std::string_view conversation;
};

// member.add, member.remove, member.role, member.invite
struct MemberChange {
    std::string_view conversation;
    Names users;
    model::Role role = model::Role::none;
};

// member.mute, member.ban
struct MemberUntil {
    std::string_view conversation;
    std::string_view user;
    std::uint64_t until_ms = 0;  // Unix time; 0: no longer; UINT64_MAX: for ever
};

// member.list, ban.list, invite.list
struct MemberQuery {
    std::string_view conversation;
    std::string_view after;
    std::uint32_t limit = 0;
};

struct HistoryQuery {
    std::string_view conversation;
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    std::uint32_t limit = 0;
    std::uint32_t bytes = 0;
    bool forward = false;
};

struct MessageEdit {
    std::string_view conversation;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;
    std::string_view type;
    std::string_view payload;
    Encoding encoding = Encoding::none;
    std::uint64_t size = 0;
};

struct MessageDelete {
    std::string_view conversation;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;
};

// message.react, message.unreact
struct MessageReaction {
    std::string_view conversation;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;
    std::string_view key;
};

// conversation.clear
struct ConversationClear {
    std::string_view conversation;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;  // everything up to it
};

// conversation.set
struct ConversationSet {
    // Bits of `changes`: which of the fields count.
    static constexpr std::uint32_t kNotify = 1;
    static constexpr std::uint32_t kMutedUntil = 2;
    static constexpr std::uint32_t kPinned = 4;
    static constexpr std::uint32_t kHidden = 8;

    bool says(std::uint32_t field) const noexcept { return (changes & field) != 0; }

    std::string_view conversation;
    std::uint32_t changes = 0;
    model::Notify notify = model::Notify::all;
    std::uint64_t muted_until_ms = 0;
    std::uint64_t pinned = 0;
    bool hidden = false;
};

// push.register. The device is that of the session.
struct PushDevice {
    std::string_view service;  // by which the back-end reaches the device: "fcm", "apns", "webpush", or its own
    std::string_view token;    // what that service calls the device
    std::string_view app;      // which of several apps it is; may be empty
};

// push.unregister: of the session's device.
struct PushUnregister {};

// block.list
struct BlockQuery {
    std::string_view after;
    std::uint32_t limit = 0;
};

// ---- responses ----

// It is done, and there is nothing to say.
struct Done {};

struct Written {
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;
    std::int64_t time_ms = 0;
};

// What a user has chosen for one conversation. What it says is model::Settings.
struct Settings {
    model::Notify notify = model::Notify::all;
    std::uint64_t muted_until_ms = 0;
    std::uint64_t pinned = 0;
    std::uint64_t hidden_below = 0;
    std::uint64_t cleared_to = 0;

    friend bool operator==(const Settings&, const Settings&) = default;
};

struct Head {
    std::uint64_t epoch = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t messages = 0;
};

struct Conversation {
    std::string_view conversation;
    std::optional<Head> head;
    std::string_view title;
    model::Join join = model::Join::invite;
    model::Visibility visibility = model::Visibility::since_join;
    model::Role role = model::Role::none;
    std::uint64_t visible_from = 0;
    std::uint32_t members = 0;
    std::uint32_t max_payload_bytes = 0;
    std::uint32_t slow_mode_ms = 0;
    bool frozen = false;
    std::optional<Written> written;
    std::string_view invited_by;  // who asks is no member, and this user has invited them
};

struct Member {
    std::string_view user;
    model::Role role = model::Role::none;
    std::int64_t joined_at_ms = 0;
    std::int64_t muted_until_ms = 0;
};

struct MemberPage {
    std::vector<Member> members;
    bool more = false;
};

struct Ban {
    std::string_view user;
    std::uint64_t until_ms = 0;  // as in MemberUntil
};

struct BanPage {
    std::vector<Ban> bans;
    bool more = false;
};

// Who is invited and has not answered yet.
struct Invite {
    std::string_view user;
    std::string_view by;
    std::int64_t time_ms = 0;
};

struct InvitePage {
    std::vector<Invite> invites;
    bool more = false;
};

struct BlockPage {
    Names users;
    bool more = false;
};

struct Reaction {
    std::string_view key;
    std::uint64_t users = 0;
    bool own = false;
};

// A kind of a later version reads as 0: such an entry has its place in the log and cannot be shown.
struct Entry {
    std::uint64_t offset = 0;
    std::uint64_t rev = 0;
    model::EntryKind kind{};
    Uuid id;
    std::string_view from;
    std::int64_t time_ms = 0;
    std::string_view type;
    std::string_view payload;
    Encoding encoding = Encoding::none;
    std::uint64_t size = 0;
    std::uint64_t ref = 0;
    std::uint32_t flags = 0;
    std::uint64_t messages = 0;
    std::vector<Reaction> reactions;
    std::uint64_t reactions_upto = 0;
    Names mentions;  // users whom a message names
};

struct HistoryPage {
    std::optional<Head> head;  // of several responses the first has it
    std::vector<Entry> entries;
    bool more = false;
};

// T: one of those above.
template <typename T>
std::size_t size_of(const T& body);
// Appends size_of(body) bytes.
template <typename T>
void append(std::string& out, const T& body);
template <typename T>
std::string encode(const T& body) {
    std::string out;
    append(out, body);
    return out;
}
// Lengths and counts are checked before anything is stored. Errors: malformed_frame, invalid_utf8.
template <typename T>
Result<T> decode(std::string_view body);

// What the bodies of a verb's request and of its response are; null for unspecified.
const Schema* request_schema(Verb verb) noexcept;
const Schema* response_schema(Verb verb) noexcept;

}  // namespace flare::wire::im
