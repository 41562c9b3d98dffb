// What happens in histories in which users choose something for their conversations: they clear, pin, hide and mute.
// All of its choices come from a source of its own: other histories stay as they are when it does something else.
#pragma once

#include "sim/client_node.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace flare::sim {

class ChoiceLife {
public:
    using Clients = std::vector<std::unique_ptr<ClientNode>>;
    // All outlive the history.
    ChoiceLife(World& world, std::uint64_t seed, const Clients& clients)
        : world_(world), clients_(clients), chance_(seed * 3 + 1) {}

    // Of the first minute.
    void plan() {
        constexpr int kTimes = 60;
        for (int i = 0; i < kTimes; ++i)
            world_.after(chance_.between(std::chrono::seconds(2), std::chrono::seconds(55)), [this] {
                ClientNode& client = *clients_[chance_.below(clients_.size())];
                const std::uint64_t burst = chance_.one_in(6) ? 4 : 1;
                for (std::uint64_t n = 0; n < burst; ++n) client.choose(chance_);
            });
    }

private:
    World& world_;
    const Clients& clients_;
    Chance chance_;
};

}  // namespace flare::sim
