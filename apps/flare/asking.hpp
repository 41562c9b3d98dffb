// What the commands about conversations have in common: they connect, ask, and say goodbye.
#pragma once

#include "client_options.hpp"

#include <boost/json.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace flare::cli {

// Connects as the options say; `ask` returns the exit code. What fails before it is told.
int connect_and_ask(std::string_view command, const ClientOptions& options, const std::function<int(Client&)>& ask);

// "lunch" and "room:lunch" are the same room.
std::string room_of(const std::string& name);

// The entry of a log, in an object for programs: offset, epoch (as text, since not every program has 64-bit numbers),
// time.
void add_position(boost::json::object& object, const StoredAt& stored);
// How far a log reaches, likewise: first, last, epoch.
void add_extent(boost::json::object& object, const LogHead& head);

}  // namespace flare::cli
