// Detects two listeners of one configuration on the same port.
//
// Threads: a pure function.
#pragma once

#include "server/config.hpp"

#include <optional>
#include <string>

namespace flare::server {

// What is wrong and what to do; nothing: each has a port of its own. QUIC is UDP and in nobody's way.
std::optional<std::string> overlap_of(const Config& config);

}  // namespace flare::server
