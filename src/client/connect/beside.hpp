// Standby connections, which the race opens next to the one in use to measure them.
//
// Threads: one at a time; no I/O, no clock.
// Owner:   Connectivity.
#pragma once

#include "client/connect/attempt.hpp"
#include "client/connect/race.hpp"

#include <map>
#include <memory>
#include <vector>

namespace flare::client {

class Beside : public Race::Host {
public:
    Beside(std::vector<Protocol> addresses, Carriers& carriers, Effects& effects)
        : addresses_(std::move(addresses)), carriers_(carriers), effects_(effects) {}

    void made(const MadeCarrier& made);
    // The connect of this protocol is over: it is welcomed, or nothing has come of it.
    void over(Protocol protocol) { under_way_.erase(protocol); }
    void stop() { under_way_.clear(); }

    void open_standby(Protocol protocol, racing::TimePoint now) override;
    void cancel_standby(Protocol protocol) override;
    void close_standby(session::CarrierKey key) override;

protected:
    ~Beside() = default;

private:
    struct Connect {
        std::unique_ptr<Dialling> dialling;
        session::TimePoint began{};
    };
    const std::vector<Protocol> addresses_;
    Carriers& carriers_;
    Effects& effects_;
    std::map<Protocol, Connect> under_way_;
};

}  // namespace flare::client
