// The seam to the logging library. One line for one event; never a token, never a payload.
//
// Threads: any.
#pragma once

#include <spdlog/logger.h>

#include <memory>

namespace flare::base {

// The logger of the process: to standard error, level info. Its level can be changed.
spdlog::logger& log();

}  // namespace flare::base
