#include "session/client_life.hpp"

#include "session/planted.hpp"

namespace flare::session {

// ---- its carriers ----

void ClientLife::make_active(ClientCarrier& carrier, TimePoint now) {
    const bool repeats = parts_.carriers.send_on(carrier);
    parts_.outgoing.go_online(now);
    parts_.credential.say_again();
    parts_.health.use(carrier.health);
    parts_.goodbye.say_again();
    if (repeats) repeat_unacknowledged(now);
}

void ClientLife::repeat_unacknowledged(TimePoint now) {
    parts_.agreed.lanes->rewind(now);
    parts_.outgoing.note_repeat();
}

void ClientLife::close(ClientCarrier& carrier, errc code, const std::string& text) {
    carrier.state = ClientCarrier::State::closing;
    parts_.listener.close_carrier(carrier.key, code, text);
}

void ClientLife::drop(ClientCarrier& carrier, errc code, const std::string& text, TimePoint now) {
    const CarrierKey key = carrier.key;
    close(carrier, code, text);
    detach(key, code, text, now);
}

void ClientLife::drop_carriers(errc code, const std::string& text, TimePoint now) {
    const auto dropped = parts_.carriers.take_all();
    parts_.outgoing.go_offline(now);
    for (const auto& carrier : dropped) parts_.listener.close_carrier(carrier->key, code, text);
}

void ClientLife::detach(CarrierKey key, errc reason, const std::string& text, TimePoint now) {
    const bool was_active = key == parts_.carriers.active();
    parts_.carriers.remove(key);
    if (!was_active) return;
    parts_.outgoing.go_offline(now);
    if (planted(Fault::standby_never_takes_over)) return;
    if (ClientCarrier* const successor = parts_.carriers.newest_attached(); successor != nullptr) {
        const CarrierKey successor_key = successor->key;
        make_active(*successor, now);
        parts_.listener.on_ready(successor_key, true);
        if (parts_.carriers.find(successor_key) != nullptr) parts_.listener.output_ready(successor_key);
        return;
    }
    // A goodbye without a code, say: to lose a connection is never "nothing is wrong".
    parts_.listener.on_detached(reason == errc::ok ? errc::closed_by_peer : reason, text);
    settle_goodbye(now);
}

void ClientLife::notify_output(TimePoint now) {
    const LaneSet* const lanes = parts_.agreed.lanes.get();
    for (const auto& carrier : parts_.carriers) {
        if (!carrier->attached()) continue;
        const bool sends = carrier->key == parts_.carriers.active();
        const bool control = carrier->has_output() || (parts_.credential.due() && sends);
        const bool numbered = sends && lanes != nullptr && (lanes->has_output(now) || parts_.goodbye.due());
        if (control || numbered) parts_.listener.output_ready(carrier->key);
    }
}

// ---- its end ----

GapReport ClientLife::report_gap(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap) const {
    GapReport report;
    report.reason = reason;
    report.text = text;
    LaneSet* const lanes = parts_.agreed.lanes.get();
    for (LaneIndex i = 0; lanes != nullptr && i < lanes->lanes(); ++i) {
        GapReport::Lane lane;
        lane.lane = i;
        if (const SendLane* const send = lanes->send_lane(i)) {
            lane.sent = send->last_numbered();
            lane.acked = send->acked();
        }
        lane.received = lanes->received(i);
        if (gap) {
            lane.exact = true;
            for (const wire::LaneGap& known : *gap) {
                if (known.lane != i) continue;
                lane.server_received = known.server_received;
                lane.server_sent = known.server_sent;
            }
        }
        report.lanes.push_back(lane);
    }
    report.resent = parts_.outgoing.open();
    return report;
}

void ClientLife::lose_session(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap,
                              TimePoint now) {
    const GapReport report = report_gap(reason, text, gap);
    parts_.outgoing.leave_open();
    forget_session();
    parts_.carriers.stop_sending();
    parts_.outgoing.go_offline(now);
    if (!planted(Fault::gap_not_reported)) parts_.listener.on_gap(report);
}

void ClientLife::give_up(errc reason, const std::string& text, TimePoint now) {
    if (!parts_.agreed.lanes) return;
    const bool attached_elsewhere = parts_.carriers.attached();
    drop_carriers(reason, text, now);
    lose_session(reason, text, std::nullopt, now);
    if (attached_elsewhere) parts_.listener.on_detached(reason, text);
    settle_goodbye(now);  // there is nobody left to say goodbye to
}

void ClientLife::disconnect(TimePoint now) {
    if (!parts_.goodbye.begin(now + parts_.settings.goodbye_limit)) return;
    settle_goodbye(now);
    notify_output(now);
}

void ClientLife::hear_goodbye(const wire::Goodbye& goodbye, TimePoint now) {
    parts_.goodbye.hear(goodbye, now + parts_.settings.goodbye_limit);
    settle_goodbye(now);
}

void ClientLife::settle_goodbye(TimePoint now) {
    ClientGoodbye& goodbye = parts_.goodbye;
    if (!goodbye.disconnecting() && !goodbye.heard()) return;
    LaneSet* const lanes = parts_.agreed.lanes.get();
    const bool complete = goodbye.heard_all(lanes) || goodbye.is_over(now) || !parts_.carriers.attached();
    if (goodbye.disconnecting()) {
        if (complete) complete_disconnect(now);
    } else if (lanes != nullptr && complete) {
        // Tell the server that all has arrived; then the session is over.
        lanes->hurry_acks(now);
        if (parts_.carriers.sends() && lanes->ack_pending() && !goodbye.is_over(now)) {
            goodbye.wait_for_last_ack(true);
            parts_.listener.output_ready(parts_.carriers.active());
        } else {
            complete_theirs(now);
        }
    }
}

void ClientLife::complete_disconnect(TimePoint now) {
    const bool drained = parts_.goodbye.heard_all(parts_.agreed.lanes.get()) && parts_.outgoing.size() == 0;
    (void)parts_.goodbye.complete();
    parts_.outgoing.leave_open();
    drop_carriers(errc::ok, "disconnect", now);
    forget_session();
    parts_.tickets.forget_kept();
    parts_.listener.on_disconnected(drained);
}

void ClientLife::complete_theirs(TimePoint now) {
    const wire::Goodbye goodbye = *parts_.goodbye.complete();
    drop_carriers(errc::ok, goodbye.text, now);
    drained_ = parts_.agreed.lanes->received_all(goodbye.final);
    const bool orderly = goodbye.code == errc::shutting_down;
    if (orderly || goodbye.code == errc::session_ended) parts_.tickets.keep();
    if (orderly && drained_) {
        parts_.outgoing.unsend();
        parts_.requests.unsend();
    }
    if (!drained_ || parts_.outgoing.any_open()) {
        const errc reason = goodbye.code == errc::ok ? errc::session_ended : goodbye.code;
        lose_session(reason, goodbye.text, gap_after(goodbye), now);
    } else {
        forget_session();
    }
    parts_.listener.on_ended(goodbye.code, goodbye.text, goodbye.retry_after_ms);
}

// The goodbye has acknowledged what the server had, and says what it has sent.
wire::LaneGaps ClientLife::gap_after(const wire::Goodbye& goodbye) const {
    LaneSet& lanes = *parts_.agreed.lanes;
    wire::LaneGaps known;
    for (LaneIndex i = 0; i < lanes.lanes(); ++i) {
        const SendLane* const send = lanes.send_lane(i);
        known.push_back({i, send == nullptr ? 0 : send->acked(), lanes.received(i)});
    }
    for (const wire::LaneState& last : goodbye.final) {
        if (last.lane < known.size()) known[last.lane].server_sent = last.received;
    }
    return known;
}

void ClientLife::forget_session() {
    parts_.credential.leave_session();
    parts_.agreed.lanes.reset();
    parts_.agreed.id.reset();
    parts_.tickets.forget();
    parts_.goodbye.lose_session();
    parts_.requests.leave_session();
}

}  // namespace flare::session
