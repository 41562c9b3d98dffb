// What all engines do alike.
//
// Protocol: docs/store.md, "Appending".
// Threads:  pure functions.
#pragma once

#include "base/keyed_hash.hpp"
#include "store/engine.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace flare::store {

// How long a removed conversation is known as removed.
inline constexpr std::uint64_t kTombstoneMs = std::uint64_t{30} * 24 * 60 * 60 * 1000;

// Before this a log of the same name may have ended that nobody remembers. What was first sent since the last one ended
// is new to a log, also when it is older than the log itself: the first message of a conversation may come as a repeat.
constexpr std::uint64_t oldest_remembered(std::uint64_t now_ms) noexcept {
    return now_ms > kTombstoneMs ? now_ms - kTombstoneMs : 0;
}

// The log of each conversation in each generation of a store has an epoch of its own.
inline std::uint64_t epoch_of(std::uint64_t generation, Row conversation) noexcept {
    char text[sizeof conversation];
    std::memcpy(text, &conversation, sizeof text);
    const std::uint64_t hash = base::sip_hash<2, 4>({generation, 0}, {text, sizeof text});
    return hash == 0 ? 1 : hash;
}

// Of the entry after one of `last_ms`. A clock that was set back stops the time of a log for 5 min at most.
constexpr std::uint64_t time_after(std::uint64_t last_ms, std::uint64_t now_ms) noexcept {
    constexpr std::uint64_t kAheadMs = 5 * 60 * 1000;
    return last_ms <= now_ms + kAheadMs ? std::max(last_ms, now_ms) : now_ms;
}

inline constexpr std::uint64_t kMostEdits = 100;        // of a message
inline constexpr std::uint64_t kMostReactionKeys = 20;  // of a message
inline constexpr std::uint64_t kMostOwnReactions = 3;   // of a user to a message
inline constexpr std::size_t kMostPushDevices = 20;     // of a user

// It is about another entry, which must be there and not be deleted.
constexpr bool is_about_another(model::EntryKind kind) noexcept {
    using enum model::EntryKind;
    return kind == edit || kind == removal || kind == reaction;
}
// Its content goes into the row of the entry that it is about.
constexpr bool changes_another(model::EntryKind kind) noexcept {
    return kind == model::EntryKind::edit || kind == model::EntryKind::removal;
}

// How far a hook is when it was so far, if it was known, and `mark` is written.
inline HookMark moved(const std::optional<HookMark>& before, const HookMark& mark) {
    const HookMark was = before.value_or(HookMark{mark.name, mark.place, false, false, false});
    const std::uint64_t place = mark.set ? mark.place : std::max(mark.place, was.place);
    return {mark.name, place, false, false, mark.paused.value_or(was.paused.value_or(false))};
}

// In Head::messages.
constexpr bool counts_as_message(model::EntryKind kind, std::uint64_t flags) noexcept {
    return kind == model::EntryKind::message && (flags & model::kSilent) == 0;
}
// As unread, for the others.
constexpr bool counts(const NewEntry& entry) noexcept { return counts_as_message(entry.kind, entry.flags); }

// How far a member has come.
struct MemberMarks {
    model::ReadMark read{};
    std::uint64_t delivered = 0;  // as it was said; who has read something has it, too

    constexpr std::uint64_t has() const noexcept { return std::max(delivered, read.offset); }
    friend bool operator==(const MemberMarks&, const MemberMarks&) = default;
};
// What `mark` makes of them in a log that ends at `last`. Of a mark that has moved, the messages are to be looked up.
constexpr MemberMarks marked(MemberMarks marks, const Mark& mark, std::uint64_t last) noexcept {
    const std::uint64_t offset = std::min(mark.offset, last);
    switch (mark.what) {
        case Mark::What::read:
            marks.read.offset = std::max(marks.read.offset, offset);
            if (offset >= marks.read.unread_from) marks.read.unread_from = 0;
            break;
        case Mark::What::delivered:
            if (offset > marks.has()) marks.delivered = offset;
            break;
        case Mark::What::unread: marks.read.unread_from = offset; break;
    }
    return marks;
}

// What `change` makes of what was chosen for a log with this head.
constexpr model::Settings chosen(model::Settings settings, const SettingsChange& change,
                                 const model::Head& head) noexcept {
    if (change.notify) settings.notify = *change.notify;
    if (change.muted_until) settings.muted_until = *change.muted_until;
    if (change.pinned) settings.pinned = *change.pinned;
    if (change.hidden && !*change.hidden) settings.hidden_below = 0;
    if (change.hidden && *change.hidden && !settings.hides(head.messages)) settings.hidden_below = head.messages + 1;
    settings.cleared_to = std::max(settings.cleared_to, std::min(change.cleared_to, head.last.offset));
    return settings;
}
// What clearing up to there leaves of a mark.
constexpr model::ReadMark cleared(model::ReadMark mark, std::uint64_t upto) noexcept {
    if (mark.unread_from <= upto) mark.unread_from = 0;
    return mark;
}

// Who counts as a reader, or as one who could be.
constexpr bool may_read(const ReadersRequest& request, Row user, std::uint64_t visible_from) noexcept {
    return user != request.sender && (request.visible_to_all || visible_from <= request.offset);
}

// The offsets of a page: from `begin` to `last`; none if begin > last. more: there is more behind it, in its direction.
struct PageRange {
    std::uint64_t begin = 1;
    std::uint64_t last = 0;
    bool more = false;
};
inline PageRange range_of(const PageRequest& request, const model::Head& head) noexcept {
    constexpr std::uint32_t kMost = 1000;
    const std::uint64_t limit = std::clamp(request.limit, 1u, kMost);
    const std::uint64_t floor = std::max({request.floor, head.first, std::uint64_t{1}});
    const std::uint64_t ceiling = std::min(request.ceiling, head.last.offset);
    PageRange range{floor, ceiling, false};
    if (request.direction == Direction::forward) {
        range.begin = std::max(request.from, floor);
        if (ceiling - std::min(ceiling, range.begin) >= limit) range.last = range.begin + limit - 1;
    } else {
        range.last = std::min(request.from, ceiling);
        if (range.last - std::min(range.last, floor) >= limit) range.begin = range.last - limit + 1;
    }
    range.more = range.begin <= range.last &&
                 (request.direction == Direction::forward ? range.last < ceiling : range.begin > floor);
    return range;
}

}  // namespace flare::store
