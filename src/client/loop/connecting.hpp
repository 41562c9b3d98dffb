// Executes the decisions of Connectivity: connectors, the session's Hellos and endings, probes, racing memory, address
// changes.
//
// Threads: its client's I/O thread.
// Owner:   ClientLoop.
#pragma once

#include "client/connect/address_monitor.hpp"
#include "client/connect/connectivity.hpp"
#include "client/connect/connector.hpp"
#include "client/connect/racing_memory.hpp"
#include "client/loop/figures.hpp"
#include "client/loop/flight_notes.hpp"
#include "client/loop/links.hpp"
#include "client/loop/waiters.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace flare::client {

class Connecting final : public Effects, public Race::Track {
public:
    // `after_event`: something has happened, and is over.
    Connecting(boost::asio::io_context& context, const Config& config, session::ClientSession& session,
               Connectivity& connectivity, Links& links, Figures& figures, FlightNotes& notes, Waiters& waiters,
               std::function<void()> after_event);

    // The session closes this carrier, or Connectivity does.
    void close(session::CarrierKey key, errc code, const std::string& text);
    // From now on the session follows the machine's addresses.
    void watch_addresses();
    void stop() { addresses_.reset(); }
    Checked<> migrate(const std::string& local_address);

private:
    // Effects
    void begin_attempt(std::string token) override;
    std::unique_ptr<Dialling> dial(const Plan& plan) override;
    void take_back_early() override;
    void say_hello(session::CarrierKey key, bool standby) override;
    void leave(session::CarrierKey key, const std::string& text) override;
    void drop_carriers() override { links_.drop_all(); }
    bool activate(session::CarrierKey key) override { return session_.activate(key, steady_now()).has_value(); }
    session::CarrierKey active() const override { return session_.active(); }
    void fail_all(const std::string& text) override;
    racing::Entrant standing(Protocol protocol) override;
    void remember_won(Protocol protocol) override { memory_.won(protocol); }
    void remember_failed(Protocol protocol) override { memory_.failed(protocol); }
    void answer_connect(const Checked<Protocol>& result) override { waiters_.answer_connect(result); }
    void answer_switch(const Checked<Protocol>& result) override { waiters_.answer_switch(result); }

    // Race::Track
    std::uint64_t send_probe(session::CarrierKey key, std::size_t padding) override;
    double weight(Protocol protocol) override;
    void on_measured(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict) override;
    void on_unreachable(Protocol protocol) override;

    void write_first_flight(wire::Batch& batch);
    void connected(Plan::Why why, Connector::Made made);
    void addresses_changed();
    void move_along(const Link& link);

    boost::asio::io_context& context_;
    const Config& config_;
    session::ClientSession& session_;
    Connectivity& connectivity_;
    Links& links_;
    Figures& figures_;
    FlightNotes& notes_;
    Waiters& waiters_;
    const std::function<void()> after_event_;
    RacingMemory memory_;
    std::unique_ptr<AddressMonitor> addresses_;        // since the first connection
    session::CarrierKey early_ = session::kNoCarrier;  // sent as early data; its connection is not made yet
};

}  // namespace flare::client
