#include "server/conversations/reading.hpp"

#include "session/planted.hpp"
#include "wire/entries.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace flare::server::reading {
namespace {

template <typename T>
errc code_of(const Result<T>& failed) noexcept {
    return static_cast<errc>(failed.error().value());
}

Found refused(errc code) { return {code, explain(code), {}}; }

// A conversation, and the user as a member of it.
struct Opened {
    store::Conversation conversation;
    model::Member member;

    std::uint64_t floor() const noexcept {
        if (session::planted(session::Fault::reads_from_the_start)) return 1;
        return conversation.config.visibility == model::Visibility::all ? 1 : member.visible_from;
    }
};

// "No such room" and "not a member" are one answer: who is no member hears of nothing.
std::optional<Opened> open(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                           Found& why) {
    const auto fail = [&](errc code) -> std::optional<Opened> {
        why = refused(code);
        return std::nullopt;
    };
    auto conversation = reader.conversation(key);
    if (!conversation) return fail(code_of(conversation));
    if (!*conversation || (*conversation)->removed) return fail(errc::unknown_conversation);
    const auto row = reader.user(user);
    if (!row) return fail(code_of(row));
    if (!*row) return fail(errc::unknown_conversation);
    const auto member = reader.member((*conversation)->row, **row);
    if (!member) return fail(code_of(member));
    const bool gone = *member && (*member)->role == model::Role::none;
    if (!*member || (gone && !session::planted(session::Fault::reads_when_removed)))
        return fail(errc::unknown_conversation);
    return Opened{std::move(**conversation), **member};
}

wire::im::Head head_of(const model::Head& head) {
    return {head.last.epoch, head.first, head.last.offset, head.messages};
}

wire::Encoding encoding_of(model::StoredEncoding encoding) noexcept {
    switch (encoding) {
        case model::StoredEncoding::identity: return wire::Encoding::none;
        case model::StoredEncoding::gzip: return wire::Encoding::gzip;
        case model::StoredEncoding::zstd: return wire::Encoding::zstd;
    }
    return wire::Encoding::unknown;
}

// The names of users, each read once.
class UserNames {
public:
    explicit UserNames(store::Reader& reader) : reader_(reader) {}
    // Valid as long as this. The row 0 is the server; somebody who is gone has no name.
    Result<std::string_view> of(store::Row row) {
        if (row == 0) return kServerTarget;
        const auto found = names_.find(row);
        if (found != names_.end()) return std::string_view(*found->second);
        const auto name = reader_.user_name(row);
        if (!name) return name.error();
        return std::string_view(*(names_[row] = &kept_.emplace_back(name->value_or(std::string()))));
    }

private:
    store::Reader& reader_;
    std::deque<std::string> kept_;
    boost::unordered_flat_map<store::Row, const std::string*> names_;
};

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

// Entries as their reader gets them, until the page is full. What is counted is what travels: a text that a reader
// without its encoding gets inflated, a change with its names.
class EntryWriter {
public:
    EntryWriter(store::Reader& reader, wire::Encodings encodings, std::size_t room)
        : names_(reader), encodings_(encodings), room_(room) {}

    // `from`, and this, outlive what `to` gets. False: there is no room for it; the first one is given in any case.
    Result<bool> add(const store::Entry& from, std::vector<wire::im::Entry>& to) {
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
        entry.flags = from.flags;
        entry.messages = from.messages;
        if (from.kind == model::EntryKind::membership || from.kind == model::EntryKind::config) {
            auto named = with_names(names_, from.payload);
            if (!named) return code_of(named);
            entry.payload = told_.emplace_back(std::move(*named));
        }
        const bool packed = entry.encoding != wire::Encoding::none;
        if (packed) entry.size = wire::size_said_by(entry.encoding, entry.payload);
        const bool inflates = packed && !wire::has(encodings_, entry.encoding);
        if (!take(entry.from.size() + entry.type.size() + (inflates ? entry.size : entry.payload.size()), to.empty()))
            return false;
        if (inflates) {
            if (const errc code = inflate(entry); code != errc::ok) return code;
        }
        to.push_back(entry);
        return true;
    }

private:
    bool take(std::uint64_t bytes, bool first) {
        if (bytes > room_ && !first) return false;
        room_ -= std::min<std::uint64_t>(bytes, room_);
        return true;
    }
    errc inflate(wire::im::Entry& entry) {
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

    // A type of our own: containers of Bytes would be public names.
    struct Inflated {
        Bytes bytes;
    };
    UserNames names_;
    const wire::Encodings encodings_;
    std::uint64_t room_;
    const wire::Compression inflater_{wire::Compression::Options()};
    std::deque<Inflated> inflated_;
    std::deque<std::string> told_;
};

// What else an entry has, and a page: numbers, the id and the lengths of all.
constexpr std::size_t kMostBesideTexts = 128;
static_assert(wire::im::kMaxPageBytes + (wire::im::kMaxPage + 1) * kMostBesideTexts <= wire::kMaxResponseBytes,
              "a full page is a response");

}  // namespace

Found conversation(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                   std::string_view name, const std::optional<wire::im::Written>& written) {
    Found why;
    const auto opened = open(reader, key, user, why);
    if (!opened) return why;
    const store::Conversation& found = opened->conversation;
    wire::im::Conversation body;
    body.conversation = name;
    body.head = head_of(found.head);
    body.title = found.config.title;
    body.join = found.config.join;
    body.visibility = found.config.visibility;
    body.role = opened->member.role;
    body.visible_from = opened->floor();
    body.members = static_cast<std::uint32_t>(std::min<std::uint64_t>(found.members, UINT32_MAX));
    body.max_payload_bytes = found.config.max_payload_bytes;
    body.slow_mode_ms = found.config.slow_mode_ms;
    body.frozen = found.config.frozen;
    body.written = written;
    return {errc::ok, {}, wire::im::encode(body)};
}

Found members(store::Reader& reader, const model::ConversationKey& key, std::string_view user, std::string_view after,
              std::uint32_t limit) {
    Found why;
    const auto opened = open(reader, key, user, why);
    if (!opened) return why;
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
    Found why;
    const auto opened = open(reader, key, user, why);
    if (!opened) return why;
    const model::Head& head = opened->conversation.head;
    constexpr std::uint32_t kUsual = 50;
    store::PageRequest request;
    request.conversation = opened->conversation.row;
    request.direction = query.forward ? store::Direction::forward : store::Direction::backward;
    request.limit = std::min<std::uint32_t>(query.limit == 0 ? kUsual : query.limit, wire::im::kMaxPage);
    request.bytes = query.bytes == 0 ? wire::im::kMaxPageBytes : std::min(query.bytes, wire::im::kMaxPageBytes);
    request.floor = opened->floor();
    request.ceiling = head.last.offset;
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
