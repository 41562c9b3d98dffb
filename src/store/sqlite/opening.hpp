// Opens a store's file for whoever is no server: to look at it, to copy it, to put another one in its place.
//
// Protocol: docs/store.md, "Checking", "Backup and restore".
// Threads:  one at a time.
// Owner:    check_file(), back_up(), restore().
#pragma once

#include "base/file.hpp"
#include "store/sqlite/database.hpp"

#include <string>

namespace flare::store::sqlite {

// Keeps servers away from the store `path` for as long as it lives. The lock is taken whoever owns it: root may look
// after the store of a service. Errors: store_in_use; file_unwritable, file_not_found: no server could take it either.
Checked<base::Descriptor> keep_others_out(const std::string& path);

// A process holds the lock of the store `path`, perhaps this one.
bool is_held(const std::string& path);
// Its write-ahead log has something in it.
bool has_log(const std::string& path);

// A store to be read, which is not changed. others: a server may be writing to it. Errors: file_not_found, those of
// Database::open() and of examine().
Checked<Database> open_to_read(const std::string& path, const std::string& vfs, bool others);

// Before `database` is closed: what reading has made beside a store that nobody uses goes with it.
void leave_as_found(Database& database, const std::string& path);

// What root makes belongs to who owns `like`, or else the folder of `path`: the server that is to use it.
void give_to_owner(const std::string& path, const std::string& like);

}  // namespace flare::store::sqlite
