// The section [auth] of the configuration, as an authentication handler.
//
// Threads: pure functions but for the files that they read.
#pragma once

#include "server_config/values.hpp"

#include <flare/auth.hpp>
#include <flare/server.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli::server_config {

// Gives the builder the handler of auth.mode; one that cannot be made lets build() fail.
void apply_authentication(ServerBuilder& builder, const Values& values, const Setting& mode);

// Lines of TOKEN USER [EXPIRY]; empty ones and those that begin with '#' say nothing. A line that cannot be used is
// named in `passed_over`, without its token; of lines with one token the first counts. Errors: invalid_config: no line
// can be used.
Checked<std::map<std::string, StaticToken>> parse_static_tokens(std::string_view text,
                                                                std::vector<std::string>& passed_over);

}  // namespace flare::cli::server_config
