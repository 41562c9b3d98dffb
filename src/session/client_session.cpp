// The carriers of a client's session: hello, welcome, frames, heartbeats.
#include "session/client_session.hpp"

#include "session/client_session_parts.hpp"
#include "session/lasting_ticket.hpp"
#include "session/planted.hpp"
#include "session/ticket.hpp"

#include <flare/printable.hpp>

#include <algorithm>

namespace flare::session {
namespace {

constexpr Duration kLongestAckDelay = std::chrono::seconds(10);  // that a server is believed
constexpr std::size_t kFirstFlightBytes = 8 * 1024;  // what a connection may send before it has heard from its peer

}  // namespace

ClientSession::ClientSession(ClientSettings settings, base::Random& random, Budget& budget,
                             ClientSessionListener& listener)
    : settings_(std::move(settings)),
      random_(random),
      budget_(budget),
      listener_(listener),
      outbox_(settings_.outbox),
      seen_(settings_.dedupe_ids, settings_.dedupe_window),
      inbound_(std::make_unique<Inbound>(*this)) {
    limits_.max_message_bytes = settings_.max_message_bytes;
}

ClientSession::~ClientSession() = default;

// ---- carriers ----

ClientSession::CarrierState* ClientSession::find(CarrierKey key) {
    const auto found = std::find_if(carriers_.begin(), carriers_.end(), [&](const auto& c) { return c->key == key; });
    return found == carriers_.end() ? nullptr : found->get();
}

bool ClientSession::attached() const noexcept {
    return std::any_of(carriers_.begin(), carriers_.end(), [](const auto& c) { return c->state == State::attached; });
}

void ClientSession::begin_attempt(std::string token) {
    attempt_id_ = random_.uuid();
    token_ = std::move(token);
}

void ClientSession::open(CarrierKey key, TimePoint now, bool standby) {
    if (attempt_id_.is_nil()) begin_attempt({});
    auto carrier = std::make_unique<CarrierState>();
    carrier->key = key;
    carrier->standby = standby;
    carrier->heard_at = now;
    carriers_.push_back(std::move(carrier));
    listener_.output_ready(key);
}

wire::Hello ClientSession::make_hello(CarrierState& carrier) {
    wire::Hello hello;
    hello.user = settings_.user;
    hello.device = settings_.device;
    hello.platform = settings_.platform;
    hello.attempt_id = attempt_id_;
    hello.epoch = ++epoch_;
    hello.lanes = settings_.lanes;
    hello.max_message_bytes = settings_.max_message_bytes;
    if (settings_.compression) {
        hello.capabilities = wire::Compression::kOffered;
        hello.dictionary = settings_.compression->dictionary_id();
    }
    const bool live = can_resume() && lane_set_;
    if (live || (!kept_ticket_.empty() && carrier.hellos == 0)) {
        wire::Resume resume;
        resume.ticket = live ? ticket_ : kept_ticket_;
        resume.nonce = random_.bytes(16);
        resume.mac = resume_mac(live ? secret_ : kept_secret_, resume.ticket, hello.epoch, resume.nonce, attempt_id_);
        carrier.ticket_used = resume.ticket;
        hello.resume = std::move(resume);
        if (live) hello.received = lane_set_->receive_states();
    } else {
        hello.token = token_;
        if (!carrier.challenge.empty() && carrier.ticket_used == kept_ticket_) {
            hello.ticket_proof =
                ticket_proof(kept_secret_, kept_ticket_, carrier.challenge, hello.epoch, hello.attempt_id);
        }
        for (LaneIndex lane = 0; lane < settings_.lanes; ++lane) {
            hello.received.push_back({lane, 0, settings_.lane_frames(), settings_.lane_bytes()});
        }
        carrier.ticket_used.clear();
    }
    return hello;
}

bool ClientSession::write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes) {
    CarrierState* carrier = find(key);
    if (carrier == nullptr) return false;
    if (carrier->state == State::hello_due) {
        batch.add({}, wire::encode(make_hello(*carrier)));
        carrier->state = State::hello_sent;
        ++carrier->hellos;
        // Where lanes have streams of their own only the first batch of a carrier stays together: docs/quic.md,
        // "Streams".
        const bool stays_together = carrier->hellos == 1;
        if (stays_together && !carrier->ticket_used.empty() && may_go_early()) write_first_flight(*carrier, batch, now);
        return false;
    }
    if (carrier->state != State::attached) return false;
    if (carrier->activate_epoch != 0) {
        batch.add({}, wire::encode(wire::Activate{carrier->activate_epoch}));
        carrier->activate_epoch = 0;
    }
    if (carrier->ping_due) {
        carrier->ping_due = false;
        if (carrier->ping_id == 0) {
            carrier->ping_id = random_.next_u64() | 1;
            carrier->ping_sent_at = now;
        }
        wire::Ping ping;
        ping.id = carrier->ping_id;
        batch.add({}, wire::encode_ping(ping));
    }
    for (CarrierState::Probe& probe : carrier->probes) {
        if (probe.written_at != kNever) continue;
        probe.written_at = now;
        const std::string padding(probe.padding, '\0');
        wire::Ping ping;
        ping.id = probe.id;
        ping.padding = padding;
        batch.add({}, wire::encode_ping(ping));
    }
    if (key != active_ || !lane_set_) return false;
    if (new_token_due_) {
        batch.add({}, wire::encode(wire::CredentialView{*new_token_}));
        new_token_due_ = false;
    }
    inbound_->now = now;
    const bool more = lane_set_->write(batch, std::min(max_bytes, fill_batch_to(limits_.max_batch_bytes)), now);
    if (timed_.seq == 0 && settings_.suspect_early) time_one(now);
    if (disconnecting_ && !goodbye_sent_ && lane_set_->all_numbered()) {
        wire::Goodbye goodbye;
        goodbye.final = lane_set_->final_states();
        goodbye.session_ends = true;
        batch.add({}, wire::encode(goodbye));
        goodbye_sent_ = true;
    }
    return more;
}

