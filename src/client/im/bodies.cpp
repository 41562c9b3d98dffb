#include "client/im/bodies.hpp"

#include "client/im/answer_body.hpp"
#include "client/im/entries.hpp"
#include "model/target.hpp"
#include "wire/feeds.hpp"
#include "wire/requests.hpp"
#include "wire/sync.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {
namespace {

namespace im = wire::im;
using Kind = model::Target::Kind;

constexpr std::size_t kMostReactionBytes = 64;

Failure invalid(std::string text) { return {errc::invalid_name, std::move(text)}; }

Checked<> check_conversation(const std::string& name) {
    if (!wire::is_name(name)) return invalid("the conversation's name is longer than 256 bytes or not UTF-8");
    if (name.empty()) return invalid("a conversation is called room:NAME, or by the other user's id: give one");
    return {};
}

Checked<> check_room(const std::string& name) {
    if (auto checked = check_conversation(name); !checked) return checked;
    const model::Target target = model::Target::of(name);
    if (target.kind != Kind::conversation) return invalid("'" + name + "' is no room: rooms are called room:NAME");
    if (target.name.empty() || target.name.size() > im::kMaxRoomBytes)
        return invalid("the name of a room has 1 to 128 bytes behind 'room:'");
    return {};
}

Checked<im::Names> names_of(const std::vector<std::string>& users) {
    if (users.size() > im::kMaxUsers) return invalid("a change names 1 to 100 users: send several");
    im::Names names;
    for (const std::string& user : users) {
        if (user.empty() || !wire::is_name(user))
            return invalid("a user id is empty, longer than 256 bytes or not UTF-8: correct it");
        names.emplace_back(user);
    }
    return names;
}

// A page has no more, whatever is asked for; a server cannot read a query that asks for more.
std::uint32_t at_most(std::uint32_t limit) { return std::min<std::uint32_t>(limit, im::kMaxPage); }

template <typename Body>
Call call_of(wire::Verb verb, const std::string& conversation, const Body& body) {
    return {verb, conversation, im::encode(body)};
}

StoredAt stored_of(const im::Written& written) {
    return {{written.epoch, written.offset}, wire::to_time(written.time_ms)};
}

LogHead head_of(const im::Head& head) { return {head.epoch, head.first, head.last, head.messages}; }

}  // namespace

// ---- what is asked ----

Checked<Call> create_call(const std::string& room, const RoomOptions& options) {
    if (auto checked = check_room(room); !checked) return checked.error();
    if (options.title.size() > im::kMaxTitleBytes || !base::is_utf8(options.title))
        return invalid("a title has at most 256 bytes of UTF-8");
    auto members = names_of(options.members);
    if (!members) return members.error();
    im::ConversationCreate body;
    body.name = model::Target::of(room).name;
    body.title = options.title;
    body.join = static_cast<model::Join>(options.join);
    body.visibility = static_cast<model::Visibility>(options.visibility);
    body.members = std::move(*members);
    return call_of(wire::Verb::conversation_create, room, body);
}

Checked<Call> room_call(wire::Verb verb, const std::string& room) {
    if (auto checked = check_room(room); !checked) return checked.error();
    return call_of(verb, room, im::ConversationRef{room});
}

Checked<Call> members_call(wire::Verb verb, const std::string& room, const std::vector<std::string>& users,
                           MemberRole role) {
    if (auto checked = check_room(room); !checked) return checked.error();
    auto names = names_of(users);
    if (!names) return names.error();
    im::MemberChange body;
    body.conversation = room;
    body.users = std::move(*names);
    body.role = static_cast<model::Role>(role);
    return call_of(verb, room, body);
}

Checked<Call> until_call(wire::Verb verb, const std::string& room, const std::string& user,
                         std::optional<std::chrono::system_clock::time_point> until) {
    if (auto checked = check_room(room); !checked) return checked.error();
    if (auto names = names_of({user}); !names) return names.error();
    im::MemberUntil body{room, user};
    if (until == Conversations::kForever) {
        body.until_ms = UINT64_MAX;
    } else if (until) {
        const auto ms = std::chrono::floor<std::chrono::milliseconds>(until->time_since_epoch()).count();
        body.until_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 1));  // 0 says something else
    }
    return call_of(verb, room, body);
}

