// How sessions of a SessionTable end: by a goodbye of either side, or at once; and what is left behind.
#include "session/planted.hpp"
#include "session/session_table.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {

void SessionTable::end(ServerSession& session, errc code, std::string_view text, std::uint32_t retry_after_ms,
                       TimePoint now) {
    if (session.ended_ || session.goodbye_) return;
    session.now_ = now;
    session.goodbye_ = true;
    session.expires_at_ = session.warn_at_ = kNever;
    session.end_code_ = code;
    session.end_text_ = std::string(text);
    session.end_retry_after_ms_ = retry_after_ms;
    session.goodbye_deadline_ = std::min(session.goodbye_deadline_, now + settings_.goodbye_limit);
    // A shutdown sends what waits; whoever is thrown out gets only what has a number already.
    if (code != errc::shutting_down && code != errc::ok) {
        session.lane_set_.clear_queue([](std::uint64_t) {});
        session.final_ = true;
    }
    if (session.active_ != kNoCarrier) {
        listener_.output_ready(session.active_);
    } else if (code != errc::shutting_down || !owes_something(session)) {
        return finalize(session, code, session.end_text_, now);
    }
    arm(session);
}

// Its client is back and has not said yet on which carrier it is to be sent to. A Goodbye now would say that all is
// answered, and a handler still has something of it, or what waits for it would be dropped.
bool SessionTable::owes_something(const ServerSession& session) {
    return !session.carriers_.empty() && (session.in_progress_ != 0 || !session.lane_set_.drained());
}

// After every event: is there something to write, is the session complete?
void SessionTable::settle(ServerSession& session, TimePoint now) {
    if (session.ended_) return;
    if (session.goodbye_ && session.goodbye_said_ && session.lane_set_.drained()) {
        return finalize(session, session.end_code_, session.end_text_, now);
    }
    if (session.peer_final_) {
        const bool complete = session.lane_set_.received_all(*session.peer_final_) && session.in_progress_ == 0 &&
                              session.lane_set_.drained();
        if (complete || planted(Fault::goodbye_closes_early))
            return finalize(session, errc::ok, "the client said goodbye", now);
    }
    session.lane_set_.update_starvation(now);
    const bool writes = session.active_ != kNoCarrier && session.lane_set_.has_output(now);
    if (writes) listener_.output_ready(session.active_);
    arm(session, writes);
}

void SessionTable::cut_off(ServerSession& session, errc code, const std::string& text, TimePoint now) {
    finalize(session, code, text, now, code);
}

void SessionTable::finalize(ServerSession& session, errc code, const std::string& text, TimePoint now,
                            errc resume_code) {
    if (session.ended_) return;
    session.now_ = now;
    session.end_code_ = code;
    session.end_text_ = text;
    // Its carriers may stay for a while, when their clients do not read; what waits for them need not. It has numbers
    // from here on, so that the client learns of it.
    session.lane_set_.discard();
    budget_.give(std::exchange(session.charge_, 0));
    auto grave = std::make_unique<Tombstone>();
    for (LaneIndex i = 0; i < session.lanes(); ++i) {
        const SendLane* sent = session.lane_set_.send_lane(i);
        grave->lanes.push_back({i, session.lane_set_.received(i), sent == nullptr ? 0 : sent->last_numbered()});
    }
    grave->reason = code;
    grave->resume_code = resume_code;
    grave->text = text;
    grave->secret = session.secret_;
    grave->expires_at = now + settings_.tombstone_life;
    budget_.take_anyway(grave->charge());
    tombstones_.insert_or_assign(session.id_, std::move(grave));
    session.ended_ = true;
    session.timer_.unlink();

    Device& owner = *session.owner_;
    owner.used_at = now;
    if (owner.session == &session) owner.session = nullptr;
    std::erase(owner.unconfirmed, &session);
    if (const auto found = users_.find(session.user_); found != users_.end()) {
        std::erase(found->second, &session);
        if (found->second.empty()) users_.erase(found);
    }
    const auto found = sessions_.find(session.id_);
    ended_.push_back(std::move(found->second));
    sessions_.erase(found);
    if (next_sweep_ == kNever) next_sweep_ = now + kSweepEvery;

    if (!session.unconfirmed_) listener_.on_session_ended(session, code, text);
    const bool said = session.goodbye_said_;
    for (const CarrierKey key : session.carriers()) {
        ServerSession::Attached* carrier = session.carrier(key);
        if (carrier == nullptr) continue;
        carrier->goodbye_due = !(said && key == session.active_);
        listener_.output_ready(key);
        listener_.close_carrier(key, code, text);
    }
    if (session.carriers_.empty()) bury(session);
}

// An ended session without carriers: freed when no call is inside it any more.
void SessionTable::bury(ServerSession& session) {
    const auto found =
        std::find_if(ended_.begin(), ended_.end(), [&](const auto& each) { return each.get() == &session; });
    if (found == ended_.end()) return;
    graveyard_.push_back(std::move(*found));
    ended_.erase(found);
}

}  // namespace flare::session
