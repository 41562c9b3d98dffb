// Reports what happens to a client's connections: events, statistics, flight record.
//
// Threads: its client's I/O thread.
// Owner:   ClientLoop.
#pragma once

#include "client/loop/figures.hpp"
#include "client/loop/flight_notes.hpp"
#include "client/loop/links.hpp"
#include "client/loop/waiters.hpp"

#include <string>

namespace flare::client {

class Telling final : public ConnectListener {
public:
    Telling(const Config& config, const session::ClientSession& session, const Links& links, Figures& figures,
            FlightNotes& notes, Waiters& waiters)
        : config_(config), session_(session), links_(links), figures_(figures), notes_(notes), waiters_(waiters) {}

private:
    void on_status(ClientStatus status) override;
    void on_in_use(const InUse& in_use) override;
    void on_attached(session::CarrierKey key, Protocol protocol, session::Duration took, bool beside) override;
    void on_connect_failed(Protocol protocol) override { ++figures_.of(protocol).connect_failures; }
    void on_lost(Loss loss, const Failure& reason, bool again) override;
    void on_reconnecting(std::uint32_t attempt, std::chrono::milliseconds delay, bool slot) override;
    void on_gave_up(const Failure& failure, bool was_reconnecting) override;
    void on_timed_out(bool no_welcome) override;
    void on_suspected(session::CarrierKey key) override;

    void tell_unsealed(const std::string& because);
    void tell_unavailable();

    const Config& config_;
    const session::ClientSession& session_;
    const Links& links_;
    Figures& figures_;
    FlightNotes& notes_;
    Waiters& waiters_;
    bool told_unavailable_ = false;
    bool told_unsealed_ = false;
};

}  // namespace flare::client
