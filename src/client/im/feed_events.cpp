#include "client/im/feed_events.hpp"

#include "model/target.hpp"

#include <utility>

namespace flare::client {

bool is_direct(std::string_view conversation) noexcept {
    return model::Target::of(conversation).kind != model::Target::Kind::conversation;
}

Event event_of(const FeedOrigin& origin, PackedEntry packed, Keeping* kept) {
    Checked<Entry> entry = unpacked(std::move(packed), origin.encodings);
    if (!entry) return event::Error{Failure(entry.error().code, origin.conversation + ": " + entry.error().text)};
    if (kept != nullptr) kept->tells(*entry);
    const StoredAt stored{{origin.epoch, entry->offset}, entry->time};
    if (entry->kind != EntryKind::message) return event::EntryReceived{origin.conversation, stored, std::move(*entry)};
    const bool own = entry->from == origin.user;
    Message message(std::move(entry->type), std::move(entry->payload));
    message.id = entry->id;
    message.timestamp = message.server_time = entry->time;
    message.from = std::move(entry->from);
    message.to = !own && is_direct(origin.conversation) ? origin.user : origin.conversation;
    if (own) return event::OwnMessage{std::move(message), origin.conversation, stored};
    return event::MessageReceived{std::move(message), origin.conversation, stored};
}

}  // namespace flare::client
