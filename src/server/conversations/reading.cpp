#include "server/conversations/reading.hpp"

#include "im/rights.hpp"
#include "server/conversations/entry_writer.hpp"
#include "server/conversations/opened.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace flare::server::reading {
namespace {

Found refused(errc code) { return {code, explain(code), {}}; }

constexpr std::uint32_t kUsual = 50;  // of who does not say how many
std::uint32_t page_of(std::uint32_t limit) noexcept {
    return std::min<std::uint32_t>(limit == 0 ? kUsual : limit, wire::im::kMaxPage);
}

// The row behind which a page of users begins; 0: from the first.
Result<store::Row> row_after(store::Reader& reader, std::string_view after) {
    if (after.empty()) return store::Row{0};
    const auto row = reader.user(after);
    if (!row) return row.error();
    if (!*row) return errc::unknown_target;
    return **row;
}

static_assert(wire::im::kMaxPageBytes + (wire::im::kMaxPage + 1) * kMostBesideTexts <= wire::kMaxResponseBytes,
              "a full page is a response");

}  // namespace

Found conversation(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                   std::string_view name, const std::optional<wire::im::Written>& written) {
    const auto opened = open_or_invited(reader, key, user);
    if (!opened) return refused(code_of(opened));
    UserNames names(reader);
    wire::im::Conversation body = describe(*opened, name);
    if (opened->member.invited()) {
        const auto by = names.of(opened->member.invited_by);
        if (!by) return refused(code_of(by));
        body = describe_invitation(*opened, name, *by);
    }
    body.written = written;
    return {errc::ok, {}, wire::im::encode(body)};
}

Found members(store::Reader& reader, const model::ConversationKey& key, std::string_view user, std::string_view after,
              std::uint32_t limit) {
    const auto opened = open(reader, key, user);
    if (!opened) return refused(code_of(opened));
    const auto from = row_after(reader, after);
    if (!from) return refused(code_of(from));
    limit = page_of(limit);
    const auto found = reader.members(opened->conversation.row, *from, limit + 1, false);
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
    store::PageRequest request;
    request.conversation = opened->conversation.row;
    request.direction = query.forward ? store::Direction::forward : store::Direction::backward;
    request.limit = page_of(query.limit);
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
    auto page = reader.page(request);
    if (!page) return refused(code_of(page));
    (void)opened->blank_cleared(page->entries);
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

Found bans(store::Reader& reader, const model::ConversationKey& key, std::string_view user, std::string_view after,
           std::uint32_t limit, std::uint64_t now_ms) {
    const auto opened = open(reader, key, user);
    if (!opened) return refused(code_of(opened));
    if (!im::can(opened->member.role, im::Capability::ban))
        return {errc::forbidden, "only admins see who is banned: ask one", {}};
    const auto from = row_after(reader, after);
    if (!from) return refused(code_of(from));
    limit = page_of(limit);
    const auto found = reader.bans(opened->conversation.row, *from, limit + 1, now_ms);
    if (!found) return refused(code_of(found));
    UserNames names(reader);
    wire::im::BanPage page;
    page.more = found->size() > limit;
    for (const model::Member& member : *found) {
        if (page.bans.size() == limit) break;
        const auto name = names.of(member.user);
        if (!name) return refused(code_of(name));
        page.bans.push_back({*name, member.banned_until});
    }
    return {errc::ok, {}, wire::im::encode(page)};
}

Found invitations(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                  std::string_view after, std::uint32_t limit) {
    const auto opened = open(reader, key, user);
    if (!opened) return refused(code_of(opened));
    if (!im::can(opened->member.role, im::Capability::invite))
        return {errc::forbidden, "only moderators see who is invited: ask one", {}};
    const auto from = row_after(reader, after);
    if (!from) return refused(code_of(from));
    limit = page_of(limit);
    const auto found = reader.invitations(opened->conversation.row, *from, limit + 1);
    if (!found) return refused(code_of(found));
    UserNames names(reader);
    wire::im::InvitePage page;
    page.more = found->size() > limit;
    for (const model::Member& member : *found) {
        if (page.invites.size() == limit) break;
        const auto name = names.of(member.user);
        const auto by = names.of(member.invited_by);
        if (!name || !by) return refused(code_of(name ? by : name));
        page.invites.push_back({*name, *by, static_cast<std::int64_t>(member.invited_ms)});
    }
    return {errc::ok, {}, wire::im::encode(page)};
}

Found blocks(store::Reader& reader, std::string_view user, std::string_view after, std::uint32_t limit) {
    const auto self = reader.user(user);
    if (!self) return refused(code_of(self));
    store::Row from = 0;
    if (!after.empty()) {
        const auto conversation = reader.conversation(model::ConversationKey::direct(user, after));
        if (!conversation) return refused(code_of(conversation));
        if (!*conversation) return refused(errc::unknown_target);
        from = (*conversation)->row;
    }
    limit = page_of(limit);
    const auto found =
        *self ? reader.blocks(**self, from, limit + 1) : Result<std::vector<store::Row>>(std::vector<store::Row>());
    if (!found) return refused(code_of(found));
    wire::im::BlockPage page;
    page.more = found->size() > limit;
    std::vector<std::string> names;
    names.reserve(found->size());  // they are named by views
    for (const store::Row row : *found) {
        if (page.users.size() == limit) break;
        const auto conversation = reader.conversation(row);
        if (!conversation) return refused(code_of(conversation));
        if (!*conversation) return refused(errc::store_damaged);
        const model::ConversationKey& key = (*conversation)->key;
        page.users.emplace_back(names.emplace_back(key.first() == user ? key.second() : key.first()));
    }
    return {errc::ok, {}, wire::im::encode(page)};
}

}  // namespace flare::server::reading
