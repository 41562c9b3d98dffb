// What happens to sessions of a SessionTable because of time: expiry, time-outs, and the forgetting of what is old.
#include "session/session_table.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {

TimePoint SessionTable::deadline_of(const ServerSession& session, bool writes) const noexcept {
    TimePoint next = std::min({session.goodbye_deadline_, session.warn_at_, session.expires_at_});
    for (const auto& carrier : session.carriers_) next = std::min(next, carrier.heard_at + settings_.heartbeat_timeout);
    if (session.detached_at_ != kNever) next = std::min(next, session.detached_at_ + settings_.session_life);
    if (session.active_ != kNoCarrier) {
        if (!writes) next = std::min(next, session.lane_set_.next_deadline());
        if (session.lane_set_.starved_since() != kNever) {
            next = std::min(next, std::max(session.lane_set_.starved_since(), session.attached_at_) +
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
    const TimePoint starved_since = session.lane_set_.starved_since();
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
        if (owner.session != nullptr || !owner.unconfirmed.empty()) return false;
        const bool old = now - owner.used_at > settings_.dedupe_retention();
        idle = idle || !old;
        if (old) budget_.give(Device::charge_of(each.first));
        return old;
    });
    next_sweep_ = tombstones_.empty() && !idle && expected_.empty() ? kNever : now + kSweepEvery;
}

}  // namespace flare::session
