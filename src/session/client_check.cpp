// What must hold of a ClientSession between two calls: FLARE_INVARIANT, for tests and the simulator.
#include "base/assert.hpp"
#include "session/client_session_parts.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <set>

namespace flare::session {

void ClientSession::check_invariants() const {
    FLARE_INVARIANT((lane_set_ != nullptr) == id_.has_value(), "a session without lanes, or lanes without one");
    FLARE_INVARIANT(lane_set_ || ticket_.empty(), "a ticket is left of a session that is gone");
    std::set<CarrierKey> keys;
    for (const auto& carrier : carriers_) {
        FLARE_INVARIANT(keys.insert(carrier->key).second, "a carrier is attached twice");
        FLARE_INVARIANT(carrier->state != State::closing, "a carrier was closed and stays");
        FLARE_INVARIANT(carrier->state != State::attached || lane_set_, "a carrier is attached to no session");
        FLARE_INVARIANT(carrier->activate_epoch <= epoch_ && carrier->first_epoch <= epoch_, "an epoch comes again");
        FLARE_INVARIANT(carrier->probes.size() <= kMaxProbes, "more probes are open than may be");
        FLARE_INVARIANT(carrier->key != active_ || carrier->state == State::attached, "it sends and was not welcomed");
    }
    FLARE_INVARIANT(active_ == kNoCarrier || keys.contains(active_), "a carrier sends that is not attached");
    FLARE_INVARIANT(!disconnecting_ || goodbye_deadline_ != kNever, "a goodbye has no end");
    FLARE_INVARIANT(!ending_ || peer_goodbye_, "the session ends and nobody has said so");
    for (const auto& [to, until] : busy_) FLARE_INVARIANT(busy_until_ <= until, "what was busy is looked at too late");
    outbox_.check_invariants();
    seen_.check_invariants();
    budget_.check_invariants();
    std::set<std::uint64_t> in_lanes;
    if (lane_set_) lane_set_->check_invariants([&](std::uint64_t token) { in_lanes.insert(token); });
    outbox_.for_each([&](Outbox::Token token, const Outbox::Entry& entry) {
        FLARE_INVARIANT(!entry.parked || busy_.contains(entry.to), "it waits for a target that is not busy");
        FLARE_INVARIANT(!entry.parked || !in_lanes.contains(token), "it waits, and is in a lane");
        FLARE_INVARIANT(!lane_set_ || entry.acked || in_lanes.contains(token), "a message is in no lane");
        FLARE_INVARIANT(!entry.awaited || active_ != kNoCarrier || give_up_waiting_at_ <= waits_until(entry),
                        "a call waits for ever");
    });
}

}  // namespace flare::session
