// Registers the devices of users that take pushes, within a transaction of the engine.
//
// Protocol: docs/store.md, "The file"; docs/conversations.md, "Push".
// Threads:  the engine's.
// Owner:    SqliteEngine.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/log_writer.hpp"

namespace flare::store::sqlite {

class PushWriter {
public:
    PushWriter(Database& database, Transaction& transaction) : database_(database), transaction_(transaction) {}

    Result<> prepare();
    // The outcome is filled in; an error ends the transaction.
    Result<> change(const PushChange& change, Outcome& outcome);

private:
    Result<> put(const PushChange& change);
    Result<> remove(const PushChange& change, Outcome& outcome);

    Database& database_;
    Transaction& transaction_;
    Statement stamp_, take_, put_, drop_first_, remove_, remove_all_;
};

}  // namespace flare::store::sqlite
