// Somebody who hears what clients say on every carrier and says it again on carriers of his own, byte for byte, at any
// time: a Hello alone, whole carriers, pieces of several, also to a server that was started again. He holds no secret;
// what he makes up himself is a Hello without a token.
#pragma once

#include "sim/server_node.hpp"

#include <memory>
#include <optional>
#include <string>

namespace flare::sim {

class Attacker {
public:
    Attacker(World& world, ServerNode& server) : world_(world), server_(server) {}

    // On one carrier; does nothing while he has heard no Hello.
    void attack();
    // A few times in the next seconds.
    void attack_soon();

private:
    const Carrier* any_heard() const;
    void add_pieces(Carrier& carrier);
    // Somebody's next Hello, without a token, perhaps with a proof that was made for another connection.
    std::string made_up(const wire::Hello& heard) const;

    World& world_;
    ServerNode& server_;
};

}  // namespace flare::sim
