#include "im/holds.hpp"

#include "base/assert.hpp"
#include "im/planted.hpp"
#include "im/refusal.hpp"

#include <algorithm>

namespace flare::im {

bool Holds::lets_in(SessionKey session, const Uuid& id) {
    const auto held = by_session_.find(session);
    if (held == by_session_.end() || planted(Fault::later_forgotten)) return true;
    Hold& hold = held->second;
    const bool comes_again = hold.id == id || (hold.behind == id && !hold.behind_first);
    if (hold.behind == id) hold.behind_first = false;
    if (comes_again) by_session_.erase(held);
    return comes_again;
}

std::uint32_t Holds::retry_after_ms(SessionKey session, TimePoint now) const {
    const auto held = by_session_.find(session);
    return held == by_session_.end() ? 1 : retry_after(held->second.retry_at - now);
}

void Holds::put_off(SessionKey session, const Uuid& id, std::uint64_t place, std::chrono::milliseconds wait,
                    TimePoint now) {
    if (by_session_.size() >= limits_.held_sessions && !by_session_.contains(session)) make_room();
    const auto [held, fresh] = by_session_.try_emplace(session);
    Hold& hold = held->second;
    const Hold now_first{.id = id, .place = place, .retry_at = now + wait, .until = now + wait + limits_.held_for};
    if (fresh || hold.id == id) {
        hold = now_first;
    } else if (place < hold.place) {
        const Hold before = hold;
        hold = now_first;
        hold.behind = before.id;
        hold.behind_place = before.place;
        hold.behind_first = true;
    } else if (hold.behind.is_nil() || place < hold.behind_place) {
        hold.behind = id;
        hold.behind_place = place;
        hold.behind_first = false;
    }
}

void Holds::settled(SessionKey session, const Uuid& id) {
    const auto held = by_session_.find(session);
    if (held != by_session_.end() && held->second.id == id) by_session_.erase(held);
}

void Holds::expire(TimePoint now) {
    boost::unordered::erase_if(by_session_, [&](const auto& each) { return each.second.until <= now; });
}

// An eighth at once, so that a room in which thousands are held does not search them for every message.
void Holds::make_room() {
    ends_.clear();
    for (const auto& [session, hold] : by_session_) ends_.push_back(hold.until);
    const auto last = ends_.begin() + static_cast<std::ptrdiff_t>(ends_.size() / 8);
    std::nth_element(ends_.begin(), last, ends_.end());
    expire(*last);
}

void Holds::check_invariants() const {
    FLARE_INVARIANT(by_session_.size() <= limits_.held_sessions, "more sessions are held than may be");
    for (const auto& [session, hold] : by_session_) {
        FLARE_INVARIANT(session != 0 && hold.place != 0, "a hold is of nobody");
        FLARE_INVARIANT(hold.id != hold.behind, "a message is held behind itself");
    }
}

}  // namespace flare::im
