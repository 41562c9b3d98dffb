// How a client's session ends: lost, said goodbye to, or ended by the server.
#include "session/client_session_parts.hpp"

#include "session/planted.hpp"

#include <algorithm>

namespace flare::session {

void ClientSession::lose_session(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap,
                                 TimePoint now) {
    GapReport report;
    report.reason = reason;
    report.text = text;
    if (lane_set_) {
        for (LaneIndex i = 0; i < lane_set_->lanes(); ++i) {
            GapReport::Lane lane;
            lane.lane = i;
            if (const SendLane* send = lane_set_->send_lane(i)) {
                lane.sent = send->last_numbered();
                lane.acked = send->acked();
            }
            lane.received = lane_set_->received(i);
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
    }
    std::vector<Outbox::Token> forgotten;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.first_sent_at == kNever) return;
        if (planted(Fault::outbox_forgets_on_loss)) {
            forgotten.push_back(token);
            return;
        }
        report.resent.push_back(entry.id);
    });
    for (const Outbox::Token token : forgotten) outbox_.erase(token);
    leave_open();
    inbound_->now = now;
    forget_session();
    nothing_sends();
    if (!planted(Fault::gap_not_reported)) listener_.on_gap(report);
}

// A frame has come whose number counts and whose content cannot be had: resuming would pass over it in silence.
void ClientSession::give_session_up(errc reason, const std::string& text, TimePoint now) {
    if (!lane_set_) return;
    const bool attached_elsewhere = attached();
    drop_carriers(reason, text);
    lose_session(reason, text, std::nullopt, now);
    if (attached_elsewhere) listener_.on_detached(reason, text);
    settle_disconnect(now);  // there is nobody left to say goodbye to
}

void ClientSession::disconnect(TimePoint now) {
    inbound_->now = now;
    if (disconnecting_) return;
    disconnecting_ = true;
    goodbye_sent_ = false;
    goodbye_deadline_ = now + settings_.goodbye_limit;
    settle_disconnect(now);
    notify_output();
}

// Both ways to the end: we said goodbye and wait for the server's, or the server said it.
void ClientSession::settle_disconnect(TimePoint now) {
    if (disconnecting_) {
        const bool answered = peer_goodbye_ && lane_set_ && lane_set_->received_all(peer_goodbye_->final);
        if (!answered && attached() && now < goodbye_deadline_) return;
        disconnecting_ = false;
        goodbye_deadline_ = kNever;
        peer_goodbye_.reset();
        const bool drained = answered && outbox_.size() == 0;
        leave_open();
        drop_carriers(errc::ok, "disconnect");
        forget_session();
        forget_kept_ticket();
        listener_.on_disconnected(drained);
        return;
    }
    if (!peer_goodbye_ || !lane_set_) return;
    if (!lane_set_->received_all(peer_goodbye_->final) && now < goodbye_deadline_ && attached()) return;
    // Tell the server that all has arrived; then the session is over.
    lane_set_->hurry_acks(now);
    if (active_ != kNoCarrier && lane_set_->ack_pending() && now < goodbye_deadline_) {
        ending_ = true;
        listener_.output_ready(active_);
        return;
    }
    ending_ = false;
    goodbye_deadline_ = kNever;
    const wire::Goodbye goodbye = *peer_goodbye_;
    peer_goodbye_.reset();
    drop_carriers(errc::ok, goodbye.text);
    drained_ = lane_set_->received_all(goodbye.final);
    const bool orderly = goodbye.code == errc::shutting_down;
    if (orderly || goodbye.code == errc::session_ended) keep_ticket();
    if (orderly && drained_) unsend();
    bool open = !drained_;
    outbox_.for_each([&](Outbox::Token, Outbox::Entry& entry) { open = open || entry.first_sent_at != kNever; });
    if (open) {
        wire::LaneGaps known;  // the goodbye has acknowledged what the server had
        for (LaneIndex i = 0; i < lane_set_->lanes(); ++i) {
            const SendLane* send = lane_set_->send_lane(i);
            known.push_back({i, send == nullptr ? 0 : send->acked(), lane_set_->received(i)});
        }
        for (const wire::LaneState& last : goodbye.final) {
            if (last.lane < known.size()) known[last.lane].server_sent = last.received;
        }
        lose_session(goodbye.code == errc::ok ? errc::session_ended : goodbye.code, goodbye.text, known, now);
    } else {
        forget_session();
    }
    listener_.on_ended(goodbye.code, goodbye.text, goodbye.retry_after_ms);
}

void ClientSession::drop_carriers(errc code, const std::string& text) {
    const auto dropped = std::move(carriers_);
    carriers_.clear();
    nothing_sends();
    for (const auto& carrier : dropped) listener_.close_carrier(carrier->key, code, text);
}

// The server has answered all that it has acted on in this session: what has no receipt is as if it had never been
// sent, and another process, which cannot know, may take it for new.
void ClientSession::unsend() {
    outbox_.for_each([](Outbox::Token, Outbox::Entry& entry) {
        if (entry.first_sent_at == kNever || entry.uncertain) return;
        entry.first_sent_at = kNever;
        entry.acked = false;
        ++entry.retries;
    });
}

// A session is left in which these were sent: a server may have acted on them, and no later end in good order says that
// it has not.
void ClientSession::leave_open() {
    outbox_.for_each([](Outbox::Token, Outbox::Entry& entry) {
        if (entry.first_sent_at == kNever) return;
        entry.acked = false;
        entry.uncertain = true;
        ++entry.retries;
    });
}

// A ticket has a successor only when it has been seen here, so each is newer than all that came before it. What a
// slower carrier's Welcome offers once more is not, and may have been replaced.
void ClientSession::take_ticket(const CarrierState& carrier, const std::string& ticket) {
    if (std::find(had_tickets_.begin(), had_tickets_.end(), ticket) != had_tickets_.end()) return;
    const bool another_waits = std::any_of(carriers_.begin(), carriers_.end(), [&](const auto& other) {
        return other.get() != &carrier && other->state == State::hello_sent;
    });
    // A Hello from here on shows this one, and is offered a later one.
    if (!another_waits) had_tickets_.clear();
    had_tickets_.push_back(ticket);
    ticket_ = ticket;
}

void ClientSession::keep_ticket() {
    if (!ticket_lasts_) return;
    kept_ticket_ = ticket_;
    kept_secret_ = secret_;
}

void ClientSession::forget_kept_ticket() {
    kept_ticket_.clear();
    kept_secret_.clear();
}

void ClientSession::forget_session() {
    attempt_id_ = random_.uuid();  // a Hello still to come must not find the session that was left
    lane_set_.reset();
    id_.reset();
    ticket_.clear();
    had_tickets_.clear();
    secret_.clear();
    // The end of this one is not the next one's.
    peer_goodbye_.reset();
    ending_ = false;
    if (!disconnecting_) goodbye_deadline_ = kNever;
}

}  // namespace flare::session
