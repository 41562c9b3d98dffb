// Reads entries of logs within a snapshot: where they are, by blocks, and what they say now.
//
// Protocol: docs/store.md, "Reading".
// Threads:  its reader's.
// Owner:    SqliteReader.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/head_table.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace flare::store::sqlite {

#define FLARE_ENTRY_COLUMNS "offset, kind, encoding, flags, ref, rev, n, time_ms, sender, id, type, payload"
inline constexpr int kEntryColumns = 12;
// From the columns that begin with `from`.
Entry entry_of(const Rows& rows, int from = 0);

class EntryReader {
public:
    // An offset and the row of the log that it is in; ascending.
    using Places = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

    Result<> prepare(Database& database);
    // Appends the places of the offsets from `begin` to `last`, as far as there are any.
    Result<> find_places(Row conversation, std::uint64_t begin, std::uint64_t last,
                         const std::optional<LogState>& ahead, Places& to);
    Result<std::optional<Entry>> read(std::uint64_t row);
    Result<> fill_in_original(Row conversation, const std::optional<LogState>& ahead, Entry& entry);

private:
    Statement first_block_, blocks_, entry_;
};

}  // namespace flare::store::sqlite
