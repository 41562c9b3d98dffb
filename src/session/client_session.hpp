// The client's half of a session. Bytes, events and `now` go in; bytes, events
// and the next deadline come out. Any number of carriers may be attached; at most one sends.
//
// What it does is done by its parts, each with a header of its own:
//
//   ClientCarriers    the carriers, and which one sends       ClientAttaching  the Hello and its answer
//   ClientCredential  with what it asks for a session         ClientCarrierIo  what carriers bring and take
//   ClientTickets     with what it asks for the same one      ClientInbound    what the lanes deliver
//   Outgoing          messages from the call to the outcome   ClientLife       active, detached, lost, ended
//   SendHealth        is the carrier in use of any use?       ClientWatch      what time does to it
//   ClientGoodbye     how far a goodbye is                    ClientRequests   requests until their last response
//
// Protocol: docs/protocol.md, "Attaching a carrier" and the state tables of the client.
// Threads:  one at a time; no I/O, no clock.
// Owner:    client::ClientLoop (and the simulator).
#pragma once

#include "session/client_carrier_io.hpp"
#include "session/client_watch.hpp"

#include <optional>
#include <string>

namespace flare::session {

class ClientSession {
public:
    ClientSession(ClientSettings settings, base::Random& random, Budget& budget, ClientSessionListener& listener);
    ClientSession(const ClientSession&) = delete;
    ClientSession& operator=(const ClientSession&) = delete;

    // ---- carriers ----

    // A connect (or reconnect) begins: a new attempt id. `token` is used when a new session must be made.
    void begin_attempt(std::string token) { credential_.begin_attempt(std::move(token)); }
    // A transport connection is ready: its Hello becomes writable. `standby`: attach, but leave sending where it
    // is while another carrier lives. Otherwise it is activated as soon as the server has welcomed it.
    void open(CarrierKey key, TimePoint now, bool standby = false);
    // Bytes from a carrier. A protocol error closes that carrier through the listener.
    void on_batch(CarrierKey key, std::string_view batch, TimePoint now) { io_.on_batch(key, batch, now); }
    void on_sign(CarrierKey key, Sign sign, TimePoint now);
    // The carrier is gone, whoever ended it. Unknown keys are ignored.
    void carrier_gone(CarrierKey key, errc reason, const std::string& text, TimePoint now);
    // Moves sending to an attached carrier. Errors: not_connected (no such attached carrier).
    Result<void> activate(CarrierKey key, TimePoint now);
    // Appends what this carrier should send now. True: there is more when the carrier takes more. What follows the
    // Hello at once (docs/protocol.md, "The first flight") is at most kFirstFlightBytes.
    bool write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes = wire::kMaxBatchBytes / 2) {
        return io_.write(key, batch, now, max_bytes);
    }

    // Brings the server another credential for this session; on_credential() tells what it makes of it. One at a time:
    // a later call takes the place of one without an answer. It waits for a carrier, and goes again on the next.
    void renew_credential(std::string token);

    // Sends a ping with `padding` bytes that mean nothing; the answer is told by on_probe() with the id returned. 0:
    // the carrier is not attached, or kMaxProbes are open on it.
    std::uint64_t probe(CarrierKey key, std::size_t padding) { return io_.probe(key, padding); }
    static constexpr std::size_t kMaxProbes = ClientCarrier::kMaxProbes;

    // ---- messages ----

