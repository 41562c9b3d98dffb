// The commands of `flare room` over the server API, where the server does it and not a user.
//
// Threads: blocking.
#pragma once

#include "client_options.hpp"
#include "named_calls.hpp"
#include "room_arguments.hpp"

#include <array>
#include <string>

namespace flare::cli {

// Those that only the server API has.
inline constexpr std::array kCallsOfRooms{
    NamedCall{"freeze", "freeze", "conversation"},
    NamedCall{"unfreeze", "unfreeze", "conversation"},
    NamedCall{"truncate", "truncate", "conversation"},
};

void add_way_to_api(CLI::App& command, RoomArguments& arguments);
// Whether these were given. FLARE_API alone turns no session into a call.
bool goes_over_api(const RoomArguments& arguments) noexcept;
// Returns the exit code. `name`: of the command, "members".
int room_over_api(const std::string& name, const RoomArguments& arguments, const ClientOptions& common);

}  // namespace flare::cli
