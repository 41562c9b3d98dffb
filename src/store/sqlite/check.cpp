#include "store/sqlite/check.hpp"

#include "model/conversation.hpp"
#include "model/entry.hpp"
#include "store/rules.hpp"
#include "store/sqlite/block.hpp"
#include "store/sqlite/log_writer.hpp"
#include "store/sqlite/opening.hpp"
#include "store/sqlite/schema.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace flare::store::sqlite {
namespace {

constexpr std::uint64_t kConversationsAtATime = 500'000;  // about 100 MiB

std::string text(std::uint64_t number) { return std::to_string(number); }

std::string range(std::uint64_t from, std::uint64_t upto) {
    return from == upto ? "offset " + text(from) : "offsets " + text(from) + " to " + text(upto);
}

bool is_damage(const Result<>& result) { return !result && result.error() == errc::store_damaged; }

}  // namespace

struct Checker::Logged {
    std::uint64_t row, conversation, offset, kind, flags, ref, rev, n, time_ms, bytes, id_size;

    bool counts() const noexcept { return counts_as_message(static_cast<model::EntryKind>(kind), flags); }
};

Result<CheckReport> Checker::run() {
    // A transaction that reads: all parts see the same.
    if (auto good = database_.run("BEGIN"); !good) return good.error();
    struct End {
        Database& database;
        ~End() { database.roll_back(); }
    } end{database_};
    if (auto good = part("its pages", [&] { return pages(); }); !good) return good.error();
    const auto prepared = part("its tables", [&] {
        auto done =
            prepare(database_, {{&key_, "SELECT key FROM conversation WHERE row = ?"},
                                {&blocks_, "SELECT first, rows FROM block WHERE conversation = ? ORDER BY first"},
                                {&block_,
                                 "SELECT first, rows FROM block WHERE conversation = ? AND first <= ? "
                                 "ORDER BY first DESC LIMIT 1"},
                                {&entry_, "SELECT conversation, offset, n FROM log WHERE row = ?"}});
        usable_ = done.has_value();
        return done;
    });
    if (!prepared) return prepared.error();
    if (!usable_) return std::move(report_);
    if (auto good = part("its numbers", [&] { return numbers(); }); !good) return good.error();
    if (auto good = part("how much there is", [&] { return counts(); }); !good) return good.error();
    if (auto good = part("its logs", [&] { return logs(); }); !good) return good.error();
    if (auto good = part("its blocks", [&] { return blocks(); }); !good) return good.error();
    if (auto good = part("its ids", [&] { return ids(); }); !good) return good.error();
    if (auto good = part("its members", [&] { return members(); }); !good) return good.error();
    return std::move(report_);
}

template <typename Part>
Result<> Checker::part(const char* what, const Part& part) {
    const Result<> done = part();
    if (is_damage(done)) add("file", std::string(what) + " cannot be read to the end: " + database_.message());
    return is_damage(done) ? Result<>() : done;
}

Result<> Checker::pages() {
    auto statement = Statement::prepare(database_, "PRAGMA integrity_check(100)");
    if (!statement) return statement.error();
    Rows rows = statement->rows();
    while (rows.next()) {
        if (const std::string_view said = rows.bytes(0); said != "ok") add("file", std::string(said));
    }
    return rows.error();
}

Result<> Checker::numbers() {
    const auto generation = read_meta(database_, meta::kGeneration);
    const auto low_water = read_meta(database_, meta::kLowWater);
    const auto stamp = read_meta(database_, meta::kStamp);
    const auto row = database_.number("SELECT max(row) FROM log");
    if (!row) return row.error();
    if (!generation || !low_water || !stamp) {
        add("meta", "its generation, low-water mark or stamp is missing");
        return {};
    }
    if (*generation == 0) add("meta", "its generation is 0");
    newest_ = std::max(*stamp, *row);
    low_water_ = *low_water;
    if (low_water_ > newest_)
        add("meta", "the low-water mark, " + text(low_water_) + ", is beyond the newest stamp, " + text(newest_));
    return {};
}

