#include "session/client_session.hpp"

#include "session/client_carrier.hpp"
#include "session/lasting_ticket.hpp"
#include "session/planted.hpp"
#include "session/ticket.hpp"

#include <flare/printable.hpp>

#include <algorithm>

namespace flare::session {
namespace {

constexpr std::size_t kFirstFlightBytes = 8 * 1024;  // what a connection may send before it has heard from its peer

// Two senders may use the same id: what is remembered is the pair.
Uuid seen_key(std::string_view from, const Uuid& id) {
    Uuid key = id;
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : from) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    for (std::size_t i = 0; i < 8; ++i) key.bytes[i] ^= static_cast<std::uint8_t>(hash >> (8 * i));
    return key;
}

}  // namespace

bool ClientSession::Carrier::probing() const noexcept {
    return std::any_of(probes.begin(), probes.end(), [](const auto& probe) { return probe.written_at == kNever; });
}

void ClientSession::Inbound::on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                                     std::uint64_t cost) {
    const Uuid key = seen_key(data.from, data.message->id);
    if (session_.seen_.check(key, Duration::zero(), TimePoint::min(), now).verdict != DedupeRing::Verdict::fresh) {
        session_.agreed_.lanes->consumed(lane, cost, now);
        return;
    }
    session_.seen_.finish(key, Receipt{});
    session_.listener_.on_message(lane, data, whole, cost);
}

ClientSession::ClientSession(ClientSettings settings, base::Random& random, Budget& budget,
                             ClientSessionListener& listener)
    : settings_(std::move(settings)),
      random_(random),
      budget_(budget),
      listener_(listener),
      agreed_(settings_),
      outgoing_(settings_, agreed_, listener),
      health_(settings_, agreed_),
      seen_(settings_.dedupe_ids, settings_.dedupe_window),
      inbound_(std::make_unique<Inbound>(*this)) {}

ClientSession::~ClientSession() = default;

// ---- carriers ----

ClientSession::Carrier* ClientSession::find(CarrierKey key) const noexcept {
    const auto found = std::find_if(carriers_.begin(), carriers_.end(), [&](const auto& c) { return c->key == key; });
    return found == carriers_.end() ? nullptr : found->get();
}

ClientSession::Carrier* ClientSession::attached_one(CarrierKey key) const noexcept {
    Carrier* const carrier = find(key);
    return carrier != nullptr && carrier->attached() ? carrier : nullptr;
}

bool ClientSession::attached() const noexcept {
    return std::any_of(carriers_.begin(), carriers_.end(), [](const auto& c) { return c->attached(); });
}

TimePoint ClientSession::heard_at(CarrierKey key) const noexcept {
    const Carrier* const carrier = find(key);
    return carrier == nullptr ? kNever : carrier->health.heard_at;
}

void ClientSession::begin_attempt(std::string token) {
    attempt_id_ = random_.uuid();
    token_ = std::move(token);
}

void ClientSession::open(CarrierKey key, TimePoint now, bool standby) {
    if (attempt_id_.is_nil()) begin_attempt({});
    auto carrier = std::make_unique<Carrier>();
    carrier->key = key;
    carrier->standby = standby;
    carrier->health.heard_at = now;
    carriers_.push_back(std::move(carrier));
    listener_.output_ready(key);
}

Result<void> ClientSession::activate(CarrierKey key, TimePoint now) {
    Carrier* const carrier = attached_one(key);
    if (carrier == nullptr) return errc::not_connected;
    if (key == active_) return {};
    make_active(*carrier, now);
    listener_.output_ready(key);
    return {};
}

void ClientSession::make_active(Carrier& carrier, TimePoint now) {
    active_ = carrier.key;
    outgoing_.go_online();
    new_token_due_ = new_token_.has_value();
    health_.use(carrier.health);
    for (const auto& other : carriers_) other->activate_epoch = 0;  // overtaken before it was written
    carrier.standby = false;
    goodbye_.say_again();
    if (carrier.first_epoch != 0 && carrier.first_epoch == epoch_) {
        // It sends already. The same Activate once more tells the server that its Welcome has arrived.
        carrier.activate_epoch = carrier.first_epoch;
        return;
    }
    carrier.activate_epoch = ++epoch_;
    repeat_unacknowledged(now);
}

