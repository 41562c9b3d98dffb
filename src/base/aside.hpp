// Puts a file that is of no use any more out of the way, where somebody may look at it.
//
// Threads:  a pure function; it waits for the disk.
#pragma once

#include <flare/failure.hpp>

#include <string>

namespace flare::base {

// What is at `from` takes the place of what is at `to`, in the same folder. `what` begins the text of an error. Errors:
// file_not_found, file_unwritable.
Checked<> set_aside(const std::string& from, const std::string& to, const std::string& what);

}  // namespace flare::base