Result<> Checker::counts() {
    for (const auto& [count, query] : {std::pair(&report_.users, "SELECT count(*) FROM user"),
                                       std::pair(&report_.conversations, "SELECT count(*) FROM conversation"),
                                       std::pair(&report_.members, "SELECT count(*) FROM member"),
                                       std::pair(&report_.entries, "SELECT count(*) FROM log")}) {
        const auto found = database_.number(query);
        if (!found) return found.error();
        *count = *found;
    }
    return {};
}

// ---- logs and heads ----

Result<> Checker::logs() {
    Logs logs;
    for (std::uint64_t after = 0;;) {
        const std::uint64_t before = after;
        logs.clear();
        tail_.clear();
        if (auto good = read_some(after, logs); !good) return good;
        if (logs.empty()) break;
        if (auto good = read_log(before, after, logs); !good) return good;
        for (const auto& [conversation, log] : logs) compare(conversation, log);
        if (auto good = marks(before, after, logs); !good) return good;
    }
    return none("SELECT row, conversation FROM log WHERE conversation NOT IN (SELECT row FROM conversation)", "log",
                {"row ", " belongs to conversation ", ", which does not exist"});
}

Result<> Checker::read_some(std::uint64_t& after, Logs& logs) {
    auto statement = Statement::prepare(database_,
                                        "SELECT row, key, first, last, messages, first_n, bytes, last_ms, stamp, "
                                        "removed_ms FROM conversation WHERE row > ? ORDER BY row LIMIT ?");
    if (!statement) return statement.error();
    Rows rows = statement->rows(after, kConversationsAtATime);
    while (rows.next()) {
        after = rows.number(0);
        Log& log = logs[after];
        log.first = rows.number(2);
        log.last = rows.number(3);
        log.messages = rows.number(4);
        log.first_n = rows.number(5);
        log.bytes = rows.number(6);
        log.last_ms = rows.number(7);
        log.stamp = rows.number(8);
        log.removed = rows.number(9) != 0;
        if (model::ConversationKey::parse(rows.bytes(1)).empty()) add(place(after), "its name cannot be read");
        if (log.first == 0 || log.first > log.last + 1)
            add(place(after),
                "its head names " + text(log.first) + " as its oldest offset and " + text(log.last) + " as its newest");
    }
    return rows.error();
}

Result<> Checker::read_log(std::uint64_t after, std::uint64_t upto, Logs& logs) {
    auto statement = Statement::prepare(database_,
                                        "SELECT row, conversation, offset, kind, flags, ref, rev, n, time_ms, "
                                        "length(payload), length(id) FROM log WHERE conversation > ? AND conversation "
                                        "<= ? ORDER BY row");
    if (!statement) return statement.error();
    Rows rows = statement->rows(after, upto);
    while (rows.next()) {
        const auto found = logs.find(rows.number(1));
        if (found == logs.end()) continue;  // logs() tells of it
        const Logged row{rows.number(0), rows.number(1), rows.number(2), rows.number(3), rows.number(4), rows.number(5),
                         rows.number(6), rows.number(7), rows.number(8), rows.number(9), rows.number(10)};
        see_itself(row);
        see_behind(row, found->second);
        see(row, found->second);
    }
    return rows.error();
}

void Checker::see_itself(const Logged& row) {
    const auto fault = [&](const std::string& what) {
        add(place(row.conversation), "offset " + text(row.offset) + ": " + what);
    };
    if (row.id_size != Uuid().bytes.size()) fault("its id has " + text(row.id_size) + " bytes");
    if (changes_another(static_cast<model::EntryKind>(row.kind)) && (row.ref == 0 || row.ref >= row.offset))
        fault("it changes offset " + text(row.ref) + ", which is not before it");
    if (row.rev != 0 && row.rev <= row.offset)
        fault("it was changed by offset " + text(row.rev) + ", which is not behind it");
}