// A session that is resumed need not wait for the Welcome: its numbers tell new from old whatever becomes of this
// carrier. Only the first carrier of a connect hurries, so that sending has one place.
bool ClientSession::may_go_early() const noexcept {
    const auto hurries = [](const auto& other) { return other->first_epoch != 0; };
    return can_resume() && lane_set_ && active_ == kNoCarrier && !disconnecting_ && !ending_ &&
           std::none_of(carriers_.begin(), carriers_.end(), hurries);
}

void ClientSession::write_first_flight(CarrierState& carrier, wire::Batch& batch, TimePoint now) {
    inbound_->now = now;
    carrier.first_epoch = ++epoch_;
    batch.add({}, wire::encode(wire::Activate{carrier.first_epoch}));
    repeat_unacknowledged(now);
    (void)lane_set_->write(batch, kFirstFlightBytes, now);
}

void ClientSession::on_batch(CarrierKey key, std::string_view bytes, TimePoint now) {
    inbound_->now = now;
    CarrierState* carrier = find(key);
    if (carrier == nullptr) return;
    carrier->heard_gap = (carrier->heard_gap * 7 + (now - carrier->heard_at)) / 8;
    carrier->heard_at = now;
    carrier->missed = 0;
    carrier->on_trial_since = kNever;
    // Welcome says what the server takes; what it may say is version 1's.
    wire::BatchReader reader(bytes, std::max<std::size_t>(wire::kMaxFrameBytes, limits_.max_frame_bytes));
    wire::FrameView frame;
    while (!reader.done()) {
        const auto read = reader.next(frame);
        if (!read) {
            close(*carrier, static_cast<errc>(read.error().value()), "a frame cannot be read");
            detach(*carrier, static_cast<errc>(read.error().value()), "the server sent a frame that cannot be read",
                   now);
            return;
        }
        bool gone = false;
        handle(*carrier, frame, now, gone);
        if (gone || (carrier = find(key)) == nullptr) return;
    }
    settle_disconnect(now);
    notify_output();
}

