#include "store/sqlite/reader.hpp"

#include "base/log.hpp"
#include "store/rules.hpp"
#include "store/sqlite/columns.hpp"
#include "store/sqlite/log_writer.hpp"

#include <algorithm>

namespace flare::store::sqlite {
namespace {

// The value of the only row.
template <typename T, typename Make>
Result<std::optional<T>> only(Rows rows, const Make& make) {
    std::optional<T> value;
    if (rows.next()) value = make(rows);
    if (auto good = rows.error(); !good) return good.error();
    return value;
}

}  // namespace

// ---- all readers ----

void Readers::add(SqliteReader& reader) {
    const std::lock_guard lock(mutex_);
    all_.push_back(&reader);
}

void Readers::remove(SqliteReader& reader) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase(all_, &reader);
}

void Readers::close() {
    const std::lock_guard lock(mutex_);
    for (SqliteReader* const each : all_) each->close();
}

// ---- the connection ----

void SqliteReader::close() noexcept {
    open_ = false;
    for (Statement* const each : {&snapshot_.begin, &snapshot_.end, &key_, &conversation_, &find_, &unread_,
                                  &users_.row, &users_.name, &users_.count})
        *each = Statement();
    entries_ = {};
    backend_.close();
    list_ = {};
    walks_ = {};
    members_ = {};
    mentions_ = {};
    people_ = {};
    marks_ = {};
    reactions_ = {};
    caches_.names.clear();
    caches_.tails.clear();
    database_ = Database();
}

Result<> SqliteReader::ready() {
    if (open_) return {};
    close();
    auto made = Database::open(shared_.path, shared_.vfs, Database::Use::read);
    if (!made) {
        base::log().error("store: {}", made.error().text);
        return made.error().code;
    }
    database_ = std::move(*made);
    if (auto good = database_.run("PRAGMA query_only=1; PRAGMA cache_size=-8192"); !good) return good;
    const auto prepared = prepare(
        database_,
        {
            {&snapshot_.begin, "BEGIN"},
            {&snapshot_.end, "COMMIT"},
            {&key_,
             "SELECT row FROM conversation WHERE key = ?1 AND removed_ms = 0 UNION ALL SELECT * FROM (SELECT row FROM "
             "conversation WHERE key = ?1 AND removed_ms <> 0 ORDER BY removed_ms DESC, row DESC LIMIT 1) LIMIT 1"},
            {&conversation_, "SELECT " FLARE_CONVERSATION_COLUMNS " FROM conversation WHERE row = ?"},
            {&find_,
             "SELECT log.offset, log.time_ms, ids.content FROM ids JOIN log ON log.row = ids.row "
             "WHERE ids.id = ? AND ids.conversation = ? AND ids.sender = ?"},
            {&unread_, "SELECT kind, flags, n, sender FROM log WHERE row = ?"},
            {&members_.one, "SELECT " FLARE_MEMBER_COLUMNS " FROM member WHERE conversation = ? AND user = ?"},
            {&members_.standing, "SELECT " FLARE_STANDING_COLUMNS " FROM member WHERE conversation = ? AND user = ?"},
            {&members_.all,
             "SELECT " FLARE_MEMBER_COLUMNS
             " FROM member WHERE conversation = ? AND user > ? AND (role <> 0 OR ?) ORDER BY user LIMIT ?"},
            {&walks_.memberships,
             "SELECT " FLARE_MEMBER_COLUMNS
             ", conversation FROM member WHERE user = ? AND conversation > ? ORDER BY conversation LIMIT ?"},
            {&walks_.conversations,
             "SELECT row FROM conversation WHERE row > ? AND removed_ms = 0 AND row NOT IN (SELECT conversation FROM "
             "purge) "
             "ORDER BY row LIMIT ?"},
            {&walks_.erasures, "SELECT user, conversation FROM erasure ORDER BY user LIMIT ?"},
            {&users_.count,
             "SELECT count(*) FROM (SELECT 1 FROM member JOIN conversation ON conversation.row = member.conversation "
             "WHERE member.user = ? AND member.role <> 0 AND conversation.removed_ms = 0 LIMIT ?)"},
            {&users_.row, "SELECT row FROM user WHERE name = ?"},
            {&users_.name, "SELECT name FROM user WHERE row = ?"},
        });
    if (!prepared) return prepared;
    if (auto good = entries_.prepare(database_); !good) return good;
    if (auto good = backend_.prepare(database_); !good) return good;
    if (auto good = list_.prepare(database_); !good) return good;
    if (auto good = marks_.prepare(database_); !good) return good;
    if (auto good = mentions_.prepare(database_); !good) return good;
    if (auto good = reactions_.prepare(database_); !good) return good;
    if (auto good = people_.prepare(database_); !good) return good;
    open_ = true;
    return {};
}