// What follows from the entry before it, or from the head when it is the first one.
void Checker::see_behind(const Logged& row, const Log& log) {
    constexpr std::uint64_t kAheadMs = 5 * 60 * 1000;  // a clock that was so far ahead is set back: time_after()
    if (log.next == 0) {
        const std::uint64_t n = row.n - row.counts();
        if ((row.offset == 1 && n != 0) || (row.offset == log.first && n != log.first_n))
            add(place(row.conversation), "offset " + text(row.offset) + " counts as message " + text(row.n) +
                                             ", and its head says that there were " + text(log.first_n) + " before");
        return;
    }
    if (row.offset != log.next) return;  // see() tells
    if (row.n != log.n + row.counts())
        add(place(row.conversation),
            "offset " + text(row.offset) + " counts as message " + text(row.n) + " behind " + text(log.n));
    if (row.time_ms < log.time_ms && log.time_ms - row.time_ms <= kAheadMs)
        add(place(row.conversation), "the time of offset " + text(row.offset) + " is before that of the one before it");
}

void Checker::see(const Logged& row, Log& log) {
    // The first one may be below the oldest: it was removed, and its row is still to be deleted.
    const bool is_first = log.next == 0;
    const std::uint64_t expected = is_first ? log.first : log.next;
    if (row.offset > expected && !std::exchange(log.gap, true))
        add(place(row.conversation), "its log has a gap: there is no " + range(expected, row.offset - 1));
    if (row.offset < expected && !is_first && !std::exchange(log.gap, true))
        add(place(row.conversation), "offset " + text(row.offset) + " comes again, in row " + text(row.row));
    log.next = row.offset + 1;
    log.n = row.n;
    log.time_ms = row.time_ms;
    if (row.row > log.stamp) {
        // A start reads again what is behind the low-water mark.
        if (row.row <= low_water_ && !std::exchange(log.tail, true))
            add(place(row.conversation), "its head and its blocks do not know offset " + text(row.offset) +
                                             ", in row " + text(row.row) + ", and a start would not read it again");
        tail_[{row.conversation, row.offset}] = row.n;
        return;
    }
    log.known_last = row.offset;
    log.known_n = row.n;
    log.known_ms = row.time_ms;
    log.known_row = row.row;
    log.known_bytes += row.bytes;
}

void Checker::compare(std::uint64_t conversation, const Log& log) {
    if (log.bytes != log.known_bytes)
        add(place(conversation), "its head says that its payloads have " + text(log.bytes) + " bytes, and they have " +
                                     text(log.known_bytes));
    const bool empty = log.first > log.last;  // the rows of what was removed may be there, or not
    if (empty && log.known_last == 0) return;
    if (log.known_last != log.last)
        return add(place(conversation), "its head says that offset " + text(log.last) + " is its newest, and its log " +
                                            (log.known_last == 0 ? "is empty" : "ends at " + text(log.known_last)));
    const bool same_row = log.known_row == log.stamp || log.removed;  // the stamp of who was removed is that of its end
    if (!same_row || log.known_n != log.messages || log.known_ms != log.last_ms)
        add(place(conversation),
            "its head differs from its newest entry in the number of messages, the time or the row");
}

// ---- marks ----

