// Where events that are not in the log come from: what the server tells its own program's handlers goes to the hooks,
// too.
//
// Protocol: docs/hooks.md, "Events that are not in the log".
// Threads:  that of event handlers.
// Owner:    Config of a running server.
#pragma once

#include "server/config.hpp"
#include "server/hooks/hooks.hpp"

namespace flare::server::hooks {

// Puts them between the server and the handlers that the program has given. `hooks` outlives whoever has `config`.
void observe(Hooks& hooks, Config& config);

}  // namespace flare::server::hooks
