#include "session/client_carrier_io.hpp"

#include <flare/printable.hpp>

#include <algorithm>

namespace flare::session {

// ---- what comes ----

void ClientCarrierIo::on_batch(CarrierKey key, std::string_view bytes, TimePoint now) {
    parts_.inbound.at(now);
    ClientCarrier* carrier = parts_.carriers.find(key);
    if (carrier == nullptr) return;
    carrier->health.heard(now);
    // Welcome says what the server takes; what it may say is version 1's.
    const std::size_t most = std::max<std::size_t>(wire::kMaxFrameBytes, parts_.agreed.limits.max_frame_bytes);
    wire::BatchReader reader(bytes, most);
    wire::FrameView frame;
    while (!reader.done()) {
        if (const auto read = reader.next(frame); !read) {
            const auto code = static_cast<errc>(read.error().value());
            parts_.life.close(*carrier, code, "a frame cannot be read");
            return parts_.life.detach(key, code, "the server sent a frame that cannot be read", now);
        }
        handle(*carrier, frame, now);
        if ((carrier = parts_.carriers.find(key)) == nullptr) return;
    }
    parts_.life.settle_goodbye(now);
    parts_.life.notify_output(now);
}

// It may drop the carrier.
void ClientCarrierIo::handle(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now) {
    const auto fail = [&](errc code, const std::string& text) { parts_.life.drop(carrier, code, text, now); };
    if (frame.unknown_kind)
        return fail(errc::unexpected_frame, "the server sent a frame of a kind that version 1 does not know");
    if (!carrier.attached()) return parts_.attaching.handle_answer(carrier, frame, now);
    if (!frame.acks.empty()) {
        if (const auto result = parts_.agreed.lanes->on_acks(frame.acks, now); !result)
            return fail(static_cast<errc>(result.error().value()), "the server acknowledged what was never sent");
        parts_.health.note_acknowledged();
        const bool in_use = carrier.key == parts_.carriers.active();
        if (in_use && parts_.health.recovers(carrier.health, now)) parts_.listener.on_recovered(carrier.key);
    }
    switch (frame.kind) {
        case wire::FrameKind::none: return;
        case wire::FrameKind::notice: return parts_.listener.on_notice(frame.body);
        case wire::FrameKind::data:
        case wire::FrameKind::chunk:
        case wire::FrameKind::receipt:
        case wire::FrameKind::response:
        case wire::FrameKind::feed: return handle_numbered(carrier, frame, now);
        default: return handle_control(carrier, frame, now);
    }
}

void ClientCarrierIo::handle_control(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now) {
    const auto decoded_or_fail = [&](const auto& decoded) {
        if (!decoded) {
            const auto code = static_cast<errc>(decoded.error().value());
            parts_.life.drop(carrier, code, "the server sent a malformed frame", now);
        }
        return decoded.has_value();
    };
    switch (frame.kind) {
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
        default: {
            const std::string text = "the server sent a frame that only clients send";
            return parts_.life.drop(carrier, errc::unexpected_frame, text, now);
        }
    }
}

void ClientCarrierIo::handle_numbered(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now) {
    const auto result = parts_.agreed.lanes->on_numbered(frame, now);
    if (result) return;
    const auto code = static_cast<errc>(result.error().value());
    const std::string text = "a numbered frame does not fit: " + result.error().message();
    parts_.life.drop(carrier, code, text, now);
    const bool of_carrier = code == errc::sequence_gap || code == errc::credit_exceeded || code == errc::unknown_lane ||
                            code == errc::unexpected_frame;
    if (!of_carrier) parts_.life.give_up(code, text, now);
}

void ClientCarrierIo::handle_goodbye(ClientCarrier& carrier, const wire::Goodbye& goodbye, TimePoint now) {
    if (goodbye.session_ends) return parts_.life.hear_goodbye(goodbye, now);
    const CarrierKey key = carrier.key;
    parts_.life.close(carrier, errc::ok, goodbye.text);
    parts_.life.detach(key, goodbye.code, goodbye.text, now);
}

void ClientCarrierIo::handle_pong(ClientCarrier& carrier, const wire::Ping& pong, TimePoint now) {
    const bool in_use = carrier.key == parts_.carriers.active();
    const auto probe = std::find_if(carrier.probes.begin(), carrier.probes.end(),
                                    [&](const auto& open) { return open.id == pong.id; });
    if (probe != carrier.probes.end()) {
        if (probe->padding == 0) parts_.health.note_round_trip(carrier.health, now - probe->written_at, in_use);
        carrier.probes.erase(probe);
        return parts_.listener.on_probe(carrier.key, pong.id);
    }
    if (pong.id != carrier.health.ping_id || pong.id == 0) return;  // an answer to a ping given up
    carrier.health.ping_id = 0;
    const Duration round_trip = now - carrier.health.ping_sent_at;
    parts_.health.note_round_trip(carrier.health, round_trip, in_use);
    parts_.listener.on_heartbeat(carrier.key, round_trip);
}

void ClientCarrierIo::handle_credential(const wire::CredentialState& state) {
    if (state.answer && !parts_.credential.answer(state.code == errc::ok)) return;
    parts_.listener.on_credential(state);
}

// ---- what goes ----

bool ClientCarrierIo::write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes) {
    ClientCarrier* const carrier = parts_.carriers.find(key);
    if (carrier == nullptr) return false;
    if (carrier->state == ClientCarrier::State::hello_due) {
        parts_.attaching.write_hello(*carrier, batch, now);
        return false;
    }
    if (!carrier->attached()) return false;
    write_control(*carrier, batch, now);
    LaneSet* const lanes = parts_.agreed.lanes.get();
    if (key != parts_.carriers.active() || lanes == nullptr) return false;
    if (parts_.credential.due()) batch.add({}, wire::encode(wire::CredentialView{parts_.credential.take_due()}));
    parts_.inbound.at(now);
    const std::size_t fill_to = std::min(max_bytes, fill_batch_to(parts_.agreed.limits.max_batch_bytes));
    const bool more = lanes->write(batch, fill_to, now);
    parts_.health.note_written(now);
    if (parts_.goodbye.due() && lanes->totals().queued_frames == 0) write_goodbye(batch);
    return more;
}

