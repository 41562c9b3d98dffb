// What the commands of the tool have in common: how they are added, what they end with, what they print to.
//
// A command is one file, named as it is typed: `send.cpp` defines add_send(), which describes its options to CLI11 and
// leaves in `run` what to do once they are read. main.cpp lists the commands.
#pragma once

#include "exit_code.hpp"

#include <CLI/CLI.hpp>

#include <functional>

namespace flare::cli {

using Run = std::function<int()>;

}  // namespace flare::cli
