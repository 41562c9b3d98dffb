#include "server/conversations/entry_writer.hpp"

#include "server/conversations/opened.hpp"
#include "wire/entries.hpp"

#include <flare/message.hpp>

#include <algorithm>
#include <utility>

namespace flare::server::reading {
namespace {

constexpr std::size_t kMostBesideKey = 16;     // of a reaction on the wire
constexpr std::size_t kMostBesideMention = 8;  // of a name there

// A change tells rows in the store, and names on the wire.
Result<std::string> with_names(UserNames& names, const std::string& payload) {
    auto change = wire::decode_conversation_change(payload);
    if (!change) return errc::store_damaged;
    for (wire::ChangedMember& member : change->members) {
        const auto name = names.of(std::exchange(member.row, 0));
        if (!name) return name.error();
        member.user = std::string(*name);
    }
    return wire::encode(*change);
}

}  // namespace

wire::Encoding encoding_of(model::StoredEncoding encoding) noexcept {
    switch (encoding) {
        case model::StoredEncoding::identity: return wire::Encoding::none;
        case model::StoredEncoding::gzip: return wire::Encoding::gzip;
        case model::StoredEncoding::zstd: return wire::Encoding::zstd;
    }
    return wire::Encoding::unknown;
}

Result<std::string_view> UserNames::of(store::Row row) {
    if (row == 0) return kServerTarget;
    const auto found = names_.find(row);
    if (found != names_.end()) return std::string_view(*found->second);
    const auto name = reader_.user_name(row);
    if (!name) return name.error();
    return std::string_view(*(names_[row] = &kept_.emplace_back(name->value_or(std::string()))));
}

Result<bool> EntryWriter::add(const store::Entry& from, std::vector<wire::im::Entry>& to) {
    wire::im::Entry entry;
    entry.offset = from.offset;
    entry.rev = from.rev == from.offset ? 0 : from.rev;
    entry.kind = from.kind;
    entry.id = from.id;
    const auto name = names_.of(from.sender);
    if (!name) return code_of(name);
    entry.from = *name;
    entry.time_ms = static_cast<std::int64_t>(from.time_ms);
    entry.type = from.type;
    entry.payload = from.payload;
    entry.encoding = encoding_of(from.encoding);
    entry.ref = from.ref;
    entry.flags = static_cast<std::uint32_t>(from.flags | (from.blank ? model::kDeleted : 0));
    entry.messages = from.messages;
    if (from.kind == model::EntryKind::membership || from.kind == model::EntryKind::config) {
        auto named = with_names(names_, from.payload);
        if (!named) return code_of(named);
        entry.payload = told_.emplace_back(std::move(*named));
    }
    std::size_t mentions = 0;
    for (const store::Row user : from.mentions) {
        const auto mentioned = names_.of(user);
        if (!mentioned) return code_of(mentioned);
        if (mentioned->empty()) continue;  // who is gone
        entry.mentions.push_back(*mentioned);
        mentions += mentioned->size() + kMostBesideMention;
    }
    std::size_t reactions = 0;
    for (const store::Reaction& each : from.reactions) {
        entry.reactions.push_back({each.key, each.users, each.own});
        reactions += each.key.size() + kMostBesideKey;
    }
    entry.reactions_upto = from.reactions_upto;
    const bool packed = entry.encoding != wire::Encoding::none;
    if (packed) entry.size = wire::size_said_by(entry.encoding, entry.payload);
    const bool inflates = packed && !wire::has(encodings_, entry.encoding);
    if (!take(mentions + reactions + entry.from.size() + entry.type.size() +
                  (inflates ? entry.size : entry.payload.size()),
              to.empty()))
        return false;
    if (inflates) {
        if (const errc code = inflate(entry); code != errc::ok) return code;
    }
    to.push_back(std::move(entry));
    return true;
}

bool EntryWriter::take(std::uint64_t bytes, bool first) {
    if (!one_each_) bytes += kMostBesideTexts;
    if (bytes > room_ && !(first && one_each_)) return false;
    room_ -= std::min<std::uint64_t>(bytes, room_);
    return true;
}

errc EntryWriter::inflate(wire::im::Entry& entry) {
    wire::MessageView packed;
    packed.payload = entry.payload;
    packed.encoding = entry.encoding;
    packed.size = entry.size;
    auto whole = inflater_.inflate(packed, wire::set_of(entry.encoding), wire::kDefaultMaxMessageBytes);
    if (!whole) return errc::store_damaged;
    entry.payload = inflated_.emplace_back(Inflated{std::move(*whole)}).bytes.view();
    entry.encoding = wire::Encoding::none;
    entry.size = 0;
    return errc::ok;
}

}  // namespace flare::server::reading
