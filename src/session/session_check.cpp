// What must hold of a SessionTable between two calls: FLARE_INVARIANT, for tests and the simulator.
#include "base/assert.hpp"
#include "session/planted.hpp"
#include "session/session_table.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>
#include <map>

namespace flare::session {

void Device::check_invariants() const {
    FLARE_INVARIANT(attempts.size() <= kAttempts, "more connects are remembered than may be");
    FLARE_INVARIANT(unconfirmed.size() <= kMaxUnconfirmed, "more sessions wait to be heard than may");
    FLARE_INVARIANT(std::find(unconfirmed.begin(), unconfirmed.end(), session) == unconfirmed.end(),
                    "a session is its device's and waits to become it");
    acted_on.check_invariants();
}

std::size_t SessionTable::check_invariants() const {
    FLARE_INVARIANT(depth_ == 0 && reading_ == nullptr, "a call is under way");
    const bool ghosts = planted(Fault::attempt_makes_two);
    std::size_t charged = 0;
    std::size_t carriers = 0;
    std::map<SessionId, std::uint32_t> waiting;  // repeats
    for (const auto& [key, owner] : devices_) {
        owner->check_invariants();
        charged += Device::charge_of(key);
        for (const Device::Waiting& repeat : owner->waiting) ++waiting[repeat.session];
        FLARE_INVARIANT(owner->session == nullptr || sessions_.contains(owner->session->id_), "its session has gone");
    }
    std::size_t of_users = 0;
    for (const auto& [user, sessions] : users_) {
        FLARE_INVARIANT(!sessions.empty(), "a user without a session is remembered");
        of_users += sessions.size();
    }
    std::size_t confirmed = 0;
    for (const auto& [id, session] : sessions_) {
        FLARE_INVARIANT(session->id_ == id && !session->ended_, "a session that has ended is found");
        const Device* const owner = find_device(session->user_, session->device_);
        FLARE_INVARIANT(owner != nullptr && owner == session->owner_, "a session's device has gone");
        const bool among = std::count(owner->unconfirmed.begin(), owner->unconfirmed.end(), session.get()) == 1;
        FLARE_INVARIANT(session->unconfirmed_ == among, "who waits to be heard is not agreed");
        FLARE_INVARIANT(among || ghosts || owner->session == session.get(), "a session is not its device's");
        if (!among) {
            ++confirmed;
            const auto found = users_.find(session->user_);
            FLARE_INVARIANT(found != users_.end(), "a user's session is not found");
            FLARE_INVARIANT(std::count(found->second.begin(), found->second.end(), session.get()) == 1,
                            "a user has a session twice, or not");
        }
        const auto repeats = waiting.find(id);
        FLARE_INVARIANT(repeats == waiting.end() || repeats->second <= session->in_progress_,
                        "more repeats wait than messages are in progress");
        const TimePoint due = deadline_of(*session, true);
        FLARE_INVARIANT(session->timer_.is_linked() || due == kNever, "a deadline has no timer");
        FLARE_INVARIANT(!session->timer_.is_linked() || session->timer_.at - settings_.min_ack_delay <= due,
                        "a timer is late");
        charged += session->check_invariants();
        carriers += session->carriers_.size();
    }
    FLARE_INVARIANT(confirmed == of_users, "a user has a session that is gone");
    for (const auto& [id, grave] : tombstones_) {
        FLARE_INVARIANT(!sessions_.contains(id), "a session has ended and lives");
        charged += grave->charge();
    }
    FLARE_INVARIANT(next_sweep_ != kNever || (tombstones_.empty() && expected_.empty()), "nobody looks at what is old");
    for (const auto& session : ended_) {
        FLARE_INVARIANT(session->ended_ && !session->carriers_.empty(),
                        "an ended session is neither closing nor freed");
        FLARE_INVARIANT(!session->timer_.is_linked(), "an ended session has a timer");
        charged += session->check_invariants();
        carriers += session->carriers_.size();
    }
    FLARE_INVARIANT(carriers == by_carrier_.size(), "carriers are counted wrong");
    for (const auto& [key, session] : by_carrier_) {
        FLARE_INVARIANT(session->carrier(key) != nullptr, "a carrier is not its session's");
    }
    budget_.check_invariants();
    return charged;
}

}  // namespace flare::session
