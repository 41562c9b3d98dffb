// A server with a store, as a child of a scenario that kills it.
//
// Threads: the main one.
#pragma once

#include <flare/server.hpp>

#include <string>

namespace flare::lab {

// Over WebSocket at `address`, with its conversations in `file`, and without rates.
ServerBuilder stored_server(const std::string& address, const std::string& file);
// Says "serving" when it does. Returns 1 if it cannot.
int serve_until_killed(ServerBuilder builder);

}  // namespace flare::lab
