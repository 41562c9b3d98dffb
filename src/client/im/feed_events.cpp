#include "client/im/feed_events.hpp"

#include "client/im/message_changes.hpp"
#include "model/target.hpp"

#include <utility>

namespace flare::client {

namespace {

Event changed_of(const FeedOrigin& origin, const StoredAt& stored, Entry entry) {
    using What = event::MessageChanged::What;
    event::MessageChanged changed;
    changed.conversation = origin.conversation;
    changed.stored = stored;
    changed.by = std::move(entry.from);
    changed.offset = entry.ref;
    if (entry.kind == EntryKind::edit) {
        changed.what = What::edited;
        changed.type = std::move(entry.type);
        changed.payload = std::move(entry.payload);
        changed.deleted = entry.deleted;
    } else if (entry.kind == EntryKind::removal) {
        changed.what = What::deleted;
    } else {
        changed.what = entry.taken_back ? What::reaction_removed : What::reaction_added;
        changed.reaction = entry.payload.str();
    }
    return changed;
}

}  // namespace

bool is_direct(std::string_view conversation) noexcept {
    return model::Target::of(conversation).kind != model::Target::Kind::conversation;
}

Event event_of(const FeedOrigin& origin, PackedEntry packed, Keeping* kept) {
    Checked<Entry> entry = unpacked(std::move(packed), origin.encodings);
    if (!entry) return event::Error{Failure(entry.error().code, origin.conversation + ": " + entry.error().text)};
    if (kept != nullptr) kept->tells(*entry);
    const StoredAt stored{{origin.epoch, entry->offset}, entry->time};
    if (is_change(*entry)) return changed_of(origin, stored, std::move(*entry));
    if (entry->kind != EntryKind::message) return event::EntryReceived{origin.conversation, stored, std::move(*entry)};
    const bool own = entry->from == origin.user;
    Message message(std::move(entry->type), std::move(entry->payload));
    message.id = entry->id;
    message.timestamp = message.server_time = entry->time;
    message.from = std::move(entry->from);
    message.to = !own && is_direct(origin.conversation) ? origin.user : origin.conversation;
    message.reply_to = entry->ref;
    message.silent = entry->silent;
    message.mentions_all = entry->mentions_all;
    message.mentions = std::move(entry->mentions);
    if (own) return event::OwnMessage{std::move(message), origin.conversation, stored};
    return event::MessageReceived{std::move(message), origin.conversation, stored};
}

}  // namespace flare::client