void ClientCarrierIo::write_goodbye(wire::Batch& batch) {
    wire::Goodbye goodbye;
    goodbye.final = parts_.agreed.lanes->final_states();
    goodbye.session_ends = true;
    batch.add({}, wire::encode(goodbye));
    parts_.goodbye.note_sent();
}

// Of a carrier that is attached, whether or not it sends.
void ClientCarrierIo::write_control(ClientCarrier& carrier, wire::Batch& batch, TimePoint now) {
    if (carrier.activate_epoch != 0) {
        batch.add({}, wire::encode(wire::Activate{carrier.activate_epoch}));
        carrier.activate_epoch = 0;
    }
    CarrierHealth& health = carrier.health;
    if (health.ping_due) {
        health.ping_due = false;
        if (health.ping_id == 0) {
            health.ping_id = parts_.random.next_u64() | 1;
            health.ping_sent_at = now;
        }
        wire::Ping ping;
        ping.id = health.ping_id;
        batch.add({}, wire::encode_ping(ping));
    }
    for (ClientCarrier::Probe& probe : carrier.probes) {
        if (probe.written_at != kNever) continue;
        probe.written_at = now;
        const std::string padding(probe.padding, '\0');
        wire::Ping ping;
        ping.id = probe.id;
        ping.padding = padding;
        batch.add({}, wire::encode_ping(ping));
    }
}

std::uint64_t ClientCarrierIo::probe(CarrierKey key, std::size_t padding) {
    ClientCarrier* const carrier = parts_.carriers.attached_one(key);
    if (carrier == nullptr || carrier->probes.size() >= ClientCarrier::kMaxProbes) return 0;
    const std::uint64_t id = parts_.random.next_u64() | 1;
    carrier->probes.push_back({id, padding, kNever});
    parts_.listener.output_ready(key);
    return id;
}

}  // namespace flare::session
