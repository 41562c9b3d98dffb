// The bodies of requests and responses as tables: one field a line, as in proto/flare/im/v1/requests.proto.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  constants.
#pragma once

#include "wire/control_tables.hpp"
#include "wire/requests.hpp"

namespace flare::wire {

namespace im {
inline constexpr std::string_view kJoins[] = {"JOIN_INVITE", "JOIN_OPEN"};
inline constexpr std::string_view kVisibilities[] = {"VISIBILITY_SINCE_JOIN", "VISIBILITY_ALL"};
inline constexpr std::string_view kRoles[] = {"ROLE_NONE",      "ROLE_READER", "ROLE_MEMBER",
                                              "ROLE_MODERATOR", "ROLE_ADMIN",  "ROLE_OWNER"};
inline constexpr std::string_view kNotifies[] = {"NOTIFY_ALL", "NOTIFY_MENTIONS", "NOTIFY_NONE"};
inline constexpr std::string_view kEntryKinds[] = {
    "ENTRY_KIND_UNSPECIFIED", "ENTRY_KIND_MESSAGE",    "ENTRY_KIND_EDIT",   "ENTRY_KIND_REMOVAL",
    "ENTRY_KIND_REACTION",    "ENTRY_KIND_MEMBERSHIP", "ENTRY_KIND_CONFIG", "ENTRY_KIND_SYSTEM"};
}  // namespace im

template <>
struct Table<im::ConversationCreate> {
    using T = im::ConversationCreate;
    static constexpr std::string_view kName = "ConversationCreate";
    static constexpr std::tuple kLines{
        text(1, "name", &T::name, im::kMaxRoomBytes),
        text(2, "user", &T::user, kMaxNameBytes),
        text(3, "title", &T::title, im::kMaxTitleBytes),
        choice(4, "join", &T::join, im::kJoins),
        choice(5, "visibility", &T::visibility, im::kVisibilities),
        names(6, "members", &T::members, im::kMaxUsers),
    };
};

template <>
struct Table<im::ConversationUpdate> {
    using T = im::ConversationUpdate;
    static constexpr std::string_view kName = "ConversationUpdate";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        number(2, "changes", &T::changes),
        text(3, "title", &T::title, im::kMaxTitleBytes),
        choice(4, "join", &T::join, im::kJoins),
        choice(5, "visibility", &T::visibility, im::kVisibilities),
        number(6, "max_payload_bytes", &T::max_payload_bytes),
        number(7, "slow_mode_ms", &T::slow_mode_ms),
        number(8, "frozen", &T::frozen),
    };
};

template <>
struct Table<im::ConversationRef> {
    static constexpr std::string_view kName = "ConversationRef";
    static constexpr std::tuple kLines{text(1, "conversation", &im::ConversationRef::conversation, kMaxNameBytes)};
};

template <>
struct Table<im::MemberChange> {
    using T = im::MemberChange;
    static constexpr std::string_view kName = "MemberChange";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        names(2, "users", &T::users, im::kMaxUsers),
        choice(3, "role", &T::role, im::kRoles),
    };
};

template <>
struct Table<im::MemberUntil> {
    using T = im::MemberUntil;
    static constexpr std::string_view kName = "MemberUntil";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        text(2, "user", &T::user, kMaxNameBytes),
        number(3, "until_ms", &T::until_ms),
    };
};

template <>
struct Table<im::MemberQuery> {
    using T = im::MemberQuery;
    static constexpr std::string_view kName = "MemberQuery";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        text(2, "after", &T::after, kMaxNameBytes),
        number(3, "limit", &T::limit, im::kMaxPage),
    };
};

template <>
struct Table<im::HistoryQuery> {
    using T = im::HistoryQuery;
    static constexpr std::string_view kName = "HistoryQuery";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        number(2, "before", &T::before),
        number(3, "after", &T::after),
        number(4, "limit", &T::limit, im::kMaxPage),
        number(5, "bytes", &T::bytes, im::kMaxPageBytes),
        number(6, "forward", &T::forward),
    };
};

