// A client at work: joins the session's state machine to sockets, keeps it connected, tells what happens.
//
// Threads: everything on its io_context, but for the snapshot, which any thread may read.
// Owner:   Client::Impl; handlers under way share it.
#pragma once

#include "client/config.hpp"
#include "client/connect/address_monitor.hpp"
#include "client/connect/backoff.hpp"
#include "client/connect/connector.hpp"
#include "client/connect/race.hpp"
#include "client/connect/racing_memory.hpp"
#include "client/loop/event_queue.hpp"
#include "client/recorder.hpp"
#include "racing/plan.hpp"
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
                         private Race::Host {
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

    // Race::Host
    void open_standby(Protocol protocol) override;
    void cancel_standby(Protocol protocol) override;
    std::uint64_t send_probe(session::CarrierKey key, std::size_t padding) override;
    void close_standby(session::CarrierKey key) override;
    void move_to(session::CarrierKey key) override;
    double weight(Protocol protocol) override;
    void on_measured(const std::map<Protocol, Result>& results, const Verdict& verdict) override;
    void on_unreachable(Protocol protocol) override;

    // Connecting: connect.cpp
    Checked<std::string> provided_token() const;
    void begin_connect(std::optional<Protocol> only = {});
    std::vector<Connector::Start> starts(std::optional<Protocol> only, bool recorded);
    void write_first_flight(wire::Batch& batch);
    void drop_early();
    void connected_transport(Connector::Made made);
    void greet(Link& link);
    void greet_reserves();
    bool waits_for_welcome() const;
    void pending_link_closed(const Failure& failure);
    void nothing_connected();
    void connect_timed_out();
    void end_attempt();
    void attempt_failed(const Failure& failure, std::chrono::milliseconds retry_after);
    void schedule_reconnect(std::chrono::milliseconds slot);
    void reconnect_at(session::TimePoint at);
    void hurry();
    bool may_heal(errc code) const;
    void note_refused_token(errc code);
    void lost(const Failure& reason);
    void give_up(const Failure& failure);
    void drop_links();
    void complete_connect(const Checked<Protocol>& result);
    void complete_refresh(const Checked<>& result);

    // Moving: moves.cpp
    void addresses_changed();
    bool may_fall_back() const;
    void replace(session::CarrierKey key, std::optional<Protocol> failed);
    void move_failed(const Failure& failure);
    void carry_on(Link& link, Race::Why why, bool resumed);
    void complete_switch(const Checked<Protocol>& result);
    void tell_unsealed(const std::string& because);
    void tell_compression();

    // What the flight record is told: record.cpp
    void record_connecting(const std::vector<Connector::Start>& starts, const std::vector<racing::Entrant>& entrants);
    void record_in_use(const Link& link, Race::Why why, bool resumed, std::optional<Protocol> before);
    void record_suspicion(const Link& link);
    void record_path(flight::Line& line, const transport::Carrier& carrier) const;
    void record_lost(const Link& link, const transport::CloseReason& reason);
    void record_gap(const session::GapReport& report);
    void record_race(const std::map<Protocol, Result>& results, const Verdict& verdict);
    void record_failure(std::string_view event, errc code, std::string_view text, std::uint32_t retry_after_ms = 0);
    void moves_again(session::CarrierKey key);

    // The loop: loop.cpp
    void closed(session::CarrierKey key, const transport::CloseReason& reason);
    void mark_dirty(Link& link);
    void flush();
    void write_dirty();
    void write(Link& link);
    void arm_timer();
    void after_event();
    void set_status(ClientStatus status);
    void emit(Event event, std::function<void()> after = {});
    void emit_inflated(Message message, const wire::MessageView& view, std::function<void()> after);
    void publish();
    Link* find(session::CarrierKey key);
    void count_bytes(const transport::Carrier& carrier);

    boost::asio::io_context& context_;
    const Config config_;
    std::shared_ptr<EventQueue> events_;
    session::SharedBudget shared_budget_;
    session::Budget budget_;
    session::ClientSession session_;
    Backoff backoff_;

    boost::unordered_flat_map<session::CarrierKey, std::unique_ptr<Link>> links_;
    std::vector<std::unique_ptr<Link>> gone_;  // freed at the end of the turn
    std::vector<session::CarrierKey> dirty_;
    bool flush_posted_ = false;
    wire::Batch batch_;
    session::CarrierKey next_key_ = 1;

    std::unique_ptr<AddressMonitor> addresses_;  // while connected
    std::unique_ptr<Connector> connector_;
    std::map<Protocol, std::unique_ptr<Connector>> standby_connectors_;
    Race race_;
    RacingMemory memory_;
    Recorder recorder_;
    session::TimePoint still_since_ = session::kNever;  // nothing has moved since; the next batch in use is recorded
    std::string recorded_session_;
    boost::asio::steady_timer session_timer_;
    session::TimePoint session_timer_at_ = session::kNever;
    boost::asio::steady_timer connect_timer_;  // bounds one attempt
    boost::asio::steady_timer reconnect_timer_;
    boost::asio::steady_timer hedge_timer_;   // then connections in reserve say hello, too
    bool attempting_ = false;                 // a connection is being made, or waits for its Welcome
    std::optional<Failure> attempt_failure_;  // of a connection that was made and then ended
    session::TimePoint connect_began_{};
    std::uint32_t attempt_ = 0;  // of reconnecting; 0: the first connect
    session::TimePoint outage_began_{};
    session::TimePoint reconnect_at_ = session::kNever;  // kNever: no attempt waits for its time, or the server's slot
    Failure last_failure_;
    session::CarrierKey early_ = session::kNoCarrier;    // sent as early data; its connection is not made yet
    session::CarrierKey suspect_ = session::kNoCarrier;  // another carrier is being made to take its place
    std::optional<Protocol> failed_;                     // the protocol that is to be left: it is tried last
    bool falling_back_ = false;                          // no carrier is left, and not every protocol has been tried
    Failure fallback_reason_;

    std::vector<ConnectDone> connect_waiters_;
    ConnectDone switch_waiter_;
    std::vector<std::function<void()>> disconnect_waiters_;
    std::function<void(Checked<>)> refresh_waiter_;
    std::string last_token_;                    // that the server has seen
    std::optional<std::string> refused_token_;  // since the last session that stood
    bool refused_twice_ = false;                // the same one: the provider has no other
    struct Waiter {
        SendDone done;
        std::chrono::system_clock::time_point queued_at;
    };
    boost::unordered_flat_map<Uuid, Waiter, std::hash<Uuid>> send_waiters_;
    bool was_connected_ = false;  // since connect(): Reconnected in place of Connected
    bool told_unavailable_ = false;
    bool told_unsealed_ = false;
    bool closed_ = false;
    bool reported_detached_ = false;  // Disconnected was told for the present loss
    bool last_resumed_ = false;

    ClientStatus status_ = ClientStatus::disconnected;
    ConnectionStats stats_;
    std::map<Protocol, ProtocolMetrics> metrics_;
    mutable std::mutex snapshot_mutex_;
    Snapshot snapshot_;
};

}  // namespace flare::client
