// The life of sessions: which carrier they send on, when they are detached, when and how they end.
//
// Protocol: docs/protocol.md, the state tables of the server, "Goodbye".
// Threads:  its worker only; no I/O, no clock.
// Owner:    SessionTable.
#pragma once

#include "session/session_index.hpp"
#include "session/session_table_listener.hpp"
#include "session/tombstones.hpp"

#include <string>
#include <string_view>

namespace flare::session {

class SessionLife {
public:
    SessionLife(const Settings& settings, SessionTableListener& listener, SessionIndex& sessions,
                Tombstones& tombstones, Deadlines& deadlines)
        : settings_(settings),
          listener_(listener),
          sessions_(sessions),
          tombstones_(tombstones),
          deadlines_(deadlines) {}

    // ---- its carriers ----
    // A session that this leaves without one is detached, or at its end.
    void detach(ServerSession& session, CarrierKey key, TimePoint now);
    // A fault of the peer: one word in the log, the carrier closes; the session lives on without it.
    void peer_error(ServerSession& session, CarrierKey key, errc code, const std::string& text, TimePoint now);
    // It sends on this one from here on.
    void activate(ServerSession& session, CarrierKey key, TimePoint now);
    // It sends on none: on the newest that may be used, if there is one.
    void choose_active(ServerSession& session, TimePoint now);

    // ---- its end; SessionTable has a table of them ----
    void end(ServerSession& session, errc code, std::string_view text, std::uint32_t retry_after_ms, TimePoint now);
    void cut_off(ServerSession& session, errc code, const std::string& text, TimePoint now) {
        finalize(session, code, text, now, code);
    }
    // resume_code: what a resume is refused with.
    void finalize(ServerSession& session, errc code, const std::string& text, TimePoint now,
                  errc resume_code = errc::session_ended);

    // ---- time ----
    // After every event: is there something to write, is the session complete?
    void settle(ServerSession& session, TimePoint now);
    // `writes`: an ack goes with what is about to be written and needs no timer; CarrierIo::write() arms again.
    void arm(ServerSession& session, bool writes = false) {
        if (!session.farewell().ended()) deadlines_.arm(session.timer, session.next_deadline(writes));
    }
    void on_time(TimePoint now);

private:
    void check(ServerSession& session, TimePoint now);
    void drop_silent(ServerSession& session, TimePoint now);

    const Settings& settings_;
    SessionTableListener& listener_;
    SessionIndex& sessions_;
    Tombstones& tombstones_;
    Deadlines& deadlines_;
};

}  // namespace flare::session
