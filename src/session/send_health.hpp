// Does the carrier in use answer, and in time? What is measured of carriers, and what follows from it: suspicion, word
// of slowness, the end of a silent one. It decides; ClientSession acts.
//
// Protocol: docs/racing.md, "Failure detection"; docs/protocol.md, "Liveness".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/client_settings.hpp"

#include <optional>

namespace flare::session {

// What a transport has to say of a peer that has said nothing itself.
enum class Sign : std::uint8_t {
    lives,        // it is not given up for silence
    unreachable,  // the network says so, and may be wrong: it is asked, and given up if it stays silent
};

// What is known of one carrier.
struct CarrierHealth {
    // Something has come on it.
    void heard(TimePoint now) noexcept {
        heard_gap = (heard_gap * 7 + (now - heard_at)) / 8;
        on_trial_since = kNever;
        lives(now);
    }
    void lives(TimePoint now) noexcept {
        heard_at = now;
        missed = 0;
    }
    // A ping is to be written, and no earlier one counts.
    void ask() noexcept {
        ping_id = 0;
        ping_due = true;
    }
    // It has to answer from here on, or is given up. False: it has to already.
    bool put_on_trial(TimePoint now) noexcept {
        if (on_trial_since != kNever) return false;
        on_trial_since = now;
        unreachable = false;
        ask();
        return true;
    }
    // The network says that nobody is there. True: it is on trial for that. Whoever forges such word makes it ask once
    // a second.
    bool doubt(TimePoint now) noexcept;
    // It takes this sample for the round trip.
    void note_round_trip(Duration sample) noexcept;

    TimePoint heard_at{};
    Duration heard_gap{0};               // smoothed time between batches
    std::optional<Duration> round_trip;  // smoothed
    bool suspected = false;
    bool ping_due = false;
    std::uint32_t suspicions = 0;
    std::uint32_t missed = 0;
    std::uint64_t ping_id = 0;  // 0: none outstanding
    TimePoint ping_sent_at{};
    TimePoint next_ping_at = kNever;
    TimePoint on_trial_since = kNever;  // it leads to nobody, somebody says; nothing came since
    bool unreachable = false;           // on trial: it was the network that said so; else the server, elsewhere
    TimePoint doubted_at = kNever;
};

// What speaks against the carrier in use.
struct Suspicion {
    bool silent = false;        // nothing at all has come for `limit`; else something has, but no acknowledgement
    TimePoint heard_at{};       // the last batch
    TimePoint unacked_since{};  // frames wait for an acknowledgement that moves on
    Duration limit{0};
};

class SendHealth {
public:
    SendHealth(const ClientSettings& settings, const ClientAgreement& agreed) : settings_(settings), agreed_(agreed) {}

    // Another carrier sends from here on.
    void use(const CarrierHealth& carrier) noexcept {
        if (carrier.round_trip) round_trip_ = carrier.round_trip;
        timed_.seq = 0;
    }
    void note_round_trip(CarrierHealth& carrier, Duration sample, bool in_use) noexcept {
        carrier.note_round_trip(sample);
        if (in_use) round_trip_ = carrier.round_trip;
    }
    std::optional<Duration> round_trip() const noexcept { return round_trip_; }

    // ---- the carrier in use; there are lanes ----
    // Frames were written: one of them is timed, if none is.
    void note_written(TimePoint now) noexcept;
    // An acknowledgement has come.
    void note_acknowledged() noexcept;
    // It has moved on, and the suspicion is withdrawn.
    bool recovers(CarrierHealth& carrier, TimePoint now) const noexcept;
    // It is suspected from here on: suspicion() says why.
    bool suspects(CarrierHealth& carrier, TimePoint now) noexcept;
    TimePoint suspect_at(const CarrierHealth& carrier) const noexcept;
    const Suspicion& suspicion() const noexcept { return suspicion_; }
    // Acknowledgements come much later than the round trip explains; true every few seconds. slow_for(): how late.
    bool is_slow(TimePoint now) noexcept;
    TimePoint slow_at() const noexcept;
    Duration slow_for(TimePoint now) const noexcept { return now - timed_.at; }

    // ---- any carrier ----
    // It has been silent for so long that it is given up; else a ping may be due.
    bool is_dead(CarrierHealth& carrier, TimePoint now) const noexcept;
    bool is_condemned(const CarrierHealth& carrier, TimePoint now) const noexcept {
        return now >= condemned_at(carrier);
    }
    // When a carrier that is attached is to be looked at next.
    TimePoint next_deadline(const CarrierHealth& carrier) const noexcept;

    // ---- this process ----
    // It wakes, and should have at `due`: what could not be read while it did not run is not the carrier's fault.
    void wake(TimePoint now, TimePoint due, bool on_trial) noexcept;
    TimePoint woken_at() const noexcept { return woken_at_; }

private:
    Duration patience() const noexcept;
    Duration expected_answer() const noexcept;
    Duration quiet_limit(const CarrierHealth& carrier) const noexcept;
    TimePoint condemned_at(const CarrierHealth& carrier) const noexcept;

    const ClientSettings& settings_;
    const ClientAgreement& agreed_;
    std::optional<Duration> round_trip_;
    TimePoint woken_at_ = TimePoint::min();
    TimePoint patient_from_ = TimePoint::min();  // nothing is held against the time before: this process slept
    // One numbered frame whose acknowledgement is timed; seq 0: none.
    struct Timed {
        LaneIndex lane = 0;
        Seq seq = 0;
        TimePoint at{};
    };
    Timed timed_;
    TimePoint slow_told_at_ = TimePoint::min();
    Suspicion suspicion_;
};

}  // namespace flare::session
