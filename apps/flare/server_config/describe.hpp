// The configuration and its table, written out.
//
// Threads: pure functions.
#pragma once

#include "server_config/values.hpp"

#include <string>

namespace flare::cli::server_config {

// TOML with every key, each with its meaning and where its value comes from. Secrets are not in it.
std::string print_config(const Values& values);
// The entries of [[policy]]; empty: none.
std::string print_rules(const std::vector<PolicyRule>& rules);
std::string print_hooks(const std::vector<ServerHook>& hooks);  // without secrets
// A file to begin with: every key, commented out, with its default.
std::string example_file();
// docs/server-configuration.md.
std::string markdown();
// The page flare-server.toml(5).
std::string manual_page(std::string_view version);

}  // namespace flare::cli::server_config
