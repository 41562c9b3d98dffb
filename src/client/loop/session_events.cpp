#include "client/loop/session_events.hpp"

#include <utility>

namespace flare::client {

// ---- its carriers, and its end ----

void SessionEvents::on_ready(session::CarrierKey key, bool resumed) {
    parts_.connectivity.welcomed(key, resumed, steady_now());
    parts_.connecting.watch_addresses();
    if (resumed) {
        parts_.sync.go_on();
        parts_.signals.go_on();
    } else {
        parts_.sync.begin_session();
        parts_.signals.begin_session();
    }
}

void SessionEvents::on_standby(session::CarrierKey key) { parts_.connectivity.standby_welcomed(key, steady_now()); }

void SessionEvents::on_detached(errc reason, const std::string& text) {
    if (closed_) return;
    if (parts_.connectivity.status() == ClientStatus::connected && !parts_.waiters.any_disconnect())
        parts_.notes.failure("detached", Failure(reason, text));
    parts_.connectivity.detached(Failure(reason, text), steady_now());
}

void SessionEvents::on_refused(session::CarrierKey key, errc code, const std::string& text,
                               std::uint32_t retry_after_ms) {
    const Failure failure(code, text.empty() ? std::string(explain(code)) : text);
    const std::chrono::milliseconds retry_after(retry_after_ms);
    parts_.notes.failure("refused", failure, retry_after);
    parts_.connectivity.refused(key, failure, retry_after, steady_now());
}

// A session that is over takes no other token: the next one is asked for its own.
void SessionEvents::on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) {
    const errc why = code == errc::ok ? errc::session_ended : code;
    parts_.waiters.answer_refresh(Failure(why, text));
    const Failure reason(why, text.empty() ? std::string(explain(why)) : text);
    const std::chrono::milliseconds retry_after(retry_after_ms);
    parts_.notes.failure("ended", reason, retry_after);
    if (code == errc::shutting_down) parts_.figures.emit(event::Draining{retry_after, reason.text});
    parts_.connectivity.ended(reason, retry_after, steady_now());
}

void SessionEvents::on_disconnected(bool drained) {
    parts_.sync.feeds().note_places();
    Recorder& recorder = parts_.notes.recorder();
    recorder.add(recorder.line("disconnected").add("drained", drained));
    const bool was_failed = parts_.connectivity.status() == ClientStatus::failed;
    parts_.connectivity.disconnected();
    if (!was_failed) parts_.figures.emit(event::Disconnected{Failure(errc::ok, "disconnect() was called")});
    parts_.waiters.answer_disconnect();
}

void SessionEvents::on_suspect(session::CarrierKey key) {
    if (!closed_) parts_.connectivity.suspected(key, steady_now());
}

void SessionEvents::on_recovered(session::CarrierKey key) {
    if (key != parts_.session.active()) return;
    parts_.notes.recovered(key);
    parts_.connectivity.recovered(key, steady_now());
}

void SessionEvents::on_slow(session::CarrierKey key, session::Duration age) {
    if (const Link* link = parts_.links.find(key)) parts_.notes.slow(*link, age);
    parts_.connectivity.race().slow(age, steady_now());
}

void SessionEvents::on_probe(session::CarrierKey key, std::uint64_t id) {
    parts_.connectivity.race().answered(key, id, steady_now());
}

void SessionEvents::close_carrier(session::CarrierKey key, errc code, const std::string& text) {
    parts_.connecting.close(key, code, text);
}

void SessionEvents::on_heartbeat(session::CarrierKey key, session::Duration round_trip) {
    ++parts_.figures.stats().heartbeat_count;
    if (const Link* link = parts_.links.find(key)) parts_.figures.of(link->protocol()).rtt = round_trip;
    parts_.figures.emit(event::Heartbeat{round_trip});
}

// ---- and of messages, and the credential ----

void SessionEvents::on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                               std::uint64_t cost) {
    Messages::Arrived arrived = Messages::arrived(data, whole, consumes_(lane, cost));
    if (!parts_.sync.on()) return parts_.messages.receive(std::move(arrived));
    const auto shared = std::make_shared<Messages::Arrived>(std::move(arrived));
    const Message& message = shared->message;
    const auto decide = [this, shared](bool told) {
        if (told) return parts_.messages.receive(std::move(*shared));
        shared->done();
    };
    const bool held = parts_.sync.hold(message.from, message.id, message.payload.size(), decide);
    if (!held) decide(true);
}

// The call that waits takes it along: the server may send more at once.
void SessionEvents::on_response(session::LaneIndex lane, const wire::ResponseView& response, const Bytes& whole,
                                std::uint64_t cost) {
    parts_.figures.heard();
    parts_.requests.on_response(response, whole);
    parts_.session.consumed(lane, cost, steady_now());
}

// The server may send more when the application has done with all that is in it.
void SessionEvents::on_feed(session::LaneIndex lane, std::uint32_t feed_id, const wire::im::Feed& feed,
                            const Bytes& whole, std::uint64_t cost) {
    parts_.figures.heard();
    const std::shared_ptr<void> taken(nullptr, [done = consumes_(lane, cost)](void*) { done(); });
    parts_.sync.on_feed(feed_id, feed, whole, parts_.session.encodings(), taken);
}

void SessionEvents::on_request_failed(const Uuid& id, errc code, const std::string& text) {
    parts_.requests.on_failed(id, code, text);
}

void SessionEvents::on_credential(const wire::CredentialState& state) {
    parts_.notes.credential(state);
    if (state.answer) {
        if (state.code == errc::ok) return parts_.waiters.answer_refresh({});
        const Failure failure(state.code, state.text.empty() ? std::string(explain(state.code)) : state.text);
        if (!parts_.waiters.any_refresh()) parts_.figures.emit(event::Error{failure});  // the provider's
        return parts_.waiters.answer_refresh(failure);
    }
    parts_.figures.emit(event::TokenExpiring{std::chrono::milliseconds(state.expires_in_ms)});
    if (!parts_.credential.has_provider() || parts_.waiters.any_refresh()) return;
    Checked<std::string> token = parts_.credential.provided();
    if (!token) return parts_.figures.emit(event::Error{token.error()});
    if (*token == parts_.credential.last()) return;  // it has nothing newer
    parts_.credential.sent(*token);
    parts_.session.renew_credential(std::move(*token));
}

}  // namespace flare::client
