// What goes when memory is used up: docs/server.md, "Memory".
#include "session/session_table.hpp"

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
    const TimePoint since = std::min(session.conversation_.starved_since(), session.conversation_.unacked_since());
    return since == kNever ? kNever : std::max(since, session.attached_at_);
}

std::size_t SessionTable::shed(Shed kind, TimePoint now) {
    const Entry entry(*this);
    struct Candidate {
        std::uint64_t rank;
        ServerSession* session;
        bool operator<(const Candidate& other) const noexcept { return rank < other.rank; }
    };
    std::vector<Candidate> candidates;
    for (const auto& [id, session] : sessions_) {
        const std::size_t held = session->conversation_.held_bytes();
        if (held == 0) continue;
        const bool detached = session->carriers_.empty();
        if (kind == Shed::detached) {
            if (detached) candidates.push_back({held, session.get()});
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
