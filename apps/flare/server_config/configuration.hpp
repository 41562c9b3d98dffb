// Gathers the configuration of `flare server`: defaults, a file, the environment, flags, the later ones over the
// earlier; and makes a ServerBuilder of it. All problems are found, not only the first.
//
// Threads: pure functions but for the files that are read.
#pragma once

#include "server_config/values.hpp"

#include <flare/server.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::cli::server_config {

struct Problem {
    std::string where;  // "server.toml:12:5", "FLARE_SERVER_LOG_LEVEL", "--log-level"
    std::string key;    // empty: of the whole
    std::string text;

    std::string line() const;  // server.toml:12:5: limits.max_conections: unknown key; did you mean max_connections?
};

struct Configuration {
    Values values;
    std::vector<PolicyRule> rules;  // [[policy]]: of the file alone
    std::vector<ServerHook> hooks;  // [[hook]]: likewise
    std::string hooks_at;           // "server.toml:80:1"
    std::vector<Problem> problems;  // nothing starts with one
    std::vector<Problem> warnings;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

// `name` is what problems call the file.
void add_toml(Configuration& configuration, std::string_view text, const std::string& name);
// Variables that begin with FLARE_SERVER_, in full: FLARE_SERVER_LOG_LEVEL. Unknown ones are warned of only, because
// others set such variables too (Kubernetes does, for a service called flare-server). Empty ones count as not set.
void add_environment(Configuration& configuration, const Pairs& variables);
// By key: {"limits.max_connections", "5"}.
void add_flags(Configuration& configuration, const Pairs& flags);
// Reads a file. Errors: file_not_found, file_unreadable, invalid_config.
Checked<> add_file(Configuration& configuration, const std::string& path);

// What the values make; problems with them, each once, are added to the configuration.
ServerBuilder make_builder(Configuration& configuration);
// Looks at the certificates and keys that the values name, as start() will.
void check_files(Configuration& configuration);

// The key that is most like `key`, as its section needs it written; empty: none is like it.
std::string nearest_key(std::string_view key);
// The same for a section: "limits", "auth.jwt".
std::string nearest_section(std::string_view section);

}  // namespace flare::cli::server_config
