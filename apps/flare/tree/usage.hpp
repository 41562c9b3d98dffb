// What is said of a command line that cannot be understood.
//
// Threads: a function of values.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace flare::cli {

// For CLI::App::failure_message(): the problem, what was perhaps meant, and where help is; with its ends of line.
std::string usage_problem(const CLI::App* app, const CLI::Error& error);

}  // namespace flare::cli