Result<> Checker::marks(std::uint64_t after, std::uint64_t upto, const Logs& logs) {
    auto statement = Statement::prepare(
        database_,
        "SELECT conversation, user, read_offset, read_n, max(delivered_offset, unread_from, cleared_to) FROM "
        "member WHERE conversation > ? AND conversation <= ? AND (read_offset <> 0 OR read_n <> 0 OR "
        "delivered_offset <> 0 OR unread_from <> 0 OR cleared_to <> 0)");
    if (!statement) return statement.error();
    Rows rows = statement->rows(after, upto);
    while (rows.next()) {
        const std::uint64_t conversation = rows.number(0);
        const std::uint64_t offset = rows.number(2);
        const std::uint64_t n = rows.number(3);
        const auto found = logs.find(conversation);
        if (found == logs.end()) continue;  // members() tells of it
        const Log& log = found->second;
        const std::string mark = "its member " + text(rows.number(1)) + " has read up to offset " + text(offset);
        if (rows.number(4) > log.end())
            add(place(conversation), "its member " + text(rows.number(1)) + " has a mark at offset " +
                                         text(rows.number(4)) + ", and its log ends at " + text(log.end()));
        if (offset > log.end()) {
            add(place(conversation), mark + ", and its log ends at " + text(log.end()));
        } else if (offset < log.first) {
            if (n > log.first_n || (offset == 0 && n != 0))
                add(place(conversation), mark + ", and its mark counts " + text(n) + " messages, of " +
                                             text(offset == 0 ? 0 : log.first_n) + " that were there");
        } else {
            const auto there = messages_at(conversation, offset, log);
            if (!there) return there.error();
            if (*there && **there != n)
                add(place(conversation),
                    mark + ", which is message " + text(**there) + ", and its mark counts " + text(n) + " messages");
        }
    }
    return rows.error();
}

Result<std::optional<std::uint64_t>> Checker::messages_at(std::uint64_t conversation, std::uint64_t offset,
                                                          const Log& log) {
    if (offset == log.end() && log.next != 0) return std::optional(log.n);  // as most are
    if (const auto found = tail_.find({conversation, offset}); found != tail_.end())
        return std::optional(found->second);
    Block block;
    {
        Rows rows = block_.rows(conversation, offset);
        const bool there = rows.next();
        if (auto good = rows.error(); !good) return good.error();
        if (!there || !Block::decode(rows.number(0), rows.bytes(1), block) || block.row_of(offset) == 0)
            return std::nullopt;
    }
    Rows rows = entry_.rows(block.row_of(offset));
    const bool there = rows.next() && rows.number(0) == conversation && rows.number(1) == offset;
    if (auto good = rows.error(); !good) return good.error();
    return there ? std::optional(rows.number(2)) : std::nullopt;
}

// ---- blocks ----

Result<> Checker::blocks() {
    auto conversations = Statement::prepare(database_, "SELECT row, first, last FROM conversation ORDER BY row");
    if (!conversations) return conversations.error();
    {
        Rows rows = conversations->rows();
        while (rows.next())
            if (auto good = blocks_of(rows.number(0), rows.number(1), rows.number(2)); !good) return good;
        if (auto good = rows.error(); !good) return good;
    }
    return none("SELECT first, conversation FROM block WHERE conversation NOT IN (SELECT row FROM conversation)",
                "blocks", {"that of offset ", " belongs to conversation ", ", which does not exist"});
}

Result<> Checker::blocks_of(std::uint64_t conversation, std::uint64_t first, std::uint64_t last) {
    Rows rows = blocks_.rows(conversation);
    std::uint64_t next = 0;   // offset that is to follow; 0: not known
    bool unreadable = false;  // the one before
    while (rows.next()) {
        Block block;
        const std::uint64_t begin = rows.number(0);
        const bool before = std::exchange(unreadable, !Block::decode(begin, rows.bytes(1), block));
        if (unreadable) {
            add(place(conversation), "its block of offset " + text(begin) + " cannot be read");
            continue;
        }
        if (!before && next != 0 && begin != next)
            add(place(conversation), "its blocks do not fit together: one ends before offset " + text(next) +
                                         ", and the next one begins at " + text(begin));
        if (!before && next == 0 && begin > first && first <= last)
            add(place(conversation),
                "its blocks begin at offset " + text(begin) + ", behind its oldest, " + text(first));
        next = block.end();
        for (std::uint64_t offset = std::max(begin, first); offset < block.end(); ++offset) {
            Rows entry = entry_.rows(block.row_of(offset));
            const bool there = entry.next();
            if (auto good = entry.error(); !good) return good;
            if (there && entry.number(0) == conversation && entry.number(1) == offset) continue;
            add(place(conversation), "its blocks look for offset " + text(offset) + " in row " +
                                         text(block.row_of(offset)) +
                                         (there ? ", which is another entry" : ", which does not exist"));
        }
    }
    if (auto good = rows.error(); !good) return good;
    if (!unreadable && (next == 0 ? first <= last : next != last + 1))
        add(place(conversation), "its head says that offset " + text(last) + " is its newest, and its blocks " +
                                     (next == 0 ? "are missing" : "end before " + text(next)));
    return {};
}

