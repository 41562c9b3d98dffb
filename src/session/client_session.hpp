// The client's half of a session. Bytes, events and `now` go in; bytes, events
// and the next deadline come out. Any number of carriers may be attached; at most one sends.
//
// Protocol: docs/protocol.md, "Attaching a carrier" and the state tables of the client.
// Threads:  one at a time; no I/O, no clock.
// Owner:    client::ClientLoop (and the simulator).
#pragma once

#include "base/random.hpp"
#include "session/dedupe.hpp"
#include "session/lane_set.hpp"
#include "session/outbox.hpp"
#include "wire/compression.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::session {

struct ClientSettings : Settings {
    std::string user;
    std::string device;
    Platform platform = Platform::unknown;
    std::uint32_t retry_count = 3;  // message_retry
    Duration retry_delay = std::chrono::seconds(1);
    // There is another way to the server: a carrier that does not answer is suspected as soon as its round trip allows,
    // in place of after retry_delay (docs/racing.md, "When a connection is of no use").
    bool suspect_early = false;
    // How long an awaited message waits while there is no connection; 0: for ever.
    Duration send_timeout = std::chrono::minutes(2);
    Outbox::Limits outbox;
    std::shared_ptr<const wire::Compression> compression;  // null: off
};

// What a lost session leaves open. Client to server it is exact: every number and message id; server to client
// it is exact when the server still knew the session (tombstone), else "complete up to N, tail unknown".
struct GapReport {
    errc reason = errc::ok;  // session_unknown, session_expired, session_ended, ticket_invalid
    std::string text;
    struct Lane {
        LaneIndex lane = 0;
        Seq sent = 0;        // last number that we gave
        Seq acked = 0;       // last number that we know the server has
        bool exact = false;  // the server told its side: the two fields after this are known
        Seq server_received = 0;
        Seq server_sent = 0;  // exact: numbers received + 1 .. server_sent are missing here
        Seq received = 0;     // complete up to here, server to client
    };
    std::vector<Lane> lanes;
    std::vector<Uuid> resent;  // messages without a receipt: they are sent again in the new session, in this order
};

class ClientSessionListener {
public:
    // `key` is attached and is the one that sends: messages flow. `resumed` false: a new session was made.
    virtual void on_ready(CarrierKey key, bool resumed) = 0;
    // A standby carrier is attached (see ClientSession::open).
    virtual void on_standby(CarrierKey key) = 0;
    // No carrier is left. The session may be resumed by opening another one.
    virtual void on_detached(errc reason, const std::string& text) = 0;
    // The server refused this connect for good (authentication, limits ...); the carrier is closed by close_carrier().
    virtual void on_refused(CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) = 0;
    // The session is over by the server's word. retry_after_ms: when to come back.
    virtual void on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) = 0;
    virtual void on_gap(const GapReport& report) = 0;
    // In order per lane, each once. Call ClientSession::consumed(lane, cost) when the application is done with it.
    virtual void on_message(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) = 0;
    virtual void on_outcome(const Outcome& outcome) = 0;
    virtual void on_heartbeat(CarrierKey key, Duration round_trip) = 0;
    // The carrier in use takes too long to acknowledge, suspicion() says how: open another one if you can. Told once,
    // until it recovers.
    virtual void on_suspect(CarrierKey key) = 0;
    // A suspected carrier has acknowledged something after all.
    virtual void on_recovered(CarrierKey) {}
    // Acknowledgements come, but much later than the round trip explains. Again while that lasts, every few seconds.
    virtual void on_slow(CarrierKey, Duration /*age of what waits*/) {}
    // The answer to probe().
    virtual void on_probe(CarrierKey, std::uint64_t /*id*/) {}
    // Close this carrier in good order; the session has forgotten it, carrier_gone() is not needed for it.
    virtual void close_carrier(CarrierKey key, errc code, const std::string& text) = 0;
    // write(key, ...) has something to give. May come often; collect and write once per turn.
    virtual void output_ready(CarrierKey key) = 0;
    // The server's word on the session's credential: the answer to renew_credential(), or a warning.
    virtual void on_credential(const wire::CredentialState&) {}
    // disconnect() is complete: everything is acknowledged or the limit has passed.
    virtual void on_disconnected(bool drained) = 0;

protected:
    ~ClientSessionListener() = default;
};

class ClientSession {
public:
    ClientSession(ClientSettings settings, base::Random& random, Budget& budget, ClientSessionListener& listener);
    ~ClientSession();
    ClientSession(const ClientSession&) = delete;
    ClientSession& operator=(const ClientSession&) = delete;

    // ---- carriers ----

