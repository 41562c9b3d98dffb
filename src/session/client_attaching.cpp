#include "session/client_attaching.hpp"

#include "session/lasting_ticket.hpp"
#include "session/ticket.hpp"

#include <flare/printable.hpp>

namespace flare::session {
namespace {

constexpr std::size_t kFirstFlightBytes = 8 * 1024;  // what a connection may send before it has heard from its peer

}  // namespace

// ---- what is asked ----

void ClientAttaching::write_hello(ClientCarrier& carrier, wire::Batch& batch, TimePoint now) {
    batch.add({}, wire::encode(make_hello(carrier, now)));
    carrier.state = ClientCarrier::State::hello_sent;
    ++carrier.hellos;
    // Where lanes have streams of their own only the first batch of a carrier stays together: docs/quic.md, "Streams".
    const bool stays_together = carrier.hellos == 1;
    if (stays_together && !carrier.ticket_used.empty() && may_go_early()) write_first_flight(carrier, batch, now);
}

wire::Hello ClientAttaching::make_hello(ClientCarrier& carrier, TimePoint now) {
    const ClientSettings& settings = parts_.settings;
    const ClientTickets& tickets = parts_.tickets;
    wire::Hello hello;
    hello.user = settings.user;
    hello.device = settings.device;
    hello.platform = settings.platform;
    hello.attempt_id = parts_.credential.attempt();
    hello.epoch = parts_.carriers.next_epoch();
    hello.lanes = settings.lanes;
    hello.max_message_bytes = settings.max_message_bytes;
    if (settings.compression) {
        hello.capabilities = wire::Compression::kOffered;
        hello.dictionary = settings.compression->dictionary_id();
    }
    if (settings.conversations) hello.capabilities |= wire::kCapabilityConversations;
    const bool live = can_resume();
    if (live || (!tickets.kept_ticket().empty() && carrier.hellos == 0)) {
        hello.resume = prove(carrier, hello, live);
        if (live) hello.received = parts_.agreed.lanes->receive_states(now);
    } else {
        hello.token = parts_.credential.token();
        if (!carrier.challenge.empty() && carrier.ticket_used == tickets.kept_ticket()) {
            hello.ticket_proof = ticket_proof(tickets.kept_secret(), tickets.kept_ticket(), carrier.challenge,
                                              hello.epoch, hello.attempt_id);
        }
        for (LaneIndex lane = 0; lane < settings.lanes; ++lane) {
            hello.received.push_back(
                {lane, 0, settings.lane_frames(settings.lanes), settings.lane_bytes(settings.lanes)});
        }
        carrier.ticket_used.clear();
    }
    return hello;
}

// `live`: of the session that there is; else of the one before.
wire::Resume ClientAttaching::prove(ClientCarrier& carrier, const wire::Hello& hello, bool live) {
    const ClientTickets& tickets = parts_.tickets;
    wire::Resume resume;
    resume.ticket = live ? tickets.ticket() : tickets.kept_ticket();
    resume.nonce = parts_.random.bytes(16);
    resume.mac = resume_mac(live ? tickets.secret() : tickets.kept_secret(), resume.ticket, hello.epoch, resume.nonce,
                            hello.attempt_id);
    carrier.ticket_used = resume.ticket;
    return resume;
}

// A session that is resumed need not wait for the Welcome: its numbers tell new from old whatever becomes of this
// carrier. Only the first carrier of a connect hurries, so that sending has one place.
bool ClientAttaching::may_go_early() const noexcept {
    return can_resume() && !parts_.carriers.sends() && !parts_.goodbye.disconnecting() &&
           !parts_.goodbye.last_ack_due() && !parts_.carriers.one_hurried();
}

void ClientAttaching::write_first_flight(ClientCarrier& carrier, wire::Batch& batch, TimePoint now) {
    parts_.inbound.at(now);
    carrier.first_epoch = parts_.carriers.next_epoch();
    batch.add({}, wire::encode(wire::Activate{carrier.first_epoch}));
    parts_.life.repeat_unacknowledged(now);
    (void)parts_.agreed.lanes->write(batch, kFirstFlightBytes, now);
}

// ---- what is answered ----

void ClientAttaching::handle_answer(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now) {
    const auto malformed = [&](boost::system::error_code error) {
        parts_.life.drop(carrier, static_cast<errc>(error.value()), "the server sent a malformed frame", now);
    };
    const bool awaited = carrier.state == ClientCarrier::State::hello_sent;
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
    parts_.life.drop(carrier, errc::unexpected_frame, "the server must begin with welcome or refused", now);
}

void ClientAttaching::handle_welcome(ClientCarrier& carrier, const wire::Welcome& welcome, TimePoint now) {
    ClientAgreement& agreed = parts_.agreed;
    const bool known = agreed.id && *agreed.id == SessionId{welcome.session_id};
    const bool resumed = !carrier.ticket_used.empty();
    if ((agreed.id && !known) || (!agreed.id && resumed) || welcome.lanes == 0 || welcome.lanes > wire::kMaxLanes) {
        // A Welcome of a session that this client has left behind.
        return parts_.life.drop(carrier, errc::stale_carrier, "the server welcomed another session", now);
    }
    if (!known) begin_session(welcome);
    agreed.hear(parts_.settings, welcome);
    parts_.tickets.take(welcome.ticket, (welcome.capabilities & wire::kLastingTicket) != 0,
                        parts_.carriers.another_waits(carrier));
    if (const auto acked = agreed.lanes->on_acks(welcome.received, now); !acked) {
        const std::string text = "the server's welcome acknowledges what was never sent";
        return parts_.life.drop(carrier, errc::bad_ack, text, now);
    }
    carrier.state = ClientCarrier::State::attached;
    carrier.health.ping_due = true;  // the round trip of a new carrier, and word to the server that its Welcome arrived
    carrier.health.next_ping_at = now + agreed.settings.heartbeat_interval;
    if (!known) {
        parts_.outgoing.begin_session(now);
        parts_.requests.begin_session(now);
    }
    const CarrierKey key = carrier.key;
    if (carrier.standby && parts_.carriers.sends()) {
        parts_.listener.on_standby(key);
    } else {
        parts_.life.make_active(carrier, now);
        parts_.listener.on_ready(key, known);
    }
    parts_.life.notify_output(now);
    if (parts_.carriers.find(key) != nullptr) parts_.listener.output_ready(key);
}

void ClientAttaching::begin_session(const wire::Welcome& welcome) {
    ClientAgreement& agreed = parts_.agreed;
    agreed.begin(parts_.settings, welcome);
    const auto takes = agreed.conversations ? wire::FrameKind::response : wire::FrameKind::none;
    agreed.lanes = std::make_unique<LaneSet>(agreed.settings, welcome.lanes, parts_.budget, parts_.inbound, takes);
    agreed.lanes->keep_to(agreed.limits);
    parts_.tickets.keep_secret(welcome.secret);
    parts_.tickets.forget_kept();
    parts_.goodbye.say_again();
}

void ClientAttaching::handle_refused(ClientCarrier& carrier, const wire::Refused& refused, TimePoint now) {
    const bool was_resume = !carrier.ticket_used.empty();
    const bool again = refused.code == errc::session_unknown || refused.code == errc::session_expired ||
                       refused.code == errc::session_ended || refused.code == errc::ticket_invalid;
    if (was_resume && again && carrier.hellos < 2) return ask_again(carrier, refused, now);
    if (boost::system::error_code(refused.code) != errcond::retryable) parts_.tickets.forget_kept();
    const CarrierKey key = carrier.key;
    parts_.life.close(carrier, refused.code, refused.text);
    parts_.carriers.remove(key);
    parts_.listener.on_refused(key, refused.code, refused.text, refused.retry_after_ms);
}

// The session cannot be resumed here. Unless it lives elsewhere, the same carrier asks for a new one.
void ClientAttaching::ask_again(ClientCarrier& carrier, const wire::Refused& refused, TimePoint now) {
    const CarrierKey key = carrier.key;
    const bool still_the_same = parts_.tickets.can_resume() && parts_.tickets.ticket() == carrier.ticket_used;
    if (still_the_same && parts_.carriers.attached()) {
        // The session has another carrier: this refusal concerns only this one, unless the other is silent.
        parts_.life.drop(carrier, refused.code, refused.text, now);
        return put_on_trial(now);
    }
    // A server that was started again has seen the ticket now; should this carrier break before the next Welcome,
    // it must see it once more.
    if (still_the_same && refused.code == errc::session_unknown) parts_.tickets.keep();
    if (still_the_same) parts_.life.lose_session(refused.code, refused.text, refused.gap, now);
    ClientCarrier* const still = parts_.carriers.find(key);
    if (still == nullptr) return;
    still->state = ClientCarrier::State::hello_due;
    still->challenge = refused.challenge;
    parts_.listener.output_ready(key);
}

// On another connection the session is not known. That may be another server, or a liar; or else the server has been
// started again, and the carriers that are attached lead to nobody. They are asked: one that answers is believed, one
// that is silent is given up, and what becomes of the session is then decided as after any loss of its carrier.
void ClientAttaching::put_on_trial(TimePoint now) {
    for (const auto& carrier : parts_.carriers) {
        if (carrier->attached() && carrier->health.put_on_trial(now)) parts_.listener.output_ready(carrier->key);
    }
}

}  // namespace flare::session