// ---- the other tables ----

Result<> Checker::ids() {
    if (auto good =
            none("SELECT log.conversation, log.offset FROM log LEFT JOIN ids ON ids.id = log.id AND "
                 "ids.conversation = log.conversation AND ids.sender = log.sender WHERE ids.row IS NOT log.row",
                 {}, {"the id of offset ", " is not in the table of ids, so a repeat of it would be stored again"});
        !good)
        return good;
    return none(
        "SELECT ids.conversation, ids.row FROM ids LEFT JOIN log ON log.row = ids.row WHERE log.row IS NULL OR "
        "log.id <> ids.id OR log.conversation <> ids.conversation OR log.sender <> ids.sender",
        {}, {"the table of ids has one of row ", ", which has no such entry"});
}

Result<> Checker::members() {
    const char* const counted =
        "SELECT row, members, have FROM (SELECT row, members, (SELECT count(*) FROM member WHERE conversation = "
        "conversation.row AND role <> 0) AS have FROM conversation WHERE removed_ms = 0) WHERE members <> have";
    if (auto good = none(counted, {}, {"its row says that it has ", " members, and it has ", ""}); !good) return good;
    if (auto good =
            none("SELECT conversation, user FROM member WHERE conversation NOT IN (SELECT row FROM conversation)",
                 "members", {"conversation ", ", which does not exist, has the member ", ""});
        !good)
        return good;
    if (auto good =
            none("SELECT conversation, user, role FROM member WHERE role < 0 OR role > 5 OR user NOT IN (SELECT "
                 "row FROM user)",
                 {}, {"its member ", " with role ", " is no user, or has no such role"});
        !good)
        return good;
    if (auto good =
            none("SELECT DISTINCT conversation, sender FROM log WHERE sender <> 0 AND sender NOT IN (SELECT row "
                 "FROM user)",
                 {}, {"a sender, ", ", is no user"});
        !good)
        return good;
    if (auto good = invitations(); !good) return good;
    if (auto good = reactions(); !good) return good;
    if (auto good = devices(); !good) return good;
    if (auto good = hooks(); !good) return good;
    return none(
        "SELECT conversation, user, offset FROM mention WHERE conversation NOT IN (SELECT row FROM conversation)",
        "mentions", {"conversation ", ", which does not exist, mentions user ", " at offset ", ""});
}

Result<> Checker::reactions() {
    const auto has = database_.number("SELECT count(*) FROM sqlite_schema WHERE name = 'reaction_count'");
    if (!has) return has.error();
    if (*has == 0) return {};  // a file of an earlier version, in which nobody has reacted yet
    const char* const counted =
        "SELECT conversation, offset, users, (SELECT count(*) FROM reaction WHERE reaction.conversation = "
        "reaction_count.conversation AND reaction.offset = reaction_count.offset AND reaction.key = "
        "reaction_count.key) AS have FROM reaction_count WHERE users <> have OR users = 0";
    if (auto good = none(counted, {}, {"a reaction to offset ", " counts ", " users, and there are ", ""}); !good)
        return good;
    const char* const uncounted =
        "SELECT DISTINCT conversation, offset FROM reaction WHERE NOT EXISTS (SELECT 1 FROM reaction_count WHERE "
        "reaction_count.conversation = reaction.conversation AND reaction_count.offset = reaction.offset AND "
        "reaction_count.key = reaction.key)";
    if (auto good = none(uncounted, {}, {"a reaction to offset ", " is not counted"}); !good) return good;
    return none(
        "SELECT reaction.conversation, offset, user FROM reaction LEFT JOIN conversation ON conversation.row = "
        "reaction.conversation WHERE conversation.row IS NULL OR offset = 0 OR user NOT IN (SELECT row FROM user)",
        "reactions", {"conversation ", " has one to offset ", " of user ", ", and one of the three does not exist"});
}

