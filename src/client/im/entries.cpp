#include "client/im/entries.hpp"

#include "wire/entries.hpp"
#include "wire/message_about.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace flare::client {
namespace {

constexpr std::size_t kMostInflatedEntry = wire::im::kMaxPageBytes;
// Smaller ones are copied: who keeps a short message does not keep the frame that it came in.
constexpr std::size_t kShareFrom = 1024;

std::optional<ConversationChange> change_of(std::string_view payload) {
    const auto from = wire::decode_conversation_change(payload);
    if (!from) return std::nullopt;
    ConversationChange change;
    change.kind = static_cast<ConversationChange::Kind>(from->kind);
    for (const wire::ChangedMember& member : from->members) {
        change.members.push_back({member.user, static_cast<MemberRole>(member.role), time_of(member.muted_until_ms),
                                  time_of(member.banned_until_ms), member.invited});
    }
    if (from->config) change.config = config_of(*from->config);
    return change;
}

}  // namespace

std::int64_t unix_ms(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::optional<std::chrono::system_clock::time_point> time_of(std::uint64_t unix_ms) {
    if (unix_ms == 0) return std::nullopt;
    return wire::to_time(static_cast<std::int64_t>(std::min<std::uint64_t>(unix_ms, INT64_MAX)));
}

RoomConfig config_of(const model::Config& from) {
    RoomConfig config;
    config.title = from.title;
    config.join = static_cast<JoinPolicy>(from.join);
    config.visibility = static_cast<HistoryVisibility>(from.visibility);
    config.max_payload_bytes = from.max_payload_bytes;
    config.slow_mode = std::chrono::milliseconds(from.slow_mode_ms);
    config.frozen = from.frozen;
    return config;
}

PackedEntry packed_of(const wire::im::Entry& from, const Bytes& whole) {
    PackedEntry packed;
    packed.encoding = from.encoding;
    packed.size = from.size;
    Entry& entry = packed.entry;
    entry.offset = from.offset;
    entry.changed_at = from.rev == from.offset ? 0 : from.rev;  // a server may say either of one that was not changed
    entry.kind = static_cast<EntryKind>(from.kind);
    entry.id = from.id;
    entry.from = std::string(from.from);
    entry.time = wire::to_time(from.time_ms);
    entry.type = std::string(from.type);
    entry.ref = from.ref;
    entry.silent = (from.flags & model::kSilent) != 0;
    entry.mentions_all = (from.flags & model::kMentionAll) != 0;
    entry.taken_back = (from.flags & model::kTakenBack) != 0;
    entry.deleted = (from.flags & model::kDeleted) != 0;
    entry.mentions.assign(from.mentions.begin(), from.mentions.end());
    entry.messages = from.messages;
    for (const wire::im::Reaction& each : from.reactions)
        entry.reactions.push_back({std::string(each.key), each.users, each.own});
    entry.reactions_upto = from.reactions_upto;
    entry.payload = whole.empty() || from.payload.size() < kShareFrom ? Bytes(from.payload) : whole.share(from.payload);
    return packed;
}

bool counts_in_log(const Entry& entry) noexcept { return entry.kind == EntryKind::message && !entry.silent; }

void read_about(std::string_view bytes, Entry& to) {
    if (bytes.empty()) return;
    Message said;
    wire::read_about(bytes, said);
    to.ref = said.reply_to;
    to.silent = said.silent;
    to.mentions_all = said.mentions_all;
    to.mentions = std::move(said.mentions);
}

Checked<Entry> unpacked(PackedEntry packed, wire::Encodings encodings) {
    Entry& entry = packed.entry;
    if (packed.encoding != wire::Encoding::none) {
        wire::MessageView view;
        view.payload = entry.payload.view();
        view.encoding = packed.encoding;
        view.size = packed.size;
        auto payload = wire::Compression({}).inflate(view, encodings, kMostInflatedEntry);
        if (!payload) {
            const auto code = static_cast<errc>(payload.error().value());
            return Failure(code, "entry " + std::to_string(entry.offset) + ": " + std::string(explain(code)));
        }
        entry.payload = std::move(*payload);
    }
    if (entry.kind == EntryKind::membership || entry.kind == EntryKind::config)
        entry.change = change_of(entry.payload.view());
    return std::move(entry);
}

}  // namespace flare::client
