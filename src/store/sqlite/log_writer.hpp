// Appends entries within a transaction of the engine: ids, rows of the log, blocks, heads.
//
// Protocol: docs/store.md, "Appending"; docs/decisions/0026-sqlite-blocks.md.
// Threads:  the engine's.
// Owner:    SqliteEngine.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/head_table.hpp"
#include "store/sqlite/mentions.hpp"
#include "store/sqlite/reactions.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flare::store::sqlite {

// What all parts of one transaction share.
struct Transaction {
    std::uint64_t now_ms = 0;
    std::uint64_t stamp = 0;  // the last one given
    bool full = false;        // the disk has no room for more: only what makes room is written
};

class LogWriter {
public:
    LogWriter(Database& database, HeadTable& heads, Transaction& transaction, std::uint64_t generation)
        : database_(database),
          heads_(heads),
          transaction_(transaction),
          generation_(generation),
          mentions_(database),
          reactions_(database) {}

    Result<> prepare();

    // Its outcome is filled in; an error ends the transaction.
    Result<> append(const WriteBatch& batch, const NewEntry& entry, Outcome& outcome);
    // True: an entry with its key is in the log, and the outcome says so.
    Result<bool> answer_known(const NewEntry& entry, Outcome& outcome);

    // The copy that the transaction works on, loaded if need be; null: no such conversation. Valid until the next call.
    Result<LogState*> state_of(Row conversation);
    // Writes what the transaction has of a conversation's log into its rows.
    Result<> write_state(Row conversation);
    // In the log, of an entry from head.first to head.last.
    Result<std::uint64_t> row_of(Row conversation, const LogState& state, std::uint64_t offset);
    // Those of HeadTable::overdue().
    Result<> write_overdue(std::uint64_t upto, std::size_t most);
    // All that this transaction has changed.
    Result<> write_changed();
    // Puts an entry that the log has already into the state that was not written before a crash.
    // Errors: store_damaged: it does not follow the last one.
    struct Logged {
        std::uint64_t row, conversation, offset, n, time_ms, bytes;
    };
    Result<> replay(const Logged& logged);

private:
    // The entry that an edit, a removal or a reaction is about.
    struct Original {
        std::uint64_t row = 0;  // 0: there is none that could be changed
        std::uint64_t bytes = 0;
        std::uint64_t edits = 0;
    };
    Result<Original> original_of(const NewEntry& entry, const LogState& state);
    // Finds it. False: the change is not made, and the outcome says so.
    Result<bool> admit(const WriteBatch& batch, const NewEntry& entry, const LogState& state, Original& original,
                       Outcome& outcome);
    Result<> change_original(const WriteBatch& batch, const NewEntry& entry, const Original& original,
                             std::uint64_t offset);
    Result<> insert(const WriteBatch& batch, const NewEntry& entry, const LogState& state, Outcome& outcome);
    Result<> make_room(Row conversation, LogState& state, std::uint64_t row);

    Database& database_;
    HeadTable& heads_;
    Transaction& transaction_;
    std::uint64_t generation_;

    Statement insert_id_, find_id_;
    Statement insert_log_, original_, edit_, blank_;
    Statement load_, store_, last_block_, find_block_, put_block_;
    MentionWriter mentions_;
    ReactionWriter reactions_;
    std::string encoded_;        // of a block
    std::vector<Row> to_write_;  // those whose states are being written
};

// A bit of the column `flags` beside those of the model: the payload was deleted.
inline constexpr std::uint64_t kBlank = 0x80;
// What is above the bits: how often it was edited.
inline constexpr std::uint64_t kEditOnce = 0x100;

}  // namespace flare::store::sqlite
