#include "client/cache/cache_tables.hpp"

#include "client/cache/records.hpp"
#include "client/im/message_changes.hpp"
#include "wire/frame.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {
namespace {

constexpr std::uint32_t kUsualPage = 50;

// Beyond that no log goes, and SQLite's integers do not compare as ours do.
bool has_place(std::uint64_t offset) noexcept { return offset != 0 && offset < INT64_MAX; }

}  // namespace

Result<std::unique_ptr<CacheTables>> CacheTables::prepare(sql::Database& database, std::string user) {
    std::unique_ptr<CacheTables> made(new CacheTables(std::move(user)));
    const auto prepared = sql::prepare(
        database,
        {{&made->logs_.find, "SELECT row, epoch, first, last, messages FROM conversation WHERE name = ?"},
         {&made->logs_.make,
          "INSERT INTO conversation(name, epoch, first, last, messages, listed) VALUES(?, 0, 0, 0, 0, x'') RETURNING "
          "row"},
         {&made->logs_.set_head, "UPDATE conversation SET epoch = ?, first = ?, last = ?, messages = ? WHERE row = ?"},
         {&made->entries_.read, "SELECT bytes FROM entry WHERE conversation = ? AND epoch = ? AND offset = ?"},
         {&made->entries_.size, "SELECT length(bytes) FROM entry WHERE conversation = ? AND epoch = ? AND offset = ?"},
         {&made->entries_.put, "INSERT OR REPLACE INTO entry VALUES(?, ?, ?, ?)"},
         {&made->entries_.remove, "DELETE FROM entry WHERE conversation = ? AND epoch = ? AND offset = ?"},
         {&made->entries_.page_up,
          "SELECT bytes FROM entry WHERE conversation = ? AND epoch = ? AND offset BETWEEN ? AND ? ORDER BY offset"},
         {&made->entries_.page_down,
          "SELECT bytes FROM entry WHERE conversation = ? AND epoch = ? AND offset BETWEEN ? AND ? ORDER BY offset "
          "DESC"},
         {&made->ranges_.touching,
          "SELECT min(first), max(last) FROM range WHERE conversation = ? AND epoch = ? AND first <= ? AND last >= ?"},
         {&made->ranges_.drop, "DELETE FROM range WHERE conversation = ? AND epoch = ? AND first <= ? AND last >= ?"},
         {&made->ranges_.put, "INSERT OR REPLACE INTO range VALUES(?, ?, ?, ?)"},
         {&made->ranges_.newest,
          "SELECT first, last FROM range WHERE conversation = ? AND epoch = ? ORDER BY first DESC LIMIT 1"},
         {&made->ranges_.at,
          "SELECT first, last FROM range WHERE conversation = ? AND epoch = ? AND first <= ? ORDER BY first DESC LIMIT "
          "1"},
         {&made->entries_.forget, "DELETE FROM entry WHERE conversation = ? AND epoch = ?"},
         {&made->ranges_.forget, "DELETE FROM range WHERE conversation = ? AND epoch = ?"},
         {&made->entries_.clear, "DELETE FROM entry WHERE conversation = ? AND epoch = ? AND offset <= ?"},
         {&made->ranges_.clear, "DELETE FROM range WHERE conversation = ? AND epoch = ? AND last <= ?"},
         {&made->ranges_.cut, "UPDATE range SET first = ?3 + 1 WHERE conversation = ?1 AND epoch = ?2 AND first <= ?3"},
         {&made->entries_.extent, "SELECT count(*), total(length(bytes)) FROM entry WHERE conversation = ?"},
         {&made->entries_.below,
          "SELECT epoch, offset FROM entry WHERE conversation = ? AND epoch < ? ORDER BY epoch, offset LIMIT 1"},
         {&made->entries_.above,
          "SELECT epoch, offset FROM entry WHERE conversation = ? AND epoch > ? ORDER BY epoch, offset LIMIT 1"},
         {&made->entries_.oldest,
          "SELECT epoch, offset FROM entry WHERE conversation = ? AND epoch = ? ORDER BY offset LIMIT 1"},
         {&made->logs_.set_position, "INSERT OR REPLACE INTO position VALUES(?, ?, ?, ?)"},
         {&made->logs_.positions,
          "SELECT name, position.epoch, offset, id FROM position JOIN conversation ON row = conversation"},
         {&made->logs_.set_listed, "UPDATE conversation SET listed = ? WHERE row = ?"},
         {&made->logs_.list, "SELECT listed FROM conversation WHERE length(listed) > 0 ORDER BY name"},
         {&made->logs_.set_cursor, "INSERT OR REPLACE INTO meta VALUES('cursor', ?)"},
         {&made->logs_.cursor, "SELECT value FROM meta WHERE name = 'cursor'"},
         {&made->outbox_.put, "INSERT OR REPLACE INTO outbox(id, priority, first_sent_ms, message) VALUES(?, ?, ?, ?)"},
         {&made->outbox_.set_sent, "UPDATE outbox SET first_sent_ms = ? WHERE id = ?"},
         {&made->outbox_.read, "SELECT message, priority FROM outbox WHERE id = ?"},
         {&made->outbox_.remove, "DELETE FROM outbox WHERE id = ?"},
         {&made->outbox_.all, "SELECT id, priority, first_sent_ms, message FROM outbox ORDER BY place"}});
    if (!prepared) return prepared.error();
    return made;
}