    // Queues a message; its outcome comes by on_outcome(). `message.id` must be set. Works while offline.
    // Errors: message_too_large, outbox_full, duplicate_message_id, unknown_target (empty), invalid_name,
    // shutting_down. Sending::awaited: a call waits for the outcome. After ClientSettings::send_timeout without a
    // connection it is not_connected for what never had a number, which is withdrawn, else outcome_unknown; then the
    // message may still arrive, once.
    Result<void> send(const wire::MessageView& message, Priority priority, TimePoint now, Sending how = {});
    void consumed(LaneIndex lane, std::uint64_t cost, TimePoint now);
    // Sends a request about `conversation` (which names its lane; empty: lane 0), whose id must be set; what comes of
    // it is told by on_response() or on_request_failed(). It goes among the messages of normal priority. At most 8 are
    // open at a time; others wait for their turn. Messages to `conversation` that are sent after one that changes
    // something do not overtake it, however long it waits.
    // Without a session those that change something are kept for the next one; others are not_connected.
    // Errors: not_supported (conversations were not agreed, or the verb is unspecified), not_connected,
    // invalid_message_id, invalid_name, message_too_large, duplicate_message_id, outbox_full (ClientRequests::kMost),
    // shutting_down.
    Result<void> request(const wire::RequestView& request, std::string_view conversation, TimePoint now);
    // Whether a message of this sender with this id has come as Data: what is in a feed, too, is told once. Only the
    // last ClientSettings::dedupe_ids of the last ClientSettings::dedupe_window are remembered.
    bool has_seen(std::string_view from, const Uuid& id) const { return inbound_.has_seen(from, id); }
    // Messages without an outcome yet.
    std::size_t queue_length() const noexcept { return outgoing_.size(); }
    // Some of them may wait: the server has put off others to their target, or a change before them has not gone.
    bool holds_back() const noexcept { return !outgoing_.held().empty(); }
    // Forgets messages that were never written to a carrier; each gets the outcome `cancelled`. Returns how many.
    std::size_t clear_queue(TimePoint now);
    // Gives up everything, requests too: never written -> `never_sent`, written without a receipt -> outcome_unknown.
    // Not what ClientSettings::keeps_posted keeps.
    void fail_all(errc never_sent, const std::string& text, TimePoint now);

    // ---- life ----

    // Says goodbye: nothing new is taken; ends when all is acknowledged or Settings::goodbye_limit has passed.
    void disconnect(TimePoint now);
    TimePoint next_deadline() const { return watch_.next_deadline(); }
    void on_time(TimePoint now);

    bool attached() const noexcept { return carriers_.attached(); }  // at least one carrier is welcomed
    CarrierKey active() const noexcept { return carriers_.active(); }
    std::optional<SessionId> id() const noexcept { return agreed_.id; }
    bool can_resume() const noexcept { return tickets_.can_resume(); }
    // What open() and write() give for a new carrier now may travel as early data (docs/protocol.md, "The first
    // flight").
    bool may_go_early() const noexcept { return attaching_.may_go_early(); }
    // Within on_ended(): everything that the server's Goodbye has numbered arrived before the end.
    bool drained() const noexcept { return life_.drained(); }
    std::optional<Duration> round_trip() const noexcept { return health_.round_trip(); }
    // Within on_suspect(): what speaks against the carrier in use.
    using Suspicion = session::Suspicion;
    const Suspicion& suspicion() const noexcept { return health_.suspicion(); }
    // When something came last on this carrier; kNever: it is none of the session's.
    TimePoint heard_at(CarrierKey key) const noexcept;
    const wire::Limits& limits() const noexcept { return agreed_.limits; }
    const std::optional<wire::Storing>& store() const noexcept { return agreed_.store; }
    // How payloads may be compressed in this session, both ways.
    wire::Encodings encodings() const noexcept { return agreed_.encodings; }
    std::uint64_t epoch() const noexcept { return carriers_.epoch(); }
    // Between two calls from outside.
    void check_invariants() const;

private:
    const ClientSettings settings_;
    Budget& budget_;
    ClientSessionListener& listener_;
    // In this order: a part stands behind those that it knows.
    ClientAgreement agreed_;
    ClientTickets tickets_;
    ClientCredential credential_;
    ClientGoodbye goodbye_;
    ClientCarriers carriers_;
    Outgoing outgoing_;
    ClientRequests requests_;
    SendHealth health_;
    ClientInbound inbound_;
    ClientLife life_;
    ClientAttaching attaching_;
    ClientCarrierIo io_;
    ClientWatch watch_;
};

}  // namespace flare::session
