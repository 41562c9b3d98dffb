// The calls of a client for rooms and for the history of conversations: Client::conversations().
//
//     auto& conversations = client->conversations();
//     auto room = conversations.create("room:lunch", flare::RoomOptions().with_title("Lunch"));
//     auto page = conversations.history("room:lunch");
//     auto feed = conversations.subscribe("room:lunch");  // from now on its entries arrive as events
//
// A conversation is named as in Message::to: "room:NAME", or the user id of the other user of a direct conversation.
// With GCC 12, lists in braces cannot stand in an expression with co_await: name them first.
//
// Protocol: docs/conversations.md; docs/client.md, "Conversations".
// Threads:  as Client.
// Owner:    Client; the object lives as long as its client, and moves with it.
#pragma once

#include <flare/conversation.hpp>
#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/message.hpp>
#include <flare/task.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flare {

namespace client {
class ClientLoop;
}

// For create(). Whoever creates a room is its owner.
class RoomOptions {
public:
    RoomOptions() = default;

    RoomOptions& with_title(std::string text) { return title = std::move(text), *this; }
    RoomOptions& with_join(JoinPolicy policy) { return join = policy, *this; }
    RoomOptions& with_visibility(HistoryVisibility which) { return visibility = which, *this; }
    RoomOptions& with_members(std::vector<std::string> users) { return members = std::move(users), *this; }

    std::string title;  // at most 256 bytes
    JoinPolicy join = JoinPolicy::invite;
    HistoryVisibility visibility = HistoryVisibility::since_join;
    std::vector<std::string> members;  // beside the owner, with MemberRole::member; at most 100
};

// For update(): what is said changes, the rest stays.
class RoomChanges {
public:
    RoomChanges() = default;

    RoomChanges& with_title(std::string text) { return title = std::move(text), *this; }
    RoomChanges& with_join(JoinPolicy policy) { return join = policy, *this; }
    RoomChanges& with_visibility(HistoryVisibility which) { return visibility = which, *this; }
    RoomChanges& with_max_payload(std::uint32_t bytes) { return max_payload_bytes = bytes, *this; }
    RoomChanges& with_slow_mode(std::chrono::milliseconds between) { return slow_mode = between, *this; }
    RoomChanges& with_frozen(bool on = true) { return frozen = on, *this; }

    std::optional<std::string> title;  // at most 256 bytes
    std::optional<JoinPolicy> join;
    std::optional<HistoryVisibility> visibility;         // of those who join from now on
    std::optional<std::uint32_t> max_payload_bytes;      // of a message, uncompressed: 1 to 1,048,576
    std::optional<std::chrono::milliseconds> slow_mode;  // between two messages of a member: up to 6 h; 0: off
    std::optional<bool> frozen;                          // only admins and owners write
};

// For subscribe(). Without a position, only entries that are written from now on are told; with a cache file
// (ClientBuilder::cache_file()) those behind the last one that was told, by this run of the program or an earlier one.
class SubscribeOptions {
public:
    SubscribeOptions() = default;

    // Tells the entries behind this position, those that exist and those to come; offset 0 with the epoch of the log:
    // from the first entry that the user may read. `id` is that of the entry at the position (Entry::id, Message::id):
    // with it, the server notices when its log has another entry there (HistoryGapReason::diverged).
    SubscribeOptions& with_after(Position position, Uuid id = {}) { return after = position, after_id = id, *this; }
    // The server sends all entries behind the position, however many, where it would leave out those of a client that
    // has missed more than 1,000. For bots and archives.
    SubscribeOptions& with_complete(bool all = true) { return complete = all, *this; }

    // Only entries that are written from now on, also if the cache has a position.
    SubscribeOptions& with_new_only(bool on = true) { return new_only = on, *this; }

    Position after;  // epoch and offset 0: from the newest entry on
    Uuid after_id;   // nil: not known
    bool complete = false;
    bool new_only = false;
};