// ---- what there is ----

Result<CacheContents> CacheTables::contents() {
    CacheContents found;
    sql::Rows kept = outbox_.all.rows();
    while (kept.next()) {
        const auto id = Uuid::from_bytes(kept.bytes(0));
        KeptMessage message{id.value_or(Uuid()), Bytes(kept.bytes(3)), static_cast<Priority>(kept.number(1)),
                            static_cast<std::int64_t>(kept.number(2))};
        const auto read = wire::decode_message(message.message.view());
        if (!id || kept.number(1) > static_cast<std::uint64_t>(Priority::urgent) || !read || read->id != *id)
            return errc::store_damaged;
        found.outbox.push_back(std::move(message));
    }
    if (auto read = kept.error(); !read) return read.error();
    sql::Rows told = logs_.positions.rows();
    while (told.next()) {
        const auto id = Uuid::from_bytes(told.bytes(3));
        if (!id) return errc::store_damaged;
        found.told[std::string(told.bytes(0))] = {{told.number(1), told.number(2)}, *id};
    }
    if (auto read = told.error(); !read) return read.error();
    sql::Rows listed = logs_.list.rows();
    while (listed.next()) found.list.emplace_back(listed.bytes(0));
    if (auto read = listed.error(); !read) return read.error();
    sql::Rows cursor = logs_.cursor.rows();
    if (cursor.next()) found.cursor = std::string(cursor.bytes(0));
    if (auto read = cursor.error(); !read) return read.error();
    return found;
}

Result<CacheTables::Log> CacheTables::find(const std::string& conversation) {
    sql::Rows rows = logs_.find.rows(sql::Text{conversation});
    Log log;
    if (rows.next()) log = {rows.number(0), {rows.number(1), rows.number(2), rows.number(3), rows.number(4)}};
    if (auto read = rows.error(); !read) return read.error();
    return log;
}

Result<CacheTables::Log> CacheTables::find_or_make(const std::string& conversation) {
    auto log = find(conversation);
    if (!log || log->row != 0) return log;
    sql::Rows made = logs_.make.rows(sql::Text{conversation});
    if (made.next()) log->row = made.number(0);
    while (made.next()) {
    }
    if (auto good = made.error(); !good) return good.error();
    return log;
}

// ---- writing ----

Result<> CacheTables::write(const CacheChanges& changes) {
    for (const KeptMessage& message : changes.posted) {
        const auto priority = static_cast<std::uint64_t>(message.priority);
        const auto first_sent = static_cast<std::uint64_t>(message.first_sent_ms);
        if (auto put = outbox_.put.run(message.id.raw(), priority, first_sent, message.message.view()); !put)
            return put;
    }
    for (const auto& [id, first_sent_ms] : changes.sent) {
        if (auto set = outbox_.set_sent.run(static_cast<std::uint64_t>(first_sent_ms), id.raw()); !set) return set;
    }
    for (const auto& [id, outcome] : changes.settled) {
        if (auto settled = settle(id, outcome); !settled) return settled;
    }
    for (const auto& [name, each] : changes.conversations) {
        if (auto written = write(name, each); !written) return written;
    }
    if (changes.cursor) return logs_.set_cursor.run(std::string_view(*changes.cursor));
    return {};
}

