#include "store/sqlite/entry_reader.hpp"

#include "store/sqlite/log_writer.hpp"

#include <algorithm>
#include <utility>

namespace flare::store::sqlite {

Entry entry_of(const Rows& rows, int from) {
    Entry entry;
    entry.offset = rows.number(from);
    entry.kind = static_cast<model::EntryKind>(rows.number(from + 1));
    entry.encoding = static_cast<model::StoredEncoding>(rows.number(from + 2));
    const std::uint64_t flags = rows.number(from + 3);
    entry.flags = static_cast<std::uint8_t>(flags & ~kBlank);
    entry.blank = (flags & kBlank) != 0;
    entry.ref = rows.number(from + 4);
    entry.rev = rows.number(from + 5) == 0 ? entry.offset : rows.number(from + 5);
    entry.messages = rows.number(from + 6);
    entry.time_ms = rows.number(from + 7);
    entry.sender = rows.number(from + 8);
    if (const auto id = Uuid::from_bytes(rows.bytes(from + 9))) entry.id = *id;
    entry.type = rows.bytes(from + 10);
    entry.payload = rows.bytes(from + 11);
    return entry;
}

Result<> EntryReader::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            {&first_block_,
             "SELECT first, rows FROM block WHERE conversation = ? AND first <= ? ORDER BY first DESC LIMIT 1"},
            {&blocks_,
             "SELECT first, rows FROM block WHERE conversation = ? AND first > ? AND first <= ? ORDER BY first"},
            {&entry_, "SELECT " FLARE_ENTRY_COLUMNS " FROM log WHERE row = ?"},
        });
}

Result<> EntryReader::find_places(Row conversation, std::uint64_t begin, std::uint64_t last,
                                  const std::optional<LogState>& ahead, Places& to) {
    const auto take = [&](const Block& block) {
        for (std::uint64_t at = std::max(begin, block.first()); at <= last && at < block.end(); ++at)
            to.emplace_back(at, block.row_of(at));
        begin = std::max(begin, block.end());
    };
    Block block;
    {
        Rows rows = first_block_.rows(conversation, begin);
        if (rows.next()) {
            if (!Block::decode(rows.number(0), rows.bytes(1), block)) return errc::store_damaged;
            take(block);
        }
        if (auto good = rows.error(); !good) return good;
    }
    Rows rows = blocks_.rows(conversation, block.first(), last);
    while (begin <= last && rows.next()) {
        if (!Block::decode(rows.number(0), rows.bytes(1), block)) return errc::store_damaged;
        take(block);
    }
    if (auto good = rows.error(); !good) return good;
    if (begin <= last && ahead) take(ahead->block);
    return {};
}

Result<std::optional<Entry>> EntryReader::read(std::uint64_t row) {
    std::optional<Entry> entry;
    Rows rows = entry_.rows(row);
    if (rows.next()) entry = entry_of(rows);
    if (auto good = rows.error(); !good) return good.error();
    return entry;
}

// An edit shows what its message says now: a text that was deleted later is in no row.
Result<> EntryReader::fill_in_original(Row conversation, const std::optional<LogState>& ahead, Entry& entry) {
    if (entry.kind != model::EntryKind::edit) return {};
    Places places;
    if (auto good = find_places(conversation, entry.ref, entry.ref, ahead, places); !good) return good;
    entry.blank = true;
    if (places.empty()) return {};
    auto original = read(places.front().second);
    if (!original) return original.error();
    if (!*original) return {};
    entry.blank = (*original)->blank;
    entry.encoding = (*original)->encoding;
    entry.type = std::move((*original)->type);
    entry.payload = std::move((*original)->payload);
    return {};
}

}  // namespace flare::store::sqlite
