// Connections under way of a client of the simulation, each to one address.
#pragma once

#include "client/connect/connectivity.hpp"
#include "sim/world.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace flare::sim {

class Dial final : public client::Dialling {
public:
    using Why = client::Plan::Why;
    // What it is done with.
    struct Network {
        World& world;
        const std::vector<Protocol>& addresses;
        std::function<void(Duration delay, std::function<void()> run)> later;
        std::function<void(Why why, Protocol protocol, Duration took)> made;
        std::function<void(Why why, Protocol protocol)> exhausted;  // the last one has failed
        std::function<void()> settled;                              // after each
    };
    Dial(const Network& network, const client::Plan& plan);
    ~Dial() override { state_->cancelled = true; }

    std::string failures() const override { return "it fails"; }
    errc code() const override { return state_->failed.empty() ? errc::connect_timeout : errc::connection_refused; }
    void record_unanswered() const override {}
    bool pending() const override { return !state_->waiting.empty(); }
    bool failed(Protocol protocol) const override { return state_->failed.contains(protocol); }

private:
    struct State {
        bool cancelled = false;
        std::set<Protocol> waiting, failed;
    };
    const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace flare::sim
