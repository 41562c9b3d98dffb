// What happens in histories whose server has a store: people in rooms, who runs the server, and the store's troubles.
#pragma once

#include "sim/client_node.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace flare::sim {

class RoomLife {
public:
    using Clients = std::vector<std::unique_ptr<ClientNode>>;
    // All outlive the history. `people`: the users of all clients.
    RoomLife(World& world, ServerNode& server, LogBook& book, SimStore& store, const Clients& clients,
             std::vector<std::string> people)
        : world_(world), server_(server), book_(book), store_(store), clients_(clients), people_(std::move(people)) {}

    // Of the first minute.
    void plan();

private:
    void plan_people();
    void plan_copy();
    void run_server();
    void trouble_store();
    void lose_sessions_meanwhile();
    void crash();
    std::vector<std::string> others_of(const ClientNode& client) const;
    ClientNode& anybody() { return *clients_[world_.chance.below(clients_.size())]; }

    World& world_;
    ServerNode& server_;
    LogBook& book_;
    SimStore& store_;
    const Clients& clients_;
    const std::vector<std::string> people_;
};

}  // namespace flare::sim
