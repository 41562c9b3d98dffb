// Calls about conversations as requests, and the answers to them as what applications get.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  pure functions; what is compressed is inflated on the thread that calls.
#pragma once

#include "client/loop/requests.hpp"
#include "wire/feeds.hpp"

#include <flare/conversations.hpp>
#include <flare/settings.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flare::client {

// ---- what is asked. Errors: invalid_name, with what is wrong ----

Checked<Call> create_call(const std::string& room, const RoomOptions& options);
// conversation_join, conversation_leave and conversation_delete.
Checked<Call> room_call(wire::Verb verb, const std::string& room);
// member_add, member_remove and member_role.
Checked<Call> members_call(wire::Verb verb, const std::string& room, const std::vector<std::string>& users,
                           MemberRole role);
// member_mute and member_ban. `until`: none: no longer; max: for ever.
Checked<Call> until_call(wire::Verb verb, const std::string& room, const std::string& user,
                         std::optional<std::chrono::system_clock::time_point> until);
Checked<Call> update_call(const std::string& room, const RoomChanges& changes);
// user_block and user_unblock.
Checked<Call> block_call(wire::Verb verb, const std::string& user);
Checked<Call> get_call(const std::string& conversation);
Checked<Call> list_call(const std::string& conversation, const std::string& after, std::uint32_t limit);
Checked<Call> history_call(const std::string& conversation, const HistoryQuery& query);
Checked<Call> subscribe_call(const std::string& conversation, const SubscribeOptions& options);
Checked<Call> unsubscribe_call(const std::string& conversation);
// Changes of the message at a position.
Checked<Call> edit_call(const std::string& conversation, const Position& message, const Message& content);
Checked<Call> delete_call(const std::string& conversation, const Position& message);
Checked<Call> reaction_call(wire::Verb verb, const std::string& conversation, const Position& message,
                            const std::string& key);
Checked<Call> mark_call(const std::string& conversation, const Position& upto);
Checked<Call> unmark_call(const std::string& conversation, const Position& from);
Checked<Call> readers_call(const std::string& conversation, const Position& message, const std::string& after,
                           std::uint32_t limit);
Checked<Call> set_call(const std::string& conversation, const SettingsChange& change);
Checked<Call> clear_call(const std::string& conversation, const Position& upto);
// A page of the user's conversations, with feeds: of what has changed since `cursor`, or of the sync that has given
// `page`. Both as the server gave them, or empty.
Call sync_call(const std::string& cursor, const std::string& page, std::uint32_t limit, std::uint32_t entries);

// ---- what is answered. Errors: what the server says; malformed_frame, also of a page with `more` and nothing in it:
// whoever reads on asks with the last that they have ----

// `name`: of the conversation, as it was asked for.
Checked<Conversation> read_conversation(const Answer& answer, const std::string& name);
Checked<StoredAt> read_written(const Answer& answer);
Checked<> read_done(const Answer& answer);  // the same, of which nothing is told
Checked<MemberPage> read_members(const Answer& answer);
// Payloads beyond kMostInflated are left out, those that are furthest from where the query began, and `more` says so.
// Errors: bad_compression, compression_unavailable, message_too_large (of one entry).
inline constexpr std::size_t kMostInflated = 16u << 20;
Checked<HistoryPage> read_history(const Answer& answer, const HistoryQuery& query);

// A feed that the server has begun: its number in this session, what it will tell first, and what it leaves out.
// Neither `feed` nor `next` is 0.
struct Subscribed {
    std::uint32_t feed = 0;
    LogHead head;
    std::uint64_t visible_from = 0;
    std::uint64_t next = 0;
    std::optional<wire::im::FeedReset> reset;
    std::vector<UserMark> others;

    // Messages of the log before `next`; nothing: it does not say.
    std::optional<std::uint64_t> messages() const {
        return next == head.last + 1 ? std::optional(head.messages) : std::nullopt;
    }
};
Checked<Subscribed> read_subscribed(const Answer& answer);
Checked<> read_unsubscribed(const Answer& answer);
Checked<wire::im::ReadMark> read_mark(const Answer& answer);
Checked<ReaderPage> read_readers(const Answer& answer);
Checked<wire::im::Settings> read_settings(const Answer& answer);
ConversationSettings settings_of(const wire::im::Settings& settings, bool hidden);
std::vector<UserMark> marks_of(const std::vector<wire::im::UserMark>& marks);

// Views of the answer. Every conversation in it has a name and a head, and its entries are without holes.
Checked<wire::im::SyncPage> read_page(const Answer& answer);
bool is_whole(const wire::im::SyncedConversation& synced);  // as in a page
Conversation conversation_of(const wire::im::Conversation& from);

}  // namespace flare::client
