#include "session/shedding.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace flare::session {
namespace {

constexpr Duration kTakesNothing = std::chrono::seconds(2);     // an acknowledgement takes no longer
constexpr Duration kAskAgain = std::chrono::milliseconds(100);  // every session is looked at: not for each message

struct Candidate {
    std::uint64_t rank;
    ServerSession* session;
    bool operator<(const Candidate& other) const noexcept { return rank < other.rank; }
};

// Since when an attached session with something for its client has been able to bring it nothing; kNever: it can.
TimePoint idle_since(ServerSession& session) noexcept {
    const TimePoint since = std::min(session.lane_set().starved_since(), session.lane_set().unacked_since());
    return since == kNever ? kNever : std::max(since, session.attachments().attached_at());
}

// The highest rank goes first.
template <typename End>
std::size_t end_in_order(std::vector<Candidate>& candidates, const Budget& budget, End end) {
    std::make_heap(candidates.begin(), candidates.end());
    std::size_t ended = 0;
    while (!candidates.empty() && !budget.relieved()) {
        std::pop_heap(candidates.begin(), candidates.end());
        ServerSession& session = *candidates.back().session;
        candidates.pop_back();
        if (session.farewell().ended()) continue;  // a hook of another one was quicker
        ++ended;
        end(session);
    }
    return ended;
}

}  // namespace

bool Shedding::no_room(TimePoint now) {
    if (!budget_.exhausted()) return false;
    memory_short(now);
    return true;
}

void Shedding::memory_short(TimePoint now) {
    if (now < again_at_) return;
    again_at_ = now + kAskAgain;
    listener_.on_memory_short();
}

// What is left of sessions that have ended, the oldest first: a client that comes back learns no gap. Of a device, the
// ids that it has acted on: what it sends again from then on is too old.
void Shedding::forget_ended(TimePoint now) {
    struct Remains {
        TimePoint at;
        SessionId session;     // a tombstone's, or
        std::string_view key;  // a device's
        bool operator<(const Remains& other) const noexcept { return at > other.at; }
    };
    std::vector<Remains> all;
    tombstones_.for_each([&](const SessionId& id, const Tombstone& grave) { all.push_back({grave.ended_at, id, {}}); });
    devices_.for_each([&](std::string_view key, const Device& device) {
        if (device.idle() && device.waiting.empty()) all.push_back({device.used_at, {}, key});
    });
    std::make_heap(all.begin(), all.end());
    while (!all.empty() && !budget_.relieved()) {
        std::pop_heap(all.begin(), all.end());
        const Remains oldest = all.back();
        all.pop_back();
        if (oldest.key.empty()) {
            tombstones_.forget(oldest.session);
        } else {
            devices_.forget(oldest.key, now);
        }
    }
}

// A user's sessions count together: many that are nearly empty are no better than a full one.
std::size_t Shedding::end_detached(TimePoint now) {
    boost::unordered_flat_map<std::string_view, std::size_t, base::NameHash> held_by;
    std::vector<Candidate> candidates;
    sessions_.for_each([&](ServerSession& session) {
        if (!session.attachments().empty()) return;
        held_by[session.user()] += session.held_bytes();
        candidates.push_back({0, &session});
    });
    for (Candidate& each : candidates) each.rank = held_by[each.session->user()];
    return end_in_order(candidates, budget_, [&](ServerSession& session) {
        life_.finalize(session, errc::busy, "the server's memory was used up while the session had no carrier", now);
    });
}

std::size_t Shedding::end_stalled(TimePoint now) {
    std::vector<Candidate> candidates;
    sessions_.for_each([&](ServerSession& session) {
        const TimePoint since = session.attachments().empty() ? kNever : idle_since(session);
        if (since == kNever || now - since < kTakesNothing) return;
        candidates.push_back({static_cast<std::uint64_t>((now - since).count()), &session});
    });
    return end_in_order(candidates, budget_, [&](ServerSession& session) {
        life_.finalize(session, errc::slow_consumer, "the server's memory was used up and the client read nothing",
                       now);
    });
}

std::size_t Shedding::shed(Shed kind, TimePoint now) {
    if (kind == Shed::stalled) return end_stalled(now);
    forget_ended(now);
    return end_detached(now);
}

}  // namespace flare::session
