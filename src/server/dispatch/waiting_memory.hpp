// Accounts for the memory of messages that wait for a handler, or are decompressed for one.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/worker/server_state.hpp"
#include "server/worker/shedding.hpp"
#include "session/budget.hpp"

#include <cstddef>

namespace flare::server {

class WaitingMemory {
public:
    // Beside its payload, of a message that waits.
    static constexpr std::size_t kTaskCharge = 512;

    WaitingMemory(ServerState& state, session::Budget& budget, Shedding& shedding)
        : state_(state), budget_(budget), shedding_(shedding) {}

    // Half of all memory, each worker its part; one message is taken, whatever its size, as long as there is memory at
    // all. `has`: what this message took before. False: there is no memory, or too much waits.
    bool take(std::size_t bytes, std::size_t has = 0) {
        const std::size_t most = state_.budget.limit() / 2 / state_.workers;
        if (held_ != has && held_ + bytes > most) return false;
        if (!budget_.take_by_size(bytes)) {
            shedding_.memory_short();
            return false;
        }
        held_ += bytes;
        return true;
    }
    void give(std::size_t bytes) noexcept {
        held_ -= bytes;
        budget_.give(bytes);
    }

private:
    ServerState& state_;
    session::Budget& budget_;
    Shedding& shedding_;
    std::size_t held_ = 0;
};

}  // namespace flare::server
