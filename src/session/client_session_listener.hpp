// What a ClientSession tells its owner.
//
// Threads:  as ClientSession.
// Owner:    client::ClientLoop (and the simulator) implements it.
#pragma once

#include "session/lane_set.hpp"
#include "session/outbox.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flare::session {

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
    // A message is written to a carrier, and was not before, as far as it is known: a server may act on it.
    virtual void on_first_sent(const Uuid& /*id*/) {}
    // Only with ClientSettings::conversations. A response to a request that is open: call ClientSession::consumed(lane,
    // cost) as for a message. With `more`, others follow.
    virtual void on_response(LaneIndex, const wire::ResponseView&, const Bytes& /*whole*/, std::uint64_t /*cost*/) {}
    // Entries of a conversation that the session has subscribed to, in order: of the feed with this number, which may
    // have ended here. Call ClientSession::consumed(lane, cost) as for a message. Views end with the call unless
    // `whole` holds them.
    virtual void on_feed(LaneIndex, std::uint32_t /*feed_id*/, const wire::im::Feed&, const Bytes& /*whole*/,
                         std::uint64_t /*cost*/) {}
    // This process had no memory for the next frame of this feed (busy): what it had is missing. Subscribe again.
    virtual void on_feed_refused(LaneIndex, std::uint32_t /*feed_id*/, errc) {}
    // A hint: the body of a Notice, not read yet. It ends with the call.
    virtual void on_notice(std::string_view /*body*/) {}
    // A request will have no (further) response: connection_lost (its session, and it only reads), outcome_unknown (it
    // changes something, and may have been acted on), not_connected, not_supported (it was not sent), busy (it only
    // reads, and this process had no memory for the response), or what fail_all() was told.
    virtual void on_request_failed(const Uuid& /*id*/, errc, const std::string& /*text*/) {}
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

}  // namespace flare::session
