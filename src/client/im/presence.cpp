#include "client/im/presence.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {

using session::kNever;

// ---- from the application ----

void PresenceList::subscribe(const std::vector<std::string>& users, PresenceDone done) {
    const auto call = presence_call(wire::Verb::presence_subscribe, users);
    if (!call) return done(call.error());
    owner_.ask(*call, [this, asking = begin_asking(users), done = std::move(done)](const Answer& answer) {
        auto read = read_presence(answer);
        auto states = end_asking(asking, read ? std::move(read->states) : std::vector<Presence>());
        if (!read) return done(read.error());
        for (const Presence& each : states) all_.insert_or_assign(each.user, Followed{each});
        const auto lease = read->lease_ms == 0 ? kUsualLease : std::chrono::milliseconds(read->lease_ms);
        renew_by(owner_.now() + lease / 2);
        done(std::move(states));
    });
}

// A server that does not hear of it tells for as long as the lease lasts, and nobody listens.
void PresenceList::unsubscribe(const std::vector<std::string>& users, SignalDone done) {
    const auto call = presence_call(wire::Verb::presence_unsubscribe, users);
    if (!call) return done(call.error());
    for (const std::string& user : users) all_.erase(user);
    if (all_.empty()) renew_at_ = kNever;
    if (!owner_.in_session()) return done({});
    owner_.ask(*call, [done = std::move(done)](const Answer& answer) {
        const bool lost = answer.code == errc::connection_lost || answer.code == errc::not_connected;
        done(lost ? Checked<>() : read_signal_done(answer));
    });
}

// ---- asking ----

PresenceList::AskingPtr PresenceList::begin_asking(const std::vector<std::string>& users) {
    Asking& asking = asking_.emplace_back();
    for (const std::string& user : users) asking.users.try_emplace(user);
    return std::prev(asking_.end());
}

std::vector<Presence> PresenceList::end_asking(AskingPtr asking, std::vector<Presence> states) {
    for (Presence& each : states) {
        const auto said = asking->users.find(each.user);
        if (said != asking->users.end() && said->second) each = *said->second;
    }
    asking_.erase(asking);
    return states;
}

void PresenceList::begin() {
    if (all_.empty()) return;
    delay_ = kFirstDelay;
    renew();
}

void PresenceList::moved() {
    if (!all_.empty() && !renewing_) renew_by(owner_.now() + kAfterMove);
}

void PresenceList::renew() {
    renew_at_ = kNever;
    if (renewing_ || all_.empty() || !owner_.in_session()) return;
    std::vector<std::string> users;
    users.reserve(all_.size());
    for (const auto& [user, followed] : all_) users.push_back(user);
    const auto call = presence_call(wire::Verb::presence_subscribe, users);
    if (!call) return;
    renewing_ = true;
    owner_.ask(*call, [this, asking = begin_asking(users)](const Answer& answer) { on_renewed(answer, asking); });
}

void PresenceList::on_renewed(const Answer& answer, AskingPtr asking) {
    renewing_ = false;
    auto read = read_presence(answer);
    const auto states = end_asking(asking, read ? std::move(read->states) : std::vector<Presence>());
    if (!read) {
        if (answer.code == errc::client_closed) return;
        // Of a server that has become another one nothing is known any more.
        if (answer.code == errc::not_supported) {
            for (auto& [user, followed] : all_) take(followed, {user, PresenceState::unknown, {}});
        }
        renew_by(owner_.now() + delay_);
        delay_ = std::min(2 * delay_, kLongestDelay);
        return;
    }
    delay_ = kFirstDelay;
    const auto lease = read->lease_ms == 0 ? kUsualLease : std::chrono::milliseconds(read->lease_ms);
    renew_by(owner_.now() + lease / 2);
    for (const Presence& each : states) {
        const auto found = all_.find(each.user);
        if (found == all_.end()) continue;
        Followed& followed = found->second;
        const bool doubtful = each.state == PresenceState::unknown && followed.now.state != PresenceState::unknown;
        if (!doubtful) {
            take(followed, each);
        } else if (followed.doubted_until == kNever) {
            followed.doubted_until = owner_.now() + kDoubt;
            look_at_ = std::min(look_at_, followed.doubted_until);
        }
    }
}

// ---- what is told ----

void PresenceList::on_told(const wire::im::PresenceState& told) {
    for (Asking& each : asking_) {
        if (const auto said = each.users.find(told.user); said != each.users.end()) said->second = presence_of(told);
    }
    if (const auto found = all_.find(told.user); found != all_.end()) take(found->second, presence_of(told));
}

void PresenceList::take(Followed& followed, Presence now) {
    followed.doubted_until = kNever;
    const bool same = followed.now.state == now.state;
    followed.now = std::move(now);
    if (!same) tell(followed);
}

void PresenceList::tell(Followed& followed) {
    followed.untold = events_.full();
    if (followed.untold) {
        look_at_ = std::min(look_at_, owner_.now() + kFirstDelay);
    } else {
        events_.tell(event::PresenceChanged{followed.now.user, followed.now.state, followed.now.last_active});
    }
}

// ---- time ----

session::TimePoint PresenceList::next_deadline() const noexcept { return std::min(renew_at_, look_at_); }

void PresenceList::on_time() {
    const session::TimePoint now = owner_.now();
    if (renew_at_ <= now) renew();
    if (look_at_ > now) return;
    look_at_ = kNever;
    for (auto& [user, followed] : all_) {
        if (followed.doubted_until <= now) {
            take(followed, {user, PresenceState::unknown, followed.now.last_active});
        } else if (followed.untold) {
            tell(followed);
        }
        look_at_ = std::min(look_at_, followed.doubted_until);
    }
}

}  // namespace flare::client
