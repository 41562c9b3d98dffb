#include "server/conversations/others_reading.hpp"

#include "im/planted.hpp"
#include "server/conversations/entry_writer.hpp"
#include "server/conversations/opened.hpp"

#include <algorithm>
#include <utility>

namespace flare::server::reading {
namespace {

// The message that is asked about, or why there is none to be asked about.
Result<store::Entry> message_at(store::Reader& reader, const Opened& opened, std::uint64_t offset) {
    const model::Head& head = opened.conversation.head;
    if (offset == 0 || offset > head.last.offset || offset < opened.floor()) return errc::unknown_entry;
    if (offset < head.first) return errc::history_pruned;
    store::PageRequest request;
    request.conversation = opened.conversation.row;
    request.from = request.ceiling = offset;
    request.limit = 1;
    request.bytes = 0;
    auto page = reader.page(request);
    if (!page) return code_of(page);
    if (page->entries.empty()) return errc::history_pruned;
    if (page->entries.front().kind != model::EntryKind::message) return errc::unknown_entry;
    return std::move(page->entries.front());
}

// Of few members, with what was delivered to them.
Result<wire::im::ReaderPage> among_few(store::Reader& reader, const store::ReadersRequest& request,
                                       std::vector<store::MemberMark>& found) {
    const auto marks = reader.marks(request.conversation, 0, static_cast<std::uint32_t>(wire::im::kMaxOthers));
    if (!marks) return code_of(marks);
    wire::im::ReaderPage page;
    for (const store::MemberMark& each : *marks) {
        if (each.user == request.sender || (!request.visible_to_all && each.visible_from > request.offset)) continue;
        const std::uint64_t least = request.offset + (im::planted(im::Fault::reader_left_out) ? 1 : 0);
        const bool has_read = each.read >= least;
        if (request.count) {
            ++page.members;
            page.read += has_read;
            page.delivered += each.delivered >= request.offset;
        }
        if (!has_read || each.user <= request.after) continue;
        page.more = found.size() == request.limit;
        if (!page.more) found.push_back(each);
        if (page.more && !request.count) break;
    }
    return page;
}

Result<wire::im::ReaderPage> among_many(store::Reader& reader, const store::ReadersRequest& request,
                                        std::vector<store::MemberMark>& found) {
    auto readers = reader.readers(request);
    if (!readers) return code_of(readers);
    wire::im::ReaderPage page;
    page.read = page.delivered = static_cast<std::uint32_t>(std::min<std::uint64_t>(readers->read, UINT32_MAX));
    page.members = static_cast<std::uint32_t>(std::min<std::uint64_t>(readers->members, UINT32_MAX));
    page.more = readers->more;
    found = std::move(readers->found);
    return page;
}

}  // namespace

Result<Others> read_others(store::Reader& reader, const store::Conversation& conversation, store::Row user) {
    Others others;
    if (!has_few_members(conversation)) return others;
    const auto marks = reader.marks(conversation.row, 0, static_cast<std::uint32_t>(wire::im::kMaxOthers));
    if (!marks) return code_of(marks);
    others.names.reserve(marks->size());  // which are shown
    for (const store::MemberMark& each : *marks) {
        if (each.user == user || each.delivered == 0) continue;
        auto name = reader.user_name(each.user);
        if (!name) return code_of(name);
        if (!*name) continue;
        others.names.push_back(std::move(**name));
        others.marks.push_back({others.names.back(), each.read, each.delivered});
    }
    return others;
}

ReadersFound readers(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                     const wire::im::ReaderQuery& query) {
    const auto opened = open(reader, key, user);
    if (!opened) return {code_of(opened)};
    if (query.epoch != 0 && query.epoch != opened->conversation.head.last.epoch) return {errc::epoch_changed};
    const auto message = message_at(reader, *opened, query.offset);
    if (!message) return {code_of(message)};
    constexpr std::uint32_t kUsual = 50;
    store::ReadersRequest request;
    request.conversation = opened->conversation.row;
    request.offset = query.offset;
    request.sender = message->sender;
    request.visible_to_all = opened->conversation.config.visibility == model::Visibility::all;
    request.limit = std::min<std::uint32_t>(query.limit == 0 ? kUsual : query.limit, wire::im::kMaxPage);
    request.count = query.after.empty();
    if (!request.count) {
        const auto after = reader.user(query.after);
        if (!after) return {code_of(after)};
        if (!*after) return {errc::unknown_target};
        request.after = **after;
    }
    std::vector<store::MemberMark> found;
    auto page =
        has_few_members(opened->conversation) ? among_few(reader, request, found) : among_many(reader, request, found);
    if (!page) return {code_of(page)};
    UserNames names(reader);
    for (const store::MemberMark& each : found) {
        const auto name = names.of(each.user);
        if (!name) return {code_of(name)};
        page->readers.push_back({*name, each.read, each.delivered});
    }
    return {errc::ok, wire::im::encode(*page)};
}

}  // namespace flare::server::reading
