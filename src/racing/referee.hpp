// Decides when to measure a protocol that is not in use, and when the session moves to it.
//
// Protocol: docs/racing.md, "When the session moves".
// Threads:  one at a time; no clock.
// Owner:    client::Race.
#pragma once

#include "racing/measurement.hpp"

#include <map>

namespace flare::racing {

class Referee {
public:
    static constexpr double kHysteresis = 1.2;  // a challenger's score must be this much better
    static constexpr std::uint32_t kPatientAttempts = 10;
    static constexpr Duration kLongestWait = std::chrono::minutes(10);

    explicit Referee(Duration interval) : interval_(interval) {}  // racing_interval

    enum class Why : std::uint8_t { first, better, fallback, asked };
    // From now on this protocol carries the session.
    void in_use(Protocol protocol, Why why, TimePoint now);
    // It broke, or was of no use, while it carried the session.
    void failed(Protocol protocol, TimePoint now);
    // While not in use: it could not be connected, or did not answer.
    void unreachable(Protocol protocol, TimePoint now);
    // It was measured; the next time is an interval away.
    void measured(Protocol protocol, TimePoint now);
    // The network is another one: what was held against protocols is forgotten, and measuring begins soon.
    void forget(TimePoint now);

    // When a protocol that is not in use is to be measured next.
    TimePoint measure_at(Protocol protocol) const;
    // How long its probes must be answered before the session may move to it: nothing, unless it has failed in use.
    Duration probation(Protocol protocol) const;
    bool should_move(double in_use, double challenger, TimePoint now) const;
    // No session moves for the sake of a score now, so soon after the last time.
    bool too_early(TimePoint now) const noexcept { return now < settled_until_; }

private:
    struct State {
        TimePoint measure_at = TimePoint::min();
        std::uint32_t unreachable = 0;  // in a row
        std::uint32_t failures = 0;     // in use
        bool on_probation = false;
    };
    const Duration interval_;
    std::map<Protocol, State> states_;
    TimePoint settled_until_ = TimePoint::min();  // no move for the sake of a better score before
};

}  // namespace flare::racing
