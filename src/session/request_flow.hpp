// The requests of a table's sessions: handed up, at most wire::kMaxOpenRequests of a session at a time, and answered;
// and the feeds that some of them ask for.
//
// A request is handed up once in its session, whatever carriers bring it. One that is sent again in a later session is
// handed up again: those that read may be done twice, and of those that change something the store knows the id.
//
// Protocol: docs/protocol.md, "Requests", "Feeds".
// Threads:  its worker only; no I/O, no clock.
// Owner:    SessionTable.
#pragma once

#include "session/session_life.hpp"
#include "session/shedding.hpp"

namespace flare::session {

class RequestFlow {
public:
    // Frames without a number: with more of them its client is behind, and is sent no notices.
    static constexpr std::uint32_t kMostBehind = 64;

    RequestFlow(const Settings& settings, SessionTableListener& listener, SessionIndex& sessions, SessionLife& life,
                Shedding& shedding)
        : settings_(settings), listener_(listener), sessions_(sessions), life_(life), shedding_(shedding) {}

    // ---- what comes in ----
    void receive(ServerSession& session, LaneIndex lane, const wire::RequestView& request, const Bytes& whole,
                 std::uint64_t cost);
    // One that was not given to anybody: its sender hears why.
    void refuse(ServerSession& session, LaneIndex lane, const Uuid& id, errc code);
    void acked(ServerSession& session, std::uint32_t feed, std::uint64_t token) {
        listener_.on_acked(session, feed, token);
    }

    // ---- what goes out: SessionTable says what these do ----
    Result<void> respond(const PendingRequest& pending, const wire::ResponseView& response, TimePoint now,
                         std::uint64_t token);
    Result<void> send_feed(ServerSession& session, LaneIndex lane, wire::Body body, TimePoint now, std::uint64_t token);
    bool send_notice(ServerSession& session, wire::Body body);

private:
    void settle_at_once(ServerSession& session, LaneIndex lane, std::uint64_t cost, const wire::ResponseView& response);
    static void finish(ServerSession& session, const PendingRequest& pending);

    const Settings& settings_;
    SessionTableListener& listener_;
    SessionIndex& sessions_;
    SessionLife& life_;
    Shedding& shedding_;
};

}  // namespace flare::session
