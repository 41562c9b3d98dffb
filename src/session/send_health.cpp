#include "session/send_health.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr Duration kRoundTripSlack = std::chrono::milliseconds(10);
constexpr Duration kLeastPatience = std::chrono::milliseconds(100);
constexpr int kQuietRoundTrips = 3;
constexpr int kQuietGaps = 8;
constexpr Duration kLeastSlow = std::chrono::milliseconds(500);
constexpr int kSlowRoundTrips = 6;
constexpr Duration kSlowAgain = std::chrono::seconds(3);
constexpr Duration kOverslept = std::chrono::milliseconds(100);
constexpr std::uint32_t kSuspicionsWithdrawn = 3;
constexpr Duration kDoubtsApart = std::chrono::seconds(1);

}  // namespace

void CarrierHealth::note_round_trip(Duration sample) noexcept {
    // RFC 6298 section 2: SRTT <- 7/8 SRTT + 1/8 R.
    round_trip = round_trip ? (*round_trip * 7 + sample) / 8 : sample;
}

bool CarrierHealth::doubt(TimePoint now) noexcept {
    if (doubted_at != kNever && now - doubted_at < kDoubtsApart) return false;
    if (!put_on_trial(now)) return false;
    doubted_at = now;
    unreachable = true;
    return true;
}

// How long written frames may go without an acknowledgement that moves on.
Duration SendHealth::patience() const noexcept {
    return settings_.suspect_early ? expected_answer() : std::max(settings_.retry_delay, expected_answer());
}

Duration SendHealth::expected_answer() const noexcept {
    return 2 * (round_trip_.value_or(Duration::zero()) + agreed_.ack_delay) + kRoundTripSlack;
}

// How long nothing at all may come.
Duration SendHealth::quiet_limit(const CarrierHealth& carrier) const noexcept {
    return std::max(kLeastPatience, kQuietRoundTrips * round_trip_.value_or(Duration::zero()) +
                                        settings_.min_ack_delay + kQuietGaps * carrier.heard_gap);
}

TimePoint SendHealth::suspect_at(const CarrierHealth& carrier) const noexcept {
    const TimePoint unacked_since = agreed_.lanes->unacked_since();
    if (unacked_since == kNever || carrier.suspected) return kNever;
    const TimePoint since = std::max(unacked_since, patient_from_);
    TimePoint at = since + patience();
    if (settings_.suspect_early && round_trip_) {
        // Where batches come often, their absence says more than that of an acknowledgement.
        at = std::min(at, std::max(since, carrier.heard_at) + quiet_limit(carrier));
    }
    return at;
}

bool SendHealth::suspects(CarrierHealth& carrier, TimePoint now) noexcept {
    if (now < suspect_at(carrier)) return false;
    suspicion_ = {false, carrier.heard_at, agreed_.lanes->unacked_since(), patience()};
    if (settings_.suspect_early && round_trip_ &&
        now >= std::max({suspicion_.unacked_since, patient_from_, carrier.heard_at}) + quiet_limit(carrier)) {
        suspicion_.silent = true;
        suspicion_.limit = quiet_limit(carrier);
    }
    carrier.suspected = true;
    ++carrier.suspicions;
    return true;
}

bool SendHealth::recovers(CarrierHealth& carrier, TimePoint now) const noexcept {
    if (!carrier.suspected || carrier.suspicions > kSuspicionsWithdrawn) return false;
    const TimePoint since = agreed_.lanes->unacked_since();
    if (since != kNever && since != now) return false;  // it has not moved on
    carrier.suspected = false;
    return true;
}

void SendHealth::note_written(TimePoint now) noexcept {
    if (timed_.seq != 0 || !settings_.suspect_early) return;
    for (LaneIndex lane = 0; lane < agreed_.lanes->lanes(); ++lane) {
        const SendLane* const sent = agreed_.lanes->send_lane(lane);
        if (sent == nullptr || sent->last_numbered() == sent->acked()) continue;
        timed_ = {lane, sent->last_numbered(), now};
        return;
    }
}

void SendHealth::note_acknowledged() noexcept {
    if (timed_.seq == 0) return;
    const SendLane* const lane = agreed_.lanes->send_lane(timed_.lane);
    if (lane == nullptr || lane->acked() >= timed_.seq) timed_.seq = 0;
}

TimePoint SendHealth::slow_at() const noexcept {
    if (!settings_.suspect_early || timed_.seq == 0 || !round_trip_) return kNever;
    const Duration limit = std::max(kLeastSlow, kSlowRoundTrips * *round_trip_ + agreed_.ack_delay);
    const TimePoint at = std::max(timed_.at, patient_from_) + limit;
    return slow_told_at_ == TimePoint::min() ? at : std::max(at, slow_told_at_ + kSlowAgain);
}

bool SendHealth::is_slow(TimePoint now) noexcept {
    if (now < slow_at()) return false;
    slow_told_at_ = now;
    return true;
}

bool SendHealth::is_dead(CarrierHealth& carrier, TimePoint now) const noexcept {
    if (now - carrier.heard_at >= settings_.heartbeat_timeout) return true;
    if (now < carrier.next_ping_at) return false;
    const bool missed = carrier.ping_id != 0 && carrier.heard_at <= carrier.ping_sent_at;
    const bool dead = missed && ++carrier.missed >= settings_.max_missed_heartbeats;
    carrier.next_ping_at = now + agreed_.settings.heartbeat_interval;
    carrier.ask();
    return dead;
}

TimePoint SendHealth::condemned_at(const CarrierHealth& carrier) const noexcept {
    if (carrier.on_trial_since == kNever) return kNever;
    return std::max(carrier.on_trial_since, patient_from_) + std::max(settings_.retry_delay, expected_answer());
}

TimePoint SendHealth::next_deadline(const CarrierHealth& carrier) const noexcept {
    return std::min({carrier.next_ping_at, carrier.heard_at + settings_.heartbeat_timeout, condemned_at(carrier)});
}

void SendHealth::wake(TimePoint now, TimePoint due, bool on_trial) noexcept {
    if ((settings_.suspect_early || on_trial) && due != TimePoint::min() && due != kNever && now - due > kOverslept)
        patient_from_ = now;
    woken_at_ = now;
}

}  // namespace flare::session
