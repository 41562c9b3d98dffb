#include "client/cache/records.hpp"

#include "client/im/entries.hpp"
#include "model/entry.hpp"
#include "model/target.hpp"
#include "wire/frame.hpp"
#include "wire/sync.hpp"

#include <flare/conversations.hpp>

#include <algorithm>
#include <iterator>

namespace flare::client {

namespace {

constexpr std::size_t kMostListed = 8 * 1024;  // of payloads

// Views into it.
wire::im::Entry view_of(const Entry& entry) {
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
    kept.flags = (entry.silent ? model::kSilent : 0u) | (entry.mentions_all ? model::kMentionAll : 0u) |
                 (entry.taken_back ? model::kTakenBack : 0u) | (entry.deleted ? model::kDeleted : 0u) |
                 (entry.mentions.empty() ? 0u : model::kNamesUsers);
    const std::size_t mentions = std::min(entry.mentions.size(), wire::kMaxMentions);
    kept.mentions.assign(entry.mentions.begin(), entry.mentions.begin() + static_cast<std::ptrdiff_t>(mentions));
    kept.messages = entry.messages;
    for (const Reaction& each : entry.reactions) {
        if (kept.reactions.size() < wire::im::kMaxReactions) kept.reactions.push_back({each.key, each.users, each.own});
    }
    kept.reactions_upto = entry.reactions_upto;
    return kept;
}

// `messages`: as many as there are.
wire::im::Settings view_of(const ConversationSettings& settings, std::uint64_t messages) {
    wire::im::Settings kept;
    kept.notify = static_cast<model::Notify>(settings.notify);
    if (settings.muted_until) {
        const bool for_ever = *settings.muted_until == Conversations::kForever;
        kept.muted_until_ms = for_ever ? UINT64_MAX : static_cast<std::uint64_t>(unix_ms(*settings.muted_until));
    }
    kept.pinned = settings.pinned;
    kept.hidden_below = settings.hidden ? messages + 1 : 0;
    kept.cleared_to = settings.cleared_to;
    return kept;
}

}  // namespace

std::string bytes_of(const Entry& entry) { return wire::im::encode(view_of(entry)); }

std::string bytes_of(const ListedConversation& listed) {
    const Conversation& about = listed.about;
    wire::im::SyncedConversation kept;
    wire::im::Conversation& to = kept.about.emplace();
    to.conversation = about.name;
    to.head = wire::im::Head{about.head.epoch, about.head.first, about.head.last, about.head.messages};
    to.title = about.config.title;
    to.join = static_cast<model::Join>(about.config.join);
    to.visibility = static_cast<model::Visibility>(about.config.visibility);
    to.role = static_cast<model::Role>(about.role);
    to.visible_from = about.visible_from;
    to.members = about.members;
    to.invited_by = about.invited_by;
    to.max_payload_bytes = about.config.max_payload_bytes;
    to.slow_mode_ms = static_cast<std::uint32_t>(about.config.slow_mode.count());
    to.frozen = about.config.frozen;
    kept.last_ms = unix_ms(listed.last_time);
    kept.mark =
        wire::im::ReadMark{listed.mark.offset, static_cast<std::uint32_t>(listed.mark.unread), listed.mark.more};
    kept.mark->unread_from = listed.mark.unread_from;
    kept.settings = view_of(listed.settings, about.head.messages);
    kept.mark->mentions = static_cast<std::uint32_t>(listed.mark.mentions);
    if (!about.name.starts_with(model::Target::kConversation)) {  // of rooms they are told anew
        for (const UserMark& each : listed.others) kept.others.push_back({each.user, each.read, each.delivered});
    }
    std::size_t bytes = 0;
    auto first = listed.entries.end();
    while (first != listed.entries.begin() && (bytes += std::prev(first)->payload.size()) <= kMostListed) --first;
    for (auto each = first; each != listed.entries.end(); ++each) kept.entries.push_back(view_of(*each));
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
    read_about(sent->about, entry);
    return entry;
}

}  // namespace flare::client
