// What the commands of the tool have in common: how they are added, what they end with, what they print to.
//
// A command is one file, named as it is typed: `send.cpp` defines add_send(), which describes its options to CLI11 and
// leaves in `run` what to do once they are read. main.cpp lists the commands.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace flare::cli {

// What a program learns from the exit code; docs/cli.md has the same table.
enum ExitCode : int {
    kDone = 0,
    kFailed = 1,       // it ran, and what was asked for did not happen
    kUsage = 2,        // options or configuration are wrong; nothing was done
    kUnreachable = 3,  // no server answered
    kRefused = 4,      // a server answered and refused
};

using Run = std::function<int()>;

}  // namespace flare::cli