Result<> CacheTables::settle(const Uuid& id, const KeptOutcome& outcome) {
    if (outcome.stored) {
        std::optional<Entry> entry;
        {
            sql::Rows rows = outbox_.read.rows(id.raw());
            if (rows.next()) entry = entry_of({id, Bytes(rows.bytes(0))}, user_, *outcome.stored);
            if (auto read = rows.error(); !read) return read;
        }
        if (entry) {
            KeptChanges change;
            change.entries.emplace_back(outcome.stored->position.epoch, std::move(*entry));
            if (auto written = write(outcome.to, change); !written) return written;
        }
    }
    return outbox_.remove.run(id.raw());
}

Result<> CacheTables::write(const std::string& conversation, const KeptChanges& changes) {
    auto log = find_or_make(conversation);
    if (!log) return log.error();
    LogHead& head = log->head;
    if (changes.diverged) {
        if (auto gone = forget(*log, changes.epoch != 0 ? changes.epoch : head.epoch); !gone) return gone;
        head = LogHead();
    }
    if (changes.head && changes.head->epoch == head.epoch) {
        head.first = std::max(head.first, changes.head->first);
        head.last = std::max(head.last, changes.head->last);
        head.messages = std::max(head.messages, changes.head->messages);
    } else if (changes.head) {
        head = *changes.head;
    } else if (changes.epoch != 0 && changes.epoch != head.epoch) {
        head = {changes.epoch, 1, 0, 0};
    }
    for (const auto& [epoch, entry] : changes.entries) {
        if (!has_place(entry.offset)) continue;
        if (head.epoch == 0) head = {epoch, 1, 0, 0};
        if (epoch == head.epoch && entry.offset < head.first) continue;  // removed, or cleared by its user
        if (auto written = put(*log, epoch, entry); !written) return written;
        if (epoch == head.epoch && entry.offset > head.last) {
            head.last = entry.offset;
            head.messages = std::max(head.messages, entry.messages);
        }
    }
    if (changes.cleared) {
        if (auto cleared = clear(*log, *changes.cleared); !cleared) return cleared;
    }
    if (auto set = logs_.set_head.run(head.epoch, head.first, head.last, head.messages, log->row); !set) return set;
    if (changes.listed) {
        if (auto set = logs_.set_listed.run(std::string_view(*changes.listed), log->row); !set) return set;
    }
    if (!changes.entries.empty()) {
        if (auto trimmed = trim(*log); !trimmed) return trimmed;
    }
    if (!changes.upto) return {};
    const auto& [position, id] = *changes.upto;
    return logs_.set_position.run(log->row, position.epoch, position.offset, id.raw());
}

// Of a message whose receipt has come nobody has said how many count up to it.
Result<std::uint64_t> CacheTables::messages_at(const Log& log, std::uint64_t epoch, const Entry& entry) {
    if (entry.messages != 0 || entry.kind != EntryKind::message || entry.offset < 2) return entry.messages;
    sql::Rows rows = entries_.read.rows(log.row, epoch, entry.offset - 1);
    std::uint64_t messages = 0;
    if (rows.next()) {
        const auto before = entry_of(rows.bytes(0));
        if (before && before->messages != 0) messages = before->messages + (entry.silent ? 0 : 1);
    }
    if (auto read = rows.error(); !read) return read.error();
    return messages;
}

Result<> CacheTables::put(const Log& log, std::uint64_t epoch, const Entry& entry) {
    auto all = extent(log.row);
    if (!all) return all.error();
    const auto messages = messages_at(log, epoch, entry);
    if (!messages) return messages.error();
    Entry counted = entry;
    counted.messages = *messages;
    {
        sql::Rows before = entries_.read.rows(log.row, epoch, entry.offset);
        if (before.next()) {
            --(*all)->entries;
            (*all)->bytes -= before.bytes(0).size();
            // A page may have been asked for before a change that has been told since.
            if (auto known = entry_of(before.bytes(0))) {
                PackedEntry now{.entry = std::move(*known)};
                take_newer(now, {.entry = std::move(counted)});
                counted = std::move(now.entry);
            }
        }
        if (auto read = before.error(); !read) return read;
    }
    const std::string bytes = bytes_of(counted);
    ++(*all)->entries;
    (*all)->bytes += bytes.size();
    if (auto written = entries_.put.run(log.row, epoch, entry.offset, std::string_view(bytes)); !written)
        return written;
    if (is_change(entry)) {
        if (auto changed = change(log, epoch, entry); !changed) return changed;
    }
    return cover(log, epoch, {entry.offset, entry.offset});
}

