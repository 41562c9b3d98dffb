// One process at a time uses a store: whoever holds the lock on the file beside it.
//
// Protocol: flock(2); docs/store.md, "The file".
// Threads:  one at a time.
// Owner:    SqliteEngine; closing the file gives the lock back.
#pragma once

#include "base/file.hpp"

#include <string>

namespace flare::store::sqlite {

// Takes the lock on `path`, which is made if it is missing and has the process id of the holder in it.
// Errors: store_in_use; those of base::open_kept_file().
Checked<base::Descriptor> take_lock(const std::string& path);
// Takes it on a file that is open. 0, or an errno; EWOULDBLOCK: another one holds it. Who only looks whether it is held
// (is_held()) shares it for a moment, and is waited for.
int lock_alone(const base::Descriptor& file) noexcept;
// The error of a lock that another one holds, which `file` says.
Failure lock_held(const base::Descriptor& file, const std::string& path);

}  // namespace flare::store::sqlite