    // A connect (or reconnect) begins: a new attempt id. `token` is used when a new session must be made.
    void begin_attempt(std::string token);
    // A transport connection is ready: its Hello becomes writable. `standby`: attach, but leave sending where it
    // is while another carrier lives. Otherwise it is activated as soon as the server has welcomed it.
    void open(CarrierKey key, TimePoint now, bool standby = false);
    // Bytes from a carrier. A protocol error closes that carrier through the listener.
    void on_batch(CarrierKey key, std::string_view batch, TimePoint now);
    // The carrier's server lives, though it has said nothing: it is not given up for silence.
    void on_alive(CarrierKey key, TimePoint now);
    // The carrier is gone, whoever ended it. Unknown keys are ignored.
    void carrier_gone(CarrierKey key, errc reason, const std::string& text, TimePoint now);
    // Moves sending to an attached carrier. Errors: not_connected (no such attached carrier).
    Result<void> activate(CarrierKey key, TimePoint now);
    // Appends what this carrier should send now. True: there is more when the carrier takes more. What follows the
    // Hello at once (docs/protocol.md, "The first flight") is at most kFirstFlightBytes.
    bool write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes = wire::kMaxBatchBytes / 2);

    // Brings the server another credential for this session; on_credential() tells what it makes of it. One at a time:
    // a later call takes the place of one without an answer. It waits for a carrier, and goes again on the next.
    void renew_credential(std::string token);

    // Sends a ping with `padding` bytes that mean nothing; the answer is told by on_probe() with the id returned. 0:
    // the carrier is not attached, or kMaxProbes are open on it.
    std::uint64_t probe(CarrierKey key, std::size_t padding);
    static constexpr std::size_t kMaxProbes = 40;

    // ---- messages ----

    // Queues a message; its outcome comes by on_outcome(). `message.id` must be set. Works while offline.
    // Errors: message_too_large, outbox_full, duplicate_message_id, unknown_target (empty), invalid_name,
    // shutting_down. `awaited`: a call waits for the outcome. After ClientSettings::send_timeout without a connection
    // it is not_connected for what never had a number, which is withdrawn, else outcome_unknown; then the message may
    // still arrive, once.
    Result<void> send(const wire::MessageView& message, Priority priority, TimePoint now, bool awaited = false);
    void consumed(LaneIndex lane, std::uint64_t cost, TimePoint now);
    // Messages without an outcome yet.
    std::size_t queue_length() const noexcept { return outbox_.size(); }
    // Forgets what was never written to a carrier; each gets the outcome `cancelled`. Returns how many.
    std::size_t clear_queue(TimePoint now);
    // Gives up everything: never written -> `never_sent`, written without a receipt -> outcome_unknown.
    void fail_all(errc never_sent, const std::string& text, TimePoint now);

    // ---- life ----

    // Says goodbye: nothing new is taken; ends when all is acknowledged or Settings::goodbye_limit has passed.
    void disconnect(TimePoint now);
    TimePoint next_deadline() const;
    void on_time(TimePoint now);

    bool attached() const noexcept;  // at least one carrier is welcomed
    CarrierKey active() const noexcept { return active_; }
    std::optional<SessionId> id() const noexcept { return id_; }
    bool can_resume() const noexcept { return !ticket_.empty(); }
    // What open() and write() give for a new carrier now may travel as early data (docs/protocol.md, "The first
    // flight").
    bool may_go_early() const noexcept;
    std::uint32_t home_worker() const noexcept { return home_worker_; }
    // Within on_ended(): everything that the server's Goodbye has numbered arrived before the end.
    bool drained() const noexcept { return drained_; }
    std::optional<Duration> round_trip() const noexcept { return smoothed_round_trip_; }
    // Within on_suspect(): what speaks against the carrier in use.
    struct Suspicion {
        bool silent = false;        // nothing at all has come for `limit`; else something has, but no acknowledgement
        TimePoint heard_at{};       // the last batch
        TimePoint unacked_since{};  // frames wait for an acknowledgement that moves on
        Duration limit{0};
    };
    const Suspicion& suspicion() const noexcept { return suspicion_; }
    // When something came last on this carrier; kNever: it is none of the session's.
    TimePoint heard_at(CarrierKey key) const noexcept;
    const wire::Limits& limits() const noexcept { return limits_; }
    // How payloads may be compressed in this session, both ways.
    wire::Encodings encodings() const noexcept { return encodings_; }
    std::uint64_t epoch() const noexcept { return epoch_; }
    // Between two calls from outside.
    void check_invariants() const;

