#include "client/im/signal_state.hpp"

#include <utility>

namespace flare::client {

void SignalState::set_away(bool away, SignalDone done) {
    away_ = away;
    if (!owner_.in_session()) return done({});
    owner_.ask(away_call(away), [done = std::move(done)](const Answer& answer) { done(read_signal_done(answer)); });
}

// A session begins as online.
void SignalState::begin_session() {
    if (away_) owner_.ask(away_call(true), [](const Answer&) {});
    presence_.begin();
}

void SignalState::sends_on(session::CarrierKey carrier) {
    if (carrier == session::kNoCarrier) return;
    const session::CarrierKey before = std::exchange(carrier_, carrier);
    if (before != carrier && before != session::kNoCarrier) presence_.moved();
}

void SignalState::on_notice(std::string_view body) {
    const auto notice = wire::im::decode<wire::im::Notice>(body);
    if (!notice) {
        ++unreadable_;
        return;
    }
    for (const auto& each : notice->typing) typing_.on_told(each);
    for (const auto& each : notice->presence) presence_.on_told(each);
}

void SignalState::on_time() {
    typing_.on_time();
    presence_.on_time();
}

}  // namespace flare::client
