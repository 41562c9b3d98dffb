// Passes input of attached carriers to their sessions, limited per turn of the loop so that other connections get their
// turn.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/worker/carriers.hpp"
#include "server/worker/turn.hpp"

#include <string_view>

namespace flare::server {

class Intake {
public:
    Intake(ServerState& state, Executor& executor, session::SessionTable& table, Carriers& carriers, Turn& turn)
        : state_(state), executor_(executor), table_(table), carriers_(carriers), turn_(turn) {}

    // A batch of an attached carrier.
    void received(ServerCarrier& carrier, std::string_view batch);
    // The same, of what came with its Hello.
    void take(ServerCarrier& carrier, std::string_view batch);
    void turn_ended(ServerCarrier& carrier);

private:
    std::size_t take_front(ServerCarrier& carrier, std::string_view batch);
    void go_on(session::CarrierKey key);

    ServerState& state_;
    Executor& executor_;
    session::SessionTable& table_;
    Carriers& carriers_;
    Turn& turn_;
};

}  // namespace flare::server
