// Writes what the store keeps for back-ends, within a transaction of the engine: marks of hooks, and answers.
//
// Protocol: docs/store.md, "For back-ends".
// Threads:  the engine's.
// Owner:    SqliteEngine.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/log_writer.hpp"

#include <cstdint>

namespace flare::store::sqlite {

class BackendWriter {
public:
    BackendWriter(Database& database, Transaction& transaction) : database_(database), transaction_(transaction) {}

    Result<> prepare();
    // The outcome is filled in; an error ends the transaction.
    Result<> write(const HookMark& mark, Outcome& outcome);
    Result<> write(const KeptAnswer& answer, Outcome& outcome);
    // Up to which row of the log every hook has had what there is, but for those that are too far behind.
    Result<std::uint64_t> had_by_hooks(std::uint64_t now_ms);
    // Are there answers that are too old?
    Result<bool> due(std::uint64_t now_ms);
    // In a transaction: deletes some of them.
    Result<> drop_old_answers();

private:
    Database& database_;
    Transaction& transaction_;
    Statement place_, put_, hooks_, remove_, places_, time_;
    Statement forget_, keep_, drop_beyond_, oldest_, drop_old_;
};

}  // namespace flare::store::sqlite
