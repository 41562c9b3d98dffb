#include "im/holds.hpp"

#include "base/assert.hpp"
#include "im/planted.hpp"
#include "im/refusal.hpp"

#include <algorithm>
#include <utility>

namespace flare::im {

bool Holds::lets_in(SessionKey session, const Uuid& id, std::uint64_t place) {
    const auto held = by_session_.find(session);
    if (held == by_session_.end() || planted(Fault::later_forgotten)) return true;
    Hold& hold = held->second;
    if (place < hold.place) return true;  // it was sent before, and arrives late
    if (hold.id != id) {
        const auto behind =
            std::find_if(hold.behind.begin(), hold.behind.end(), [&](const Behind& each) { return each.id == id; });
        if (behind == hold.behind.end()) return false;
        if (std::exchange(behind->early, false)) {
            // What follows it is on its way as well, and would overtake it.
            for (auto next = behind + 1; next != hold.behind.end(); ++next) next->early = true;
            return false;
        }
    }
    by_session_.erase(held);
    return true;
}

std::uint32_t Holds::retry_after_ms(SessionKey session, TimePoint now) const {
    const auto held = by_session_.find(session);
    return held == by_session_.end() ? 1 : retry_after(held->second.retry_at - now);
}

void Holds::put_off(SessionKey session, const Uuid& id, std::uint64_t place, std::chrono::milliseconds wait,
                    TimePoint now) {
    if (session == 0) return;  // the server's own: who asks for it asks again, or not, under another id
    if (by_session_.size() >= limits_.held_sessions && !by_session_.contains(session)) make_room();
    const auto [held, fresh] = by_session_.try_emplace(session);
    Hold& hold = held->second;
    Hold first{.id = id, .place = place, .retry_at = now + wait, .until = now + wait + limits_.held_for};
    if (fresh || hold.id == id) {
        hold = std::move(first);
    } else if (place < hold.place) {
        first.behind = std::move(hold.behind);
        for (Behind& each : first.behind) each.early = true;
        const auto gone =
            std::remove_if(first.behind.begin(), first.behind.end(), [&](const Behind& each) { return each.id == id; });
        first.behind.erase(gone, first.behind.end());
        add_behind(first, {hold.id, hold.place, true});
        hold = std::move(first);
    } else {
        add_behind(hold, {id, place, false});
    }
}

void Holds::add_behind(Hold& hold, const Behind& behind) {
    const bool known =
        std::any_of(hold.behind.begin(), hold.behind.end(), [&](const Behind& each) { return each.id == behind.id; });
    if (known) return;
    const auto later = std::find_if(hold.behind.begin(), hold.behind.end(),
                                    [&](const Behind& each) { return each.place > behind.place; });
    hold.behind.insert(later, behind);
    if (hold.behind.size() > kMostBehind) hold.behind.pop_back();
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
        FLARE_INVARIANT(hold.behind.size() <= kMostBehind, "more messages are remembered than may be");
        std::uint64_t place = 0;
        for (const Behind& each : hold.behind) {
            FLARE_INVARIANT(each.id != hold.id, "a message is held behind itself");
            FLARE_INVARIANT(each.place >= place, "what was put off is not in order");
            place = each.place;
        }
    }
}

}  // namespace flare::im
