#include "sim/dial.hpp"

namespace flare::sim {

using namespace std::chrono_literals;

Dial::Dial(const Network& network, const client::Plan& plan) {
    for (const client::Plan::Start& start : plan.starts) {
        const Protocol protocol = network.addresses[start.address];
        state_->waiting.insert(protocol);
        const Duration took = network.world.chance.between(0ms, 60ms);
        const bool fails = network.world.chance.one_in(10);
        network.later(start.after + took, [network, state = state_, why = plan.why, protocol, took, fails] {
            if (state->cancelled) return;
            state->waiting.erase(protocol);
            if (fails) {
                network.world.happened("failed connection");
                state->failed.insert(protocol);
                if (state->waiting.empty()) network.exhausted(why, protocol);
            } else {
                network.made(why, protocol, took);
            }
            network.settled();
        });
    }
}

}  // namespace flare::sim