Checked<Call> update_call(const std::string& room, const RoomChanges& changes) {
    using Body = im::ConversationUpdate;
    if (auto checked = check_room(room); !checked) return checked.error();
    if (changes.title && (changes.title->size() > im::kMaxTitleBytes || !base::is_utf8(*changes.title)))
        return invalid("a title has at most 256 bytes of UTF-8");
    constexpr std::int64_t kMostMs = UINT32_MAX;
    if (changes.slow_mode && (changes.slow_mode->count() < 0 || changes.slow_mode->count() > kMostMs))
        return Failure(errc::forbidden, "slow mode is at most 6 h: choose a shorter time");
    Body body;
    body.conversation = room;
    const auto say = [&body](std::uint32_t field, const auto& from, auto& to) {
        if (!from) return;
        body.changes |= field;
        to = static_cast<std::remove_reference_t<decltype(to)>>(*from);
    };
    say(Body::kTitle, changes.title, body.title);
    say(Body::kJoin, changes.join, body.join);
    say(Body::kVisibility, changes.visibility, body.visibility);
    say(Body::kMaxPayloadBytes, changes.max_payload_bytes, body.max_payload_bytes);
    say(Body::kFrozen, changes.frozen, body.frozen);
    if (changes.slow_mode) {
        body.changes |= Body::kSlowMode;
        body.slow_mode_ms = static_cast<std::uint32_t>(changes.slow_mode->count());
    }
    return call_of(wire::Verb::conversation_update, room, body);
}

Checked<Call> block_call(wire::Verb verb, const std::string& user) {
    if (auto checked = check_conversation(user); !checked) return checked.error();
    if (model::Target::of(user).kind != Kind::user) return invalid("'" + user + "' is no user: only users are blocked");
    return call_of(verb, user, im::ConversationRef{user});
}

Checked<Call> get_call(const std::string& conversation) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    return call_of(wire::Verb::conversation_get, conversation, im::ConversationRef{conversation});
}

Checked<Call> list_call(const std::string& conversation, const std::string& after, std::uint32_t limit) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    if (!wire::is_name(after)) return invalid("after: a user id has at most 256 bytes of UTF-8");
    return call_of(wire::Verb::member_list, conversation, im::MemberQuery{conversation, after, at_most(limit)});
}

Checked<Call> history_call(const std::string& conversation, const HistoryQuery& query) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    im::HistoryQuery body;
    body.conversation = conversation;
    body.forward = query.after_offset.has_value();
    body.before = body.forward ? 0 : query.before_offset;
    body.after = query.after_offset.value_or(0);
    body.limit = at_most(query.limit);
    body.bytes = std::min(query.max_bytes, im::kMaxPageBytes);
    return call_of(wire::Verb::history, conversation, body);
}

Checked<Call> subscribe_call(const std::string& conversation, const SubscribeOptions& options) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    im::Subscribe body;
    body.conversation = conversation;
    body.epoch = options.after.epoch;
    body.after = options.after.offset;
    body.id = options.after_id;
    body.complete = options.complete;
    return call_of(wire::Verb::subscribe, conversation, body);
}

Checked<Call> unsubscribe_call(const std::string& conversation) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    return call_of(wire::Verb::unsubscribe, conversation, im::Unsubscribe{conversation});
}

Checked<Call> mark_call(const std::string& conversation, const Position& upto) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    return call_of(wire::Verb::read_mark, conversation, im::MarkRead{conversation, upto.epoch, upto.offset});
}

Checked<Call> unmark_call(const std::string& conversation, const Position& from) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    return call_of(wire::Verb::read_unmark, conversation, im::MarkRead{conversation, from.epoch, from.offset});
}

Checked<Call> readers_call(const std::string& conversation, const Position& message, const std::string& after,
                           std::uint32_t limit) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    if (!wire::is_name(after)) return invalid("after: a user id has at most 256 bytes of UTF-8");
    return call_of(wire::Verb::readers, conversation,
                   im::ReaderQuery{conversation, message.epoch, message.offset, after, at_most(limit)});
}

Checked<Call> edit_call(const std::string& conversation, const Position& message, const Message& content) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    if (!wire::is_name(content.type)) return invalid("the message's type is longer than 256 bytes or not UTF-8");
    im::MessageEdit body;
    body.conversation = conversation;
    body.epoch = message.epoch;
    body.offset = message.offset;
    body.type = content.type;
    body.payload = content.payload.view();
    return call_of(wire::Verb::message_edit, conversation, body);
}

Checked<Call> delete_call(const std::string& conversation, const Position& message) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    return call_of(wire::Verb::message_delete, conversation,
                   im::MessageDelete{conversation, message.epoch, message.offset});
}

Checked<Call> reaction_call(wire::Verb verb, const std::string& conversation, const Position& message,
                            const std::string& key) {
    if (auto checked = check_conversation(conversation); !checked) return checked.error();
    if (key.empty() || key.size() > kMostReactionBytes || !base::is_utf8(key))
        return invalid("a reaction has 1 to 64 bytes of UTF-8: give an emoji, for example");
    return call_of(verb, conversation, im::MessageReaction{conversation, message.epoch, message.offset, key});
}

Call sync_call(const std::string& cursor, const std::string& page, std::uint32_t limit, std::uint32_t entries) {
    im::Sync body;
    body.cursor = cursor;
    body.page = page;
    body.limit = limit;
    body.entries = entries;
    body.feeds = true;
    return call_of(wire::Verb::sync, {}, body);
}

// ---- what is answered ----

