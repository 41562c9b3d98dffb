// What goes when memory is used up: docs/server.md, "Memory".
#include "session/session_table.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr Duration kTakesNothing = std::chrono::seconds(2);     // an acknowledgement takes no longer
constexpr Duration kAskAgain = std::chrono::milliseconds(100);  // every session is looked at: not for each message

}  // namespace

void SessionTable::memory_short(TimePoint now) {
    if (now < shed_again_at_) return;
    shed_again_at_ = now + kAskAgain;
    listener_.on_memory_short();
}

// Since when an attached session with something for its client has been able to bring it nothing; kNever: it can.
TimePoint SessionTable::idle_since(const ServerSession& session) noexcept {
    const TimePoint since = std::min(session.lane_set_.starved_since(), session.lane_set_.unacked_since());
    return since == kNever ? kNever : std::max(since, session.attached_at_);
}

// What is left of sessions that have ended, the oldest first: a client that comes back learns no gap. Of a device, the
// ids that it has acted on: what it sends again from then on is too old.
void SessionTable::forget_ended(TimePoint now) {
    struct Remains {
        TimePoint at;
        SessionId session;     // a tombstone's, or
        std::string_view key;  // a device's
        bool operator<(const Remains& other) const noexcept { return at > other.at; }
    };
    std::vector<Remains> all;
    for (const auto& [id, grave] : tombstones_) all.push_back({grave->expires_at - settings_.tombstone_life, id, {}});
    for (const auto& [key, owner] : devices_) {
        if (owner->session == nullptr && owner->unconfirmed.empty() && owner->waiting.empty())
            all.push_back({owner->used_at, {}, key});
    }
    std::make_heap(all.begin(), all.end());
    while (!all.empty() && !budget_.relieved()) {
        std::pop_heap(all.begin(), all.end());
        const Remains oldest = all.back();
        all.pop_back();
        if (oldest.key.empty()) {
            const auto grave = tombstones_.find(oldest.session);
            budget_.give(grave->second->charge());
            tombstones_.erase(grave);
        } else {
            const auto owner = devices_.find(std::string(oldest.key));
            if (!owner->second->acted_on.empty()) devices_forgotten_at_ = now;
            budget_.give(Device::charge_of(owner->first));
            devices_.erase(owner);
        }
    }
}

std::size_t SessionTable::shed(Shed kind, TimePoint now) {
    const Entry entry(*this);
    if (kind == Shed::detached) forget_ended(now);
    struct Candidate {
        std::uint64_t rank;
        ServerSession* session;
        bool operator<(const Candidate& other) const noexcept { return rank < other.rank; }
    };
    // A user's sessions count together: many that are nearly empty are no better than a full one.
    boost::unordered_flat_map<std::string_view, std::size_t, base::NameHash> held_by;
    if (kind == Shed::detached) {
        for (const auto& [id, session] : sessions_) {
            if (session->carriers_.empty())
                held_by[session->user_] += session->charge_ + session->lane_set_.held_bytes();
        }
    }
    std::vector<Candidate> candidates;
    for (const auto& [id, session] : sessions_) {
        const bool detached = session->carriers_.empty();
        if (kind == Shed::detached) {
            if (detached) candidates.push_back({held_by[session->user_], session.get()});
        } else if (!detached) {
            const TimePoint since = idle_since(*session);
            if (since == kNever || now - since < kTakesNothing) continue;
            candidates.push_back({static_cast<std::uint64_t>((now - since).count()), session.get()});
        }
    }
    std::make_heap(candidates.begin(), candidates.end());
    std::size_t ended = 0;
    while (!candidates.empty() && !budget_.relieved()) {
        std::pop_heap(candidates.begin(), candidates.end());
        ServerSession& session = *candidates.back().session;
        candidates.pop_back();
        if (session.ended_) continue;  // a hook of another one was quicker
        ++ended;
        if (kind == Shed::detached) {
            finalize(session, errc::busy, "the server's memory was used up while no carrier was there", now);
        } else {
            finalize(session, errc::slow_consumer, "the server's memory was used up and the client took nothing", now);
        }
    }
    return ended;
}

}  // namespace flare::session
