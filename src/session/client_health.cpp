// How a client's session judges the carrier in use: does it answer, and in time?
#include "session/client_session_parts.hpp"

#include <algorithm>

// Protocol: docs/racing.md, "When a connection is of no use".

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

}  // namespace

// How long written frames may go without an acknowledgement that moves on.
Duration ClientSession::patience() const {
    return settings_.suspect_early ? expected_answer() : std::max(settings_.retry_delay, expected_answer());
}

Duration ClientSession::expected_answer() const {
    return 2 * (smoothed_round_trip_.value_or(Duration::zero()) + server_ack_delay_) + kRoundTripSlack;
}

TimePoint ClientSession::suspect_at(const CarrierState& active) const {
    if (lane_set_->unacked_since() == kNever || active.suspected) return kNever;
    const TimePoint since = std::max(lane_set_->unacked_since(), patient_from_);
    TimePoint at = since + patience();
    if (settings_.suspect_early && smoothed_round_trip_) {
        // Where batches come often, their absence says more than that of an acknowledgement.
        at = std::min(at, std::max(since, active.heard_at) + quiet_limit(active));
    }
    return at;
}

// How long nothing at all may come.
Duration ClientSession::quiet_limit(const CarrierState& active) const {
    return std::max(kLeastPatience, kQuietRoundTrips * smoothed_round_trip_.value_or(Duration::zero()) +
                                        settings_.min_ack_delay + kQuietGaps * active.heard_gap);
}

void ClientSession::check_suspect(TimePoint now) {
    if (!lane_set_ || active_ == kNoCarrier) return;
    CarrierState* carrier = find(active_);
    if (carrier == nullptr || now < suspect_at(*carrier)) return;
    suspicion_ = {false, carrier->heard_at, lane_set_->unacked_since(), patience()};
    if (settings_.suspect_early && smoothed_round_trip_ &&
        now >= std::max({suspicion_.unacked_since, patient_from_, carrier->heard_at}) + quiet_limit(*carrier)) {
        suspicion_.silent = true;
        suspicion_.limit = quiet_limit(*carrier);
    }
    carrier->suspected = true;
    ++carrier->suspicions;
    // The last repeat has had its time, too.
    const Duration whole = (settings_.retry_count + 1) * settings_.retry_delay;
    std::vector<Outbox::Token> given_up;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.first_sent_at == kNever || entry.acked || entry.retries < settings_.retry_count) return;
        if (!settings_.suspect_early || now - entry.first_sent_at >= whole) given_up.push_back(token);
    });
    const CarrierKey key = active_;
    for (const Outbox::Token token : given_up) {
        Outcome outcome;
        outcome.error = errc::outcome_unknown;
        outcome.text = "no acknowledgement after the agreed number of repeats";
        finish(token, std::move(outcome));
    }
    listener_.on_suspect(key);
}

void ClientSession::note_round_trip(CarrierState& carrier, Duration sample) {
    // RFC 6298 section 2: SRTT <- 7/8 SRTT + 1/8 R.
    carrier.round_trip = carrier.round_trip ? (*carrier.round_trip * 7 + sample) / 8 : sample;
    if (carrier.key == active_) smoothed_round_trip_ = carrier.round_trip;
}

TimePoint ClientSession::heard_at(CarrierKey key) const noexcept {
    const auto found = std::find_if(carriers_.begin(), carriers_.end(), [&](const auto& c) { return c->key == key; });
    return found == carriers_.end() ? kNever : (*found)->heard_at;
}

// An acknowledgement has come on this carrier.
void ClientSession::note_progress(CarrierState& carrier, TimePoint now) {
    if (timed_.seq != 0) {
        const SendLane* lane = lane_set_->send_lane(timed_.lane);
        if (lane == nullptr || lane->acked() >= timed_.seq) timed_.seq = 0;
    }
    if (carrier.key != active_ || !carrier.suspected || carrier.suspicions > kSuspicionsWithdrawn) return;
    const TimePoint since = lane_set_->unacked_since();
    if (since != kNever && since != now) return;  // it has not moved on
    carrier.suspected = false;
    listener_.on_recovered(carrier.key);
}

void ClientSession::time_one(TimePoint now) {
    for (LaneIndex lane = 0; lane < lane_set_->lanes(); ++lane) {
        const SendLane* sent = lane_set_->send_lane(lane);
        if (sent == nullptr || sent->last_numbered() == sent->acked()) continue;
        timed_ = {lane, sent->last_numbered(), now};
        return;
    }
}

