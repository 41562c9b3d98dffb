#include "state_folder.hpp"

#include <cstdlib>
#include <string_view>

namespace flare::cli {

std::string state_folder() {
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
        return std::string(state) + "/flare";
    const char* home = std::getenv("HOME");
    return std::string(home == nullptr ? "." : home) + "/.local/state/flare";
}

std::string service_state_folder() {
    const char* const given = std::getenv("STATE_DIRECTORY");
    const std::string_view all = given == nullptr ? std::string_view() : std::string_view(given);
    const std::string_view first = all.substr(0, all.find(':'));
    return first.starts_with('/') ? std::string(first) : state_folder();
}

}  // namespace flare::cli
