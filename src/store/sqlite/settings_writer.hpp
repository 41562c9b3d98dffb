// Writes what users choose for conversations, within a transaction of the engine.
//
// Protocol: docs/store.md, "Settings".
// Threads:  the engine's.
// Owner:    SqliteEngine.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/log_writer.hpp"

namespace flare::store::sqlite {

class SettingsWriter {
public:
    SettingsWriter(Database& database, Transaction& transaction, LogWriter& log)
        : database_(database), transaction_(transaction), log_(log) {}

    Result<> prepare();
    // The outcome is filled in; an error ends the transaction.
    Result<> change(const SettingsChange& change, Outcome& outcome);
    // The user is erased. Also on a full disk.
    Result<> forget(Row user);

private:
    Result<> next_stamp();

    Database& database_;
    Transaction& transaction_;
    LogWriter& log_;
    Statement find_, put_, has_any_, forget_, stamp_;
};

}  // namespace flare::store::sqlite