// ---- conversations ----

// What is ahead of the rows is read before they are: an append between the two is in the rows, and not looked for.
Result<std::optional<Conversation>> SqliteReader::conversation(const model::ConversationKey& key) {
    const auto row = in_snapshot(
        [&] { return only<Row>(key_.rows(Text{key.text()}), [](const Rows& rows) { return rows.number(0); }); });
    if (!row) return row.error();
    return *row ? conversation(**row) : Result<std::optional<Conversation>>(std::nullopt);
}

Result<std::optional<Conversation>> SqliteReader::conversation(Row row) {
    return in_snapshot([&] {
        const auto ahead = shared_.heads->snapshot(row);
        return read_conversation(row, ahead);
    });
}

Result<std::optional<Conversation>> SqliteReader::read_conversation(Row row, const std::optional<LogState>& ahead) {
    return only<Conversation>(conversation_.rows(row), [&](const Rows& rows) {
        Conversation made = conversation_of(rows, row, shared_.generation);
        if (ahead && ahead->head.stamp >= made.head.stamp) made.head = ahead->head;
        return made;
    });
}

// ---- entries ----

Result<std::optional<Found>> SqliteReader::find(const Uuid& id, Row conversation, Row sender) {
    return in_snapshot([&] {
        return only<Found>(find_.rows(id.raw(), conversation, sender), [&](const Rows& rows) {
            return Found{{epoch_of(shared_.generation, conversation), rows.number(0)},
                         rows.number(1),
                         static_cast<std::uint32_t>(rows.number(2))};
        });
    });
}

Result<Page> SqliteReader::page(const PageRequest& request) {
    return in_snapshot([&] { return read_page(request); });
}

Result<Page> SqliteReader::read_page(const PageRequest& request) {
    const auto ahead = shared_.heads->snapshot(request.conversation);
    const auto found = read_conversation(request.conversation, ahead);
    if (!found) return found.error();
    if (!*found) return errc::unknown_conversation;
    Page page;
    page.head = (*found)->head;
    const PageRange range = range_of(request, page.head);
    page.more = range.more;
    EntryReader::Places places;
    if (auto good = entries_.find_places(request.conversation, range.begin, range.last, ahead, places); !good)
        return good.error();
    const bool forward = request.direction == Direction::forward;
    if (!forward) std::reverse(places.begin(), places.end());
    std::uint64_t bytes = 0;
    for (const auto& [offset, row] : places) {
        auto entry = entries_.read(row);
        if (!entry) return entry.error();
        if (!*entry) continue;  // removed meanwhile
        if (auto good = entries_.fill_in_original(request.conversation, ahead, **entry); !good) return good.error();
        if (auto good = mentions_.add_to(**entry, request.conversation); !good) return good.error();
        bytes += (*entry)->payload.size() + (*entry)->type.size();
        page.more = page.more || (bytes > request.bytes && !page.entries.empty());
        if (bytes > request.bytes && !page.entries.empty()) break;
        page.entries.push_back(std::move(**entry));
    }
    if (!forward) std::reverse(page.entries.begin(), page.entries.end());
    if (request.reactions) {
        if (auto good = reactions_.add_to(page, request.conversation, request.reader); !good) return good.error();
    }
    return page;
}

// ---- members ----

Result<std::optional<model::Member>> SqliteReader::member(Row conversation, Row user) {
    return in_snapshot([&] {
        return only<model::Member>(members_.one.rows(conversation, user),
                                   [](const Rows& rows) { return member_of(rows); });
    });
}

Result<std::optional<Standing>> SqliteReader::standing(Row conversation, Row user) {
    return in_snapshot([&] {
        return only<Standing>(members_.standing.rows(conversation, user),
                              [](const Rows& rows) { return standing_of(rows); });
    });
}

Result<std::vector<model::Member>> SqliteReader::members(Row conversation, Row after, std::uint32_t limit, bool gone) {
    return in_snapshot([&]() -> Result<std::vector<model::Member>> {
        std::vector<model::Member> found;
        Rows rows = members_.all.rows(conversation, after, std::uint64_t{gone}, std::uint64_t{limit});
        while (rows.next()) found.push_back(member_of(rows));
        if (auto good = rows.error(); !good) return good.error();
        return found;
    });
}

