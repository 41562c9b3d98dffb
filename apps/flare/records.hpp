// Where flight records are kept, and which one is meant.
//
// Threads: one at a time.
#pragma once

#include <flare/failure.hpp>

#include <string>

namespace flare::cli {

// $XDG_STATE_HOME/flare/sessions, else ~/.local/state/flare/sessions.
std::string record_folder();
// The same, made when it is missing, for this user only: for ClientBuilder::flight_recorder(). Errors: file_unwritable.
Checked<std::string> make_record_folder();

// May records be kept in this folder? Makes one of the size that they have, and removes it again. Errors:
// file_not_found, file_unwritable (its disk is full, too).
Checked<> check_record_folder(const std::string& folder);

// The file of a session: `named` is a file, a session's id, the beginning of one, or "last", the one that was written
// last. Errors: file_not_found, invalid_config (the beginning of several); the text says what to do.
Checked<std::string> find_record(const std::string& named, const std::string& folder);

}  // namespace flare::cli
