#include "feed_text.hpp"

#include <charconv>
#include <utility>

namespace flare::cli {
namespace {

HeardEntry heard(const std::string& conversation, const StoredAt& stored, const Message& message) {
    HeardEntry told{conversation, stored.position.epoch, {}};
    Entry& entry = told.entry;
    entry.offset = stored.position.offset;
    entry.kind = EntryKind::message;
    entry.id = message.id;
    entry.from = message.from;
    entry.time = stored.time;
    entry.type = message.type;
    entry.payload = message.payload;
    entry.ref = message.reply_to;
    entry.silent = message.silent;
    entry.mentions_all = message.mentions_all;
    entry.mentions = message.mentions;
    return told;
}

// The entry of the log that has told it.
HeardEntry heard(const event::MessageChanged& changed) {
    using What = event::MessageChanged::What;
    HeardEntry told{changed.conversation, changed.stored.position.epoch, {}};
    Entry& entry = told.entry;
    entry.offset = changed.stored.position.offset;
    entry.kind = changed.what == What::edited    ? EntryKind::edit
                 : changed.what == What::deleted ? EntryKind::removal
                                                 : EntryKind::reaction;
    entry.from = changed.by;
    entry.time = changed.stored.time;
    entry.type = changed.type;
    entry.payload = changed.what == What::edited ? changed.payload : Bytes(changed.reaction);
    entry.ref = changed.offset;
    entry.deleted = changed.deleted;
    entry.taken_back = changed.what == What::reaction_removed;
    return told;
}

// All of it is one number.
std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

std::optional<HeardEntry> entry_in(const Event& event) {
    if (const auto* received = std::get_if<event::MessageReceived>(&event)) {
        if (!received->stored) return std::nullopt;
        return heard(received->conversation, *received->stored, received->message);
    }
    if (const auto* own = std::get_if<event::OwnMessage>(&event))
        return heard(own->conversation, own->stored, own->message);
    if (const auto* changed = std::get_if<event::MessageChanged>(&event)) return heard(*changed);
    if (const auto* other = std::get_if<event::EntryReceived>(&event))
        return HeardEntry{other->conversation, other->stored.position.epoch, other->entry};
    return std::nullopt;
}

std::string position_text(const Position& position) {
    return std::to_string(position.epoch) + ":" + std::to_string(position.offset);
}

std::optional<Position> position_of(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    const auto epoch = number_of(text.substr(0, colon));
    const auto offset = number_of(text.substr(colon + 1));
    if (!epoch || !offset) return std::nullopt;
    return Position{*epoch, *offset};
}

}  // namespace flare::cli
