// What a client's session makes of the frames that come on its carriers.
#include "session/client_carrier.hpp"
#include "session/client_session.hpp"
#include "session/lasting_ticket.hpp"
#include "session/planted.hpp"
#include "session/ticket.hpp"

#include <flare/printable.hpp>

#include <algorithm>

namespace flare::session {

void ClientSession::on_batch(CarrierKey key, std::string_view bytes, TimePoint now) {
    inbound_->now = now;
    Carrier* carrier = find(key);
    if (carrier == nullptr) return;
    carrier->health.heard(now);
    // Welcome says what the server takes; what it may say is version 1's.
    wire::BatchReader reader(bytes, std::max<std::size_t>(wire::kMaxFrameBytes, agreed_.limits.max_frame_bytes));
    wire::FrameView frame;
    while (!reader.done()) {
        if (const auto read = reader.next(frame); !read) {
            const auto code = static_cast<errc>(read.error().value());
            close(*carrier, code, "a frame cannot be read");
            return detach(key, code, "the server sent a frame that cannot be read", now);
        }
        handle(*carrier, frame, now);
        if ((carrier = find(key)) == nullptr) return;
    }
    settle_goodbye(now);
    notify_output();
}

void ClientSession::on_alive(CarrierKey key, TimePoint now) {
    if (Carrier* const carrier = attached_one(key)) carrier->health.lives(now);
}

// It may drop the carrier.
void ClientSession::handle(Carrier& carrier, const wire::FrameView& frame, TimePoint now) {
    const auto fail = [&](errc code, const std::string& text) { drop(carrier, code, text, now); };
    const auto decoded_or_fail = [&](const auto& decoded) {
        if (!decoded) fail(static_cast<errc>(decoded.error().value()), "the server sent a malformed frame");
        return decoded.has_value();
    };
    if (frame.unknown_kind)
        return fail(errc::unexpected_frame, "the server sent a frame of a kind that version 1 does not know");
    if (!carrier.attached()) return handle_first(carrier, frame, now);
    if (!frame.acks.empty()) {
        if (const auto result = agreed_.lanes->on_acks(frame.acks, now); !result)
            return fail(static_cast<errc>(result.error().value()), "the server acknowledged what was never sent");
        health_.note_acknowledged();
        if (carrier.key == active_ && health_.recovers(carrier.health, now)) listener_.on_recovered(carrier.key);
    }
    switch (frame.kind) {
        case wire::FrameKind::none: return;
        case wire::FrameKind::data:
        case wire::FrameKind::chunk:
        case wire::FrameKind::receipt: return handle_numbered(carrier, frame, now);
        case wire::FrameKind::pong: {
            const auto pong = wire::decode_ping(frame.body);
            if (decoded_or_fail(pong)) handle_pong(carrier, *pong, now);
            return;
        }
        case wire::FrameKind::credential_state: {
            auto state = wire::decode_credential_state(frame.body);
            if (state) state->text = printable(state->text, wire::kMaxTextBytes);
            if (decoded_or_fail(state)) handle_credential(*state);
            return;
        }
        case wire::FrameKind::goodbye: {
            auto goodbye = wire::decode_goodbye(frame.body);
            if (goodbye) goodbye->text = printable(goodbye->text, wire::kMaxTextBytes);
            if (decoded_or_fail(goodbye)) handle_goodbye(carrier, *goodbye, now);
            return;
        }
        default: return fail(errc::unexpected_frame, "the server sent a frame that only clients send");
    }
}

// The answer to a Hello.
void ClientSession::handle_first(Carrier& carrier, const wire::FrameView& frame, TimePoint now) {
    const auto malformed = [&](boost::system::error_code error) {
        drop(carrier, static_cast<errc>(error.value()), "the server sent a malformed frame", now);
    };
    const bool awaited = carrier.state == Carrier::State::hello_sent;
    if (awaited && frame.kind == wire::FrameKind::welcome) {
        const auto welcome = wire::decode_welcome(frame.body);
        return welcome ? handle_welcome(carrier, *welcome, now) : malformed(welcome.error());
    }
    if (awaited && frame.kind == wire::FrameKind::refused) {
        auto refused = wire::decode_refused(frame.body);
        if (!refused) return malformed(refused.error());
        refused->text = printable(refused->text, wire::kMaxTextBytes);
        if (refused->code == errc::ok) refused->code = errc::forbidden;  // without a reason
        return handle_refused(carrier, *refused, now);
    }
    drop(carrier, errc::unexpected_frame, "the server must begin with welcome or refused", now);
}

void ClientSession::handle_numbered(Carrier& carrier, const wire::FrameView& frame, TimePoint now) {
    const auto result = agreed_.lanes->on_numbered(frame, now);
    if (result) return;
    const auto code = static_cast<errc>(result.error().value());
    const std::string text = "a numbered frame does not fit: " + result.error().message();
    drop(carrier, code, text, now);
    const bool of_carrier = code == errc::sequence_gap || code == errc::credit_exceeded || code == errc::unknown_lane;
    if (!of_carrier) give_session_up(code, text, now);
}

void ClientSession::handle_welcome(Carrier& carrier, const wire::Welcome& welcome, TimePoint now) {
    const bool known = agreed_.id && *agreed_.id == SessionId{welcome.session_id};
    const bool resumed = !carrier.ticket_used.empty();
    if ((agreed_.id && !known) || (!agreed_.id && resumed) || welcome.lanes == 0 || welcome.lanes > wire::kMaxLanes) {
        // A Welcome of a session that this client has left behind.
        return drop(carrier, errc::stale_carrier, "the server welcomed another session", now);
    }
    if (!known) {
        agreed_.begin(settings_, welcome);
        agreed_.lanes = std::make_unique<LaneSet>(agreed_.settings, welcome.lanes, budget_, *inbound_);
        agreed_.lanes->keep_to(agreed_.limits);
        tickets_.keep_secret(welcome.secret);
        tickets_.forget_kept();
        goodbye_.say_again();
    }
    agreed_.hear(settings_, welcome);
    const bool another_waits = std::any_of(carriers_.begin(), carriers_.end(), [&](const auto& other) {
        return other.get() != &carrier && other->state == Carrier::State::hello_sent;
    });
    tickets_.take(welcome.ticket, (welcome.capabilities & wire::kLastingTicket) != 0, another_waits);
    if (const auto acked = agreed_.lanes->on_acks(welcome.received, now); !acked)
        return drop(carrier, errc::bad_ack, "the server's welcome acknowledges what was never sent", now);
    carrier.state = Carrier::State::attached;
    carrier.health.ping_due = true;  // the round trip of a new carrier, and word to the server that its Welcome arrived
    carrier.health.next_ping_at = now + agreed_.settings.heartbeat_interval;
    if (!known) outgoing_.begin_session(now);
    const CarrierKey key = carrier.key;
    if (carrier.standby && active_ != kNoCarrier) {
        listener_.on_standby(key);
    } else {
        make_active(carrier, now);
        listener_.on_ready(key, known);
    }
    notify_output();
    if (find(key) != nullptr) listener_.output_ready(key);
}

void ClientSession::handle_refused(Carrier& carrier, const wire::Refused& refused, TimePoint now) {
    const CarrierKey key = carrier.key;
    const bool was_resume = !carrier.ticket_used.empty();
    const bool again = refused.code == errc::session_unknown || refused.code == errc::session_expired ||
                       refused.code == errc::session_ended || refused.code == errc::ticket_invalid;
    if (was_resume && again && carrier.hellos < 2) {
        const bool still_the_same = can_resume() && tickets_.ticket() == carrier.ticket_used;
        if (still_the_same && attached()) {
            // The session has another carrier: this refusal concerns only this one, unless the other is silent.
            drop(carrier, refused.code, refused.text, now);
            return put_on_trial(now);
        }
        // A server that was started again has seen the ticket now; should this carrier break before the next Welcome,
        // it must see it once more.
        if (still_the_same && refused.code == errc::session_unknown) tickets_.keep();
        if (still_the_same) lose_session(refused.code, refused.text, refused.gap, now);
        if (Carrier* const still = find(key)) {
            still->state = Carrier::State::hello_due;
            still->challenge = refused.challenge;
            listener_.output_ready(key);
        }
        return;
    }
    if (boost::system::error_code(refused.code) != errcond::retryable) tickets_.forget_kept();
    close(carrier, refused.code, refused.text);
    std::erase_if(carriers_, [&](const auto& c) { return c->key == key; });
    listener_.on_refused(key, refused.code, refused.text, refused.retry_after_ms);
}

void ClientSession::handle_goodbye(Carrier& carrier, const wire::Goodbye& goodbye, TimePoint now) {
    if (!goodbye.session_ends) {
        const CarrierKey key = carrier.key;
        close(carrier, errc::ok, goodbye.text);
        return detach(key, goodbye.code, goodbye.text, now);
    }
    goodbye_.hear(goodbye, now + settings_.goodbye_limit);
    settle_goodbye(now);
}

void ClientSession::handle_pong(Carrier& carrier, const wire::Ping& pong, TimePoint now) {
    const bool in_use = carrier.key == active_;
    const auto probe = std::find_if(carrier.probes.begin(), carrier.probes.end(),
                                    [&](const auto& open) { return open.id == pong.id; });
    if (probe != carrier.probes.end()) {
        if (probe->padding == 0) health_.note_round_trip(carrier.health, now - probe->written_at, in_use);
        carrier.probes.erase(probe);
        return listener_.on_probe(carrier.key, pong.id);
    }
    if (pong.id != carrier.health.ping_id || pong.id == 0) return;  // an answer to a ping given up
    carrier.health.ping_id = 0;
    const Duration round_trip = now - carrier.health.ping_sent_at;
    health_.note_round_trip(carrier.health, round_trip, in_use);
    listener_.on_heartbeat(carrier.key, round_trip);
}

std::uint64_t ClientSession::probe(CarrierKey key, std::size_t padding) {
    Carrier* const carrier = attached_one(key);
    if (carrier == nullptr || carrier->probes.size() >= kMaxProbes) return 0;
    const std::uint64_t id = random_.next_u64() | 1;
    carrier->probes.push_back({id, padding, kNever});
    listener_.output_ready(key);
    return id;
}

// ---- the credential ----

void ClientSession::renew_credential(std::string token) {
    new_token_ = std::move(token);
    new_token_due_ = true;
    if (active_ != kNoCarrier) listener_.output_ready(active_);
}

void ClientSession::handle_credential(const wire::CredentialState& state) {
    if (state.answer) {
        if (!new_token_ || new_token_due_) return;  // to one that another has taken the place of
        if (state.code == errc::ok) token_ = std::move(*new_token_);
        new_token_.reset();
    }
    listener_.on_credential(state);
}

}  // namespace flare::session