TimePoint ClientSession::slow_at() const {
    if (!settings_.suspect_early || timed_.seq == 0 || !smoothed_round_trip_) return kNever;
    const Duration limit = std::max(kLeastSlow, kSlowRoundTrips * *smoothed_round_trip_ + server_ack_delay_);
    const TimePoint at = std::max(timed_.at, patient_from_) + limit;
    return slow_told_at_ == TimePoint::min() ? at : std::max(at, slow_told_at_ + kSlowAgain);
}

// On another connection the session is not known. That may be another server, or a liar; or else the server has been
// started again, and the carriers that are attached lead to nobody. They are asked: one that answers is believed, one
// that is silent is given up, and what becomes of the session is then decided as after any loss of its carrier.
void ClientSession::put_on_trial(TimePoint now) {
    for (const auto& carrier : carriers_) {
        if (carrier->state != State::attached || carrier->on_trial_since != kNever) continue;
        carrier->on_trial_since = now;
        carrier->ping_id = 0;
        carrier->ping_due = true;
        listener_.output_ready(carrier->key);
    }
}

TimePoint ClientSession::condemned_at(const CarrierState& carrier) const {
    if (carrier.on_trial_since == kNever) return kNever;
    return std::max(carrier.on_trial_since, patient_from_) + std::max(settings_.retry_delay, expected_answer());
}

void ClientSession::check_trial(CarrierState& carrier, TimePoint now) {
    if (carrier.state != State::attached || now < condemned_at(carrier)) return;
    const std::string text = "the server knows the session no longer, and nothing comes on this connection";
    close(carrier, errc::connection_lost, text);
    detach(carrier, errc::connection_lost, text, now);
}

void ClientSession::check_slow(TimePoint now) {
    if (!lane_set_ || active_ == kNoCarrier || now < slow_at()) return;
    slow_told_at_ = now;
    listener_.on_slow(active_, now - timed_.at);
}

// What could not be read while this process did not run is not the carrier's fault.
void ClientSession::note_oversleeping(TimePoint now) {
    const TimePoint due = next_deadline();
    const bool on_trial = std::any_of(carriers_.begin(), carriers_.end(),
                                      [](const auto& each) { return each->on_trial_since != kNever; });
    if ((settings_.suspect_early || on_trial) && due != TimePoint::min() && due != kNever && now - due > kOverslept)
        patient_from_ = now;
}

std::uint64_t ClientSession::probe(CarrierKey key, std::size_t padding) {
    CarrierState* carrier = find(key);
    if (carrier == nullptr || carrier->state != State::attached || carrier->probes.size() >= kMaxProbes) return 0;
    const std::uint64_t id = random_.next_u64() | 1;
    carrier->probes.push_back({id, padding, kNever});
    listener_.output_ready(key);
    return id;
}

// ---- heartbeats ----

void ClientSession::on_alive(CarrierKey key, TimePoint now) {
    CarrierState* carrier = find(key);
    if (carrier == nullptr || carrier->state != State::attached) return;
    carrier->heard_at = now;
    carrier->missed = 0;
}

void ClientSession::handle_pong(CarrierState& carrier, const wire::Ping& pong, TimePoint now) {
    const auto probe = std::find_if(carrier.probes.begin(), carrier.probes.end(),
                                    [&](const auto& open) { return open.id == pong.id; });
    if (probe != carrier.probes.end()) {
        if (probe->padding == 0) note_round_trip(carrier, now - probe->written_at);
        carrier.probes.erase(probe);
        return listener_.on_probe(carrier.key, pong.id);
    }
    if (pong.id != carrier.ping_id || carrier.ping_id == 0) return;  // an answer to a ping given up
    carrier.ping_id = 0;
    const Duration round_trip = now - carrier.ping_sent_at;
    note_round_trip(carrier, round_trip);
    listener_.on_heartbeat(carrier.key, round_trip);
}

void ClientSession::check_heartbeat(CarrierState& carrier, TimePoint now) {
    if (carrier.state != State::attached) return;
    bool dead = now - carrier.heard_at >= settings_.heartbeat_timeout;
    if (!dead && now >= carrier.next_ping_at) {
        if (carrier.ping_id != 0 && carrier.heard_at <= carrier.ping_sent_at)
            dead = ++carrier.missed >= settings_.max_missed_heartbeats;
        carrier.next_ping_at = now + agreed_.heartbeat_interval;
        carrier.ping_id = 0;
        carrier.ping_due = true;
        if (!dead) listener_.output_ready(carrier.key);
    }
    if (!dead) return;
    const std::string text = "nothing was heard from the server within the heartbeat time-out";
    close(carrier, errc::heartbeat_timeout, text);
    detach(carrier, errc::heartbeat_timeout, text, now);
}

}  // namespace flare::session
