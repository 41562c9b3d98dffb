#include "session/session_life.hpp"

#include "session/planted.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace flare::session {
namespace {

// The last ones of each lane, for who resumes it.
wire::LaneGaps numbers_of(ServerSession& session) {
    wire::LaneGaps numbers;
    LaneSet& lanes = session.lane_set();
    for (LaneIndex i = 0; i < session.lanes(); ++i) {
        const SendLane* const sent = lanes.send_lane(i);
        numbers.push_back({i, lanes.received(i), sent == nullptr ? 0 : sent->last_numbered()});
    }
    return numbers;
}

}  // namespace

// ---- carriers ----

void SessionLife::detach(ServerSession& session, CarrierKey key, TimePoint now) {
    const bool sends = session.active() == key;
    if (!session.attachments().remove(key, now)) return;
    sessions_.detach(key);
    if (!session.attachments().unconfirmed()) listener_.on_carrier_detached(session, key);
    const bool none_left = session.attachments().empty();
    if (session.farewell().ended()) {
        if (none_left) sessions_.bury(session);
        return;
    }
    if (sends && !planted(Fault::standby_never_takes_over)) choose_active(session, session.now());
    if (none_left) {
        if (!session.attachments().unconfirmed()) listener_.on_presence(session);
        // Nobody can come back to a session that says goodbye: there is nothing to wait for.
        const Farewell& farewell = session.farewell();
        if (farewell.begun()) return finalize(session, farewell.code(), farewell.text(), now);
        if (farewell.peer_final() != nullptr) return finalize(session, errc::ok, "the client said goodbye", now);
    }
    arm(session);
}

void SessionLife::peer_error(ServerSession& session, CarrierKey key, errc code, const std::string& text,
                             TimePoint now) {
    listener_.on_peer_error(&session, key, code, text);
    listener_.close_carrier(key, code, text);
    detach(session, key, now);
}

void SessionLife::activate(ServerSession& session, CarrierKey key, TimePoint now) {
    session.send_on(key, now);
    if (!session.attachments().unconfirmed()) listener_.on_carrier_activated(session, key);
    if (session.room().wanted()) listener_.on_room(session);
    listener_.output_ready(key);
}

void SessionLife::choose_active(ServerSession& session, TimePoint now) {
    const Attached* const newest = session.attachments().newest_confirmed();
    if (newest != nullptr) activate(session, newest->key, now);
}

// ---- the end ----

void SessionLife::end(ServerSession& session, errc code, std::string_view text, std::uint32_t retry_after_ms,
                      TimePoint now) {
    Farewell& farewell = session.farewell();
    if (farewell.ended() || farewell.begun()) return;
    session.at(now);
    session.credential().end();
    farewell.begin(code, text, retry_after_ms, now + settings_.goodbye_limit);
    // A shutdown sends what waits, but for feeds, which would hold it up; whoever is thrown out gets only what has a
    // number already.
    session.lane_set().drop_feeds();
    if (code != errc::shutting_down && code != errc::ok) {
        session.lane_set().clear_queue([](std::uint64_t) {});
        farewell.make_final();
    }
    // Its client may be back and not have said yet on which carrier it is to be sent to. A Goodbye now would say that
    // all is answered, and a handler still has something of it, or what waits for it would be dropped.
    const bool owes_something =
        !session.attachments().empty() && (session.work().messages() != 0 || !session.lane_set().drained());
    if (session.active() != kNoCarrier) {
        listener_.output_ready(session.active());
    } else if (code != errc::shutting_down || !owes_something) {
        return finalize(session, code, farewell.text(), now);
    }
    arm(session);
}

