// What happens in histories whose server cuts logs and erases users, and whose people say what they have read, and what
// they want to read later. All of its choices come from a source of its own, as those of ChangeLife.
#pragma once

#include "server/config.hpp"
#include "sim/client_node.hpp"

#include <memory>
#include <string>
#include <vector>

namespace flare::sim {

class CleaningLife {
public:
    using Clients = std::vector<std::unique_ptr<ClientNode>>;
    // All outlive the history. `people`: the users of all clients.
    CleaningLife(World& world, std::uint64_t seed, LogBook& book, const Clients& clients,
                 std::vector<std::string> people);

    // The rules of this history, of which the book knows.
    const server::RetentionSettings& retention() const noexcept { return retention_; }
    // Of the first minute.
    void plan(ServerNode& server, SimStore& store);
    // Who has read what, when nothing moves any more.
    void ask_at_rest();

private:
    store::RetentionRules some_rules();
    void read();
    void mark_unread();
    void erase();
    void disturb();
    template <typename What>
    void plan(int times, Duration from, What what);
    ClientNode& anybody() { return *clients_[chance_.below(clients_.size())]; }

    World& world_;
    const Clients& clients_;
    const std::vector<std::string> people_;
    Chance chance_;
    server::RetentionSettings retention_;
    ServerNode* server_ = nullptr;  // from plan() on, as the store
    SimStore* store_ = nullptr;
};

}  // namespace flare::sim
