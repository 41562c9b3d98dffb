// What the commands of `flare room` are told.
//
// Threads: a value.
#pragma once

#include <flare/conversations.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace flare::cli {

struct RoomArguments {
    std::string name;
    std::vector<std::string> users;
    RoomOptions options;
    bool open = false;
    std::string history = "since_join";
    std::string role = "member";
    std::chrono::seconds lasts{0};  // of a mute or a ban; 0: for ever
    RoomChanges changes;            // of `set`
    std::uint64_t offset = 0;       // of `readers`
    std::string api;                // over the server API at this URL; empty, and no key: over a session
    std::string api_key_file;
    std::string by;  // in whose name; empty: in the server's
};

}  // namespace flare::cli