void SessionLife::finalize(ServerSession& session, errc code, const std::string& text, TimePoint now,
                           errc resume_code) {
    if (session.farewell().ended()) return;
    session.at(now);
    session.farewell().complete(code, text);
    // Its carriers may stay for a while, when their clients do not read; what waits for them need not. It has numbers
    // from here on, so that the client learns of it.
    session.discard();
    auto grave = std::make_unique<Tombstone>();
    grave->lanes = numbers_of(session);
    grave->reason = code;
    grave->resume_code = resume_code;
    grave->text = text;
    grave->secret = session.tickets().secret();
    grave->ended_at = now;
    tombstones_.add(session.id(), std::move(grave));
    session.timer.unlink();
    session.owner().lose(session, now);
    sessions_.retire(session);
    deadlines_.sweep_some_time(now);

    if (!session.attachments().unconfirmed()) listener_.on_session_ended(session, code, text);
    const bool said = session.farewell().said();
    for (const CarrierKey key : session.carriers()) {
        Attached* const carrier = session.attachments().find(key);
        if (carrier == nullptr) continue;
        carrier->goodbye_due = !(said && key == session.active());
        listener_.output_ready(key);
        listener_.close_carrier(key, code, text);
    }
    if (session.attachments().empty()) sessions_.bury(session);
}

// ---- time ----

void SessionLife::settle(ServerSession& session, TimePoint now) {
    const Farewell& farewell = session.farewell();
    if (farewell.ended()) return;
    if (farewell.is_coming()) {
        if (farewell.is_acknowledged(session.lane_set()))
            return finalize(session, farewell.code(), farewell.text(), now);
        if (farewell.peer_final() != nullptr &&
            (farewell.is_answered(session.lane_set(), session.work()) || planted(Fault::goodbye_closes_early)))
            return finalize(session, errc::ok, "the client said goodbye", now);
    }
    session.lane_set().update_starvation(now);
    const bool writes = session.active() != kNoCarrier && session.lane_set().has_output(now);
    if (writes) listener_.output_ready(session.active());
    arm(session, writes);
}

void SessionLife::on_time(TimePoint now) {
    while (ServerSession* const session = deadlines_.take_due(now)) {
        session->at(now);
        check(*session, now);
        if (session->farewell().ended()) continue;
        const TimePoint next = session->next_deadline(false);
        // An ack that is due waits for its carrier to take it; looking again at once would not hurry it.
        deadlines_.set(session->timer, next == kNever ? kNever : std::max(next, now + settings_.min_ack_delay));
    }
}

void SessionLife::drop_silent(ServerSession& session, TimePoint now) {
    for (const CarrierKey key : session.carriers()) {
        const Attached* const carrier = session.attachments().find(key);
        if (carrier == nullptr || now - carrier->heard_at < settings_.heartbeat_timeout) continue;
        listener_.close_carrier(key, errc::heartbeat_timeout, "nothing arrived within the heartbeat time-out");
        detach(session, key, now);
    }
}

void SessionLife::check(ServerSession& session, TimePoint now) {
    drop_silent(session, now);
    const TimePoint detached_at = session.attachments().detached_at();
    if (detached_at != kNever && now - detached_at >= settings_.session_life) {
        return finalize(session, errc::session_expired, "no carrier came back in time", now, errc::session_expired);
    }
    const Farewell& farewell = session.farewell();
    if (farewell.deadline() <= now) {
        // A handler still has something of this client, or it has not taken its answers: shutting_down would say that
        // everything is answered.
        if (farewell.code() == errc::shutting_down && !farewell.is_final()) {
            return finalize(session, errc::session_ended,
                            "the server is shutting down, and not everything could be answered in time", now);
        }
        return finalize(session, farewell.begun() ? farewell.code() : errc::ok,
                        farewell.begun() ? farewell.text() : "the client said goodbye", now);
    }
    if (session.credential().has_expired(now)) {
        return end(session, errc::token_expired, "the credential has expired and was not renewed", 0, now);
    }
    if (session.credential().warning_due(now)) {
        session.credential().tell({}, now);
        if (session.active() != kNoCarrier) listener_.output_ready(session.active());
    }
    const TimePoint starved_since = session.starved_since();
    if (starved_since != kNever && now - starved_since >= settings_.slow_consumer_after) {
        return finalize(session, errc::slow_consumer,
                        "the client has read nothing for too long while data is queued for it", now);
    }
    settle(session, now);
}

}  // namespace flare::session
