// Users who are being erased: how far that has come, and what of them is in no log.
//
// Protocol: docs/store.md, "Erasing a user".
// Threads:  the store's writer.
// Owner:    SqliteEngine.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"

namespace flare::store::sqlite {

class Erasures {
public:
    explicit Erasures(Database& database) : database_(database) {}

    Result<> prepare();
    Result<> write(const Erasure& erasure, Outcome& outcome);

private:
    Database& database_;
    Statement put_, done_, delete_mentions_;
};

}  // namespace flare::store::sqlite
