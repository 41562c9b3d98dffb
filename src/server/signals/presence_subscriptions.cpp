#include "server/signals/presence_subscriptions.hpp"

#include "base/assert.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>

namespace flare::server {

using wire::im::Presence;

// ---- look-ups ----

PresenceSubscriptions::Subscriber* PresenceSubscriptions::find(const Uuid& session) {
    const auto found = sessions_.find(session);
    return found == sessions_.end() ? nullptr : found->second.get();
}

// Whichever of the two lists is shorter.
PresenceSubscriptions::Follow* PresenceSubscriptions::find(Subscriber& who, std::string_view user) {
    const auto found = users_.find(user);
    if (found == users_.end()) return nullptr;
    Observed& of = *found->second;
    if (of.followers.size() < who.follows.size()) {
        for (const Follower& each : of.followers) {
            if (each.who == &who) return &who.follows[each.place];
        }
        return nullptr;
    }
    for (Follow& each : who.follows) {
        if (each.of == &of) return &each;
    }
    return nullptr;
}

PresenceSubscriptions::Observed& PresenceSubscriptions::observed(std::string_view user) {
    const auto found = users_.find(user);
    if (found != users_.end()) return *found->second;
    auto made = std::make_unique<Observed>();
    made->name = user;
    Observed& of = *made;
    users_.emplace(of.name, std::move(made));
    return of;
}

// ---- sessions ----

errc PresenceSubscriptions::follow(const Uuid& session, std::span<const Wanted> users, session::TimePoint now,
                                   std::vector<std::string>& to_watch) {
    Subscriber* who = find(session);
    // Whom it follows already, by name: of many names each is looked up once.
    boost::unordered_flat_map<std::string_view, std::uint32_t, base::NameHash> places;
    if (who != nullptr) {
        for (std::uint32_t i = 0; i < who->follows.size(); ++i) places.emplace(who->follows[i].of->name, i);
    }
    boost::unordered_flat_set<std::string_view, base::NameHash> added;
    for (const Wanted& each : users) {
        if (!places.contains(each.user)) added.insert(each.user);
    }
    if (places.size() + added.size() > kMostOfSession) return errc::too_many_subscriptions;
    if (size_ + added.size() > kMostOfWorker) return errc::busy;
    if (users.empty()) return errc::ok;
    if (who == nullptr) {
        auto& made = sessions_[session];
        made = std::make_unique<Subscriber>();
        who = made.get();
        who->id = session;
    }
    for (const Wanted& each : users) {
        auto place = places.find(each.user);
        if (place == places.end()) {
            Observed& of = observed(each.user);
            const auto at = static_cast<std::uint32_t>(who->follows.size());
            who->follows.push_back({&of, static_cast<std::uint32_t>(of.followers.size())});
            of.followers.push_back({who, at});
            place = places.emplace(of.name, at).first;
            ++size_;
        }
        Follow& follow = who->follows[place->second];
        follow.until = now + lease_;
        follow.hidden = each.hidden || now < follow.hidden_until;
        review(*who, follow, now);
        if (!follow.of->known) to_watch.push_back(each.user);
    }
    wait_for_lease(*who, now + lease_);
    return errc::ok;
}

std::vector<PresenceNow> PresenceSubscriptions::snapshot(const Uuid& session, std::span<const Wanted> users) {
    std::vector<PresenceNow> found(users.size());
    Subscriber* const who = find(session);
    if (who == nullptr) return found;
    boost::unordered_flat_map<std::string_view, std::uint32_t, base::NameHash> places;
    for (std::uint32_t i = 0; i < who->follows.size(); ++i) places.emplace(who->follows[i].of->name, i);
    for (std::size_t i = 0; i < users.size(); ++i) {
        const auto place = places.find(users[i].user);
        if (place == places.end()) continue;
        Follow& follow = who->follows[place->second];
        if (!follow.hidden) found[i] = follow.of->now;
        // What it has been told by a notice stays what it was told: a notice that is on its way may arrive behind this
        // answer, and then the next one puts it right.
        if (!std::exchange(follow.begun, true)) follow.told = found[i].state;
    }
    return found;
}

void PresenceSubscriptions::unfollow(const Uuid& session, std::span<const std::string_view> users) {
    Subscriber* const who = find(session);
    if (who == nullptr) return;
    for (const std::string_view user : users) {
        if (const Follow* const follow = find(*who, user); follow != nullptr)
            drop(*who, static_cast<std::size_t>(follow - who->follows.data()));
    }
    forget_empty(*who);
}

void PresenceSubscriptions::session_ended(const Uuid& session) {
    Subscriber* const who = find(session);
    if (who == nullptr) return;
    while (!who->follows.empty()) drop(*who, who->follows.size() - 1);
    forget_empty(*who);
}

void PresenceSubscriptions::hide(const Uuid& session, std::string_view user, session::TimePoint now) {
    Subscriber* const who = find(session);
    Follow* const follow = who == nullptr ? nullptr : find(*who, user);
    if (follow == nullptr) return;
    follow->hidden = true;
    follow->hidden_until = now + kHidden;
    review(*who, *follow, now);
}

// Both lists close the gap with their last one.
void PresenceSubscriptions::drop(Subscriber& who, std::size_t at) {
    Follow& gone = who.follows[at];
    Observed& of = *gone.of;
    of.followers[gone.place] = of.followers.back();
    const Follower moved = of.followers[gone.place];
    moved.who->follows[moved.place].place = gone.place;
    of.followers.pop_back();
    if (gone.dirty) --who.dirty;
    if (at + 1 != who.follows.size()) {
        who.follows[at] = who.follows.back();
        who.follows[at].of->followers[who.follows[at].place].place = static_cast<std::uint32_t>(at);
    }
    who.follows.pop_back();
    --size_;
    if (!of.followers.empty()) return;
    unwatched_.push_back(of.name);
    users_.erase(users_.find(of.name));
}

void PresenceSubscriptions::forget_empty(Subscriber& who) {
    if (!who.follows.empty()) return;
    leases_.erase({who.lease_at, &who});
    sessions_.erase(sessions_.find(Uuid(who.id)));
}

std::vector<std::string> PresenceSubscriptions::take_unwatched() {
    std::vector<std::string> all = std::exchange(unwatched_, {});
    std::erase_if(all, [&](const std::string& user) { return users_.contains(user); });  // again, meanwhile
    return all;
}

// ---- what changes ----

void PresenceSubscriptions::learn(std::string_view user, const PresenceNow& now_there, session::TimePoint now) {
    const auto found = users_.find(user);
    if (found == users_.end()) return;  // nobody wants to know any more
    Observed& of = *found->second;
    of.known = true;
    of.now = now_there;
    for (const Follower& each : of.followers) review(*each.who, each.who->follows[each.place], now);
}

void PresenceSubscriptions::review(Subscriber& who, Follow& follow, session::TimePoint now) {
    const bool dirty = follow.begun && shown(follow) != follow.told;
    if (std::exchange(follow.dirty, dirty) == dirty) return;
    who.dirty += dirty ? 1 : std::size_t(-1);
    if (dirty) wait_for_notice(who, std::max(now, who.next_at));
}

void PresenceSubscriptions::wait_for_notice(Subscriber& who, session::TimePoint at) {
    if (who.due_at != session::kNever) return;
    who.due_at = at;
    due_.emplace(at, who.id);
}

void PresenceSubscriptions::wait_for_lease(Subscriber& who, session::TimePoint at) {
    if (who.lease_at != session::kNever) return;
    who.lease_at = at;
    leases_.emplace(at, &who);
}

// ---- time ----

session::TimePoint PresenceSubscriptions::next_deadline() const noexcept {
    const session::TimePoint notice = due_.empty() ? session::kNever : due_.top().first;
    return leases_.empty() ? notice : std::min(notice, leases_.begin()->first);
}

void PresenceSubscriptions::on_time(session::TimePoint now, const Send& send) {
    for (std::size_t i = 0; i < kMostInTurn && !leases_.empty() && leases_.begin()->first <= now; ++i) {
        Subscriber& who = *leases_.begin()->second;
        leases_.erase(leases_.begin());
        who.lease_at = session::kNever;
        end_leases(who, now);
    }
    for (std::size_t i = 0; i < kMostInTurn && !due_.empty() && due_.top().first <= now; ++i) {
        const Due item = due_.top();
        due_.pop();
        Subscriber* const who = find(item.second);
        if (who == nullptr || who->due_at != item.first) continue;
        who->due_at = session::kNever;
        give_notice(*who, now, send);
    }
}

void PresenceSubscriptions::end_leases(Subscriber& who, session::TimePoint now) {
    session::TimePoint first = session::kNever;
    for (std::size_t i = 0; i < who.follows.size();) {
        if (who.follows[i].until <= now) {
            drop(who, i);
            continue;
        }
        first = std::min(first, who.follows[i].until);
        ++i;
    }
    if (who.follows.empty()) return forget_empty(who);
    wait_for_lease(who, first);
}

void PresenceSubscriptions::give_notice(Subscriber& who, session::TimePoint now, const Send& send) {
    if (who.dirty == 0) return;  // all is as it was told
    states_.clear();
    std::size_t bytes = 0;
    const auto fits = [&](const Follow& each) {
        return each.dirty && states_.size() < kMostNoticed && (states_.empty() || bytes < kMostNoticedBytes);
    };
    for (const Follow& each : who.follows) {
        if (!fits(each)) continue;
        states_.push_back({each.of->name, shown(each), each.hidden ? 0 : each.of->now.last_active_ms});
        bytes += each.of->name.size();
    }
    who.next_at = now + kBetween;
    if (send(who.id, states_)) {
        std::size_t told = 0;
        for (Follow& each : who.follows) {
            if (!each.dirty || told == states_.size()) continue;
            each.told = states_[told++].state;
            each.dirty = false;
            --who.dirty;
        }
    }
    if (who.dirty != 0) wait_for_notice(who, who.next_at);
}

void PresenceSubscriptions::check_invariants() const {
    std::size_t follows = 0;
    for (const auto& [id, who] : sessions_) {
        FLARE_INVARIANT(!who->follows.empty(), "a session that follows nobody is kept");
        std::size_t dirty = 0;
        for (std::size_t i = 0; i < who->follows.size(); ++i) {
            const Follow& each = who->follows[i];
            const Follower& back = each.of->followers[each.place];
            FLARE_INVARIANT(back.who == who.get() && back.place == i, "a follower's place is another's");
            dirty += each.dirty ? 1 : 0;
        }
        FLARE_INVARIANT(dirty == who->dirty, "changes are counted wrongly");
        FLARE_INVARIANT(dirty == 0 || who->due_at != session::kNever, "a change is never told");
        FLARE_INVARIANT(who->lease_at != session::kNever, "a lease never ends");
        follows += who->follows.size();
    }
    FLARE_INVARIANT(follows == size_, "subscriptions are counted wrongly");
}

}  // namespace flare::server