// What subscribe() has begun.
struct Subscription {
    std::string conversation;
    Position after;                  // the first entry that is told is behind it
    std::uint64_t last = 0;          // the newest offset of the log at that time
    std::uint64_t visible_from = 0;  // the first offset that this user may read
    bool continued = false;          // `after` is where the cache says that telling has stopped
    std::optional<HistoryGap> gap;   // entries behind the position asked for that are left out; also told as an event
};

// Calls return when the server has answered.
//
// Those that change something (create() to unreact() below) are executed once: after a lost connection, or a "later" of
// the server, the client sends them again under the same id. They keep their place among the messages to their
// conversation: a change waits for those posted before it, and those posted after it wait for the change to be sent
// (docs/client.md, "Conversations", says where that ends). Those that only read wait for nothing, and are failed when
// their session is lost.
//
// Errors of every call:
// - not_supported: the server keeps no conversations (it has no store)
// - not_connected: no session, and the client is not trying to get one; or no connection for send_timeout(); of a
//   call that reads: no session at the moment
// - outcome_unknown (changes) or connection_lost, busy (reads): the session was lost, or the server has not answered
//   within send_timeout(). The change may have been made. Also after 10 minutes of "later", if an earlier session may
//   have made it
// - unknown_conversation: there is none of this name, or the user is not a member of it
// - invalid_name: of the room, a user or the title; the text says what is wrong
// - rate_limited, busy, storage_full, storage_failed: of a change, after the client has sent it again for 10 minutes
//   in which the server made no other change of the conversation (those that it waits for messages come on top); of a
//   call that reads, at once
// - recipient_busy: of a call that reads: too much is queued for this client; ask again
// - store_damaged: of a call that reads: the server's store is damaged where it was to be read
// - too_old: of a change that was sent again: it may have been in a part of the log that was removed
// - message_too_large: the answer is longer than an answer may be
// - outbox_full: 64 calls are waiting
// - malformed_frame: the server's answer cannot be read
// - cancelled, shutting_down, client_closed, would_deadlock
class FLARE_EXPORT Conversations {
public:
    // Of mute() and ban(): until unmute() or unban().
    static constexpr auto kForever = std::chrono::system_clock::time_point::max();

    ~Conversations();
    Conversations(const Conversations&) = delete;
    Conversations& operator=(const Conversations&) = delete;

    // Errors: conversation_exists, too_many_members, too_many_conversations, unknown_target (a member who has never
    // connected), forbidden.
    Checked<Conversation> create(std::string room, RoomOptions options = {});
    // Rooms with JoinPolicy::open; any other looks as if it did not exist. Joining twice changes nothing. Errors:
    // banned, too_many_members, too_many_conversations.
    Checked<Conversation> join(std::string room);
    // The last owner passes ownership on: docs/conversations.md, "Roles". Like the next two it returns the entry that
    // it has written, or the end of the log if it changed nothing.
    Checked<StoredAt> leave(std::string room);
    // 1 to 100 users; those who are members already are left as they are. Errors: forbidden (the role does not allow
    // it), unknown_target (one of them has never connected; nobody is added), banned, too_many_members,
    // too_many_conversations.
    Checked<StoredAt> add_members(std::string room, std::vector<std::string> users,
                                  MemberRole role = MemberRole::member);
    // A user who is not a member is left as they are. Errors: forbidden, unknown_target (nobody of this name has ever
    // connected).
    Checked<StoredAt> remove_member(std::string room, std::string user);
    // Of the calls that follow, each changes nothing if it is as it is to be. Errors: forbidden (the role does not
    // allow it; the last owner steps down; a time that is over), unknown_target (nobody of this name has ever
    // connected, or the user is no member).
    // Admins and owners give the roles below their own, owners any, also the own one away.
    Checked<StoredAt> set_role(std::string room, std::string user, MemberRole role);
    // The member reads, and does not write until then, by the server's clock; also if the user leaves and comes back.
    Checked<StoredAt> mute(std::string room, std::string user, std::chrono::system_clock::time_point until = kForever);
    Checked<StoredAt> unmute(std::string room, std::string user);
    // Removes the user, if it is a member, and lets nobody add it until then.
    Checked<StoredAt> ban(std::string room, std::string user, std::chrono::system_clock::time_point until = kForever);
    Checked<StoredAt> unban(std::string room, std::string user);
    // Admins and owners change what a room is. Errors: invalid_name (the title), message_too_large (the limit of
    // payloads is none), forbidden (slow mode beyond 6 h, or open rooms are not for this user).
    Checked<StoredAt> update(std::string room, RoomChanges changes);
    // Owners end a room, with its log. All members are told that it is gone.
    Checked<> delete_room(std::string room);
    // No message of this user comes through in the direct conversation of the two, until unblock(). The other user is
    // not told, but is refused (forbidden) when it writes. Errors: unknown_target.
    Checked<> block(std::string user);
    Checked<> unblock(std::string user);

