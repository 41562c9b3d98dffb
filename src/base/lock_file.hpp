// One process at a time uses what a lock is for: whoever holds the lock on the file beside it.
//
// Protocol: flock(2).
// Threads:  one at a time.
// Owner:    store::sqlite, client::cache; closing the file gives the lock back.
#pragma once

#include "base/file.hpp"

#include <string>

namespace flare::base {

// Takes the lock on `path`, which is made if it is missing and has the process id of the holder in it. `what` begins
// the text of an error. Errors: busy: another one holds it, and the text is who ("process 17"); those of
// open_kept_file().
Checked<Descriptor> take_lock(const std::string& path, const std::string& what);
// Takes it on a file that is open. 0, or an errno; EWOULDBLOCK: another one holds it. Who only looks whether it is
// held shares it for a moment, and is waited for.
int lock_alone(const Descriptor& file) noexcept;
// Who holds it, as the file says: "process 17", or "another process".
std::string holder_of(const Descriptor& file);

}  // namespace flare::base
