// Makes and changes conversations, their members with what they have read, and users, within a transaction of the
// engine.
//
// Protocol: docs/store.md, "The file".
// Threads:  the engine's.
// Owner:    SqliteEngine.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/log_writer.hpp"

namespace flare::store::sqlite {

class ChangeWriter {
public:
    ChangeWriter(Database& database, HeadTable& heads, Transaction& transaction, LogWriter& log)
        : database_(database), heads_(heads), transaction_(transaction), log_(log) {}

    Result<> prepare();
    // Outcomes are filled in; an error ends the transaction.
    Result<> change(const WriteBatch& batch, const Change& change, Outcome& outcome);
    Result<> add_user(const NewUser& user, Outcome& outcome);
    Result<> mark(const Mark& mark, Outcome& outcome);

private:
    // True: it may be applied. False: the outcome says why not, or that it was applied before.
    Result<bool> admit(const Change& change, Outcome& outcome);
    Result<Row> create(const Change& change);
    Result<> configure(Row conversation, const model::Config& config);
    Result<> put_members(Row conversation, const Change& change, std::uint64_t stamp);
    // Head::messages with the entry of an offset, or with those that are gone.
    Result<std::uint64_t> messages_at(Row conversation, const LogState& state, std::uint64_t offset);
    // Entries below `keep_from` are gone for readers; Purge deletes their rows.
    Result<> cut(Row conversation, std::uint64_t keep_from);
    Result<> remove(Row conversation);
    Result<> next_stamp();

    Database& database_;
    HeadTable& heads_;
    Transaction& transaction_;
    LogWriter& log_;

    Statement find_, create_, configure_, remove_, count_members_;
    Statement role_, put_member_, find_marks_, put_mark_, put_delivered_;
    Statement entry_, purge_, stamp_;
    Statement find_user_, add_user_;
};

}  // namespace flare::store::sqlite
