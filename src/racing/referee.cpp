#include "racing/referee.hpp"

#include <algorithm>

namespace flare::racing {

void Referee::in_use(Protocol protocol, Why why, TimePoint now) {
    State& state = states_[protocol];
    state.unreachable = 0;
    state.on_probation = false;
    // After a fallback only the probation holds the session back from its better protocol.
    if (why == Why::better || why == Why::asked) settled_until_ = now + interval_;
}

void Referee::failed(Protocol protocol, TimePoint now) {
    State& state = states_[protocol];
    ++state.failures;
    state.on_probation = true;
    state.unreachable = 0;
    state.measure_at = now + interval_ / 6;
}

void Referee::unreachable(Protocol protocol, TimePoint now) {
    State& state = states_[protocol];
    ++state.unreachable;
    // One that was good lately is tried often, so that it is back within the interval; then ever more rarely.
    Duration wait = state.on_probation && state.unreachable <= kPatientAttempts ? interval_ / 6 : interval_;
    const std::uint32_t patient = state.on_probation ? kPatientAttempts : 1;
    for (std::uint32_t i = patient; i < state.unreachable && wait < kLongestWait; ++i) wait *= 2;
    state.measure_at = now + std::min(wait, std::max(kLongestWait, interval_));
}

void Referee::measured(Protocol protocol, TimePoint now) {
    State& state = states_[protocol];
    state.unreachable = 0;
    state.measure_at = now + interval_;
}

void Referee::forget(TimePoint now) {
    for (auto& [protocol, state] : states_) state = State{now, 0, 0, false};
}

TimePoint Referee::measure_at(Protocol protocol) const {
    const auto found = states_.find(protocol);
    return found == states_.end() ? TimePoint::min() : found->second.measure_at;
}

Duration Referee::probation(Protocol protocol) const {
    const auto found = states_.find(protocol);
    if (found == states_.end() || !found->second.on_probation) return {};
    return interval_ / 3;
}

bool Referee::should_move(double in_use, double challenger, TimePoint now) const {
    return !too_early(now) && challenger > kHysteresis * in_use;
}

}  // namespace flare::racing
