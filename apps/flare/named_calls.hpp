// Calls of the server API under the names that people use: "flare user sessions ann".
#pragma once

#include "command.hpp"

#include <span>
#include <string_view>

namespace flare::cli {

struct NamedCall {
    std::string_view name;    // of the command
    std::string_view call;    // operationId
    std::string_view places;  // parameters that are typed without their names: "user,other"
};

// A command below `group` for each; the other parameters are options. The name of a room may be typed without "room:".
void add_named_calls(CLI::App& group, std::span<const NamedCall> calls, Run& run);

}  // namespace flare::cli
