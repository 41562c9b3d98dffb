// The notifications of a SessionTable to its owner: messages, and changes of sessions and carriers.
//
// Threads:  as SessionTable.
// Owner:    server::Worker (and the simulator) implements SessionTableListener.
#pragma once

#include "session/server_session.hpp"

#include <string>
#include <string_view>

namespace flare::session {

class SessionTableListener {
public:
    // Hooks for sessions, not for carriers.
    virtual void on_session_created(ServerSession& session) = 0;
    virtual void on_session_ended(ServerSession& session, errc reason, const std::string& text) = 0;
    // Presence moved between attached and detached.
    virtual void on_presence(ServerSession& session) = 0;
    virtual void on_carrier_attached(ServerSession& session, CarrierKey key) = 0;
    // This carrier sends for the session from now on.
    virtual void on_carrier_activated(ServerSession&, CarrierKey) {}
    // A carrier of a session is no longer attached, whoever ended it.
    virtual void on_carrier_detached(ServerSession& session, CarrierKey key) = 0;
    // Only if SessionTable::offer() has offered conversations: this message goes into a log, which knows repeats of it
    // for as long as it keeps it. on_message() gets them all.
    virtual bool keeps(const wire::DataView&) const { return false; }
    // Acts on a message: first time only, in order per lane. Views end with the call unless `whole` holds them.
    virtual void on_message(ServerSession& session, PendingMessage&& pending, const wire::DataView& data,
                            const Bytes& whole) = 0;
    // Acts on a request, in the order of its lane: respond() must follow. Views end with the call unless `whole` holds
    // them. Only if SessionTable::offer() has offered conversations.
    virtual void on_request(ServerSession& session, PendingRequest&& pending, const wire::RequestView& request,
                            const Bytes& whole) = 0;
    // Only while ServerSession::room() is wanted: frames of this session have got numbers, or it has a carrier to send
    // on. There may be room for feeds in its lanes: SessionTable::send_feed() may follow, but not from inside this
    // call.
    virtual void on_room(ServerSession&) {}
    // The client has what was sent with this token: a frame of this feed, or, with 0, a response. Nothing may be sent
    // from inside this call.
    virtual void on_acked(ServerSession&, std::uint32_t /*feed*/, std::uint64_t /*token*/) {}
    // A message was answered with a refusal and not given to on_message(): it came too fast, or there was no memory.
    virtual void on_message_refused(ServerSession&, errc) {}
    // A reply was dropped, and its receipt is a refusal: it is larger than the client takes.
    virtual void on_reply_refused(ServerSession&, errc) {}
    // max_memory_bytes is used up: shed() should follow, but not from inside this call.
    virtual void on_memory_short() {}
    // The client pinged (its round trip is its own affair).
    virtual void on_heartbeat(ServerSession& session) = 0;
    // The client brings a new credential for its session: renew() must follow, once. `token` ends with the call.
    virtual void on_credential(ServerSession& session, std::string_view token) = 0;
    // Close this carrier in good order, after what write() still gives for it. code ok: a clean goodbye.
    virtual void close_carrier(CarrierKey key, errc code, const std::string& text) = 0;
    // write(key, ...) has something. May come often: collect, and write once per turn of the loop.
    virtual void output_ready(CarrierKey key) = 0;
    // One protocol error of a peer, for the log; the carrier is closed by close_carrier().
    virtual void on_peer_error(const ServerSession* session, CarrierKey key, errc code, const std::string& text) = 0;

protected:
    ~SessionTableListener() = default;
};

}  // namespace flare::session
