#include "server/conversations/feed_reading.hpp"

#include "im/planted.hpp"
#include "server/conversations/entry_writer.hpp"
#include "server/conversations/opened.hpp"
#include "server/conversations/others_reading.hpp"

#include <algorithm>
#include <utility>

namespace flare::server::reading {
namespace {

using Reason = wire::im::FeedResetReason;

// The log has an entry of that id there, as far as can be said.
Result<bool> has_entry(store::Reader& reader, store::Row conversation, const FeedPlace& place) {
    store::PageRequest request;
    request.conversation = conversation;
    request.from = place.after;
    request.ceiling = place.after;
    request.direction = store::Direction::forward;
    request.limit = 1;
    request.bytes = 0;
    const auto page = reader.page(request);
    if (!page) return code_of(page);
    return page->entries.empty() || page->entries.front().id == place.id;
}

// Why the feed does not go on behind `place`; unspecified: it does.
Result<Reason> reset_of(store::Reader& reader, const Opened& opened, const FeedPlace& place) {
    const model::Head& head = opened.conversation.head;
    const std::uint64_t floor = opened.floor();
    if (place.epoch != head.last.epoch) return Reason::other_epoch;
    if (place.after > head.last.offset) return Reason::diverged;
    if (place.after + 1 < floor) return Reason::unspecified;  // it begins where the member may read
    if (place.after >= floor && place.after >= head.first && !place.id.is_nil()) {
        const auto same = has_entry(reader, opened.conversation.row, place);
        if (!same) return code_of(same);
        if (!*same) return Reason::diverged;
    }
    if (place.after + 1 < head.first) return Reason::pruned;
    if (head.last.offset - place.after > kMostBehind && !place.complete) return Reason::too_far_behind;
    return Reason::unspecified;
}

wire::im::FeedReset make_reset(Reason reason, const model::Head& head, std::uint64_t floor, std::uint64_t next) {
    return {reason, std::max(head.first, floor), head.last.offset, next, head.last.epoch};
}

}  // namespace

FeedBeginning feed_beginning(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                             const FeedPlace& place) {
    const auto opened = open(reader, key, user);
    if (!opened) return {.code = code_of(opened)};
    const model::Head& head = opened->conversation.head;
    const std::uint64_t floor = opened->floor();
    const std::uint64_t end = head.last.offset + 1;
    Reason reason = Reason::unspecified;
    FeedBeginning found;
    found.opening.next = std::max(end, floor);  // who has joined since the end was read begins there
    if (place.epoch != 0 || place.after != 0) {
        const auto judged = reset_of(reader, *opened, place);
        if (!judged) return {.code = code_of(judged)};
        reason = *judged;
        found.opening.next = std::max(place.after + 1, floor);
        // A member from long ago that begins at its floor may be as far behind.
        if (reason == Reason::unspecified && !place.complete && end - std::min(end, found.opening.next) > kMostBehind)
            reason = Reason::too_far_behind;
        if (reason == Reason::unspecified && found.opening.next < head.first) reason = Reason::pruned;
    }
    if (reason != Reason::unspecified) {
        const std::uint64_t newest = place.complete || end <= kNewest ? 1 : end - kNewest;
        found.opening.next = std::max({floor, head.first, newest});
        found.told.reset = make_reset(reason, head, floor, found.opening.next);
    }
    found.opening.conversation = opened->conversation.row;
    found.opening.user = opened->member.user;
    found.opening.as_of = head.last.offset;
    found.told.head = head_of(head);
    found.told.visible_from = opened->visible_from();
    found.told.next = found.opening.next;
    auto others = read_others(reader, opened->conversation, opened->member.user);
    if (!others) return {.code = code_of(others)};
    found.others = std::move(*others);
    found.told.others = found.others.marks;
    return found;
}

FeedPage feed_page(store::Reader& reader, const im::PageWanted& wanted) {
    store::PageRequest request;
    request.conversation = wanted.conversation;
    request.from = wanted.from;
    request.ceiling = wanted.last;
    request.direction = store::Direction::forward;
    request.limit = static_cast<std::uint32_t>(wanted.last - wanted.from + 1);
    request.bytes = kFeedPageBytes;
    const auto page = reader.page(request);
    if (!page) return {.code = code_of(page)};
    const auto conversation = reader.conversation(wanted.conversation);
    if (!conversation) return {.code = code_of(conversation)};
    EntryWriter writer(reader, wanted.encodings, kFeedPageBytes);
    std::vector<wire::im::Entry> entries;
    entries.reserve(page->entries.size());
    BlockWriter blocks(*conversation && has_few_members(**conversation));
    std::uint64_t next = wanted.from;
    // What is not there was removed by retention, be it while the page was read.
    const auto skip_to = [&](std::uint64_t offset) {
        if (offset <= next) return;
        if (!im::planted(im::Fault::cut_not_told))
            blocks.add_gap(next, offset - 1, make_reset(Reason::pruned, page->head, 1, offset));
        next = offset;
    };
    for (const store::Entry& entry : page->entries) {
        skip_to(entry.offset);
        const auto taken = writer.add(entry, entries);
        if (!taken) return {.code = code_of(taken)};
        if (!*taken) break;
        blocks.add(entries.back());
        next = entry.offset + 1;
    }
    if (page->entries.empty()) skip_to(page->head.first);
    FeedPage made{.blocks = blocks.finish()};
    if (made.blocks.empty()) made.code = errc::storage_failed;  // the home has told of what the store does not show
    return made;
}

}  // namespace flare::server::reading
