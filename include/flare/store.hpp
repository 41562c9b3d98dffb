// Where a server keeps conversations, ServerBuilder::store(), and what an operator does with the file: check it, back
// it up, restore a backup. `flare store` does the same from a shell.
//
// Protocol: docs/store.md.
// Threads:  any; the calls below read the whole file, and take as long as it is large.
#pragma once

#include <flare/export.hpp>
#include <flare/failure.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace flare {

// Made by sqlite().
struct FLARE_EXPORT Store {
    std::string file;  // empty: there is none, and nothing outlives the process
    // Below so much free space on its disk messages are refused with storage_full, and removals go on. Bytes; 0: no
    // limit.
    std::uint64_t min_free_bytes = 256ull * 1024 * 1024;
    // Pages of the file that are kept in memory by the thread that writes: 1 MiB to 64 GiB. The system's cache has the
    // others; more of them here make longer pauses (docs/store.md, "The file").
    std::uint64_t cache_bytes = 4ull * 1024 * 1024;
};

// One SQLite file, for one server process at a time. It is made if it is missing; its folder must exist. `stored` then
// means that a message is on disk, whatever happens to the process or the machine.
FLARE_EXPORT Store sqlite(std::string file);

// A place where a store contradicts itself.
struct StoreFault {
    std::string where;  // "conversation 5, room tea"; "ids"; "file". Names are as users chose them: printable()
    std::string what;
};

// What is in a store.
struct StoreReport {
    std::uint64_t users = 0;
    std::uint64_t conversations = 0;  // with those that were removed in the last 30 days
    std::uint64_t members = 0;        // in all of them, with those who left
    std::uint64_t entries = 0;        // messages and changes
    std::uint64_t fault_count = 0;    // 0: the store is good
    std::vector<StoreFault> faults;   // the first ones
};

// Compares logs, ids, blocks, heads and members of a store that no server uses; nothing is changed. The first 100
// faults are named. Errors: file_not_found, store_in_use, store_too_new, store_damaged (no database at all),
// invalid_config (a database of another program), storage_failed.
FLARE_EXPORT Checked<StoreReport> check_store(const std::string& file);

// How back_up_store() and restore_store() copy.
struct StoreCopy {
    bool replace = false;  // replaces what is there; otherwise it is an error (file_unwritable)
    bool check = true;     // checks the copy before it takes its place: with faults, the call fails with store_damaged
    // Hears the progress in pages of 4 KiB; while the copy is checked, all of them are done. If it returns false, the
    // call ends with `cancelled`, leaves nothing, and what was at the copy's place stays. It is asked a last time
    // before the copy takes that place. SQLite 3.40 compares the pages of a file in one step, in which it is not asked.
    std::function<bool(std::uint64_t done, std::uint64_t all)> progress{};
};

// Writes a copy of a store to the file `to`, also while servers use it. The copy is complete, on disk and private (mode
// 0600) before it gets its name. Returns what is in it; zeros if it was not checked. Errors: those of check_store(),
// except that store_in_use means the file `to`: a store that is used or was not closed, or `file` itself;
// file_unwritable, storage_full, cancelled.
FLARE_EXPORT Checked<StoreReport> back_up_store(const std::string& file, const std::string& to,
                                                const StoreCopy& options = {});
// Puts a backup in the place of a store that no server uses. Its positions get new epochs, so clients learn that what
// they know beyond the backup is gone. Whatever happens before the backup has taken the place, the old store keeps all
// that it had. Errors: as back_up_store(); store_in_use: a server uses the old store, or a process reads it.
FLARE_EXPORT Checked<StoreReport> restore_store(const std::string& backup, const std::string& file,
                                                const StoreCopy& options = {});

}  // namespace flare
