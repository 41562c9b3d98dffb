// A client at work: joins the session's state machine to sockets, keeps it connected, tells what happens.
//
// Threads: everything on its io_context, but for the snapshot, which any thread may read.
// Owner:   Client::Impl; handlers under way share it.
#pragma once

#include "client/config.hpp"
#include "client/connect/address_monitor.hpp"
#include "client/connect/connectivity.hpp"
#include "client/connect/connector.hpp"
#include "client/connect/racing_memory.hpp"
#include "client/loop/event_queue.hpp"
#include "client/recorder.hpp"
#include "session/client_session.hpp"
#include "transport/carrier.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace flare::client {

using ConnectDone = std::function<void(Checked<Protocol>)>;
using SendDone = std::function<void(SendResult)>;

// What other threads may look at.
struct Snapshot {
    ClientStatus status = ClientStatus::disconnected;
    ConnectionStats stats;
    std::map<Protocol, ProtocolMetrics> metrics;  // of every protocol that is configured
    std::size_t queue_length = 0;
    std::string session_id;
};

class ClientLoop final : public std::enable_shared_from_this<ClientLoop>,
                         private session::ClientSessionListener,
                         private Effects,
                         private Race::Track,
                         private ConnectListener {
public:
    ClientLoop(boost::asio::io_context& context, Config config, std::shared_ptr<EventQueue> events);
    ~ClientLoop();

    Snapshot snapshot() const;
    std::string flight_record() const { return recorder_.text(); }
    boost::asio::io_context& context() noexcept { return context_; }

    // ---- on the io_context ----

    void connect(ConnectDone done);
    void reconnect(ConnectDone done);
    void disconnect(std::function<void()> done);
    // Opens a connection of that protocol beside the one in use, moves the session there, then drops the old one.
    void switch_protocol(Protocol protocol, ConnectDone done);
    Checked<> migrate(const std::string& local_address);
    void refresh_token(std::string token, std::function<void(Checked<>)> done);
    // `done` may be empty. `queued_at`: when the application called.
    void send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at);
    std::size_t clear_queue();
    // The client is being destroyed: everything that waits completes with client_closed; no events after.
    void close();