Result<> Checker::invitations() {
    const auto has = database_.number("SELECT count(*) FROM sqlite_schema WHERE name = 'member_invited'");
    if (!has) return has.error();
    if (*has == 0) return {};  // a file of an earlier version
    return none(
        "SELECT conversation, user FROM member WHERE invited_ms <> 0 AND (role <> 0 OR (invited_by <> 0 AND "
        "invited_by NOT IN (SELECT row FROM user)))",
        {}, {"user ", " is invited and a member, or invited by who is no user"});
}

Result<> Checker::devices() {
    const auto has = database_.number("SELECT count(*) FROM sqlite_schema WHERE name = 'push_device'");
    if (!has) return has.error();
    if (*has == 0) return {};  // a file of an earlier version
    return none(
        "SELECT user, stamp FROM push_device WHERE user NOT IN (SELECT row FROM user) OR stamp > (SELECT "
        "max(coalesce((SELECT max(row) FROM log), 0), (SELECT value FROM meta WHERE name = 'stamp')))",
        "devices", {"one of user ", ", registered at stamp ", ", is of no user, or of a stamp that is not there yet"});
}

Result<> Checker::hooks() {
    const auto has = database_.number("SELECT count(*) FROM sqlite_schema WHERE name = 'hook'");
    if (!has) return has.error();
    if (*has == 0) return {};  // a file of an earlier version
    return none(
        "SELECT place FROM hook WHERE place > (SELECT max(coalesce((SELECT max(row) FROM log), 0), (SELECT value FROM "
        "meta WHERE name = 'stamp')))",
        "hooks", {"one has had all up to ", ", which is not there yet"});
}

Result<> Checker::none(const char* query, std::string_view where, std::initializer_list<std::string_view> words) {
    auto statement = Statement::prepare(database_, query);
    if (!statement) return statement.error();
    Rows rows = statement->rows();
    while (rows.next()) {
        std::string what;
        int column = where.empty() ? 1 : 0;
        for (const std::string_view& word : words) {
            what += word;
            if (&word != words.end() - 1) what += text(rows.number(column++));
        }
        add(where.empty() ? place(rows.number(0)) : std::string(where), std::move(what));
    }
    return rows.error();
}

std::string Checker::place(std::uint64_t conversation) {
    std::string place = "conversation " + text(conversation);
    if (!usable_ || report_.faults.size() >= most_) return place;
    Rows rows = key_.rows(conversation);
    const auto key = rows.next() ? model::ConversationKey::parse(rows.bytes(0)) : model::ConversationKey();
    if (key.empty()) return place;
    if (key.kind() == model::ConversationKind::room) return place + ", room " + std::string(key.name());
    return place + ", of " + std::string(key.first()) + " and " + std::string(key.second());
}

Checked<CheckReport> check_file(const std::string& path, const std::string& vfs, std::size_t most_faults) {
    // A file without a lock beside it was never used where it is, and stays without.
    std::error_code ignored;
    const bool used = std::filesystem::exists(path + ".lock", ignored);
    const auto lock = used ? keep_others_out(path) : Checked<base::Descriptor>(base::Descriptor());
    if (!lock && lock.error().code == errc::store_in_use) return lock.error();
    auto database = open_to_read(path, vfs, !lock);
    if (!database) return database.error();
    auto report = Checker(*database, most_faults).run();
    if (report) return std::move(*report);
    const auto code = static_cast<errc>(report.error().value());
    return Failure(code, "the store " + path + " cannot be read: " + database->message());
}

}  // namespace flare::store::sqlite
