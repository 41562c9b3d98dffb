// Copies of a store: a backup of one that may be in use, and a backup put in the place of one that is not.
//
// Protocol: docs/store.md, "Backup and restore".
// Threads:  pure functions; they take as long as the file is large.
#pragma once

#include "store/check.hpp"

#include <flare/failure.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace flare::store::sqlite {

struct Copying {
    bool replace = false;  // what is at the place of the copy goes; false: it is refused
    // The copy is checked before it takes its place: one that contradicts itself is refused (store_damaged, and
    // `report` says why), and what was there stays.
    bool check = true;
    // Hears how many pages are done and how many there are, also while the copy is checked, and a last time before it
    // takes its place: then all are. False: it ends with `cancelled`, leaves nothing, and what was there stays.
    std::function<bool(std::uint64_t done, std::uint64_t all)> goes_on{};
    std::string vfs{};  // of the store that is read. For tests
};

// A copy of what is committed, while servers and others go on reading and writing. The file is complete, on the disk
// and for this user alone before it has its name; it needs no other file beside it. Until it is complete, the store's
// write-ahead log only grows.
// Errors: those of open_to_read(), file_unwritable, storage_full (the disk of the copy), cancelled, store_damaged;
// store_in_use: `to` is a store that a process uses or did not close, or is `store` itself.
Checked<> back_up(const std::string& store, const std::string& to, const Copying& copying, CheckReport& report);

// Puts a backup in the place of a store that nobody uses. It gets a generation of its own, so that the positions of all
// conversations have another epoch: clients learn that what they know beyond it is gone. Until the very last step the
// old store has all that it had, and that in one file.
// Errors: those of back_up(); store_in_use: also if a process reads the old store.
Checked<> restore(const std::string& backup, const std::string& store, const Copying& copying, CheckReport& report);

}  // namespace flare::store::sqlite