    Checked<Conversation> get(std::string conversation);
    // In a fixed order. `after`: the last user of the page before; `limit`: more than 200 is 200; 0: 50. Errors:
    // unknown_target (`after` has never connected).
    Checked<MemberPage> members(std::string conversation, std::string after = {}, std::uint32_t limit = 0);
    // Without a query the newest 50 entries. Without a session, and with a cache file, what the cache has of the page:
    // HistoryPage::from_cache. Errors: not_connected (and nothing of it is in the cache), cache_failed; history_pruned
    // (entries after that offset have been removed); bad_compression, compression_unavailable, message_too_large (an
    // entry cannot be inflated).
    Checked<HistoryPage> history(std::string conversation, HistoryQuery query = {});

    // ---- changes of messages ----
    //
    // `message` is its position (SendResult::stored, Entry::offset with LogHead::epoch); epoch 0: in the log as it is.
    // They return the entry that tells the change. Subscribers, this client among them, are told by MessageChanged; a
    // later history() shows the message as it is then. Errors of all four: forbidden (the role does not allow it, or
    // there is no such message), muted, conversation_frozen, history_pruned (the message was deleted, or removed by the
    // rules of retention), epoch_changed (the log has another epoch now), not_supported (the server is older).

    // Gives a message another payload, and another type unless `content.type` is empty; nothing else of `content`
    // counts. For its sender, for 24 hours, and for admins and owners. Errors: too_many_edits (100), message_too_large
    // (more than the conversation takes, or than 255 KiB).
    Checked<StoredAt> edit_message(std::string conversation, Position message, Message content);
    // For its sender and for moderators. Its payload and its reactions are gone; its place stays.
    Checked<StoredAt> delete_message(std::string conversation, Position message);
    // `key`: 1 to 64 bytes of UTF-8, an emoji for example. A reaction that is there already, or not there, is left as
    // it is; then the result is the end of the log. Errors: too_many_reactions (20 keys of a message, 3 reactions of a
    // user to it), invalid_name (the key).
    Checked<StoredAt> react(std::string conversation, Position message, std::string key);
    Checked<StoredAt> unreact(std::string conversation, Position message, std::string key);

    // The conversations of this user, as far as the client knows them: nothing is asked of the server. Those that are
    // pinned come first, by that number, then the newest activity. `with_hidden`: also those that the user has hidden
    // (Settings::set()). Complete after ConversationsSynced; with a cache file, before that what the last run was told.
    // Errors: not_supported (ClientBuilder::sync_conversations() is off).
    Checked<std::vector<ListedConversation>> list(bool with_hidden = false) const;
    // The user has read everything up to this entry; a mark only grows. It counts for all devices of the user. The
    // result is what holds now: another device may have read further, and the end of the log is as far as a mark goes.
    // With sync_conversations(), the list shows it at once, and if the server cannot be asked now or does not answer
    // (not_connected, connection_lost, busy ...), the client says it again behind the next sync.
    // Errors: epoch_changed (the log has another epoch now).
    Checked<ReadMark> mark_read(std::string conversation, Position upto);