// The message that an edit, a removal or a reaction is about, if it is here.
Result<> CacheTables::change(const Log& log, std::uint64_t epoch, const Entry& change) {
    PackedEntry message;
    {
        sql::Rows rows = entries_.read.rows(log.row, epoch, change.ref);
        std::optional<Entry> known;
        if (rows.next()) known = entry_of(rows.bytes(0));
        if (auto read = rows.error(); !read) return read;
        if (!known) return {};
        message.entry = std::move(*known);
    }
    if (!apply_change(message, {.entry = change}, user_)) return {};
    return put(log, epoch, message.entry);
}

Result<> CacheTables::cover(const Log& log, std::uint64_t epoch, Range range) {
    {
        sql::Rows rows = ranges_.touching.rows(log.row, epoch, range.last + 1, range.first - 1);
        if (rows.next() && rows.number(1) != 0)
            range = {std::min(range.first, rows.number(0)), std::max(range.last, rows.number(1))};
        if (auto read = rows.error(); !read) return read;
    }
    if (auto gone = ranges_.drop.run(log.row, epoch, range.last, range.first); !gone) return gone;
    return ranges_.put.run(log.row, epoch, range.first, range.last);
}

// The entry at this offset, the lowest of its epoch, is gone.
Result<> CacheTables::uncover(const Log& log, std::uint64_t epoch, std::uint64_t offset) {
    const auto range = range_of(log, epoch, offset);
    if (!range) return range.error();
    if (!*range) return {};
    const auto [first, last] = **range;
    if (auto gone = ranges_.drop.run(log.row, epoch, last, first); !gone) return gone;
    if (last == offset) return {};
    return ranges_.put.run(log.row, epoch, offset + 1, last);
}

Result<> CacheTables::forget(const Log& log, std::uint64_t epoch) {
    extents_.erase(log.row);
    if (auto gone = entries_.forget.run(log.row, epoch); !gone) return gone;
    return ranges_.forget.run(log.row, epoch);
}

// What is kept of the log begins behind it, so that nothing of it is kept again.
Result<> CacheTables::clear(Log& log, const Position& upto) {
    LogHead& head = log.head;
    if (head.epoch == 0) head = {upto.epoch, 1, 0, 0};
    if (head.epoch != upto.epoch || !has_place(upto.offset)) return {};
    extents_.erase(log.row);
    if (auto gone = entries_.clear.run(log.row, upto.epoch, upto.offset); !gone) return gone;
    if (auto gone = ranges_.clear.run(log.row, upto.epoch, upto.offset); !gone) return gone;
    if (auto cut = ranges_.cut.run(log.row, upto.epoch, upto.offset); !cut) return cut;
    head.first = std::max(head.first, upto.offset + 1);
    head.last = std::max(head.last, upto.offset);
    return blank_changes(log, upto);
}

// Edits and reactions that came later say what was cleared.
Result<> CacheTables::blank_changes(const Log& log, const Position& upto) {
    std::vector<Entry> blank;
    {
        sql::Rows rows = entries_.page_up.rows(log.row, upto.epoch, upto.offset + 1, std::uint64_t{INT64_MAX});
        while (rows.next()) {
            PackedEntry entry;
            if (auto known = entry_of(rows.bytes(0))) entry.entry = std::move(*known);
            if (!is_change(entry.entry) || entry.entry.ref > upto.offset) continue;
            blank_cleared(entry, upto.offset);
            blank.push_back(std::move(entry.entry));
        }
        if (auto read = rows.error(); !read) return read;
    }
    for (const Entry& each : blank) {
        const std::string bytes = bytes_of(each);
        if (auto put = entries_.put.run(log.row, upto.epoch, each.offset, std::string_view(bytes)); !put) return put;
    }
    return {};
}

Result<CacheTables::Extent*> CacheTables::extent(std::uint64_t row) {
    const auto [found, is_new] = extents_.try_emplace(row);
    if (!is_new) return &found->second;
    sql::Rows rows = entries_.extent.rows(row);
    if (rows.next()) found->second = {rows.number(0), rows.number(1)};
    if (auto read = rows.error(); !read) {
        extents_.erase(found);
        return read.error();
    }
    return &found->second;
}

