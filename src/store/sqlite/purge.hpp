// Deletes the rows of what is gone for readers already, a part at a time: entries below the first of a log, and
// tombstones that are old enough.
//
// Protocol: docs/store.md, "Removing".
// Threads:  the engine's.
// Owner:    SqliteEngine.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/backend_writer.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/log_writer.hpp"

#include <string>

namespace flare::store::sqlite {

class Purge {
public:
    Purge(Database& database, Transaction& transaction, LogWriter& log, BackendWriter& backend)
        : database_(database), transaction_(transaction), log_(log), backend_(backend) {}

    Result<> prepare();
    // Is there anything to delete? full: the disk needs it now, and nothing waits for hooks.
    Result<bool> due(std::uint64_t now_ms, bool full);
    // In a transaction: about 500 rows.
    Result<> run_part();

private:
    Result<> entries(Row conversation, std::uint64_t upto);
    Result<std::uint64_t> entry(Row conversation, std::uint64_t offset, std::uint64_t row);
    Result<> tombstone();
    // Is there one to be deleted, within what hooks have had?
    Result<bool> entries_due(std::uint64_t now_ms, bool full);

    Database& database_;
    Transaction& transaction_;
    LogWriter& log_;
    BackendWriter& backend_;

    Statement any_, next_, done_, save_stamp_, note_purged_;
    Statement blocks_, delete_block_;
    Statement entry_, delete_entry_, delete_id_, delete_mentions_;
    ReactionWriter reactions_{database_};
    struct Tombstones {
        Statement old, note_forgotten, delete_members, remove;
    } tombstones_;
    std::string id_;
    std::uint64_t upto_row_ = 0;    // entries behind this row of the log wait for a hook
    std::uint64_t look_at_ms_ = 0;  // when tombstones are looked for again
};

}  // namespace flare::store::sqlite
