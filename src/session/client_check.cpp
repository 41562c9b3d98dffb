// What must hold of a ClientSession between two calls: FLARE_INVARIANT, for tests and the simulator.
#include "base/assert.hpp"
#include "session/client_session.hpp"

#include <set>

namespace flare::session {

void ClientGoodbye::check_invariants() const {
    FLARE_INVARIANT(!disconnecting_ || deadline_ != kNever, "a goodbye has no end");
    FLARE_INVARIANT(!last_ack_due_ || theirs_, "the session ends and nobody has said so");
}

void ClientSession::check_invariants() const {
    const LaneSet* const lanes = agreed_.lanes.get();
    FLARE_INVARIANT((lanes != nullptr) == agreed_.id.has_value(), "a session without lanes, or lanes without one");
    FLARE_INVARIANT(lanes != nullptr || !can_resume(), "a ticket is left of a session that is gone");
    carriers_.check_invariants(lanes != nullptr);
    goodbye_.check_invariants();
    inbound_.check_invariants();
    budget_.check_invariants();
    std::set<std::uint64_t> in_lanes;
    if (lanes != nullptr) lanes->check_invariants([&](std::uint64_t token) { in_lanes.insert(token); });
    const auto in_a_lane = [&](std::uint64_t token) { return in_lanes.contains(token); };
    outgoing_.check_invariants(in_a_lane);
    requests_.check_invariants(in_a_lane);
}

}  // namespace flare::session