void ClientSession::nothing_sends() noexcept {
    active_ = kNoCarrier;
    outgoing_.go_offline(inbound_->now);
}

// What was sent and not acknowledged goes out once more, on another carrier.
void ClientSession::repeat_unacknowledged(TimePoint now) {
    agreed_.lanes->rewind(now);
    outgoing_.note_repeat();
}

void ClientSession::close(Carrier& carrier, errc code, const std::string& text) {
    carrier.state = Carrier::State::closing;
    listener_.close_carrier(carrier.key, code, text);
}

void ClientSession::drop(Carrier& carrier, errc code, const std::string& text, TimePoint now) {
    const CarrierKey key = carrier.key;
    close(carrier, code, text);
    detach(key, code, text, now);
}

void ClientSession::drop_carriers(errc code, const std::string& text) {
    const auto dropped = std::move(carriers_);
    carriers_.clear();
    nothing_sends();
    for (const auto& carrier : dropped) listener_.close_carrier(carrier->key, code, text);
}

void ClientSession::carrier_gone(CarrierKey key, errc reason, const std::string& text, TimePoint now) {
    inbound_->now = now;
    if (find(key) != nullptr) detach(key, reason, text, now);
}

void ClientSession::detach(CarrierKey key, errc reason, const std::string& text, TimePoint now) {
    std::erase_if(carriers_, [&](const auto& c) { return c->key == key; });
    if (key != active_) return;
    nothing_sends();
    if (planted(Fault::standby_never_takes_over)) return;
    const auto next = std::find_if(carriers_.rbegin(), carriers_.rend(), [](const auto& c) { return c->attached(); });
    if (next != carriers_.rend()) {
        Carrier& successor = **next;
        const CarrierKey successor_key = successor.key;
        make_active(successor, now);
        listener_.on_ready(successor_key, true);
        if (find(successor_key) != nullptr) listener_.output_ready(successor_key);
        return;
    }
    // A goodbye without a code, say: to lose a connection is never "nothing is wrong".
    listener_.on_detached(reason == errc::ok ? errc::closed_by_peer : reason, text);
    settle_goodbye(now);
}

// ---- writing ----

wire::Hello ClientSession::make_hello(Carrier& carrier) {
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
    const bool live = can_resume() && agreed_.lanes;
    if (live || (!tickets_.kept_ticket().empty() && carrier.hellos == 0)) {
        wire::Resume resume;
        resume.ticket = live ? tickets_.ticket() : tickets_.kept_ticket();
        resume.nonce = random_.bytes(16);
        resume.mac = resume_mac(live ? tickets_.secret() : tickets_.kept_secret(), resume.ticket, hello.epoch,
                                resume.nonce, attempt_id_);
        carrier.ticket_used = resume.ticket;
        hello.resume = std::move(resume);
        if (live) hello.received = agreed_.lanes->receive_states();
    } else {
        hello.token = token_;
        if (!carrier.challenge.empty() && carrier.ticket_used == tickets_.kept_ticket()) {
            hello.ticket_proof = ticket_proof(tickets_.kept_secret(), tickets_.kept_ticket(), carrier.challenge,
                                              hello.epoch, hello.attempt_id);
        }
        for (LaneIndex lane = 0; lane < settings_.lanes; ++lane) {
            hello.received.push_back({lane, 0, settings_.lane_frames(), settings_.lane_bytes()});
        }
        carrier.ticket_used.clear();
    }
    return hello;
}

