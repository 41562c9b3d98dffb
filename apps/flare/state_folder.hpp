// Where this user's programs keep what is to outlive them (XDG Base Directory Specification).
#pragma once

#include <string>

namespace flare::cli {

// $XDG_STATE_HOME/flare, else ~/.local/state/flare. It may not be there yet.
std::string state_folder();
// A service's own, when systemd has made it one (StateDirectory=): the first of $STATE_DIRECTORY; else state_folder().
std::string service_state_folder();

}  // namespace flare::cli
