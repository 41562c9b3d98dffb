// What must hold of a ClientSession between two calls: FLARE_INVARIANT, for tests and the simulator.
#include "base/assert.hpp"
#include "session/client_carrier.hpp"

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
    std::set<CarrierKey> keys;
    for (const auto& carrier : carriers_) {
        FLARE_INVARIANT(keys.insert(carrier->key).second, "a carrier is attached twice");
        FLARE_INVARIANT(carrier->state != Carrier::State::closing, "a carrier was closed and stays");
        FLARE_INVARIANT(!carrier->attached() || lanes != nullptr, "a carrier is attached to no session");
        FLARE_INVARIANT(carrier->activate_epoch <= epoch_ && carrier->first_epoch <= epoch_, "an epoch comes again");
        FLARE_INVARIANT(carrier->probes.size() <= kMaxProbes, "more probes are open than may be");
        FLARE_INVARIANT(carrier->key != active_ || carrier->attached(), "it sends and was not welcomed");
    }
    FLARE_INVARIANT(active_ == kNoCarrier || keys.contains(active_), "a carrier sends that is not attached");
    goodbye_.check_invariants();
    seen_.check_invariants();
    budget_.check_invariants();
    std::set<std::uint64_t> in_lanes;
    if (lanes != nullptr) lanes->check_invariants([&](std::uint64_t token) { in_lanes.insert(token); });
    outgoing_.check_invariants([&](std::uint64_t token) { return in_lanes.contains(token); });
}

}  // namespace flare::session