void ClientSession::handle(CarrierState& carrier, const wire::FrameView& frame, TimePoint now, bool& gone) {
    const CarrierKey key = carrier.key;
    const auto fail = [&](errc code, const std::string& text) {
        gone = true;
        close(carrier, code, text);
        detach(carrier, code, text, now);
    };
    const auto decoded_or_fail = [&](const auto& decoded) {
        if (!decoded) fail(static_cast<errc>(decoded.error().value()), "the server sent a malformed frame");
        return decoded.has_value();
    };
    if (frame.unknown_kind)
        return fail(errc::unexpected_frame, "the server sent a frame of a kind that version 1 does not know");
    if (carrier.state != State::attached) {
        if (carrier.state == State::hello_sent && frame.kind == wire::FrameKind::welcome) {
            const auto welcome = wire::decode_welcome(frame.body);
            if (decoded_or_fail(welcome)) handle_welcome(carrier, *welcome, now);
        } else if (carrier.state == State::hello_sent && frame.kind == wire::FrameKind::refused) {
            auto refused = wire::decode_refused(frame.body);
            if (refused) refused->text = printable(refused->text, wire::kMaxTextBytes);
            if (refused && refused->code == errc::ok) refused->code = errc::forbidden;  // without a reason
            if (decoded_or_fail(refused)) handle_refused(carrier, *refused, now);
        } else {
            return fail(errc::unexpected_frame, "the server must begin with welcome or refused");
        }
        gone = gone || find(key) == nullptr;
        return;
    }
    if (!frame.acks.empty()) {
        const auto result = lane_set_->on_acks(frame.acks, now);
        if (!result)
            return fail(static_cast<errc>(result.error().value()), "the server acknowledged what was never sent");
        note_progress(carrier, now);
    }
    switch (frame.kind) {
        case wire::FrameKind::none: return;
        case wire::FrameKind::data:
        case wire::FrameKind::chunk:
        case wire::FrameKind::receipt: {
            const auto result = lane_set_->on_numbered(frame, now);
            if (result) return;
            const auto code = static_cast<errc>(result.error().value());
            const std::string text = "a numbered frame does not fit: " + result.error().message();
            fail(code, text);
            const bool of_carrier =
                code == errc::sequence_gap || code == errc::credit_exceeded || code == errc::unknown_lane;
            if (!of_carrier) give_session_up(code, text, now);
            return;
        }
        case wire::FrameKind::pong: {
            const auto pong = wire::decode_ping(frame.body);
            if (decoded_or_fail(pong)) handle_pong(carrier, *pong, now);
            return;
        }
        case wire::FrameKind::credential_state: {
            auto state = wire::decode_credential_state(frame.body);
            if (state) state->text = printable(state->text, wire::kMaxTextBytes);
            if (decoded_or_fail(state)) handle_credential(*state);
            gone = gone || find(key) == nullptr;
            return;
        }
        case wire::FrameKind::goodbye: {
            auto goodbye = wire::decode_goodbye(frame.body);
            if (goodbye) goodbye->text = printable(goodbye->text, wire::kMaxTextBytes);
            if (decoded_or_fail(goodbye)) handle_goodbye(carrier, *goodbye, now);
            gone = gone || find(key) == nullptr;
            return;
        }
        default: return fail(errc::unexpected_frame, "the server sent a frame that only clients send");
    }
}