Result<std::vector<MemberMark>> SqliteReader::marks(Row conversation, Row after, std::uint32_t limit) {
    return in_snapshot([&] { return marks_.marks(conversation, after, limit); });
}

Result<EntryReaders> SqliteReader::readers(const ReadersRequest& request) {
    return in_snapshot([&] { return marks_.readers(request); });
}

Result<std::vector<Membership>> SqliteReader::conversations_of(Row user, Row after, std::uint32_t limit) {
    return in_snapshot([&]() -> Result<std::vector<Membership>> {
        std::vector<Membership> found;
        Rows rows = walks_.memberships.rows(user, after, std::uint64_t{limit});
        while (rows.next()) found.push_back({rows.number(kMemberColumns), member_of(rows)});
        if (auto good = rows.error(); !good) return good.error();
        return found;
    });
}

Result<std::vector<Row>> SqliteReader::conversations(Row after, std::uint32_t limit) {
    return in_snapshot([&]() -> Result<std::vector<Row>> {
        std::vector<Row> found;
        Rows rows = walks_.conversations.rows(after, std::uint64_t{limit});
        while (rows.next()) found.push_back(rows.number(0));
        if (auto good = rows.error(); !good) return good.error();
        return found;
    });
}

Result<std::vector<Erasure>> SqliteReader::erasures(std::uint32_t limit) {
    return in_snapshot([&]() -> Result<std::vector<Erasure>> {
        std::vector<Erasure> found;
        Rows rows = walks_.erasures.rows(std::uint64_t{limit});
        while (rows.next()) found.push_back({rows.number(0), rows.number(1)});
        if (auto good = rows.error(); !good) return good.error();
        return found;
    });
}

Result<std::uint32_t> SqliteReader::count_conversations(Row user, std::uint32_t most) {
    return in_snapshot([&]() -> Result<std::uint32_t> {
        Rows rows = users_.count.rows(user, std::uint64_t{most});
        const auto found = rows.next() ? static_cast<std::uint32_t>(rows.number(0)) : 0;
        if (auto good = rows.error(); !good) return good.error();
        return found;
    });
}

// ---- the list ----

Result<ListPage> SqliteReader::list(const ListRequest& request) {
    const auto inside = shared_.door.enter();
    if (auto good = ready(); !good) return good.error();
    Listing listing(shared_, list_, request, shared_.committed.load(std::memory_order_acquire));
    if (auto good = snapshot([&] { return listing.read_members(); }); !good) return good.error();
    if (listing.look_up_logs())
        if (auto good = snapshot([&] { return listing.read_logs(); }); !good) return good.error();
    return listing.choose() ? snapshot([&] { return listing.read_page(); }) : listing.read_page();
}

Result<Unread> SqliteReader::unread(const Listed& of, std::uint32_t most) {
    UnreadCount count(of, most);
    if (count.newest() < count.oldest()) return count.total();
    const auto inside = shared_.door.enter();
    if (auto good = ready(); !good) return good.error();
    const model::Head& head = of.conversation.head;
    const auto now = shared_.heads->head(of.conversation.row);
    const bool is_now = now && now->stamp == head.stamp && now->first == head.first;  // else some of it may be gone
    LogTail* const tail = is_now ? caches_.tails.of(of.conversation.row, head.stamp) : nullptr;
    std::uint64_t last = count.newest();
    bool complete = false;
    for (std::size_t i = 0; tail != nullptr && !complete && i < tail->seen.size() && last >= count.oldest();
         ++i, --last)
        complete = !count.add(tail->seen[i]);
    if (!complete && last >= count.oldest()) {
        const auto counted = snapshot([&] { return count_unread(of.conversation.row, last, tail, count); });
        if (tail != nullptr) caches_.tails.grown(of.conversation.row, *tail);
        if (!counted) return counted.error();
    }
    if (count.may_have_mentions())
        if (auto good = snapshot([&] { return count_mentions(of, count); }); !good) return good.error();
    return count.total();
}