bool ClientSession::write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes) {
    Carrier* const carrier = find(key);
    if (carrier == nullptr) return false;
    if (carrier->state == Carrier::State::hello_due) {
        batch.add({}, wire::encode(make_hello(*carrier)));
        carrier->state = Carrier::State::hello_sent;
        ++carrier->hellos;
        // Where lanes have streams of their own only the first batch of a carrier stays together: docs/quic.md,
        // "Streams".
        const bool stays_together = carrier->hellos == 1;
        if (stays_together && !carrier->ticket_used.empty() && may_go_early()) write_first_flight(*carrier, batch, now);
        return false;
    }
    if (!carrier->attached()) return false;
    write_control(*carrier, batch, now);
    if (key != active_ || !agreed_.lanes) return false;
    if (new_token_due_) {
        batch.add({}, wire::encode(wire::CredentialView{*new_token_}));
        new_token_due_ = false;
    }
    inbound_->now = now;
    const bool more =
        agreed_.lanes->write(batch, std::min(max_bytes, fill_batch_to(agreed_.limits.max_batch_bytes)), now);
    health_.note_written(now);
    if (goodbye_.due() && agreed_.lanes->all_numbered()) {
        wire::Goodbye goodbye;
        goodbye.final = agreed_.lanes->final_states();
        goodbye.session_ends = true;
        batch.add({}, wire::encode(goodbye));
        goodbye_.note_sent();
    }
    return more;
}

// Of a carrier that is attached, whether or not it sends.
void ClientSession::write_control(Carrier& carrier, wire::Batch& batch, TimePoint now) {
    if (carrier.activate_epoch != 0) {
        batch.add({}, wire::encode(wire::Activate{carrier.activate_epoch}));
        carrier.activate_epoch = 0;
    }
    CarrierHealth& health = carrier.health;
    if (health.ping_due) {
        health.ping_due = false;
        if (health.ping_id == 0) {
            health.ping_id = random_.next_u64() | 1;
            health.ping_sent_at = now;
        }
        wire::Ping ping;
        ping.id = health.ping_id;
        batch.add({}, wire::encode_ping(ping));
    }
    for (Carrier::Probe& probe : carrier.probes) {
        if (probe.written_at != kNever) continue;
        probe.written_at = now;
        const std::string padding(probe.padding, '\0');
        wire::Ping ping;
        ping.id = probe.id;
        ping.padding = padding;
        batch.add({}, wire::encode_ping(ping));
    }
}

// A session that is resumed need not wait for the Welcome: its numbers tell new from old whatever becomes of this
// carrier. Only the first carrier of a connect hurries, so that sending has one place.
bool ClientSession::may_go_early() const noexcept {
    const auto hurries = [](const auto& other) { return other->first_epoch != 0; };
    return can_resume() && agreed_.lanes && active_ == kNoCarrier && !goodbye_.disconnecting() &&
           !goodbye_.last_ack_due() && std::none_of(carriers_.begin(), carriers_.end(), hurries);
}

void ClientSession::write_first_flight(Carrier& carrier, wire::Batch& batch, TimePoint now) {
    inbound_->now = now;
    carrier.first_epoch = ++epoch_;
    batch.add({}, wire::encode(wire::Activate{carrier.first_epoch}));
    repeat_unacknowledged(now);
    (void)agreed_.lanes->write(batch, kFirstFlightBytes, now);
}

void ClientSession::notify_output() {
    for (const auto& carrier : carriers_) {
        if (!carrier->attached()) continue;
        const bool sends = carrier->key == active_;
        const bool control =
            carrier->activate_epoch != 0 || carrier->health.ping_due || carrier->probing() || (new_token_due_ && sends);
        const bool numbered = sends && agreed_.lanes && (agreed_.lanes->has_output(inbound_->now) || goodbye_.due());
        if (control || numbered) listener_.output_ready(carrier->key);
    }
}

// ---- messages ----

Result<void> ClientSession::send(const wire::MessageView& message, Priority priority, TimePoint now, bool awaited) {
    inbound_->now = now;
    if (goodbye_.disconnecting()) return errc::shutting_down;
    const auto place = outgoing_.send(message, priority, now, awaited);
    if (!place) return place.error();
    if (*place == Outgoing::Place::lane) notify_output();
    return {};
}