    // Tells the entries of a conversation as events, in the order of its log and each once, until unsubscribe():
    // MessageReceived with `stored`, OwnMessage, MessageChanged, EntryReceived; those that are left out as HistoryGap.
    // The client subscribes again by itself in each new session, behind the last entry that it told, also after
    // disconnect() and connect(); SubscriptionEnded says when it cannot. Entries may arrive before this call returns.
    // Messages that this client sends are told by MessageSent only, if their receipt arrives after the call.
    // Subscribing to the same conversation again begins anew at the position given; what had arrived and was not told
    // yet is dropped. If that fails, the earlier subscription continues.
    // Errors, beside those of a call that reads: too_many_feeds (500 in a session).
    Checked<Subscription> subscribe(std::string conversation, SubscribeOptions options = {});
    // Once it has returned, no event of the conversation begins any more (a callback that is running finishes). What
    // had arrived and was not told yet is dropped: to continue, subscribe behind the last entry that was told. If it
    // fails, the subscription continues. Without a session, and without a subscription, it succeeds.
    // With sync_conversations(), what had arrived is still told, and the entries of a conversation that the client
    // keeps live as before subscribe().
    Checked<> unsubscribe(std::string conversation);

    // ---- the same for coroutines, on any executor ----

    Task<Checked<Conversation>> async_create(std::string room, RoomOptions options = {});
    Task<Checked<Conversation>> async_join(std::string room);
    Task<Checked<StoredAt>> async_leave(std::string room);
    Task<Checked<StoredAt>> async_add_members(std::string room, std::vector<std::string> users,
                                              MemberRole role = MemberRole::member);
    Task<Checked<StoredAt>> async_remove_member(std::string room, std::string user);
    Task<Checked<StoredAt>> async_set_role(std::string room, std::string user, MemberRole role);
    Task<Checked<StoredAt>> async_mute(std::string room, std::string user,
                                       std::chrono::system_clock::time_point until = kForever);
    Task<Checked<StoredAt>> async_unmute(std::string room, std::string user);
    Task<Checked<StoredAt>> async_ban(std::string room, std::string user,
                                      std::chrono::system_clock::time_point until = kForever);
    Task<Checked<StoredAt>> async_unban(std::string room, std::string user);
    Task<Checked<StoredAt>> async_update(std::string room, RoomChanges changes);
    Task<Checked<>> async_delete_room(std::string room);
    Task<Checked<>> async_block(std::string user);
    Task<Checked<>> async_unblock(std::string user);
    Task<Checked<Conversation>> async_get(std::string conversation);
    Task<Checked<MemberPage>> async_members(std::string conversation, std::string after = {}, std::uint32_t limit = 0);
    Task<Checked<HistoryPage>> async_history(std::string conversation, HistoryQuery query = {});
    Task<Checked<StoredAt>> async_edit_message(std::string conversation, Position message, Message content);
    Task<Checked<StoredAt>> async_delete_message(std::string conversation, Position message);
    Task<Checked<StoredAt>> async_react(std::string conversation, Position message, std::string key);
    Task<Checked<StoredAt>> async_unreact(std::string conversation, Position message, std::string key);
    Task<Checked<ReadMark>> async_mark_read(std::string conversation, Position upto);
    Task<Checked<Subscription>> async_subscribe(std::string conversation, SubscribeOptions options = {});
    Task<Checked<>> async_unsubscribe(std::string conversation);

private:
    friend class Client;
    explicit Conversations(std::shared_ptr<client::ClientLoop> loop);
    std::shared_ptr<client::ClientLoop> loop_;
};

}  // namespace flare
