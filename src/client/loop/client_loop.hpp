// Runs a client: routes the application's calls, the session's events and time to the part concerned.
//
// Threads: everything on its io_context, but for the snapshot and the flight record, which any thread may read.
// Owner:   Client::Impl; handlers under way share it.
#pragma once

#include "client/loop/connecting.hpp"
#include "client/loop/messages.hpp"
#include "client/loop/telling.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>

namespace flare::client {

class ClientLoop final : public std::enable_shared_from_this<ClientLoop>,
                         private session::ClientSessionListener,
                         private Links::Owner {
public:
    ClientLoop(boost::asio::io_context& context, Config config, std::shared_ptr<EventQueue> events);

    Snapshot snapshot() const { return figures_.snapshot(); }
    std::string flight_record() const { return notes_.text(); }
    boost::asio::io_context& context() noexcept { return context_; }

    // ---- on the io_context ----

    void connect(ConnectDone done);
    void reconnect(ConnectDone done);
    void disconnect(std::function<void()> done);
    // Opens a connection of that protocol beside the one in use, moves the session there, then drops the old one.
    void switch_protocol(Protocol protocol, ConnectDone done);
    Checked<> migrate(const std::string& local_address) { return connecting_.migrate(local_address); }
    void refresh_token(std::string token, RefreshDone done);
    // `done` may be empty. `queued_at`: when the application called.
    void send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at);
    std::size_t clear_queue();
    // The client is being destroyed: everything that waits completes with client_closed; no events after.
    void close();

private:
    // ClientSessionListener
    void on_ready(session::CarrierKey key, bool resumed) override;
    void on_standby(session::CarrierKey key) override { connectivity_.standby_welcomed(key, steady_now()); }
    void on_detached(errc reason, const std::string& text) override;
    void on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_gap(const session::GapReport& report) override { messages_.on_gap(report); }
    void on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                    std::uint64_t cost) override;
    void on_outcome(const session::Outcome& outcome) override { messages_.on_outcome(outcome); }
    void on_heartbeat(session::CarrierKey key, session::Duration round_trip) override;
    void on_suspect(session::CarrierKey key) override;
    void on_recovered(session::CarrierKey key) override;
    void on_slow(session::CarrierKey key, session::Duration age) override;
    void on_probe(session::CarrierKey key, std::uint64_t id) override;
    void close_carrier(session::CarrierKey key, errc code, const std::string& text) override;
    void output_ready(session::CarrierKey key) override { links_.output_ready(key); }
    void on_credential(const wire::CredentialState& state) override;
    void on_disconnected(bool drained) override;

    // Links::Owner
    bool counts_as_movement(session::CarrierKey key) const override;
    void on_movement(session::CarrierKey key) override { notes_.moves_again(key); }
    void on_link_closed(Link& link, const transport::CloseReason& reason) override;
    void post_flush() override;
    void after_turn() override;

    boost::asio::io_context& context_;
    const Config config_;
    session::SharedBudget shared_budget_;
    session::Budget budget_;
    session::ClientSession session_;
    Links links_;
    Credential credential_;
    Waiters waiters_;
    Figures figures_;
    FlightNotes notes_;
    Telling telling_;
    Connecting connecting_;
    Connectivity connectivity_;
    Messages messages_;
    boost::asio::steady_timer timer_;  // for session_ and connectivity_
    session::TimePoint timer_at_ = session::kNever;
    bool closed_ = false;
};

}  // namespace flare::client