Result<> CacheTables::trim(const Log& log) {
    auto all = extent(log.row);
    if (!all) return all.error();
    Extent& now = **all;
    while (now.entries > kMostEntries || (now.bytes > kMostBytes && now.entries > 1)) {
        std::optional<std::pair<std::uint64_t, std::uint64_t>> oldest;
        for (sql::Statement* const each : {&entries_.below, &entries_.above, &entries_.oldest}) {
            sql::Rows rows = each->rows(log.row, log.head.epoch);
            if (rows.next()) oldest.emplace(rows.number(0), rows.number(1));
            if (auto read = rows.error(); !read) return read;
            if (oldest) break;
        }
        if (!oldest) return errc::store_damaged;
        const auto& [epoch, offset] = *oldest;
        {
            sql::Rows rows = entries_.size.rows(log.row, epoch, offset);
            if (rows.next()) now.bytes -= rows.number(0);
            if (auto read = rows.error(); !read) return read;
        }
        --now.entries;
        if (auto gone = entries_.remove.run(log.row, epoch, offset); !gone) return gone;
        if (auto cut = uncover(log, epoch, offset); !cut) return cut;
    }
    return {};
}

// ---- reading ----

Result<std::optional<CacheTables::Range>> CacheTables::range_of(const Log& log, std::uint64_t epoch,
                                                                std::uint64_t offset) {
    sql::Rows rows = ranges_.at.rows(log.row, epoch, offset);
    std::optional<Range> found;
    if (rows.next() && rows.number(1) >= offset) found = Range{rows.number(0), rows.number(1)};
    if (auto read = rows.error(); !read) return read.error();
    return found;
}

Result<std::optional<CacheTables::Range>> CacheTables::newest_range(const Log& log) {
    sql::Rows rows = ranges_.newest.rows(log.row, log.head.epoch);
    std::optional<Range> found;
    if (rows.next()) found = Range{rows.number(0), rows.number(1)};
    if (auto read = rows.error(); !read) return read.error();
    return found;
}

// What was asked for that is here, next to each other.
Result<std::optional<CacheTables::Range>> CacheTables::part_of(const Log& log, const HistoryQuery& query) {
    if (query.after_offset) {
        const std::uint64_t from = std::max(*query.after_offset + 1, std::max<std::uint64_t>(log.head.first, 1));
        auto range = range_of(log, log.head.epoch, from);
        if (range && *range) (*range)->first = from;
        return range;
    }
    const std::uint64_t upto = query.before_offset == 0 ? 0 : query.before_offset - 1;
    auto range = upto == 0 ? newest_range(log) : range_of(log, log.head.epoch, upto);
    if (range && *range && upto != 0) (*range)->last = upto;
    return range;
}

Result<std::optional<HistoryPage>> CacheTables::history(const std::string& conversation, const HistoryQuery& query) {
    const auto log = find(conversation);
    if (!log) return log.error();
    if (log->row == 0 || log->head.epoch == 0) return std::optional<HistoryPage>();
    HistoryPage page;
    page.head = log->head;
    page.from_cache = true;
    const bool upwards = query.after_offset.has_value();
    const std::uint64_t oldest = std::max<std::uint64_t>(log->head.first, 1);
    // The application has the beginning, or the end as it was known, already.
    if (upwards ? log->head.last != 0 && *query.after_offset >= log->head.last : query.before_offset == oldest)
        return page;
    // All of it is cleared.
    if (log->head.first > log->head.last && log->head.last != 0) return page;
    const auto part = part_of(*log, query);
    if (!part) return part.error();
    if (!*part || (*part)->first > (*part)->last) return std::optional<HistoryPage>();
    const std::size_t limit = query.limit == 0 ? kUsualPage : std::min<std::size_t>(query.limit, wire::im::kMaxPage);
    const std::size_t most =
        query.max_bytes == 0 ? wire::im::kMaxPageBytes : std::min(query.max_bytes, wire::im::kMaxPageBytes);
    std::size_t bytes = 0;
    sql::Rows rows = (upwards ? entries_.page_up : entries_.page_down)
                         .rows(log->row, log->head.epoch, (*part)->first, (*part)->last);
    while (page.entries.size() < limit && rows.next()) {
        auto entry = entry_of(rows.bytes(0));
        if (!entry) return errc::store_damaged;
        bytes += entry->payload.size();
        if (bytes > most && !page.entries.empty()) break;
        page.entries.push_back(std::move(*entry));
    }
    if (auto read = rows.error(); !read) return read.error();
    if (page.entries.empty()) return errc::store_damaged;  // the range says that they are there
    if (!upwards) std::reverse(page.entries.begin(), page.entries.end());
    page.more = upwards ? page.entries.back().offset < log->head.last : page.entries.front().offset > oldest;
    return page;
}

}  // namespace flare::client
