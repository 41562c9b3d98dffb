// Files that are made and never overwritten by accident.
//
// Threads: pure functions.
#pragma once

#include <flare/failure.hpp>

#include <string>
#include <string_view>

namespace flare::cli {

// Writes a file that only its owner can use (or, `open`, that all may read): whole, or not at all. Errors:
// file_unwritable: it is there already and `force` does not say to replace it, or it cannot be written.
Checked<> write_new_file(const std::string& path, std::string_view content, bool open, bool force);
// The error of write_new_file() for a file that is there; nothing: it may be made.
Checked<> may_be_made(const std::string& path, bool force);

}  // namespace flare::cli