void ClientSession::handle_welcome(CarrierState& carrier, const wire::Welcome& welcome, TimePoint now) {
    const SessionId id{welcome.session_id};
    const bool known = id_ && *id_ == id;
    const bool resumed = !carrier.ticket_used.empty();
    if ((id_ && !known) || (!id_ && resumed) || welcome.lanes == 0 || welcome.lanes > wire::kMaxLanes) {
        // A Welcome of a session that this client has left behind.
        const std::string text = "the server welcomed another session";
        close(carrier, errc::stale_carrier, text);
        detach(carrier, errc::stale_carrier, text, now);
        return;
    }
    if (!known) {
        agreed_ = settings_;
        agreed_.lanes = welcome.lanes;
        limits_ = welcome.limits;
        id_ = id;
        secret_ = welcome.secret;
        encodings_ = settings_.compression ? settings_.compression->agree(welcome.capabilities, welcome.dictionary)
                                           : wire::Encodings{0};
        if (welcome.max_ack_delay_ms != 0) {
            server_ack_delay_ =
                std::min<Duration>(std::chrono::milliseconds(welcome.max_ack_delay_ms), kLongestAckDelay);
            agreed_.max_ack_delay = std::min(settings_.max_ack_delay, server_ack_delay_);
            agreed_.min_ack_delay = std::min(settings_.min_ack_delay, agreed_.max_ack_delay);
        }
        lane_set_ = std::make_unique<LaneSet>(agreed_, welcome.lanes, budget_, *inbound_);
        lane_set_->keep_to(limits_);
        goodbye_sent_ = false;
        forget_kept_ticket();
    }
    ticket_lasts_ = (welcome.capabilities & wire::kLastingTicket) != 0;
    if (welcome.heartbeat_interval_ms != 0) {
        agreed_.heartbeat_interval =
            std::min<Duration>(settings_.heartbeat_interval, std::chrono::milliseconds(welcome.heartbeat_interval_ms));
    }
    if (welcome.heartbeat_timeout_ms != 0) {  // silence that would end the carrier must not be reached
        agreed_.heartbeat_interval = std::min<Duration>(
            agreed_.heartbeat_interval, Duration(std::chrono::milliseconds(welcome.heartbeat_timeout_ms)) / 2);
    }
    take_ticket(carrier, welcome.ticket);
    home_worker_ = welcome.home_worker;
    if (const auto acked = lane_set_->on_acks(welcome.received, now); !acked) {
        const std::string text = "the server's welcome acknowledges what was never sent";
        close(carrier, errc::bad_ack, text);
        detach(carrier, errc::bad_ack, text, now);
        return;
    }
    carrier.state = State::attached;
    carrier.ping_due = true;  // the round trip of a new carrier, and word to the server that its Welcome arrived
    carrier.next_ping_at = now + agreed_.heartbeat_interval;
    if (!known) queue_outbox(now);
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

void ClientSession::make_active(CarrierState& carrier, TimePoint now) {
    active_ = carrier.key;
    give_up_waiting_at_ = kNever;
    new_token_due_ = new_token_.has_value();
    if (carrier.round_trip) smoothed_round_trip_ = carrier.round_trip;
    timed_.seq = 0;
    for (const auto& other : carriers_) other->activate_epoch = 0;  // overtaken before it was written
    carrier.standby = false;
    goodbye_sent_ = false;
    if (carrier.first_epoch != 0 && carrier.first_epoch == epoch_) {
        // It sends already. The same Activate once more tells the server that its Welcome has arrived.
        carrier.activate_epoch = carrier.first_epoch;
        return;
    }
    carrier.activate_epoch = ++epoch_;
    repeat_unacknowledged(now);
}

// What was sent and not acknowledged goes out once more, on another carrier.
void ClientSession::repeat_unacknowledged(TimePoint now) {
    lane_set_->rewind(now);
    outbox_.for_each([](Outbox::Token, Outbox::Entry& entry) {
        if (entry.first_sent_at != kNever && !entry.acked) ++entry.retries;
    });
}

Result<void> ClientSession::activate(CarrierKey key, TimePoint now) {
    CarrierState* carrier = find(key);
    if (carrier == nullptr || carrier->state != State::attached) return errc::not_connected;
    if (key == active_) return {};
    make_active(*carrier, now);
    listener_.output_ready(key);
    return {};
}

void ClientSession::handle_refused(CarrierState& carrier, const wire::Refused& refused, TimePoint now) {
    const CarrierKey key = carrier.key;
    const bool was_resume = !carrier.ticket_used.empty();
    const bool again = refused.code == errc::session_unknown || refused.code == errc::session_expired ||
                       refused.code == errc::session_ended || refused.code == errc::ticket_invalid;
    if (was_resume && again && carrier.hellos < 2) {
        const bool still_the_same = can_resume() && ticket_ == carrier.ticket_used;
        if (still_the_same && attached()) {
            // The session has another carrier: this refusal concerns only this one, unless the other is silent.
            close(carrier, refused.code, refused.text);
            detach(carrier, refused.code, refused.text, now);
            return put_on_trial(now);
        }
        // A server that was started again has seen the ticket now; should this carrier break before the next Welcome,
        // it must see it once more.
        if (still_the_same && refused.code == errc::session_unknown) keep_ticket();
        if (still_the_same) lose_session(refused.code, refused.text, refused.gap, now);
        if (CarrierState* still = find(key)) {
            still->state = State::hello_due;
            still->challenge = refused.challenge;
            listener_.output_ready(key);
        }
        return;
    }
    if (boost::system::error_code(refused.code) != errcond::retryable) forget_kept_ticket();
    close(carrier, refused.code, refused.text);
    std::erase_if(carriers_, [&](const auto& c) { return c->key == key; });
    listener_.on_refused(key, refused.code, refused.text, refused.retry_after_ms);
}

void ClientSession::handle_goodbye(CarrierState& carrier, const wire::Goodbye& goodbye, TimePoint now) {
    if (!goodbye.session_ends) {
        close(carrier, errc::ok, goodbye.text);
        detach(carrier, goodbye.code, goodbye.text, now);
        return;
    }
    peer_goodbye_ = goodbye;
    if (goodbye_deadline_ == kNever) goodbye_deadline_ = now + settings_.goodbye_limit;
    settle_disconnect(now);
}

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

void ClientSession::close(CarrierState& carrier, errc code, const std::string& text) {
    carrier.state = State::closing;
    listener_.close_carrier(carrier.key, code, text);
}

void ClientSession::carrier_gone(CarrierKey key, errc reason, const std::string& text, TimePoint now) {
    inbound_->now = now;
    if (CarrierState* carrier = find(key)) detach(*carrier, reason, text, now);
}

void ClientSession::detach(CarrierState& carrier, errc reason, const std::string& text, TimePoint now) {
    const CarrierKey key = carrier.key;
    const bool was_active = key == active_;
    std::erase_if(carriers_, [&](const auto& c) { return c->key == key; });
    if (!was_active) return;
    nothing_sends();
    if (planted(Fault::standby_never_takes_over)) return;
    const auto next =
        std::find_if(carriers_.rbegin(), carriers_.rend(), [](const auto& c) { return c->state == State::attached; });
    if (next != carriers_.rend()) {
        CarrierState& successor = **next;
        const CarrierKey successor_key = successor.key;
        make_active(successor, now);
        listener_.on_ready(successor_key, true);
        if (find(successor_key) != nullptr) listener_.output_ready(successor_key);
        return;
    }
    // A goodbye without a code, say: to lose a connection is never "nothing is wrong".
    listener_.on_detached(reason == errc::ok ? errc::closed_by_peer : reason, text);
    settle_disconnect(now);
}

// ---- time ----

TimePoint ClientSession::next_deadline() const {
    TimePoint next = std::min(goodbye_deadline_, give_up_waiting_at_);
    if (lane_set_) next = std::min(next, busy_until_);
    if (ending_ && lane_set_ && !lane_set_->ack_pending()) next = TimePoint::min();
    for (const auto& carrier : carriers_) {
        if (carrier->state != State::attached) continue;
        next = std::min(next, carrier->next_ping_at);
        next = std::min({next, carrier->heard_at + settings_.heartbeat_timeout, condemned_at(*carrier)});
    }
    if (lane_set_ && active_ != kNoCarrier) {
        // A due ack that output_ready() was called for waits for the carrier to take it: no deadline any more.
        if (lane_set_->next_deadline() > woken_at_) next = std::min(next, lane_set_->next_deadline());
        const auto active =
            std::find_if(carriers_.begin(), carriers_.end(), [&](const auto& c) { return c->key == active_; });
        if (active != carriers_.end()) next = std::min({next, suspect_at(**active), slow_at()});
    }
    return next;
}

void ClientSession::on_time(TimePoint now) {
    inbound_->now = now;
    note_oversleeping(now);
    woken_at_ = now;
    std::vector<CarrierKey> keys;
    for (const auto& carrier : carriers_) keys.push_back(carrier->key);
    for (const CarrierKey key : keys) {
        if (CarrierState* carrier = find(key)) check_heartbeat(*carrier, now);
        if (CarrierState* carrier = find(key)) check_trial(*carrier, now);
    }
    check_suspect(now);
    check_slow(now);
    send_what_was_busy(now);
    give_up_waiting(now);
    settle_disconnect(now);
    if (lane_set_ && active_ != kNoCarrier && lane_set_->has_output(now)) listener_.output_ready(active_);
}

void ClientSession::notify_output() {
    for (const auto& carrier : carriers_) {
        if (carrier->state != State::attached) continue;
        const bool probing = std::any_of(carrier->probes.begin(), carrier->probes.end(),
                                         [](const auto& probe) { return probe.written_at == kNever; });
        const bool control =
            carrier->activate_epoch != 0 || carrier->ping_due || probing || (new_token_due_ && carrier->key == active_);
        const bool numbered = carrier->key == active_ && lane_set_ &&
                              (lane_set_->has_output(inbound_->now) || (disconnecting_ && !goodbye_sent_));
        if (control || numbered) listener_.output_ready(carrier->key);
    }
}

}  // namespace flare::session