void ClientSession::consumed(LaneIndex lane, std::uint64_t cost, TimePoint now) {
    inbound_->now = now;
    if (!agreed_.lanes) return;
    agreed_.lanes->consumed(lane, cost, now);
    if (active_ != kNoCarrier && agreed_.lanes->has_output(now)) listener_.output_ready(active_);
}

std::size_t ClientSession::clear_queue(TimePoint now) {
    inbound_->now = now;
    return outgoing_.cancel_unsent();
}

void ClientSession::fail_all(errc never_sent, const std::string& text, TimePoint now) {
    inbound_->now = now;
    outgoing_.fail_all(never_sent, text);
}

// ---- time ----

TimePoint ClientSession::next_deadline() const {
    const LaneSet* const lanes = agreed_.lanes.get();
    if (goodbye_.last_ack_due() && lanes != nullptr && !lanes->ack_pending()) return TimePoint::min();
    TimePoint next = std::min(goodbye_.deadline(), outgoing_.next_deadline());
    for (const auto& carrier : carriers_) {
        if (carrier->attached()) next = std::min(next, health_.next_deadline(carrier->health));
    }
    if (lanes == nullptr || active_ == kNoCarrier) return next;
    // A due ack that output_ready() was called for waits for the carrier to take it: no deadline any more.
    if (lanes->next_deadline() > health_.woken_at()) next = std::min(next, lanes->next_deadline());
    if (const Carrier* const active = find(active_))
        next = std::min({next, health_.suspect_at(active->health), health_.slow_at()});
    return next;
}

void ClientSession::on_time(TimePoint now) {
    inbound_->now = now;
    const bool on_trial = std::any_of(carriers_.begin(), carriers_.end(),
                                      [](const auto& each) { return each->health.on_trial_since != kNever; });
    health_.wake(now, next_deadline(), on_trial);
    std::vector<CarrierKey> keys;
    for (const auto& carrier : carriers_) keys.push_back(carrier->key);
    for (const CarrierKey key : keys) check_carrier(key, now);
    check_active(now);
    if (outgoing_.send_what_was_busy(now)) notify_output();
    outgoing_.give_up_waiting(now);
    settle_goodbye(now);
    if (agreed_.lanes && active_ != kNoCarrier && agreed_.lanes->has_output(now)) listener_.output_ready(active_);
}

void ClientSession::check_carrier(CarrierKey key, TimePoint now) {
    Carrier* const carrier = attached_one(key);
    if (carrier == nullptr) return;
    const TimePoint asked = carrier->health.next_ping_at;
    if (health_.is_dead(carrier->health, now)) {
        return drop(*carrier, errc::heartbeat_timeout,
                    "nothing was heard from the server within the heartbeat time-out", now);
    }
    if (carrier->health.next_ping_at != asked) listener_.output_ready(key);
    if (attached_one(key) == carrier && health_.is_condemned(carrier->health, now)) {
        drop(*carrier, errc::connection_lost,
             "the server knows the session no longer, and nothing comes on this connection", now);
    }
}

void ClientSession::check_active(TimePoint now) {
    if (Carrier* const carrier = find(active_); carrier != nullptr && agreed_.lanes) {
        const CarrierKey key = active_;
        if (health_.suspects(carrier->health, now)) {
            outgoing_.give_up_repeating(now);
            listener_.on_suspect(key);
        }
    }
    if (agreed_.lanes && active_ != kNoCarrier && health_.is_slow(now))
        listener_.on_slow(active_, health_.slow_for(now));
}

// On another connection the session is not known. That may be another server, or a liar; or else the server has been
// started again, and the carriers that are attached lead to nobody. They are asked: one that answers is believed, one
// that is silent is given up, and what becomes of the session is then decided as after any loss of its carrier.
void ClientSession::put_on_trial(TimePoint now) {
    for (const auto& carrier : carriers_) {
        if (!carrier->attached() || carrier->health.on_trial_since != kNever) continue;
        carrier->health.on_trial_since = now;
        carrier->health.ask();
        listener_.output_ready(carrier->key);
    }
}

