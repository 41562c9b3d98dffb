// The events that a client delivers to its application, in order and one at a time.
//
// Threads: the callback runs on the client's event thread, or on the loop or pool that the builder was given.
#pragma once

#include <flare/conversation.hpp>
#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/message.hpp>
#include <flare/presence.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flare {

namespace event {

// connect() has succeeded.
struct Connected {
    Protocol protocol;
};
// The client has no connection. code ok: the application called disconnect().
struct Disconnected {
    Failure reason;
};
// Attempt number `attempt` (from 1) begins in `delay`.
struct Reconnecting {
    std::uint32_t attempt = 0;
    std::chrono::milliseconds delay{0};
};
// The client is connected again. resumed: the session continues and nothing is lost. Otherwise this is a new session,
// and a Gap event came before.
struct Reconnected {
    Protocol protocol;
    bool resumed = false;
};
// The client has given up reconnecting: its status is failed, and every message in the outbox has failed, except posted
// ones with a cache file (ClientBuilder::cache_file()), which wait for the next connect().
struct ReconnectFailed {
    Failure reason;
};
// A failure that no other event reports, such as a failed first connect, or a received message that cannot be
// decompressed.
struct Error {
    Failure failure;
};
// A message from another user, or from the server's handler or application (`from` is "server").
struct MessageReceived {
    Message message;
    std::string conversation{};        // "room:NAME", or who the message is from
    std::optional<StoredAt> stored{};  // set if a subscription told it, or the list: Conversations::subscribe(), list()
};
// Of a subscription: a message of this user from another device, or from an earlier run of this program. Messages of
// this client are told by MessageSent and not once more by this.
struct OwnMessage {
    Message message;
    std::string conversation;
    StoredAt stored;
};
// Of a subscription: a message was edited or deleted, or somebody has reacted to it or taken a reaction back; also by
// this user, and by this client. It is an entry of the log like others.
struct MessageChanged {
    // What was done to it.
    enum class What : std::uint8_t { edited, deleted, reaction_added, reaction_removed };
    std::string conversation;
    StoredAt stored;  // of the change
    What what{};
    std::string by;            // user id, or "server"
    std::uint64_t offset = 0;  // of the message
    // edited: what the message is now. An empty type: it has stayed.
    std::string type{};
    Bytes payload{};
    bool deleted = false;    // edited: the message has been deleted since, and there is no payload; `deleted` follows
    std::string reaction{};  // its key
};
// Of a subscription: an entry that is neither a message nor a change of one, such as a change of members.
struct EntryReceived {
    std::string conversation;
    StoredAt stored;
    Entry entry;
};
// Of a subscription: entries are missing. What comes after this event is behind them.
using HistoryGap = flare::HistoryGap;
// A subscription has ended, and the client does not renew it: the user is no longer a member
// (errc::unknown_conversation), or the server refused it in a new session. Nothing of it comes after this event.
struct SubscriptionEnded {
    std::string conversation;
    Failure reason;
    std::uint64_t offset = 0;  // of the entry that ended the membership; 0: something else ended the subscription
};
// Of ClientBuilder::sync_conversations(): something in Conversations::list() has changed: a new entry, a mark, the
// members, the configuration; or the conversation is new in it. Several changes may be told as one.
struct ConversationChanged {
    std::string conversation;
    std::optional<ListedConversation> now;  // none: the user is no longer a member of it
};
// Conversations::list() is complete and current, after a connect or a reconnect. The client keeps it current from here
// on, as far as the entries of the conversations reach it.
struct ConversationsSynced {};
// Of ClientBuilder::sync_conversations(): the user is invited to a room now, or no longer. Of one that was accepted,
// ConversationChanged follows.
struct InvitationChanged {
    std::string room;
    std::optional<Invitation> now;  // none: it was accepted, declined or taken back, or the room has ended
};
// Another user has come further in a conversation that is live, or that the client has just heard of again: a direct
// one, or a room of at most 100 members. Several changes of a user may be told as one.
struct MarksChanged {
    std::string conversation;
    std::string user;
    std::uint64_t read = 0;       // UserMark
    std::uint64_t delivered = 0;  // likewise
};
// Of Signals::subscribe_presence(): a user has come, gone or looked away. A short loss of a connection, of the user or
// of this client, changes nothing.
struct PresenceChanged {
    std::string user;
    PresenceState state = PresenceState::unknown;
    std::optional<std::chrono::system_clock::time_point> last_active{};  // as in Presence
};
// Somebody else has begun to type in a conversation, or has stopped: also if nothing more was heard for 6 s.
struct TypingChanged {
    std::string conversation;
    std::string user;
    bool on = false;
};
// The server has acknowledged the message with a receipt.
struct MessageSent {
    Uuid message_id;
    std::optional<StoredAt> stored{};  // where it is in the log of its conversation, if the server has a store
};
// The message failed: it has no receipt and will not be sent again, or its receipt gives the reason for the refusal.
struct MessageFailed {
    Uuid message_id;
    Failure error;
};
// The server answered a ping after `rtt`.
struct Heartbeat {
    std::chrono::nanoseconds rtt{0};
};
// The session has moved to a connection of another protocol; nothing was lost, repeated or reordered.
struct ProtocolSwitched {
    Protocol from;
    Protocol to;
};
// The session could not be resumed, so messages may be missing. See docs/protocol.md, "Gaps".
struct Gap {
    Failure reason;
    // One of the session's numbered lanes; numbers begin at 1.
    struct Lane {
        std::uint32_t lane = 0;
        std::uint64_t sent = 0;             // client to server: the last number that this client assigned
        std::uint64_t acknowledged = 0;     // client to server: the last number that the server acknowledged
        std::uint64_t received = 0;         // server to client: complete up to this number
        bool tail_known = false;            // true: the server still knew the session
        std::uint64_t server_sent = 0;      // tail_known: received + 1 .. server_sent are missing
        std::uint64_t server_received = 0;  // tail_known: the last number that the server actually received
    };
    std::vector<Lane> lanes;
    std::vector<Uuid> resent;  // messages without a receipt, which the client sends again in the new session
};
// The application requested a feature that the other side, or this version, does not support.
struct CapabilityUnavailable {
    std::string capability;
    std::string text;
};
// The session's credential expires in `left`; the session then ends with token_expired. If there is a token provider,
// the client asks it for a new token at once; otherwise call Client::refresh_token().
struct TokenExpiring {
    std::chrono::milliseconds left{0};
};
// The server is shutting down; the client may come back after `retry_after`.
struct Draining {
    std::chrono::milliseconds retry_after{0};
    std::string text;
};

}  // namespace event

using Event = std::variant<event::Connected, event::Disconnected, event::Reconnecting, event::Reconnected,
                           event::ReconnectFailed, event::Error, event::MessageReceived, event::MessageSent,
                           event::MessageFailed, event::Heartbeat, event::ProtocolSwitched, event::Gap,
                           event::CapabilityUnavailable, event::Draining, event::TokenExpiring, event::OwnMessage,
                           event::EntryReceived, event::HistoryGap, event::SubscriptionEnded,
                           event::ConversationChanged, event::ConversationsSynced, event::MessageChanged,
                           event::MarksChanged, event::PresenceChanged, event::TypingChanged, event::InvitationChanged>;

using EventCallback = std::function<void(const Event&)>;

// "edited", "deleted", "reaction_added" ...
FLARE_EXPORT std::string_view name(event::MessageChanged::What what) noexcept;
// "Connected", "Disconnected" ...
FLARE_EXPORT std::string_view name(const Event& event) noexcept;
// One line for people: the name and the main fields. Of payloads it shows only the length.
FLARE_EXPORT std::string to_string(const Event& event);

}  // namespace flare
