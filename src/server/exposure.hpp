// Can a stranger reach this server, and is there nothing that would stop them?
//
// Threads: pure functions.
#pragma once

#include "server/config.hpp"

#include <optional>
#include <string>

namespace flare::server {

// What is listened on beyond loopback without authentication, or without TLS, and what would mend it, as one sentence.
// Nothing: all is well. Addresses that cannot be read are passed over: listening will refuse them.
std::optional<std::string> exposure_of(const Config& config);

}  // namespace flare::server
