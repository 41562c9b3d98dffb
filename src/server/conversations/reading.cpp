#include "server/conversations/reading.hpp"

#include "server/conversations/entry_writer.hpp"
#include "server/conversations/opened.hpp"

#include <algorithm>

namespace flare::server::reading {
namespace {

Found refused(errc code) { return {code, explain(code), {}}; }

static_assert(wire::im::kMaxPageBytes + (wire::im::kMaxPage + 1) * kMostBesideTexts <= wire::kMaxResponseBytes,
              "a full page is a response");

}  // namespace

Found conversation(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                   std::string_view name, const std::optional<wire::im::Written>& written) {
    const auto opened = open(reader, key, user);
    if (!opened) return refused(code_of(opened));
    wire::im::Conversation body = describe(*opened, name);
    body.written = written;
    return {errc::ok, {}, wire::im::encode(body)};
}

Found members(store::Reader& reader, const model::ConversationKey& key, std::string_view user, std::string_view after,
              std::uint32_t limit) {
    const auto opened = open(reader, key, user);
    if (!opened) return refused(code_of(opened));
    store::Row from = 0;
    if (!after.empty()) {
        const auto row = reader.user(after);
        if (!row) return refused(code_of(row));
        if (!*row) return refused(errc::unknown_target);
        from = **row;
    }
    constexpr std::uint32_t kUsual = 50;
    limit = std::min<std::uint32_t>(limit == 0 ? kUsual : limit, wire::im::kMaxPage);
    const auto found = reader.members(opened->conversation.row, from, limit + 1, false);
    if (!found) return refused(code_of(found));
    UserNames names(reader);
    wire::im::MemberPage page;
    for (const model::Member& member : *found) {
        if (page.members.size() == limit) {
            page.more = true;
            break;
        }
        const auto name = names.of(member.user);
        if (!name) return refused(code_of(name));
        page.members.push_back({*name, member.role, static_cast<std::int64_t>(member.joined_at),
                                static_cast<std::int64_t>(member.muted_until)});
    }
    return {errc::ok, {}, wire::im::encode(page)};
}

Found history(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
              const wire::im::HistoryQuery& query, wire::Encodings encodings) {
    const auto opened = open(reader, key, user);
    if (!opened) return refused(code_of(opened));
    const model::Head& head = opened->conversation.head;
    constexpr std::uint32_t kUsual = 50;
    store::PageRequest request;
    request.conversation = opened->conversation.row;
    request.direction = query.forward ? store::Direction::forward : store::Direction::backward;
    request.limit = std::min<std::uint32_t>(query.limit == 0 ? kUsual : query.limit, wire::im::kMaxPage);
    request.bytes = query.bytes == 0 ? wire::im::kMaxPageBytes : std::min(query.bytes, wire::im::kMaxPageBytes);
    request.floor = opened->floor();
    request.ceiling = head.last.offset;
    request.reactions = true;
    request.reader = opened->member.user;
    request.from = query.forward ? query.after + 1 : query.before == 0 ? head.last.offset : query.before - 1;
    if (query.forward && request.from < head.first && head.first > opened->floor())
        return refused(errc::history_pruned);
    wire::im::HistoryPage body;
    body.head = head_of(head);
    if (request.from == 0) return {errc::ok, {}, wire::im::encode(body)};
    const auto page = reader.page(request);
    if (!page) return refused(code_of(page));
    body.more = page->more;
    EntryWriter writer(reader, encodings, request.bytes);
    const std::size_t count = page->entries.size();
    for (std::size_t i = 0; i < count; ++i) {
        const auto taken = writer.add(page->entries[query.forward ? i : count - 1 - i], body.entries);
        if (!taken) return refused(code_of(taken));
        if (!*taken) {
            body.more = true;
            break;
        }
    }
    if (!query.forward) std::reverse(body.entries.begin(), body.entries.end());
    return {errc::ok, {}, wire::im::encode(body)};
}

}  // namespace flare::server::reading
