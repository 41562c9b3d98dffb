// Where conversations are kept when nobody says so.
//
// Threads: no state; looks at nothing but the values.
#pragma once

#include "server_config/configuration.hpp"

#include <string>

namespace flare::cli::server_config {

// Where nobody has said anything of the store: flare.db in the state folder. Call it before make_builder().
void find_default_store(Configuration& configuration, const std::string& state_folder);
// There is a store: its file has a name, and is not "none".
bool keeps_conversations(const Values& values);
// Makes the folder of a store that find_default_store() has chosen, and of no other: a folder that somebody has named
// and that is missing is a mistake. Errors: file_unwritable.
Checked<> make_store_folder(const Values& values, const std::string& state_folder);

}  // namespace flare::cli::server_config