template <>
struct Table<im::MessageEdit> {
    using T = im::MessageEdit;
    static constexpr std::string_view kName = "MessageEdit";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "offset", &T::offset),
        text(4, "type", &T::type, kMaxNameBytes),
        bytes(5, "payload", &T::payload),
        choice(6, "encoding", &T::encoding, kEncodings, Encoding::unknown),
        number(7, "size", &T::size),
    };
};

template <>
struct Table<im::MessageDelete> {
    using T = im::MessageDelete;
    static constexpr std::string_view kName = "MessageDelete";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "offset", &T::offset),
    };
};

template <>
struct Table<im::MessageReaction> {
    using T = im::MessageReaction;
    static constexpr std::string_view kName = "MessageReaction";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "offset", &T::offset),
        text(4, "key", &T::key, kMaxNameBytes),
    };
};

template <>
struct Table<im::ConversationClear> {
    using T = im::ConversationClear;
    static constexpr std::string_view kName = "ConversationClear";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "offset", &T::offset),
    };
};

template <>
struct Table<im::ConversationSet> {
    using T = im::ConversationSet;
    static constexpr std::string_view kName = "ConversationSet";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        number(2, "changes", &T::changes),
        choice(3, "notify", &T::notify, im::kNotifies),
        number(4, "muted_until_ms", &T::muted_until_ms),
        number(5, "pinned", &T::pinned),
        number(6, "hidden", &T::hidden),
    };
};

template <>
struct Table<im::PushDevice> {
    using T = im::PushDevice;
    static constexpr std::string_view kName = "PushDevice";
    static constexpr std::tuple kLines{
        text(1, "service", &T::service, im::kMaxPushServiceBytes),
        text(2, "token", &T::token, im::kMaxPushTokenBytes),
        text(3, "app", &T::app, kMaxNameBytes),
    };
};

template <>
struct Table<im::PushUnregister> {
    static constexpr std::string_view kName = "PushUnregister";
    static constexpr std::tuple<> kLines{};
};

template <>
struct Table<im::BlockQuery> {
    using T = im::BlockQuery;
    static constexpr std::string_view kName = "BlockQuery";
    static constexpr std::tuple kLines{
        text(1, "after", &T::after, kMaxNameBytes),
        number(2, "limit", &T::limit, im::kMaxPage),
    };
};

template <>
struct Table<im::Done> {
    static constexpr std::string_view kName = "Done";
    static constexpr std::tuple<> kLines{};
};

template <>
struct Table<im::Written> {
    using T = im::Written;
    static constexpr std::string_view kName = "Written";
    static constexpr std::tuple kLines{
        fixed(1, "epoch", &T::epoch),
        number(2, "offset", &T::offset),
        number(3, "time_ms", &T::time_ms),
    };
};

template <>
struct Table<im::Settings> {
    using T = im::Settings;
    static constexpr std::string_view kName = "Settings";
    static constexpr std::tuple kLines{
        choice(1, "notify", &T::notify, im::kNotifies),
        number(2, "muted_until_ms", &T::muted_until_ms),
        number(3, "pinned", &T::pinned),
        number(4, "hidden_below", &T::hidden_below),
        number(5, "cleared_to", &T::cleared_to),
    };
};

template <>
struct Table<im::Head> {
    using T = im::Head;
    static constexpr std::string_view kName = "Head";
    static constexpr std::tuple kLines{
        fixed(1, "epoch", &T::epoch),
        number(2, "first", &T::first),
        number(3, "last", &T::last),
        number(4, "messages", &T::messages),
    };
};

template <>
struct Table<im::Conversation> {
    using T = im::Conversation;
    static constexpr std::string_view kName = "Conversation";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        part<im::Head>(2, "head", &T::head),
        text(3, "title", &T::title, im::kMaxTitleBytes),
        choice(4, "join", &T::join, im::kJoins),
        choice(5, "visibility", &T::visibility, im::kVisibilities),
        choice(6, "role", &T::role, im::kRoles),
        number(7, "visible_from", &T::visible_from),
        number(8, "members", &T::members),
        number(9, "max_payload_bytes", &T::max_payload_bytes),
        number(10, "slow_mode_ms", &T::slow_mode_ms),
        number(11, "frozen", &T::frozen),
        part<im::Written>(12, "written", &T::written),
        text(13, "invited_by", &T::invited_by, kMaxNameBytes),
    };
};

