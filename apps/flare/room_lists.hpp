// The users of a room, printed page by page: its members, and who is banned from it.
//
// Threads: one; its calls wait for the server.
#pragma once

#include "client_options.hpp"

#include <flare/client.hpp>

#include <string>

namespace flare::cli {

// They return the exit code of the command.
int list_members(Client& client, const ClientOptions& common, const std::string& room);
// Whose invitation to the room is open.
int list_invited(Client& client, const ClientOptions& common, const std::string& room);
int list_bans(Client& client, const ClientOptions& common, const std::string& room);

}  // namespace flare::cli
