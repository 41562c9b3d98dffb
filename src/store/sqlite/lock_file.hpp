// One process at a time uses a store: whoever holds the lock on the file beside it.
//
// Protocol: base/lock_file.hpp; docs/store.md, "The file".
// Threads:  one at a time.
// Owner:    SqliteEngine; closing the file gives the lock back.
#pragma once

#include "base/lock_file.hpp"

#include <string>

namespace flare::store::sqlite {

using base::lock_alone;

// Takes the lock on `path`, which is made if it is missing and has the process id of the holder in it.
// Errors: store_in_use; those of base::open_kept_file().
Checked<base::Descriptor> take_lock(const std::string& path);
// The error of a lock that another one holds, which `file` says.
Failure lock_held(const base::Descriptor& file, const std::string& path);

}  // namespace flare::store::sqlite
