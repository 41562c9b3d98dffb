// What happens in histories in which people change messages, rooms and each other's rights. All of its choices come
// from a source of its own: other histories stay as they are when it does something else.
#pragma once

#include "sim/administering.hpp"
#include "sim/client_node.hpp"
#include "sim/message_changing.hpp"

#include <memory>
#include <string>
#include <vector>

namespace flare::sim {

class ChangeLife {
public:
    using Clients = std::vector<std::unique_ptr<ClientNode>>;
    // All outlive the history. `people`: the users of all clients.
    ChangeLife(World& world, std::uint64_t seed, const LogBook& book, const ServerNode& server, const Clients& clients,
               std::vector<std::string> people)
        : world_(world),
          book_(book),
          server_(server),
          clients_(clients),
          people_(std::move(people)),
          chance_(~seed),
          changing_(chance_, book),
          administering_(chance_) {}

    // Of the first minute.
    void plan();

private:
    void change_messages();
    void administer();
    void block();
    void end_room();
    ClientNode& anybody() { return *clients_[chance_.below(clients_.size())]; }
    // Somebody who may do something there, if there is one.
    ClientNode& somebody_with_a_right(const std::string& room);
    std::string other_than(const std::string& user);
    void plan(int times, void (ChangeLife::*what)());

    World& world_;
    const LogBook& book_;
    const ServerNode& server_;
    const Clients& clients_;
    const std::vector<std::string> people_;
    Chance chance_;
    MessageChanging changing_;
    Administering administering_;
};

}  // namespace flare::sim
