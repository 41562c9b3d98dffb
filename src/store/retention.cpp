#include "store/retention.hpp"

#include <algorithm>

namespace flare::store {
namespace {

// The first entry that is not older than `since_ms`: times do not decrease within a log. `end`: all of them are older.
Result<std::uint64_t> first_since(Reader& reader, const Conversation& of, std::uint64_t end, std::uint64_t since_ms) {
    PageRequest request;
    request.conversation = of.row;
    request.direction = Direction::forward;
    request.limit = 1;
    request.bytes = 0;
    std::uint64_t begin = of.head.first;
    request.from = begin;
    while (begin < end) {
        const auto page = reader.page(request);
        if (!page) return page.error();
        if (page->entries.empty()) return end;
        const Entry& entry = page->entries.front();
        if (entry.time_ms < since_ms) {
            begin = entry.offset + 1;
        } else {
            end = std::min(end, entry.offset);
        }
        request.from = begin + (end - begin) / 2;
    }
    return begin;
}

Result<std::uint64_t> first_within(Reader& reader, const Conversation& of, std::uint64_t bytes) {
    constexpr std::uint32_t kPage = 200;
    PageRequest request;
    request.conversation = of.row;
    request.direction = Direction::forward;
    request.limit = kPage;
    request.from = of.head.first;
    std::uint64_t left = of.head.bytes;
    while (left > bytes) {
        const auto page = reader.page(request);
        if (!page) return page.error();
        if (page->entries.empty()) break;
        for (const Entry& entry : page->entries) {
            // An edit shows its message's payload, which is in the row of that one.
            const bool own = entry.kind != model::EntryKind::edit;
            if (own) left -= std::min<std::uint64_t>(left, entry.payload.size());
            request.from = entry.offset + 1;
            if (left <= bytes) break;
        }
    }
    return request.from;
}

}  // namespace

Result<std::uint64_t> first_kept(Reader& reader, const Conversation& of, const RetentionRules& rules,
                                 std::uint64_t now_ms) {
    const model::Head& head = of.head;
    const std::uint64_t end = head.last.offset + 1;
    std::uint64_t kept = head.first;
    if (kept >= end) return std::uint64_t{0};
    if (rules.entries != 0 && end - kept > rules.entries) kept = end - rules.entries;
    if (rules.age_ms != 0 && now_ms > rules.age_ms) {
        const auto found = first_since(reader, of, end, now_ms - rules.age_ms);
        if (!found) return found.error();
        kept = std::max(kept, *found);
    }
    if (rules.bytes != 0 && head.bytes > rules.bytes) {
        const auto found = first_within(reader, of, rules.bytes);
        if (!found) return found.error();
        kept = std::max(kept, *found);
    }
    return kept == head.first ? 0 : std::min(kept, end);
}

}  // namespace flare::store