private:
    enum class State : std::uint8_t { hello_due, hello_sent, attached, closing };
    struct CarrierState;
    class Inbound;

    CarrierState* find(CarrierKey key);
    void close(CarrierState& carrier, errc code, const std::string& text);
    void handle(CarrierState& carrier, const wire::FrameView& frame, TimePoint now, bool& gone);
    void handle_welcome(CarrierState& carrier, const wire::Welcome& welcome, TimePoint now);
    void handle_refused(CarrierState& carrier, const wire::Refused& refused, TimePoint now);
    void handle_goodbye(CarrierState& carrier, const wire::Goodbye& goodbye, TimePoint now);
    void handle_credential(const wire::CredentialState& state);
    void handle_pong(CarrierState& carrier, const wire::Ping& pong, TimePoint now);
    wire::Hello make_hello(CarrierState& carrier);
    void write_first_flight(CarrierState& carrier, wire::Batch& batch, TimePoint now);
    void make_active(CarrierState& carrier, TimePoint now);
    void repeat_unacknowledged(TimePoint now);
    void give_session_up(errc reason, const std::string& text, TimePoint now);
    void lose_session(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap, TimePoint now);
    void queue_outbox(TimePoint now);
    bool keep_for_later(Outbox::Token token, const wire::ReceiptView& receipt, TimePoint now);
    static void park(Outbox::Entry& entry) noexcept;
    std::vector<std::string> no_longer_busy(TimePoint now);
    void send_what_was_busy(TimePoint now);
    void enqueue(Outbox::Token token, Outbox::Entry& entry, TimePoint now);
    wire::Body encode(const Outbox::Entry& entry, std::uint64_t first_sent_ms_ago) const;
    void finish(Outbox::Token token, Outcome outcome);
    void withdraw(Outbox::Token token, const Outbox::Entry& entry);
    void nothing_sends() noexcept;
    TimePoint waits_until(const Outbox::Entry& entry) const noexcept;
    void give_up_waiting(TimePoint now);
    void settle_disconnect(TimePoint now);
    void check_suspect(TimePoint now);
    void check_slow(TimePoint now);
    void time_one(TimePoint now);
    void note_round_trip(CarrierState& carrier, Duration sample);
    void note_oversleeping(TimePoint now);
    void note_progress(CarrierState& carrier, TimePoint now);
    Duration quiet_limit(const CarrierState& active) const;
    TimePoint suspect_at(const CarrierState& active) const;
    TimePoint slow_at() const;
    void check_heartbeat(CarrierState& carrier, TimePoint now);
    void put_on_trial(TimePoint now);
    void check_trial(CarrierState& carrier, TimePoint now);
    TimePoint condemned_at(const CarrierState& carrier) const;
    void notify_output();
    void drop_carriers(errc code, const std::string& text);
    void forget_session();
    void leave_open();
    void unsend();
    void take_ticket(const CarrierState& carrier, const std::string& ticket);
    void keep_ticket();
    void forget_kept_ticket();
    void clear_unsent(TimePoint now);
    // How long written frames may go without an ack before the carrier is suspected.
    Duration patience() const;
    Duration expected_answer() const;
    void detach(CarrierState& carrier, errc reason, const std::string& text, TimePoint now);

    ClientSettings settings_;
    base::Random& random_;
    Budget& budget_;
    ClientSessionListener& listener_;
    Outbox outbox_;
    // Targets for which the server has no room yet, and when to send again. No more than there are messages.
    std::map<std::string, TimePoint, std::less<>> busy_;
    TimePoint busy_until_ = kNever;  // the first of these times, or earlier
    DedupeRing seen_;                // ids of received messages, across sessions

    Uuid attempt_id_;
    std::string token_;
    std::optional<std::string> new_token_;  // without an answer yet
    bool new_token_due_ = false;            // to be written on the carrier that sends
    std::uint64_t epoch_ = 0;
    std::optional<SessionId> id_;
    std::string ticket_;                    // the newest
    std::vector<std::string> had_tickets_;  // it and those before, which a Welcome still to come may offer
    std::string secret_;
    // Of a session that is over by the server's word, kept until the next one stands: they take the place of the token
    // where the server has been started again (docs/protocol.md, "Tickets"). Empty: none.
    std::string kept_ticket_;
    std::string kept_secret_;
    bool ticket_lasts_ = false;  // the server says so
    bool drained_ = false;
    std::uint32_t home_worker_ = 0;
    wire::Encodings encodings_ = 0;
    wire::Limits limits_;
    Duration server_ack_delay_ = settings_.max_ack_delay;  // as Welcome says
    Settings agreed_;                                      // settings with what Welcome said; referenced by lane_set_
    std::unique_ptr<Inbound> inbound_;
    std::unique_ptr<LaneSet> lane_set_;
    std::vector<std::unique_ptr<CarrierState>> carriers_;
    CarrierKey active_ = kNoCarrier;
    TimePoint offline_since_ = TimePoint::min();  // while no carrier sends
    TimePoint give_up_waiting_at_ = kNever;       // when the first awaited message has waited long enough, or earlier
    std::optional<Duration> smoothed_round_trip_;
    TimePoint woken_at_ = TimePoint::min();      // last on_time()
    TimePoint patient_from_ = TimePoint::min();  // nothing is held against the time before: this process slept
    // One numbered frame whose acknowledgement is timed; seq 0: none.
    struct Timed {
        LaneIndex lane = 0;
        Seq seq = 0;
        TimePoint at{};
    };
    Timed timed_;
    TimePoint slow_told_at_ = TimePoint::min();
    Suspicion suspicion_;
    bool disconnecting_ = false;
    bool goodbye_sent_ = false;
    std::optional<wire::Goodbye> peer_goodbye_;
    bool ending_ = false;  // the server's goodbye is complete; once its last ack is written the session is over
    TimePoint goodbye_deadline_ = kNever;
};

}  // namespace flare::session
