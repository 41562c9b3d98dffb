// Checks whether other machines can reach this server without authentication or TLS.
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
// The same of the admin address, which asks nobody for a token: what to do when it can be reached from other machines
// and expose_metrics() is off.
std::optional<std::string> admin_exposure_of(const Config& config);
// The same of the server API without TLS.
std::optional<std::string> api_exposure_of(const Config& config);

// Whether other machines can reach this address; no, if it cannot be read.
bool beyond_loopback(const std::string& address);

}  // namespace flare::server