private:
    class Link;  // one carrier

    // ClientSessionListener
    void on_ready(session::CarrierKey key, bool resumed) override;
    void on_standby(session::CarrierKey key) override;
    void on_detached(errc reason, const std::string& text) override;
    void on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_gap(const session::GapReport& report) override;
    void on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                    std::uint64_t cost) override;
    void on_outcome(const session::Outcome& outcome) override;
    void on_heartbeat(session::CarrierKey key, session::Duration round_trip) override;
    void on_suspect(session::CarrierKey key) override;
    void on_recovered(session::CarrierKey key) override;
    void on_slow(session::CarrierKey key, session::Duration age) override;
    void on_probe(session::CarrierKey key, std::uint64_t id) override;
    void close_carrier(session::CarrierKey key, errc code, const std::string& text) override;
    void output_ready(session::CarrierKey key) override;
    void on_credential(const wire::CredentialState& state) override;
    void on_disconnected(bool drained) override;

    static session::TimePoint now() { return std::chrono::steady_clock::now(); }

    // Effects
    void begin_attempt(std::string token) override;
    std::unique_ptr<Dialling> dial(const Plan& plan) override;
    void take_back_early() override;
    void say_hello(session::CarrierKey key, bool standby) override;
    void leave(session::CarrierKey key, const std::string& text) override;
    void drop_carriers() override;
    bool activate(session::CarrierKey key) override;
    session::CarrierKey active() const override { return session_.active(); }
    void fail_all(const std::string& text) override;
    racing::Entrant standing(Protocol protocol) override;
    void remember_won(Protocol protocol) override { memory_.won(protocol); }
    void remember_failed(Protocol protocol) override { memory_.failed(protocol); }
    void answer_connect(const Checked<Protocol>& result) override;
    void answer_switch(const Checked<Protocol>& result) override;

    // Race::Track
    std::uint64_t send_probe(session::CarrierKey key, std::size_t padding) override;
    double weight(Protocol protocol) override;
    void on_measured(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict) override;
    void on_unreachable(Protocol protocol) override;

    // ConnectListener
    void on_status(ClientStatus status) override;
    void on_in_use(const InUse& in_use) override;
    void on_attached(session::CarrierKey key, Protocol protocol, session::Duration took, bool beside) override;
    void on_connect_failed(Protocol protocol) override;
    void on_lost(Loss loss, const Failure& reason, bool again) override;
    void on_reconnecting(std::uint32_t attempt, std::chrono::milliseconds delay, bool slot) override;
    void on_gave_up(const Failure& failure, bool was_reconnecting) override;
    void on_timed_out(bool no_welcome) override;
    void on_suspected(session::CarrierKey key) override;

    void write_first_flight(wire::Batch& batch);
    void connected(Plan::Why why, Connector::Made made);
    void complete_refresh(const Checked<>& result);
    void addresses_changed();
    void move_along(Link& link);
    void tell_unsealed(const std::string& because);
    void tell_compression();

    // What the flight record is told: record.cpp
    void record_connecting(const Plan& plan);
    void record_in_use(const Link& link, const InUse& in_use);
    void record_suspicion(const Link& link);
    void record_path(flight::Line& line, const transport::Carrier& carrier) const;
    void record_lost(const Link& link, const transport::CloseReason& reason);
    void record_gap(const session::GapReport& report);
    void record_race(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict);
    void record_failure(std::string_view event, errc code, std::string_view text, std::uint32_t retry_after_ms = 0);
    void moves_again(session::CarrierKey key);

    // The loop: loop.cpp
    void closed(session::CarrierKey key, const transport::CloseReason& reason);
    void mark_dirty(Link& link);
    void flush();
    void write_dirty();
    void write(Link& link);
    void arm_timer();
    void on_time();
    void after_event();
    void emit(Event event, std::function<void()> after = {});
    void emit_inflated(Message message, const wire::MessageView& view, std::function<void()> after);
    void publish();
    Link* find(session::CarrierKey key);
    bool is_ready(session::CarrierKey key) const;
    void count_bytes(const transport::Carrier& carrier);

    boost::asio::io_context& context_;
    const Config config_;
    std::shared_ptr<EventQueue> events_;
    session::SharedBudget shared_budget_;
    session::Budget budget_;
    session::ClientSession session_;
    Credential credential_;
    Connectivity connectivity_;

    boost::unordered_flat_map<session::CarrierKey, std::unique_ptr<Link>> links_;
    std::vector<std::unique_ptr<Link>> gone_;  // freed at the end of the turn
    std::vector<session::CarrierKey> dirty_;
    bool flush_posted_ = false;
    wire::Batch batch_;
    session::CarrierKey next_key_ = 1;

    std::unique_ptr<AddressMonitor> addresses_;        // while connected
    session::CarrierKey early_ = session::kNoCarrier;  // sent as early data; its connection is not made yet
    RacingMemory memory_;
    Recorder recorder_;
    session::TimePoint still_since_ = session::kNever;  // nothing has moved since; the next batch in use is recorded
    std::string recorded_session_;
    boost::asio::steady_timer timer_;  // for session_ and connectivity_
    session::TimePoint timer_at_ = session::kNever;

    std::vector<ConnectDone> connect_waiters_;
    ConnectDone switch_waiter_;
    std::vector<std::function<void()>> disconnect_waiters_;
    std::function<void(Checked<>)> refresh_waiter_;
    struct Waiter {
        SendDone done;
        std::chrono::system_clock::time_point queued_at;
    };
    boost::unordered_flat_map<Uuid, Waiter, std::hash<Uuid>> send_waiters_;
    bool told_unavailable_ = false;
    bool told_unsealed_ = false;
    bool closed_ = false;

    ConnectionStats stats_;
    std::map<Protocol, ProtocolMetrics> metrics_;
    mutable std::mutex snapshot_mutex_;
    Snapshot snapshot_;
};

}  // namespace flare::client