// ---- the end ----

void ClientSession::lose_session(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap,
                                 TimePoint now) {
    GapReport report;
    report.reason = reason;
    report.text = text;
    for (LaneIndex i = 0; agreed_.lanes && i < agreed_.lanes->lanes(); ++i) {
        GapReport::Lane lane;
        lane.lane = i;
        if (const SendLane* const send = agreed_.lanes->send_lane(i)) {
            lane.sent = send->last_numbered();
            lane.acked = send->acked();
        }
        lane.received = agreed_.lanes->received(i);
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
    report.resent = outgoing_.open();
    outgoing_.leave_open();
    inbound_->now = now;
    forget_session();
    nothing_sends();
    if (!planted(Fault::gap_not_reported)) listener_.on_gap(report);
}

// A frame has come whose number counts and whose content cannot be had: resuming would pass over it in silence.
void ClientSession::give_session_up(errc reason, const std::string& text, TimePoint now) {
    if (!agreed_.lanes) return;
    const bool attached_elsewhere = attached();
    drop_carriers(reason, text);
    lose_session(reason, text, std::nullopt, now);
    if (attached_elsewhere) listener_.on_detached(reason, text);
    settle_goodbye(now);  // there is nobody left to say goodbye to
}

void ClientSession::disconnect(TimePoint now) {
    inbound_->now = now;
    if (!goodbye_.begin(now + settings_.goodbye_limit)) return;
    settle_goodbye(now);
    notify_output();
}

// Both ways to the end: we said goodbye and wait for the server's, or the server said it.
void ClientSession::settle_goodbye(TimePoint now) {
    if (!goodbye_.disconnecting() && !goodbye_.heard()) return;
    const bool complete = goodbye_.heard_all(agreed_.lanes.get()) || goodbye_.is_over(now) || !attached();
    if (goodbye_.disconnecting()) {
        if (complete) complete_disconnect();
    } else if (agreed_.lanes && complete) {
        // Tell the server that all has arrived; then the session is over.
        agreed_.lanes->hurry_acks(now);
        if (active_ != kNoCarrier && agreed_.lanes->ack_pending() && !goodbye_.is_over(now)) {
            goodbye_.wait_for_last_ack(true);
            listener_.output_ready(active_);
        } else {
            complete_theirs(now);
        }
    }
}

void ClientSession::complete_disconnect() {
    const bool drained = goodbye_.heard_all(agreed_.lanes.get()) && outgoing_.size() == 0;
    (void)goodbye_.complete();
    outgoing_.leave_open();
    drop_carriers(errc::ok, "disconnect");
    forget_session();
    tickets_.forget_kept();
    listener_.on_disconnected(drained);
}

void ClientSession::complete_theirs(TimePoint now) {
    const wire::Goodbye goodbye = *goodbye_.complete();
    drop_carriers(errc::ok, goodbye.text);
    const LaneSet& lanes = *agreed_.lanes;
    drained_ = lanes.received_all(goodbye.final);
    const bool orderly = goodbye.code == errc::shutting_down;
    if (orderly || goodbye.code == errc::session_ended) tickets_.keep();
    if (orderly && drained_) outgoing_.unsend();
    if (!drained_ || outgoing_.any_open()) {
        wire::LaneGaps known;  // the goodbye has acknowledged what the server had
        for (LaneIndex i = 0; i < lanes.lanes(); ++i) {
            const SendLane* const send = agreed_.lanes->send_lane(i);
            known.push_back({i, send == nullptr ? 0 : send->acked(), lanes.received(i)});
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

void ClientSession::forget_session() {
    attempt_id_ = random_.uuid();  // a Hello still to come must not find the session that was left
    agreed_.lanes.reset();
    agreed_.id.reset();
    tickets_.forget();
    goodbye_.lose_session();
}

}  // namespace flare::session
