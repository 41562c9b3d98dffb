#include "store/sqlite/backend_reader.hpp"

#include "store/rules.hpp"
#include "store/sqlite/reader.hpp"

#include <algorithm>
#include <utility>

namespace flare::store::sqlite {

Result<> SqliteBackendReader::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            // The keys of conversations stay as long as there are rows of their logs.
            {&log_,
             "SELECT " FLARE_ENTRY_COLUMNS
             ", log.row, log.conversation, conversation.key FROM log CROSS JOIN conversation ON conversation.row = "
             "log.conversation WHERE log.row > ? ORDER BY log.row LIMIT ?"},
            {&ended_,
             "SELECT stamp, row, key, removed_ms FROM conversation INDEXED BY conversation_ended WHERE removed_ms <> 0 "
             "AND stamp > ? AND stamp <= ? ORDER BY stamp LIMIT ?"},
            {&removed_, "SELECT value FROM meta WHERE name = 'purged'"},
            {&marks_, "SELECT name, place, paused FROM hook ORDER BY name"},
            {&answer_, "SELECT asked, status, content_type, body FROM kept_answer WHERE key = ? AND made_ms >= ?"},
        });
}

// One thread commits, and gives the numbers in the order in which it does: whatever is committed after this snapshot
// has a higher one. `newest` is taken before it.
Result<LogPart> SqliteBackendReader::log(const LogRequest& request) {
    const std::uint64_t newest = shared_.committed.load(std::memory_order_acquire);
    auto part = reader_.in_snapshot([&] { return read_part(request); });
    if (!part) return part;
    part->newest = std::max(newest, part->entries.empty() ? 0 : part->entries.back().place);
    for (LoggedEntry& each : part->entries) {
        const bool whole =
            each.ended || (each.entry.kind != model::EntryKind::edit && (each.entry.flags & model::kNamesUsers) == 0);
        if (whole) continue;
        if (auto good = reader_.in_snapshot([&] { return complete(each); }); !good) return good.error();
    }
    return part;
}

Result<LogPart> SqliteBackendReader::read_part(const LogRequest& request) {
    LogPart part;
    {
        std::uint64_t bytes = 0;
        Rows rows = log_.rows(request.after, std::uint64_t{request.limit} + 1);
        while (!part.more && rows.next()) {
            LoggedEntry logged{rows.number(kEntryColumns),
                               rows.number(kEntryColumns + 1),
                               model::ConversationKey::parse(rows.bytes(kEntryColumns + 2)),
                               epoch_of(shared_.generation, rows.number(kEntryColumns + 1)),
                               false,
                               entry_of(rows)};
            bytes += logged.entry.payload.size() + logged.entry.type.size();
            part.more = !part.entries.empty() && (bytes > request.bytes || part.entries.size() >= request.limit);
            if (!part.more) part.entries.push_back(std::move(logged));
        }
        if (auto good = rows.error(); !good) return good.error();
    }
    if (auto good = add_ended(request, part); !good) return good.error();
    Rows rows = removed_.rows();
    if (rows.next()) part.removed = rows.number(0);
    if (auto good = rows.error(); !good) return good.error();
    return part;
}

Result<> SqliteBackendReader::add_ended(const LogRequest& request, LogPart& part) {
    const std::uint64_t upto = part.more ? part.entries.back().place : INT64_MAX;
    std::vector<LoggedEntry> ended;
    {
        Rows rows = ended_.rows(request.after, upto, std::uint64_t{request.limit} + 1);
        while (rows.next()) {
            LoggedEntry& made = ended.emplace_back();
            made.place = rows.number(0);
            made.conversation = rows.number(1);
            made.key = model::ConversationKey::parse(rows.bytes(2));
            made.epoch = epoch_of(shared_.generation, made.conversation);
            made.ended = true;
            made.entry.time_ms = rows.number(3);
        }
        if (auto good = rows.error(); !good) return good;
    }
    merge_ended(std::move(ended), request.limit, part);
    return {};
}

// What is ahead of the rows is read before they are, as for a page.
Result<> SqliteBackendReader::complete(LoggedEntry& logged) {
    const auto ahead = shared_.heads->snapshot(logged.conversation);
    if (auto good = reader_.entries().fill_in_original(logged.conversation, ahead, logged.entry); !good) return good;
    return reader_.mentions().add_to(logged.entry, logged.conversation);
}

Result<std::vector<HookMark>> SqliteBackendReader::hook_marks() {
    return reader_.in_snapshot([&]() -> Result<std::vector<HookMark>> {
        std::vector<HookMark> found;
        Rows rows = marks_.rows();
        while (rows.next())
            found.push_back({std::string(rows.bytes(0)), rows.number(1), false, false, rows.number(2) != 0});
        if (auto good = rows.error(); !good) return good.error();
        return found;
    });
}

Result<std::optional<KeptAnswer>> SqliteBackendReader::kept_answer(std::string_view key, std::uint64_t now_ms) {
    return reader_.in_snapshot([&]() -> Result<std::optional<KeptAnswer>> {
        std::optional<KeptAnswer> found;
        Rows rows = answer_.rows(key, now_ms - std::min(now_ms, kAnswersKeptMs));
        if (rows.next())
            found = KeptAnswer{std::string(key), std::string(rows.bytes(0)), static_cast<std::uint32_t>(rows.number(1)),
                               std::string(rows.bytes(2)), std::string(rows.bytes(3))};
        if (auto good = rows.error(); !good) return good.error();
        return found;
    });
}

}  // namespace flare::store::sqlite
