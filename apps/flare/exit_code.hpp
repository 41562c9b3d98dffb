// What a program learns from how a command exits.
//
// docs/cli.md has the same table.
// Threads: pure functions.
#pragma once

#include <flare/error.hpp>

namespace flare::cli {

enum ExitCode : int {
    kDone = 0,
    kFailed = 1,       // it ran, and what was asked for did not happen
    kUsage = 2,        // options or configuration are wrong; nothing was done
    kUnreachable = 3,  // no server answered
    kRefused = 4,      // a server answered and refused
};

// Of a client command that ends with this error.
ExitCode exit_code_of(errc code) noexcept;

}  // namespace flare::cli