Conversation conversation_of(const im::Conversation& from) {
    Conversation conversation;
    conversation.name = std::string(from.conversation);
    if (from.head) conversation.head = head_of(*from.head);
    conversation.config = config_of(
        {std::string(from.title), from.join, from.visibility, from.max_payload_bytes, from.slow_mode_ms, from.frozen});
    conversation.role = static_cast<MemberRole>(from.role);
    conversation.visible_from = from.visible_from;
    conversation.members = from.members;
    conversation.invited_by = std::string(from.invited_by);
    if (from.written) conversation.written = stored_of(*from.written);
    return conversation;
}

Checked<Conversation> read_conversation(const Answer& answer, const std::string& name) {
    const auto body = body_of<im::Conversation>(answer);
    if (!body) return body.error();
    Conversation conversation = conversation_of(*body);
    if (conversation.name.empty()) conversation.name = name;
    return conversation;
}

Checked<StoredAt> read_written(const Answer& answer) {
    const auto body = body_of<im::Written>(answer);
    if (!body) return body.error();
    return stored_of(*body);
}

Checked<> read_done(const Answer& answer) {
    const auto written = read_written(answer);
    return written ? Checked<>() : Checked<>(written.error());
}

Checked<MemberPage> read_members(const Answer& answer) {
    const auto body = body_of<im::MemberPage>(answer);
    if (!body) return body.error();
    MemberPage page;
    for (const im::Member& from : body->members) {
        page.members.push_back({std::string(from.user), static_cast<MemberRole>(from.role),
                                wire::to_time(from.joined_at_ms),
                                time_of(static_cast<std::uint64_t>(std::max<std::int64_t>(0, from.muted_until_ms)))});
    }
    page.more = body->more;
    if (page.more && page.members.empty()) return unreadable();
    return page;
}

Checked<HistoryPage> read_history(const Answer& answer, const HistoryQuery& query) {
    if (answer.code != errc::ok) return Failure(answer.code, answer.text);
    HistoryPage page;
    std::vector<std::pair<im::Entry, const Bytes*>> found;  // views
    for (const Bytes& body : answer.bodies) {
        const auto part = im::decode<im::HistoryPage>(body.view());
        if (!part || found.size() + part->entries.size() > im::kMaxPage) return unreadable();
        if (part->head) page.head = head_of(*part->head);
        for (const im::Entry& entry : part->entries) found.emplace_back(entry, &body);
        page.more = part->more;
    }
    if (page.more && found.empty()) return unreadable();
    const bool upwards = query.after_offset.has_value();
    if (!upwards) std::reverse(found.begin(), found.end());
    std::size_t bytes = 0;
    for (const auto& [from, whole] : found) {
        auto entry = unpacked(packed_of(from, *whole), answer.encodings);
        if (!entry) return entry.error();
        bytes += entry->payload.size();
        if (bytes > kMostInflated) {
            page.more = true;
            break;
        }
        page.entries.push_back(std::move(*entry));
    }
    if (!upwards) std::reverse(page.entries.begin(), page.entries.end());
    return page;
}

Checked<Subscribed> read_subscribed(const Answer& answer) {
    const auto body = body_of<im::Subscribed>(answer);
    if (!body) return body.error();
    if (body->feed == 0 || !body->head || body->next == 0 || (body->reset && body->reset->next == 0))
        return unreadable();
    return Subscribed{body->feed, head_of(*body->head), body->visible_from,
                      body->next, body->reset,          marks_of(body->others)};
}

Checked<> read_unsubscribed(const Answer& answer) {
    const auto body = body_of<im::Unsubscribed>(answer);
    if (!body) return body.error();
    return {};
}

Checked<im::ReadMark> read_mark(const Answer& answer) { return body_of<im::ReadMark>(answer); }

std::vector<UserMark> marks_of(const std::vector<im::UserMark>& marks) {
    std::vector<UserMark> made;
    made.reserve(marks.size());
    for (const im::UserMark& each : marks)
        made.push_back({std::string(each.user), each.read, std::max(each.read, each.delivered)});
    return made;
}

Checked<ReaderPage> read_readers(const Answer& answer) {
    const auto body = body_of<im::ReaderPage>(answer);
    if (!body) return body.error();
    if (body->more && body->readers.empty()) return unreadable();
    return ReaderPage{marks_of(body->readers), body->more, body->read, body->delivered, body->members};
}

bool is_whole(const im::SyncedConversation& synced) {
    if (!synced.about || synced.about->conversation.empty() || !synced.about->head) return false;
    std::uint64_t next = synced.entries.empty() ? 0 : synced.entries.front().offset;
    for (const im::Entry& entry : synced.entries) {
        if (entry.offset == 0 || entry.offset != next++) return false;
    }
    return synced.entries.empty() || synced.entries.back().offset <= synced.about->head->last;
}

Checked<im::SyncPage> read_page(const Answer& answer) {
    auto page = body_of<im::SyncPage>(answer);
    if (!page) return page;
    const auto& found = page->conversations;
    if (!std::all_of(found.begin(), found.end(), is_whole)) return unreadable();
    return page;
}

}  // namespace flare::client