Result<> SqliteReader::count_unread(Row conversation, std::uint64_t last, LogTail* tail, UnreadCount& count) {
    constexpr std::uint64_t kAtATime = 64;
    const auto ahead = shared_.heads->snapshot(conversation);
    while (last >= count.oldest()) {
        const std::uint64_t begin = std::max(count.oldest(), last - std::min(last, kAtATime - 1));
        EntryReader::Places places;
        if (auto good = entries_.find_places(conversation, begin, last, ahead, places); !good) return good;
        for (auto place = places.rbegin(); place != places.rend(); ++place) {
            const auto seen = read_seen(place->second);
            if (!seen) return seen.error();
            if (!*seen) continue;  // removed meanwhile
            // One after the other, or no more.
            const bool is_next = tail != nullptr && place->first + tail->seen.size() == count.newest();
            if (is_next) tail->seen.push_back(**seen);
            if (!count.add(**seen)) return {};
        }
        last = begin - 1;
    }
    return {};
}

Result<std::optional<UnreadCount::Seen>> SqliteReader::read_seen(std::uint64_t row) {
    return only<UnreadCount::Seen>(unread_.rows(row), [](const Rows& rows) {
        const bool counts = counts_as_message(static_cast<model::EntryKind>(rows.number(0)), rows.number(1));
        const bool mentions = (rows.number(1) & (model::kNamesUsers | model::kMentionAll)) != 0;
        return UnreadCount::Seen{counts && (rows.number(1) & kBlank) == 0, counts, mentions, rows.number(3),
                                 rows.number(2)};
    });
}

Result<> SqliteReader::count_mentions(const Listed& of, UnreadCount& count) {
    const Row conversation = of.conversation.row;
    const auto ahead = shared_.heads->snapshot(conversation);
    const auto offsets =
        mentions_.of_user(of.member.user, conversation, count.base() + 1, count.newest(), UnreadCount::kMostMentions);
    if (!offsets) return offsets.error();
    for (const std::uint64_t offset : *offsets) {
        EntryReader::Places places;
        if (auto good = entries_.find_places(conversation, offset, offset, ahead, places); !good) return good;
        if (places.empty()) continue;  // removed meanwhile
        const auto seen = read_seen(places.front().second);
        if (!seen) return seen.error();
        if (*seen && !count.add_mention(**seen)) return {};
    }
    return {};
}

// ---- users ----

Result<std::optional<Row>> SqliteReader::user(std::string_view name) {
    return in_snapshot(
        [&] { return only<Row>(users_.row.rows(Text{name}), [](const Rows& rows) { return rows.number(0); }); });
}

Result<std::optional<std::string>> SqliteReader::user_name(Row user) {
    const auto inside = shared_.door.enter();
    if (auto good = ready(); !good) return good.error();
    if (const std::string* const known = caches_.names.find(user)) return *known;
    auto name = snapshot([&] {
        return only<std::string>(users_.name.rows(user), [](const Rows& rows) { return std::string(rows.bytes(0)); });
    });
    if (name && *name) caches_.names.put(user, **name);
    return name;
}

Result<std::vector<model::Member>> SqliteReader::bans(Row conversation, Row after, std::uint32_t limit,
                                                      std::uint64_t now_ms) {
    return in_snapshot([&] { return people_.bans(conversation, after, limit, now_ms); });
}

Result<std::vector<model::Member>> SqliteReader::invitations(Row conversation, Row after, std::uint32_t limit) {
    return in_snapshot([&] { return people_.invitations(conversation, after, limit); });
}

Result<std::uint32_t> SqliteReader::count_invitations(Row user, std::uint32_t most) {
    return in_snapshot([&] { return people_.count_invitations(user, most); });
}

Result<std::vector<Row>> SqliteReader::blocks(Row user, Row after, std::uint32_t limit) {
    return in_snapshot([&] { return people_.blocks(user, after, limit); });
}

Result<std::vector<PushDevice>> SqliteReader::push_devices(Row user) {
    return in_snapshot([&] { return people_.push_devices(user); });
}

Result<bool> SqliteReader::awaits_push(Row conversation, Row user, std::uint64_t offset, std::uint64_t now_ms) {
    const auto found = in_snapshot([&] { return people_.awaits_push(conversation, user, offset, now_ms); });
    if (!found) return no_answer(found.error());
    return found->has_value();
}

Result<std::vector<Row>> SqliteReader::push_recipients(Row conversation, std::uint64_t offset, std::uint64_t now_ms,
                                                       std::uint32_t limit) {
    return in_snapshot([&] { return people_.push_recipients(conversation, offset, now_ms, limit); });
}

}  // namespace flare::store::sqlite
