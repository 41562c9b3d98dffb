#include "client/cache/records.hpp"

#include "client/im/entries.hpp"
#include "model/entry.hpp"
#include "wire/frame.hpp"

namespace flare::client {

std::string bytes_of(const Entry& entry) {
    wire::im::Entry kept;
    kept.offset = entry.offset;
    kept.rev = entry.changed_at == 0 ? entry.offset : entry.changed_at;
    kept.kind = static_cast<model::EntryKind>(entry.kind);
    kept.id = entry.id;
    kept.from = entry.from;
    kept.time_ms = unix_ms(entry.time);
    kept.type = entry.type;
    kept.payload = entry.payload.view();
    kept.ref = entry.ref;
    kept.flags = (entry.silent ? model::kSilent : 0u) | (entry.mentions_all ? model::kMentionAll : 0u);
    kept.messages = entry.messages;
    return wire::im::encode(kept);
}

std::optional<Entry> entry_of(std::string_view bytes) {
    const auto kept = wire::im::decode<wire::im::Entry>(bytes);
    if (!kept || kept->encoding != wire::Encoding::none) return std::nullopt;
    auto entry = unpacked(packed_of(*kept, {}), 0);
    if (!entry) return std::nullopt;
    return std::move(*entry);
}

std::optional<Entry> entry_of(const KeptMessage& message, const std::string& user, const StoredAt& stored) {
    const auto sent = wire::decode_message(message.message.view());
    if (!sent) return std::nullopt;
    Entry entry;
    entry.offset = stored.position.offset;
    entry.kind = EntryKind::message;
    entry.id = message.id;
    entry.from = user;
    entry.time = stored.time;
    entry.type = std::string(sent->type);
    entry.payload = Bytes(sent->payload);
    return entry;
}

}  // namespace flare::client
