// The calls of the server API. Written by scripts/api_calls.py --write from docs/openapi.yaml: change that, not this.
// clang-format off
#include "api/calls.hpp"

#include <array>

namespace flare::cli::api {
namespace written {

using enum Place;
using enum Kind;

constexpr auto kPublish = std::to_array<Parameter>({
    {"to", "to", body, text_or_texts, true, "", "A user, \"room:NAME\", or up to 100 of them."},
    {"from", "from", body, text, false, "", "In whose name: a user, or \"server\", which is the default."},
    {"type", "type", body, text, false, "", "What the payload is."},
    {"text", "text", body, text, false, "", "The payload, UTF-8; or 'base64'."},
    {"base64", "base64", body, text, false, "", "The payload, RFC 4648."},
    {"id", "id", body, text, false, "", "Of the message; without it the server makes one."},
    {"reply_to", "reply_to", body, number, false, "", "Offset of the message that this one answers."},
    {"silent", "silent", body, flag, false, "", "Nobody is notified."},
    {"mentions_all", "mentions_all", body, flag, false, "", "It mentions every member of the room."},
    {"mentions", "mentions", body, texts, false, "", "Users whom it mentions."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kPublishBatch = std::to_array<Parameter>({
    {"messages", "messages", body, json, true, "", "Each as in 'publish', at most 100."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kListMessages = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"limit", "limit", query, number, false, "", "How many at most."},
    {"before", "before", query, number, false, "", "The newest below this offset."},
    {"after", "after", query, number, false, "", "The oldest above this offset."},
    {"cursor", "cursor", query, text, false, "", "'next' of the page before."},
});
constexpr auto kGetMessage = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"offset", "offset", path, number, true, "", "Of the message."},
});
constexpr auto kEditMessage = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"epoch", "epoch", body, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"type", "type", body, text, false, "", "What the payload is."},
    {"text", "text", body, text, false, "", "The payload, UTF-8; or 'base64'."},
    {"base64", "base64", body, text, false, "", "The payload, RFC 4648."},
    {"by", "by", body, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kDeleteMessage = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"by", "by", query, text, false, "", "In whose name; without it the server does it."},
    {"epoch", "epoch", query, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kReact = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"by", "by", body, text, true, "", "Whose reaction it is."},
    {"key", "key", body, text, true, "", "Of the reaction."},
    {"epoch", "epoch", body, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kUnreact = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"by", "by", query, text, true, "", "In whose name; without it the server does it."},
    {"key", "key", query, text, true, "", "Of the reaction."},
    {"epoch", "epoch", query, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kListDirectMessages = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
    {"limit", "limit", query, number, false, "", "How many at most."},
    {"before", "before", query, number, false, "", "The newest below this offset."},
    {"after", "after", query, number, false, "", "The oldest above this offset."},
    {"cursor", "cursor", query, text, false, "", "'next' of the page before."},
});
constexpr auto kGetDirectMessage = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
    {"offset", "offset", path, number, true, "", "Of the message."},
});
constexpr auto kEditDirectMessage = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"epoch", "epoch", body, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"type", "type", body, text, false, "", "What the payload is."},
    {"text", "text", body, text, false, "", "The payload, UTF-8; or 'base64'."},
    {"base64", "base64", body, text, false, "", "The payload, RFC 4648."},
    {"by", "by", body, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kDeleteDirectMessage = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"by", "by", query, text, false, "", "In whose name; without it the server does it."},
    {"epoch", "epoch", query, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kReactDirect = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"by", "by", body, text, true, "", "Whose reaction it is."},
    {"key", "key", body, text, true, "", "Of the reaction."},
    {"epoch", "epoch", body, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kUnreactDirect = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
    {"offset", "offset", path, number, true, "", "Of the message."},
    {"by", "by", query, text, true, "", "In whose name; without it the server does it."},
    {"key", "key", query, text, true, "", "Of the reaction."},
    {"epoch", "epoch", query, number, false, "", "Of the log that is meant; without it whichever it is."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kListConversations = std::to_array<Parameter>({
    {"limit", "limit", query, number, false, "", "How many at most."},
    {"cursor", "cursor", query, text, false, "", "'next' of the page before."},
});
constexpr auto kCreateConversation = std::to_array<Parameter>({
    {"conversation", "conversation", body, text, true, "", "\"room:\" and the name of the room."},
    {"owner", "owner", body, text, false, "", "Without it, the first member owns the room."},
    {"members", "members", body, texts, false, "", "Who else is in it, at most 100."},
    {"title", "title", body, text, false, "", "For people, at most 256 bytes."},
    {"join", "join", body, text, false, "invite,open", "Who may join: only who is added, or everybody."},
    {"visibility", "visibility", body, text, false, "since_join,all",
     "What members read: what came since they joined, or all."},
    {"max_payload_bytes", "max_payload_bytes", body, number, false, "", "Of a message."},
    {"slow_mode_ms", "slow_mode_ms", body, number, false, "", "Time between two messages of a member; 0 for none."},
    {"frozen", "frozen", body, flag, false, "", "Only admins and owners write."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kGetConversation = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
});
constexpr auto kUpdateConversation = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"title", "title", body, text, false, "", "For people, at most 256 bytes."},
    {"join", "join", body, text, false, "invite,open", "Who may join: only who is added, or everybody."},
    {"visibility", "visibility", body, text, false, "since_join,all", "What those read who join from now on."},
    {"max_payload_bytes", "max_payload_bytes", body, number, false, "", "Of a message."},
    {"slow_mode_ms", "slow_mode_ms", body, number, false, "", "Time between two messages of a member; 0 for none."},
    {"frozen", "frozen", body, flag, false, "", "Only admins and owners write."},
    {"by", "by", body, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kDeleteConversation = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kTruncate = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"keep_from", "keep_from", body, number, true, "", "Offset of the first entry that stays."},
    {"epoch", "epoch", body, number, true, "", "Of the log that is meant."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kGetDirectConversation = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
});
constexpr auto kListMembers = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"limit", "limit", query, number, false, "", "How many at most."},
    {"cursor", "cursor", query, text, false, "", "'next' of the page before."},
});
constexpr auto kAddMembers = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"users", "users", body, texts, true, "", "Whom to add, at most 100."},
    {"role", "role", body, text, false, "reader,member,moderator,admin,owner", "Of those who are added."},
    {"by", "by", body, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kUpdateMember = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"user", "user", path, text, true, "", "The user."},
    {"role", "role", body, text, false, "reader,member,moderator,admin,owner", "From now on."},
    {"muted", "muted", body, flag, false, "", "Whether the member only reads."},
    {"muted_until", "muted_until", body, text, false, "",
     "Until when the member only reads: a time (RFC 3339), or \"forever\"."},
    {"by", "by", body, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kRemoveMember = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"user", "user", path, text, true, "", "The user."},
    {"by", "by", query, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kBan = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"user", "user", body, text, true, "", "Whom to ban."},
    {"until", "until", body, text, false, "", "A time (RFC 3339), or \"forever\", which is the default."},
    {"by", "by", body, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kInvite = std::to_array<Parameter>({
    {"conversation", "conversation", path, text, true, "", "The room."},
    {"users", "users", body, texts, true, "", "Whom to invite, at most 100."},
    {"by", "by", body, text, false, "", "In whose name; without it the server does it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kListUserConversations = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"limit", "limit", query, number, false, "", "How many at most."},
    {"cursor", "cursor", query, text, false, "", "'next' of the page before."},
});
constexpr auto kGetUnread = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
});
constexpr auto kMarkRead = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"conversation", "conversation", body, text, true, "", "A user, or \"room:NAME\"."},
    {"offset", "offset", body, number, true, "", "Everything up to here is read."},
    {"epoch", "epoch", body, number, true, "", "Of the log that is meant."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kBlock = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "user", body, text, true, "", "Whom to block."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kUnblock = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"other", "other", path, text, true, "", "The other user; \"server\": what the server has written to the user."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kRemoveDevice = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"device", "device", path, text, true, "", "As the client calls it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kDisconnectUser = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"text", "text", body, text, false, "", "What the clients are told."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kRevokeUser = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"until", "until", body, text, false, "",
     "Until when it holds: a time (RFC 3339), or \"forever\"; a time in the past lifts it."},
    {"text", "text", body, text, false, "", "What the clients are told."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kEraseUser = std::to_array<Parameter>({
    {"user", "user", path, text, true, "", "The user."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kBroadcast = std::to_array<Parameter>({
    {"type", "type", body, text, false, "", "What the payload is."},
    {"text", "text", body, text, false, "", "The payload, UTF-8; or 'base64'."},
    {"base64", "base64", body, text, false, "", "The payload, RFC 4648."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kTyping = std::to_array<Parameter>({
    {"user", "user", body, text, true, "", "Who types."},
    {"conversation", "conversation", body, text, true, "", "A user, or \"room:NAME\"."},
    {"on", "on", body, flag, false, "", "Whether the user types; true without it."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kPauseHook = std::to_array<Parameter>({
    {"hook", "hook", path, text, true, "", "Its name."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kReplayHook = std::to_array<Parameter>({
    {"hook", "hook", path, text, true, "", "Its name."},
    {"after", "after", body, number, false, "",
     "A place in the log of all conversations, as 'place' of a hook: what is behind it."},
    {"from", "from", body, text, false, "", "A time (RFC 3339): what was written since then."},
    {"idempotency-key", "Idempotency-Key", header, text, false, "", "The call is done once."},
});
constexpr auto kCalls = std::to_array<Call>({
    {"publish", "POST", "/v1/messages", "results", kPublish, "Publish a message to a user, a room, or many"},
    {"publish_batch", "POST", "/v1/messages/batch", "results", kPublishBatch,
     "Publish up to 100 messages, stored in their order"},
    {"list_messages", "GET", "/v1/conversations/{conversation}/messages", "entries", kListMessages,
     "Entries of a log, a page at a time"},
    {"get_message", "GET", "/v1/conversations/{conversation}/messages/{offset}", "", kGetMessage, "One entry"},
    {"edit_message", "PATCH", "/v1/conversations/{conversation}/messages/{offset}", "", kEditMessage, "Edit a message"},
    {"delete_message", "DELETE", "/v1/conversations/{conversation}/messages/{offset}", "", kDeleteMessage,
     "Delete a message"},
    {"react", "POST", "/v1/conversations/{conversation}/messages/{offset}/reactions", "", kReact, "React to a message"},
    {"unreact", "DELETE", "/v1/conversations/{conversation}/messages/{offset}/reactions", "", kUnreact,
     "Take a reaction back"},
    {"list_direct_messages", "GET", "/v1/users/{user}/conversations/{other}/messages", "entries", kListDirectMessages,
     "Entries of a log, a page at a time"},
    {"get_direct_message", "GET", "/v1/users/{user}/conversations/{other}/messages/{offset}", "", kGetDirectMessage,
     "One entry"},
    {"edit_direct_message", "PATCH", "/v1/users/{user}/conversations/{other}/messages/{offset}", "", kEditDirectMessage,
     "Edit a message"},
    {"delete_direct_message", "DELETE", "/v1/users/{user}/conversations/{other}/messages/{offset}", "",
     kDeleteDirectMessage, "Delete a message"},
    {"react_direct", "POST", "/v1/users/{user}/conversations/{other}/messages/{offset}/reactions", "", kReactDirect,
     "React to a message"},
    {"unreact_direct", "DELETE", "/v1/users/{user}/conversations/{other}/messages/{offset}/reactions", "",
     kUnreactDirect, "Take a reaction back"},
    {"list_conversations", "GET", "/v1/conversations", "conversations", kListConversations, "All conversations"},
    {"create_conversation", "POST", "/v1/conversations", "", kCreateConversation, "Make a room"},
    {"get_conversation", "GET", "/v1/conversations/{conversation}", "", kGetConversation, "A room"},
    {"update_conversation", "PATCH", "/v1/conversations/{conversation}", "", kUpdateConversation,
     "Change what a room is"},
    {"delete_conversation", "DELETE", "/v1/conversations/{conversation}", "", kDeleteConversation,
     "End a room, with its log"},
    {"freeze", "POST", "/v1/conversations/{conversation}/freeze", "", kDeleteConversation,
     "Only admins and owners write"},
    {"unfreeze", "POST", "/v1/conversations/{conversation}/unfreeze", "", kDeleteConversation,
     "Everybody writes again"},
    {"truncate", "POST", "/v1/conversations/{conversation}/truncate", "", kTruncate,
     "Remove the older part of the log"},
    {"get_occupancy", "GET", "/v1/conversations/{conversation}/occupancy", "", kGetConversation,
     "How many members have a connection"},
    {"get_direct_conversation", "GET", "/v1/users/{user}/conversations/{other}", "", kGetDirectConversation,
     "A direct conversation"},
    {"list_members", "GET", "/v1/conversations/{conversation}/members", "members", kListMembers, "Members"},
    {"add_members", "POST", "/v1/conversations/{conversation}/members", "", kAddMembers, "Add members"},
    {"update_member", "PATCH", "/v1/conversations/{conversation}/members/{user}", "", kUpdateMember,
     "Change a role, or mute"},
    {"remove_member", "DELETE", "/v1/conversations/{conversation}/members/{user}", "", kRemoveMember,
     "Remove a member"},
    {"list_bans", "GET", "/v1/conversations/{conversation}/bans", "bans", kListMembers, "Who may not come back"},
    {"ban", "POST", "/v1/conversations/{conversation}/bans", "", kBan, "Ban a user"},
    {"unban", "DELETE", "/v1/conversations/{conversation}/bans/{user}", "", kRemoveMember, "End a ban"},
    {"list_invitations", "GET", "/v1/conversations/{conversation}/invitations", "invitations", kListMembers,
     "Who is invited"},
    {"invite", "POST", "/v1/conversations/{conversation}/invitations", "", kInvite, "Invite users"},
    {"withdraw_invitation", "DELETE", "/v1/conversations/{conversation}/invitations/{user}", "", kRemoveMember,
     "Take an invitation back"},
    {"list_user_conversations", "GET", "/v1/users/{user}/conversations", "conversations", kListUserConversations,
     "Conversations of a user, with the role"},
    {"get_unread", "GET", "/v1/users/{user}/unread", "conversations", kGetUnread, "What a user has not read"},
    {"mark_read", "POST", "/v1/users/{user}/read", "", kMarkRead, "A user has read everything up to an entry"},
    {"list_blocks", "GET", "/v1/users/{user}/blocks", "blocks", kListUserConversations, "Whom a user blocks"},
    {"block", "POST", "/v1/users/{user}/blocks", "", kBlock, "Block a user"},
    {"unblock", "DELETE", "/v1/users/{user}/blocks/{other}", "", kUnblock, "Block no longer"},
    {"list_devices", "GET", "/v1/users/{user}/devices", "devices", kGetUnread, "Devices that take pushes"},
    {"remove_device", "DELETE", "/v1/users/{user}/devices/{device}", "", kRemoveDevice,
     "A device takes no more pushes"},
    {"list_sessions", "GET", "/v1/users/{user}/sessions", "sessions", kGetUnread, "Live sessions"},
    {"get_presence", "GET", "/v1/users/{user}/presence", "", kGetUnread, "Whether a user is connected"},
    {"disconnect_user", "POST", "/v1/users/{user}/disconnect", "", kDisconnectUser, "End all sessions"},
    {"revoke_user", "POST", "/v1/users/{user}/revoke", "", kRevokeUser,
     "End all sessions, and let no token of before in"},
    {"erase_user", "POST", "/v1/users/{user}/erase", "", kEraseUser,
     "Delete what the user wrote; it goes on in the background"},
    {"broadcast", "POST", "/v1/broadcast", "", kBroadcast, "Tell every session; not stored"},
    {"typing", "POST", "/v1/typing", "", kTyping, "A user types"},
    {"info", "GET", "/v1/info", "", {}, "What the server is, and what the key may"},
    {"list_hooks", "GET", "/v1/hooks", "hooks", {}, "The hooks that are told what happens, and how each is doing"},
    {"pause_hook", "POST", "/v1/hooks/{hook}/pause", "", kPauseHook, "Nothing is sent to the hook until it is resumed"},
    {"resume_hook", "POST", "/v1/hooks/{hook}/resume", "", kPauseHook, "The hook is told what has waited"},
    {"replay_hook", "POST", "/v1/hooks/{hook}/replay", "", kReplayHook,
     "The hook is told again what the log has from there on"},
});

}  // namespace written

std::span<const Call> calls() { return written::kCalls; }

}  // namespace flare::cli::api
