#include "session/client_watch.hpp"

#include <algorithm>
#include <vector>

namespace flare::session {

TimePoint ClientWatch::next_deadline() const {
    const LaneSet* const lanes = parts_.agreed.lanes.get();
    const SendHealth& health = parts_.health;
    if (parts_.goodbye.last_ack_due() && lanes != nullptr && !lanes->ack_pending()) return TimePoint::min();
    TimePoint next =
        std::min({parts_.goodbye.deadline(), parts_.outgoing.next_deadline(), parts_.requests.next_deadline()});
    if (!parts_.goodbye.disconnecting()) next = std::min(next, parts_.outgoing.again_at());
    for (const auto& carrier : parts_.carriers) {
        if (carrier->attached()) next = std::min(next, health.next_deadline(carrier->health));
    }
    if (lanes == nullptr || !parts_.carriers.sends()) return next;
    // A due ack that output_ready() was called for waits for the carrier to take it: no deadline any more.
    if (lanes->next_deadline() > health.woken_at()) next = std::min(next, lanes->next_deadline());
    if (const ClientCarrier* const active = parts_.carriers.find(parts_.carriers.active()))
        next = std::min({next, health.suspect_at(active->health), health.slow_at()});
    return next;
}

void ClientWatch::on_time(TimePoint now) {
    const bool on_trial = std::any_of(parts_.carriers.begin(), parts_.carriers.end(),
                                      [](const auto& each) { return each->health.on_trial_since != kNever; });
    parts_.health.wake(now, next_deadline(), on_trial);
    check_carriers(now);
    check_active(now);
    // Behind a goodbye nothing gets a number.
    if (!parts_.goodbye.disconnecting() && parts_.outgoing.send_what_waits(now)) parts_.life.notify_output(now);
    parts_.outgoing.give_up_waiting(now);
    parts_.requests.on_time(now);
    parts_.life.settle_goodbye(now);
    const CarrierKey active = parts_.carriers.active();
    if (parts_.agreed.lanes && active != kNoCarrier && parts_.agreed.lanes->has_output(now))
        parts_.listener.output_ready(active);
}

// One that is dropped changes which there are.
void ClientWatch::check_carriers(TimePoint now) {
    std::vector<CarrierKey> keys;
    for (const auto& carrier : parts_.carriers) keys.push_back(carrier->key);
    for (const CarrierKey key : keys) check_carrier(key, now);
}

void ClientWatch::check_carrier(CarrierKey key, TimePoint now) {
    ClientCarrier* const carrier = parts_.carriers.attached_one(key);
    if (carrier == nullptr) return;
    const TimePoint asked = carrier->health.next_ping_at;
    if (parts_.health.is_dead(carrier->health, now)) {
        const std::string text = "nothing was heard from the server within the heartbeat time-out";
        return parts_.life.drop(*carrier, errc::heartbeat_timeout, text, now);
    }
    if (carrier->health.next_ping_at != asked) parts_.listener.output_ready(key);
    if (parts_.carriers.attached_one(key) == carrier && parts_.health.is_condemned(carrier->health, now)) {
        const std::string text = carrier->health.unreachable
                                     ? "nobody listens at the server's address any more, says the network, and nothing "
                                       "comes on this connection"
                                     : "the server knows the session no longer, and nothing comes on this connection";
        parts_.life.drop(*carrier, errc::connection_lost, text, now);
    }
}

void ClientWatch::check_active(TimePoint now) {
    const CarrierKey active = parts_.carriers.active();
    ClientCarrier* const carrier = parts_.carriers.find(active);
    if (carrier != nullptr && parts_.agreed.lanes && parts_.health.suspects(carrier->health, now)) {
        parts_.outgoing.give_up_repeating(now);
        parts_.listener.on_suspect(active);
    }
    if (parts_.agreed.lanes && parts_.carriers.sends() && parts_.health.is_slow(now))
        parts_.listener.on_slow(parts_.carriers.active(), parts_.health.slow_for(now));
}

}  // namespace flare::session
