// The engine of sqlite.hpp: opens the file, runs groups as transactions, and decides what an error means.
//
// Protocol: docs/store.md.
// Threads:  one at a time, beside its readers.
// Owner:    whoever called open().
#pragma once

#include "base/file.hpp"
#include "store/engine.hpp"
#include "store/sqlite/backend_writer.hpp"
#include "store/sqlite/change_writer.hpp"
#include "store/sqlite/checkpointer.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/erasures.hpp"
#include "store/sqlite/head_table.hpp"
#include "store/sqlite/log_writer.hpp"
#include "store/sqlite/purge.hpp"
#include "store/sqlite/push_writer.hpp"
#include "store/sqlite/settings_writer.hpp"
#include "store/sqlite/shared.hpp"
#include "store/sqlite/sqlite.hpp"
#include "store/sqlite/stamp_note.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace flare::store::sqlite {

class SqliteEngine final : public Engine {
public:
    SqliteEngine(const Settings& settings, base::Descriptor lock);
    ~SqliteEngine() override;

    Checked<> start();

    Result<> commit(std::span<WriteBatch* const> group, std::uint64_t now_ms) override;
    Result<bool> reopen() override;
    Result<bool> maintain(std::uint64_t now_ms) override;
    std::unique_ptr<Reader> reader() override;
    Result<CheckReport> check(std::size_t most_faults) override;
    About about() const override;

private:
    // What lives as long as the file is open. Statements go before their database.
    struct Opened {
        explicit Opened(Database made, HeadTable& heads, Transaction& transaction, std::uint64_t generation)
            : database(std::move(made)),
              log(database, heads, transaction, generation),
              changes(database, heads, transaction, log),
              erasures(database),
              backend(database, transaction),
              purge(database, transaction, log, backend),
              push(database, transaction),
              settings(database, transaction, log) {}
        Result<> prepare();

        Database database;
        LogWriter log;
        ChangeWriter changes;
        Erasures erasures;
        BackendWriter backend;
        Purge purge;
        PushWriter push;
        SettingsWriter settings;
        Statement begin, end, low_water, replay;
        std::unique_ptr<Checkpointer> checkpointer{};  // null: the thread that commits does it all
    };

    // again: something has failed since it was opened.
    Checked<> open_file(bool again);
    Checked<> prepare_file(Database& database, bool again);
    // Draws another generation for a file that has been further already.
    Result<> renew_if_behind(Database& database, std::uint64_t& generation, std::uint64_t stamp);
    Result<> begin();  // of a transaction; busy: another process writes
    // What `work` writes is one transaction; its error, or that of the commit, leaves all as it was.
    template <typename Work>
    Result<> transact(std::uint64_t now_ms, const Work& work);
    Result<> write(WriteBatch& batch);
    Result<> erase(const Erasure& erasure, Outcome& outcome);
    // Heads that are due; `upto` as in HeadTable::overdue().
    Result<> write_heads(std::uint64_t upto, std::size_t most);
    struct Place {
        std::uint64_t generation = 0;  // 0: none
        std::uint64_t stamp = 0;
    };

    void choose_heads(std::uint64_t now_ms);
    Result<> note_low_water(std::uint64_t row);
    // Puts into heads what the log has behind the low-water mark, a part at a time. False: there is no more.
    Result<bool> replay_part();
    // Lets the write-ahead log be copied into the file when it is long, so that it begins anew.
    void checkpoint_if_due();
    void finish_checkpoint(bool starved);
    // Notes what the engine's state is after an error, and says it in the log. message: what SQLite says where the
    // error is not of the connection that writes.
    Result<> failed(const boost::system::error_code& code, const std::string& message = {});
    bool disk_is_full() const;

    const Settings settings_;
    const base::Descriptor lock_;
    StampNote note_;
    Shared shared_;
    Transaction transaction_{};
    std::unique_ptr<Opened> opened_;
    errc failed_ = errc::ok;      // why it takes nothing until it is opened again
    Place unknown_{};             // where the store was before the group whose commit failed
    errc told_ = errc::ok;        // in the log; ok: the last transaction was committed
    std::uint64_t began_at_ = 0;  // the stamp before the transaction that is under way
    std::uint64_t low_water_ = 0;
    std::uint64_t checkpoint_at_ = 0;  // pages of the write-ahead log: what is due was done, and a reader needed it
    std::uint64_t looked_ms_ = 0;      // when maintain() last chose heads to write:
    std::uint64_t write_upto_ = 0;     // those unwritten since then or before
    std::uint64_t next_upto_ = 0;      // and the next time, those
};

}  // namespace flare::store::sqlite
