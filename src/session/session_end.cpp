// How sessions of a SessionTable end: goodbye from either side, expiry, time-outs, and what is left behind.
#include "session/planted.hpp"
#include "session/session_table.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {
namespace {

constexpr Duration kSweepEvery = std::chrono::seconds(10);

}  // namespace

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
        session.conversation_.clear_queue([](std::uint64_t) {});
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
    return !session.carriers_.empty() && (session.in_progress_ != 0 || !session.conversation_.drained());
}

// After every event: is there something to write, is the session complete?
void SessionTable::settle(ServerSession& session, TimePoint now) {
    if (session.ended_) return;
    if (session.goodbye_ && session.goodbye_said_ && session.conversation_.drained()) {
        return finalize(session, session.end_code_, session.end_text_, now);
    }
    if (session.peer_final_) {
        const bool complete = session.conversation_.received_all(*session.peer_final_) && session.in_progress_ == 0 &&
                              session.conversation_.drained();
        if (complete || planted(Fault::goodbye_closes_early))
            return finalize(session, errc::ok, "the client said goodbye", now);
    }
    session.conversation_.update_starvation(now);
    const bool writes = session.active_ != kNoCarrier && session.conversation_.has_output(now);
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
    session.conversation_.discard();
    budget_.give(std::exchange(session.charge_, 0));
    auto grave = std::make_unique<Tombstone>();
    for (LaneIndex i = 0; i < session.lanes(); ++i) {
        const SendLane* sent = session.conversation_.send_lane(i);
        grave->lanes.push_back({i, session.conversation_.received(i), sent == nullptr ? 0 : sent->last_numbered()});
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
    std::erase(owner.unheard, &session);
    if (const auto found = users_.find(session.user_); found != users_.end()) {
        std::erase(found->second, &session);
        if (found->second.empty()) users_.erase(found);
    }
    const auto found = sessions_.find(session.id_);
    ended_.push_back(std::move(found->second));
    sessions_.erase(found);
    if (next_sweep_ == kNever) next_sweep_ = now + kSweepEvery;

    if (!session.unheard_) listener_.on_session_ended(session, code, text);
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

// ---- time ----

TimePoint SessionTable::deadline_of(const ServerSession& session, bool writes) const noexcept {
    TimePoint next = std::min({session.goodbye_deadline_, session.warn_at_, session.expires_at_});
    for (const auto& carrier : session.carriers_) next = std::min(next, carrier.heard_at + settings_.heartbeat_timeout);
    if (session.detached_at_ != kNever) next = std::min(next, session.detached_at_ + settings_.session_life);
    if (session.active_ != kNoCarrier) {
        if (!writes) next = std::min(next, session.conversation_.next_deadline());
        if (session.conversation_.starved_since() != kNever) {
            next = std::min(next, std::max(session.conversation_.starved_since(), session.attached_at_) +
                                      settings_.slow_consumer_after);
        }
    }
    return next;
}

// The timer may fire early, never late: it moves only when the new deadline is nearer. `writes`: an ack goes with what
// is about to be written and needs no timer; write() arms again.
void SessionTable::arm(ServerSession& session, bool writes) {
    if (session.ended_) return;
    const TimePoint at = deadline_of(session, writes);
    if (session.timer_.is_linked()) {
        if (session.timer_.at <= at) return;
        session.timer_.unlink();
    }
    if (at == kNever) return;
    session.timer_.at = at;
    timers_.insert(session.timer_);
}

TimePoint SessionTable::next_deadline() const noexcept {
    return std::min(next_sweep_, timers_.empty() ? kNever : timers_.begin()->at);
}

void SessionTable::on_time(TimePoint now) {
    const Entry entry(*this);
    while (!timers_.empty() && timers_.begin()->at <= now) {
        ServerSession& session = *timers_.begin()->session;
        session.timer_.unlink();
        session.now_ = now;
        check(session, now);
        if (session.ended_) continue;
        const TimePoint next = deadline_of(session, false);
        session.timer_.unlink();
        if (next == kNever) continue;
        // An ack that is due waits for its carrier to take it; looking again at once would not hurry it.
        session.timer_.at = std::max(next, now + settings_.min_ack_delay);
        timers_.insert(session.timer_);
    }
    if (next_sweep_ <= now) forget_old(now);
}

void SessionTable::check(ServerSession& session, TimePoint now) {
    for (const CarrierKey key : session.carriers()) {
        const ServerSession::Attached* carrier = session.carrier(key);
        if (carrier != nullptr && now - carrier->heard_at >= settings_.heartbeat_timeout) {
            listener_.close_carrier(key, errc::heartbeat_timeout, "nothing was heard within the heartbeat time-out");
            detach(session, key, now);
        }
    }
    if (session.detached_at_ != kNever && now - session.detached_at_ >= settings_.session_life) {
        return finalize(session, errc::session_expired, "no carrier came back in time", now, errc::session_expired);
    }
    // A handler still has something of this client, or it has not taken its answers: shutting_down would say that
    // everything is answered.
    if (session.goodbye_deadline_ <= now && session.end_code_ == errc::shutting_down && !session.final_) {
        return finalize(session, errc::session_ended,
                        "the server is shutting down, and not everything could be answered in time", now);
    }
    if (session.goodbye_deadline_ <= now) {
        return finalize(session, session.goodbye_ ? session.end_code_ : errc::ok,
                        session.goodbye_ ? session.end_text_ : "the client said goodbye", now);
    }
    if (session.expires_at_ <= now) {
        return end(session, errc::token_expired, "the credential has expired and no other one has come", 0, now);
    }
    if (session.warn_at_ <= now) {
        session.warn_at_ = kNever;
        tell_credential(session, {}, now);
    }
    const TimePoint starved_since = session.conversation_.starved_since();
    if (session.active_ != kNoCarrier && starved_since != kNever &&
        now - std::max(starved_since, session.attached_at_) >= settings_.slow_consumer_after) {
        return finalize(session, errc::slow_consumer,
                        "the client has taken nothing for too long, though something waits for it", now);
    }
    settle(session, now);
}

void SessionTable::expect(std::string user, TimePoint back, TimePoint until) {
    expected_.add(std::move(user), back, until);
    next_sweep_ = std::min(next_sweep_, until);
}

void SessionTable::forget_old(TimePoint now) {
    expected_.expire(now);
    boost::unordered::erase_if(tombstones_, [&](const auto& each) {
        if (each.second->expires_at > now) return false;
        budget_.give(each.second->charge());
        return true;
    });
    bool idle = false;
    boost::unordered::erase_if(devices_, [&](const auto& each) {
        const Device& owner = *each.second;
        if (owner.session != nullptr || !owner.unheard.empty()) return false;
        const bool old = now - owner.used_at > settings_.dedupe_retention();
        idle = idle || !old;
        if (old) budget_.give(Device::charge_of(each.first));
        return old;
    });
    next_sweep_ = tombstones_.empty() && !idle && expected_.empty() ? kNever : now + kSweepEvery;
}

}  // namespace flare::session
