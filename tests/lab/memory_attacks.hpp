// What somebody may do to make a server hold memory: ./dev lab memory.
//
// Threads: each attack runs on its caller's and on those that it starts, and returns when they have ended.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace flare::lab {

// Where the server is, in the network namespace of the caller.
struct Victim {
    std::string authority_file;
    std::chrono::steady_clock::time_point until;  // the attack is over then at the latest
};

enum class Served : std::uint8_t { ready, ready_tls, slow_handlers };

struct Attack {
    const char* name;
    Served by;
    void (*run)(const Victim& victim);
    const char* shows;
};

const std::vector<Attack>& memory_attacks();

}  // namespace flare::lab
