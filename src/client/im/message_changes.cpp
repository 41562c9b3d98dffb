#include "client/im/message_changes.hpp"

#include "session/planted.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {
namespace {

bool edit(PackedEntry& message, const PackedEntry& change) {
    Entry& entry = message.entry;
    // Of what has been deleted since, the removal says so.
    if (entry.deleted || change.entry.deleted || entry.changed_at >= change.entry.offset) return false;
    if (!change.entry.type.empty()) entry.type = change.entry.type;
    entry.payload = change.entry.payload;
    entry.changed_at = change.entry.offset;
    message.encoding = change.encoding;
    message.size = change.size;
    return true;
}

bool remove(PackedEntry& message, const Entry& change) {
    Entry& entry = message.entry;
    if (entry.deleted || entry.changed_at >= change.offset) return false;
    entry.payload = Bytes();
    entry.deleted = true;
    entry.changed_at = change.offset;
    entry.reactions.clear();
    entry.mentions.clear();
    message.encoding = wire::Encoding::none;
    message.size = 0;
    return true;
}

bool react(Entry& message, const Entry& change, bool own) {
    const bool counted =
        message.reactions_upto >= change.offset && !session::planted(session::Fault::reaction_counted_twice);
    if (message.deleted || counted) return false;
    message.reactions_upto = change.offset;
    auto& all = message.reactions;
    const std::string_view key = change.payload.view();
    const auto at =
        std::ranges::lower_bound(all, key, {}, [](const Reaction& each) { return std::string_view(each.key); });
    const bool there = at != all.end() && at->key == key;
    if (change.taken_back) {
        if (!there) return false;
        if (own) at->own = false;
        if (at->users <= 1) {
            all.erase(at);
        } else {
            --at->users;
        }
    } else if (there) {
        ++at->users;
        at->own |= own;
    } else {
        all.insert(at, {std::string(key), 1, own});
    }
    return true;
}

}  // namespace

bool is_change(const Entry& entry) noexcept {
    return entry.kind == EntryKind::edit || entry.kind == EntryKind::removal || entry.kind == EntryKind::reaction;
}

void blank_cleared(PackedEntry& packed, std::uint64_t cleared_to) {
    Entry& entry = packed.entry;
    if (!is_change(entry) || entry.ref > cleared_to) return;
    entry.type.clear();
    entry.payload = Bytes();
    entry.deleted = true;
    packed.encoding = wire::Encoding::none;
    packed.size = 0;
}

bool apply_change(PackedEntry& message, const PackedEntry& change, std::string_view user) {
    if (message.entry.kind != EntryKind::message || message.entry.offset != change.entry.ref) return false;
    switch (change.entry.kind) {
        case EntryKind::edit: return edit(message, change);
        case EntryKind::removal: return remove(message, change.entry);
        case EntryKind::reaction: return react(message.entry, change.entry, change.entry.from == user);
        default: return false;
    }
}

void take_newer(PackedEntry& known, PackedEntry other) {
    Entry& now = known.entry;
    Entry& then = other.entry;
    if (then.reactions_upto < now.reactions_upto) {
        then.reactions = std::move(now.reactions);
        then.reactions_upto = now.reactions_upto;
    }
    if (then.changed_at < now.changed_at) {
        now.reactions = std::move(then.reactions);
        now.reactions_upto = then.reactions_upto;
    } else {
        known = std::move(other);
    }
    if (!known.entry.deleted) return;
    known.entry.reactions.clear();
    known.entry.mentions.clear();
}

}  // namespace flare::client