template <>
struct Table<im::Member> {
    using T = im::Member;
    static constexpr std::string_view kName = "Member";
    static constexpr std::tuple kLines{
        text(1, "user", &T::user, kMaxNameBytes),
        choice(2, "role", &T::role, im::kRoles),
        number(3, "joined_at_ms", &T::joined_at_ms),
        number(4, "muted_until_ms", &T::muted_until_ms),
    };
};

template <>
struct Table<im::MemberPage> {
    using T = im::MemberPage;
    static constexpr std::string_view kName = "MemberPage";
    static constexpr std::tuple kLines{
        list<im::Member>(1, "members", &T::members, im::kMaxPage),
        number(2, "more", &T::more),
    };
};

template <>
struct Table<im::Ban> {
    using T = im::Ban;
    static constexpr std::string_view kName = "Ban";
    static constexpr std::tuple kLines{
        text(1, "user", &T::user, kMaxNameBytes),
        number(2, "until_ms", &T::until_ms),
    };
};

template <>
struct Table<im::BanPage> {
    using T = im::BanPage;
    static constexpr std::string_view kName = "BanPage";
    static constexpr std::tuple kLines{
        list<im::Ban>(1, "bans", &T::bans, im::kMaxPage),
        number(2, "more", &T::more),
    };
};

template <>
struct Table<im::Invite> {
    using T = im::Invite;
    static constexpr std::string_view kName = "Invite";
    static constexpr std::tuple kLines{
        text(1, "user", &T::user, kMaxNameBytes),
        text(2, "by", &T::by, kMaxNameBytes),
        number(3, "time_ms", &T::time_ms),
    };
};

template <>
struct Table<im::InvitePage> {
    using T = im::InvitePage;
    static constexpr std::string_view kName = "InvitePage";
    static constexpr std::tuple kLines{
        list<im::Invite>(1, "invites", &T::invites, im::kMaxPage),
        number(2, "more", &T::more),
    };
};

template <>
struct Table<im::BlockPage> {
    using T = im::BlockPage;
    static constexpr std::string_view kName = "BlockPage";
    static constexpr std::tuple kLines{
        names(1, "users", &T::users, im::kMaxPage),
        number(2, "more", &T::more),
    };
};

template <>
struct Table<im::Reaction> {
    using T = im::Reaction;
    static constexpr std::string_view kName = "Reaction";
    static constexpr std::tuple kLines{
        text(1, "key", &T::key, kMaxNameBytes),
        number(2, "users", &T::users),
        number(3, "own", &T::own),
    };
};

template <>
struct Table<im::Entry> {
    using T = im::Entry;
    static constexpr std::string_view kName = "Entry";
    static constexpr std::tuple kLines{
        number(1, "offset", &T::offset),
        number(2, "rev", &T::rev),
        choice(3, "kind", &T::kind, im::kEntryKinds),
        id(4, "id", &T::id),
        text(5, "from", &T::from, kMaxNameBytes),
        number(6, "time_ms", &T::time_ms),
        text(7, "type", &T::type, kMaxNameBytes),
        bytes(8, "payload", &T::payload),
        choice(9, "encoding", &T::encoding, kEncodings, Encoding::unknown),
        number(10, "size", &T::size),
        number(11, "ref", &T::ref),
        number(12, "flags", &T::flags),
        number(13, "messages", &T::messages),
        list<im::Reaction>(14, "reactions", &T::reactions, im::kMaxReactions),
        number(15, "reactions_upto", &T::reactions_upto),
        names(16, "mentions", &T::mentions, kMaxMentions),
    };
};

template <>
struct Table<im::HistoryPage> {
    using T = im::HistoryPage;
    static constexpr std::string_view kName = "HistoryPage";
    static constexpr std::tuple kLines{
        part<im::Head>(1, "head", &T::head),
        list<im::Entry>(2, "entries", &T::entries, im::kMaxPage),
        number(3, "more", &T::more),
    };
};

}  // namespace flare::wire
