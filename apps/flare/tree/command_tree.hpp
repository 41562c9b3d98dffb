// The commands and options of the tool, as CLI11 knows them: what completion and manual pages are made of.
//
// Threads: a value.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace flare::cli {

struct OptionNode {
    std::vector<std::string> names;    // "--json", "-h"; a positional: its name
    std::string type;                  // "FILE"; empty: it takes no value
    std::vector<std::string> choices;  // the values that it takes, where they can be told
    std::string says;
    std::string group;
    std::string fallback;
    bool positional = false;
    bool required = false;
};

struct CommandNode {
    std::string path;  // "flare token make"
    std::string name;
    std::string says;
    std::string footer;
    std::vector<OptionNode> options;
    std::vector<CommandNode> commands;
};

CommandNode tree_of(const CLI::App& app);

// Scripts that make a shell complete the command line; they name every command and option, so that they need no call
// of the tool.
std::string bash_completion(const CommandNode& root);
std::string zsh_completion(const CommandNode& root);
std::string fish_completion(const CommandNode& root);

// The page of a command with all commands under it, in section 1. The root: flare(1).
std::string manual_page(const CommandNode& command, const CommandNode& root, std::string_view version);

}  // namespace flare::cli
