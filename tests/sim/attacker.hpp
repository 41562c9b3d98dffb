// Somebody who hears what clients say on every carrier and says it again on carriers of his own, byte for byte, at any
// time: a Hello alone, whole carriers, pieces of several, also to a server that was started again. He holds no secret;
// what he makes up himself is a Hello without a token.
#pragma once

#include "sim/server_node.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::sim {

class Attacker {
public:
    using Said = std::vector<std::string>;  // by a client, on one carrier: its batches

    Attacker(World& world, ServerNode& server) : world_(world), server_(server) {}

    // On one carrier; does nothing while he has heard no Hello.
    void attack();
    // A few times in the next seconds.
    void attack_soon();

    // The first batch of one of these carriers, or all of them, again.
    void replay_hello(const std::vector<Said>& heard);
    void replay_beginning(const std::vector<Said>& heard);
    // A Hello that shows the first ticket heard, of a new attempt, with a made-up proof.
    void forge_hello(const std::vector<Said>& heard);

private:
    void replay(const std::vector<Said>& heard, const char* what, std::size_t batches);
    // Has a carrier of its own to the server, cut after 20 s.
    std::shared_ptr<Carrier> connect(ServerNode::Who who);
    const Carrier* any_heard() const;
    void add_pieces(Carrier& carrier);
    // Somebody's next Hello, without a token, perhaps with a proof that was made for another connection.
    std::string made_up(const wire::Hello& heard) const;

    World& world_;
    ServerNode& server_;
};

}  // namespace flare::sim
