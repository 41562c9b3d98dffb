// What the commands about conversations have in common: they connect, ask, and say goodbye.
#pragma once

#include "client_options.hpp"

#include <functional>
#include <string_view>

namespace flare::cli {

// Connects as the options say; `ask` returns the exit code. What fails before it is told.
int connect_and_ask(std::string_view command, const ClientOptions& options, const std::function<int(Client&)>& ask);

}  // namespace flare::cli
