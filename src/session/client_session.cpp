#include "session/client_session.hpp"

#include "session/planted.hpp"
#include "session/ticket.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr Duration kRoundTripSlack = std::chrono::milliseconds(10);

std::chrono::milliseconds to_ms(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

// Two senders may use the same id: what is remembered is the pair.
Uuid seen_key(std::string_view from, const Uuid& id) {
    Uuid key = id;
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : from) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    for (std::size_t i = 0; i < 8; ++i) key.bytes[i] ^= static_cast<std::uint8_t>(hash >> (8 * i));
    return key;
}

}  // namespace

struct ClientSession::CarrierState {
    CarrierKey key = kNoCarrier;
    State state = State::hello_due;
    bool standby = false;
    bool suspected = false;
    std::uint64_t activate_epoch = 0;  // 0: no Activate is due
    bool ping_due = false;
    std::uint32_t hellos = 0;
    std::string ticket_used;    // of the Hello under way; empty: it came with a token
    std::uint64_t ping_id = 0;  // 0: none outstanding
    TimePoint ping_sent_at{};
    TimePoint next_ping_at = kNever;
    TimePoint heard_at{};
    std::uint32_t missed = 0;
};

// What the conversation delivers, filtered and passed on.
class ClientSession::Inbound final : public ConversationListener {
public:
    explicit Inbound(ClientSession& session) : session_(session) {}
    TimePoint now{};

    void on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) override {
        const Uuid key = seen_key(data.from, data.message->id);
        if (session_.seen_.check(key, Duration::zero(), TimePoint::min(), now).verdict != DedupeRing::Verdict::fresh) {
            session_.conversation_->consumed(lane, cost, now);
            return;
        }
        session_.seen_.finish(key, Receipt{});
        session_.listener_.on_message(lane, data, whole, cost);
    }
    void on_message_refused(LaneIndex, const Uuid&, errc) override {
        // Only servers answer with receipts; what this process had no memory for is gone for it. The reassembly
        // budget of a client is at least one message of the agreed size, so this is the application's own limit.
    }
    void on_receipt(LaneIndex, const wire::ReceiptView& receipt) override {
        Outbox::Token token = 0;
        if (session_.outbox_.find(receipt.message_id, &token) == nullptr) return;  // failed or answered before
        Outcome outcome;
        outcome.status = receipt.status;
        outcome.error = receipt.status == wire::ReceiptStatus::refused
                            ? (receipt.code == errc::ok ? errc::forbidden : receipt.code)
                            : errc::ok;
        outcome.text = std::string(receipt.text);
        outcome.retry_after_ms = receipt.retry_after_ms;
        session_.finish(token, std::move(outcome));
    }
    void on_numbered_first(std::uint64_t token) override {
        Outbox::Entry* entry = session_.outbox_.find(token);
        if (entry != nullptr && entry->first_sent_at == kNever) entry->first_sent_at = now;
    }
    void on_acked(std::uint64_t token) override {
        if (Outbox::Entry* entry = session_.outbox_.find(token)) entry->acked = true;
    }

private:
    ClientSession& session_;
};

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
    if (can_resume() && conversation_) {
        wire::Resume resume;
        resume.ticket = ticket_;
        resume.nonce = random_.bytes(16);
        resume.mac = resume_mac(secret_, ticket_, hello.epoch, resume.nonce, attempt_id_);
        hello.resume = std::move(resume);
        hello.received = conversation_->receive_states();
        carrier.ticket_used = ticket_;
    } else {
        hello.token = token_;
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
    if (key != active_ || !conversation_) return false;
    inbound_->now = now;
    const bool more = conversation_->write(batch, max_bytes, now);
    if (disconnecting_ && !goodbye_sent_ && conversation_->all_numbered()) {
        wire::Goodbye goodbye;
        goodbye.final = conversation_->final_states();
        goodbye.session_ends = true;
        batch.add({}, wire::encode(goodbye));
        goodbye_sent_ = true;
    }
    return more;
}

void ClientSession::on_batch(CarrierKey key, std::string_view bytes, TimePoint now) {
    inbound_->now = now;
    CarrierState* carrier = find(key);
    if (carrier == nullptr) return;
    carrier->heard_at = now;
    carrier->missed = 0;
    wire::BatchReader reader(bytes, limits_.max_frame_bytes);
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
            const auto refused = wire::decode_refused(frame.body);
            if (decoded_or_fail(refused)) handle_refused(carrier, *refused, now);
        } else {
            return fail(errc::unexpected_frame, "the server must begin with welcome or refused");
        }
        gone = gone || find(key) == nullptr;
        return;
    }
    if (!frame.acks.empty()) {
        const auto result = conversation_->on_acks(frame.acks, now);
        if (!result)
            return fail(static_cast<errc>(result.error().value()), "the server acknowledged what was never sent");
    }
    switch (frame.kind) {
        case wire::FrameKind::none: return;
        case wire::FrameKind::data:
        case wire::FrameKind::chunk:
        case wire::FrameKind::receipt: {
            const auto result = conversation_->on_numbered(frame, now);
            if (!result)
                fail(static_cast<errc>(result.error().value()),
                     "a numbered frame does not fit: " + result.error().message());
            return;
        }
        case wire::FrameKind::pong: {
            const auto pong = wire::decode_ping(frame.body);
            if (decoded_or_fail(pong)) handle_pong(carrier, *pong, now);
            return;
        }
        case wire::FrameKind::goodbye: {
            const auto goodbye = wire::decode_goodbye(frame.body);
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
        conversation_ = std::make_unique<Conversation>(agreed_, welcome.lanes, budget_, *inbound_);
        goodbye_sent_ = false;
    }
    if (welcome.heartbeat_interval_ms != 0) {
        agreed_.heartbeat_interval =
            std::min<Duration>(settings_.heartbeat_interval, std::chrono::milliseconds(welcome.heartbeat_interval_ms));
    }
    ticket_ = welcome.ticket;
    home_worker_ = welcome.home_worker;
    if (const auto acked = conversation_->on_acks(welcome.received, now); !acked) {
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
    for (const auto& other : carriers_) other->activate_epoch = 0;  // overtaken before it was written
    carrier.activate_epoch = ++epoch_;
    carrier.standby = false;
    conversation_->rewind(now);
    goodbye_sent_ = false;
    // What was sent and not acknowledged goes out once more on this carrier.
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
            // The session lives on another carrier: this refusal concerns only this one.
            close(carrier, refused.code, refused.text);
            detach(carrier, refused.code, refused.text, now);
            return;
        }
        if (still_the_same) lose_session(refused.code, refused.text, refused.gap, now);
        if (CarrierState* still = find(key)) {
            still->state = State::hello_due;
            listener_.output_ready(key);
        }
        return;
    }
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

void ClientSession::handle_pong(CarrierState& carrier, const wire::Ping& pong, TimePoint now) {
    if (pong.id != carrier.ping_id || carrier.ping_id == 0) return;  // an answer to a ping given up
    carrier.ping_id = 0;
    const Duration round_trip = now - carrier.ping_sent_at;
    if (carrier.key == active_) {
        // RFC 6298 section 2: SRTT <- 7/8 SRTT + 1/8 R.
        smoothed_round_trip_ = smoothed_round_trip_ ? (*smoothed_round_trip_ * 7 + round_trip) / 8 : round_trip;
    }
    listener_.on_heartbeat(carrier.key, round_trip);
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
    active_ = kNoCarrier;
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
    listener_.on_detached(reason, text);
    settle_disconnect(now);
}

// ---- the end of a session ----

void ClientSession::lose_session(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap,
                                 TimePoint now) {
    GapReport report;
    report.reason = reason;
    report.text = text;
    if (conversation_) {
        for (LaneIndex i = 0; i < conversation_->lanes(); ++i) {
            GapReport::Lane lane;
            lane.lane = i;
            if (const SendLane* send = conversation_->send_lane(i)) {
                lane.sent = send->last_numbered();
                lane.acked = send->acked();
            }
            lane.received = conversation_->received(i);
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
        entry.acked = false;
        ++entry.retries;
    });
    for (const Outbox::Token token : forgotten) outbox_.erase(token);
    inbound_->now = now;
    forget_session();
    active_ = kNoCarrier;
    peer_goodbye_.reset();
    if (!planted(Fault::gap_not_reported)) listener_.on_gap(report);
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
        const bool answered = peer_goodbye_ && conversation_ && conversation_->received_all(peer_goodbye_->final);
        if (!answered && attached() && now < goodbye_deadline_) return;
        disconnecting_ = false;
        goodbye_deadline_ = kNever;
        peer_goodbye_.reset();
        const bool drained = answered && outbox_.size() == 0;
        drop_carriers(errc::ok, "disconnect");
        forget_session();
        listener_.on_disconnected(drained);
        return;
    }
    if (!peer_goodbye_ || !conversation_) return;
    if (!conversation_->received_all(peer_goodbye_->final) && now < goodbye_deadline_ && attached()) return;
    // Tell the server that all has arrived; then the session is over.
    conversation_->hurry_acks(now);
    if (active_ != kNoCarrier && conversation_->ack_pending() && now < goodbye_deadline_) {
        ending_ = true;
        listener_.output_ready(active_);
        return;
    }
    ending_ = false;
    goodbye_deadline_ = kNever;
    const wire::Goodbye goodbye = *peer_goodbye_;
    peer_goodbye_.reset();
    drop_carriers(errc::ok, goodbye.text);
    bool open = !conversation_->received_all(goodbye.final);
    outbox_.for_each([&](Outbox::Token, Outbox::Entry& entry) { open = open || entry.first_sent_at != kNever; });
    if (open) {
        lose_session(goodbye.code == errc::ok ? errc::session_ended : goodbye.code, goodbye.text, std::nullopt, now);
    } else {
        forget_session();
    }
    listener_.on_ended(goodbye.code, goodbye.text, goodbye.retry_after_ms);
}

void ClientSession::drop_carriers(errc code, const std::string& text) {
    const auto dropped = std::move(carriers_);
    carriers_.clear();
    active_ = kNoCarrier;
    for (const auto& carrier : dropped) listener_.close_carrier(carrier->key, code, text);
}

void ClientSession::forget_session() {
    attempt_id_ = random_.uuid();  // a Hello still to come must not find the session that was left
    conversation_.reset();
    id_.reset();
    ticket_.clear();
    secret_.clear();
}

// ---- messages ----

Result<void> ClientSession::send(const wire::MessageView& message, Priority priority, TimePoint now) {
    inbound_->now = now;
    if (disconnecting_) return errc::shutting_down;
    if (message.to.empty()) return errc::unknown_target;
    if (message.id.is_nil()) return errc::invalid_message_id;
    if (message.payload.size() > std::min(settings_.max_message_bytes, limits_.max_message_bytes))
        return errc::message_too_large;
    Outbox::Entry entry;
    entry.id = message.id;
    entry.to = std::string(message.to);
    entry.payload_bytes = message.payload.size();
    entry.priority = priority;
    entry.queued_at = now;
    entry.message = wire::encode_message(message);
    const auto token = outbox_.add(std::move(entry));
    if (!token) return token.error();
    if (conversation_) {
        enqueue(*token, *outbox_.find(*token), now);
        notify_output();
    }
    return {};
}

void ClientSession::enqueue(Outbox::Token token, Outbox::Entry& entry, TimePoint now) {
    wire::DataView data;
    data.message_raw = entry.message.view();
    // encode() takes the cost from the message, of which it has only the bytes here.
    if (entry.first_sent_at != kNever) {
        data.first_sent_ms_ago =
            static_cast<std::uint64_t>(std::max<std::int64_t>(1, to_ms(now - entry.first_sent_at).count()));
    }
    wire::Body body = wire::encode(data);
    body.cost = entry.payload_bytes;
    // The outbox is the bound here, so that what it took always finds its place.
    (void)conversation_->send_anyway(lane_of(entry.to, conversation_->lanes()), std::move(body), entry.priority, token);
}

void ClientSession::queue_outbox(TimePoint now) {
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) { enqueue(token, entry, now); });
}

void ClientSession::consumed(LaneIndex lane, std::uint64_t cost, TimePoint now) {
    inbound_->now = now;
    if (!conversation_) return;
    conversation_->consumed(lane, cost, now);
    if (active_ != kNoCarrier && conversation_->has_output(now)) listener_.output_ready(active_);
}

void ClientSession::finish(Outbox::Token token, Outcome outcome) {
    Outbox::Entry* entry = outbox_.find(token);
    if (entry == nullptr) return;
    outcome.message_id = entry->id;
    outcome.retry_count = entry->retries;
    outcome.queued_at = entry->queued_at;
    outcome.first_sent_at = entry->first_sent_at;
    outbox_.erase(token);
    listener_.on_outcome(outcome);
}

std::size_t ClientSession::clear_queue(TimePoint now) {
    inbound_->now = now;
    std::vector<Outbox::Token> tokens;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.first_sent_at == kNever) tokens.push_back(token);
    });
    for (const Outbox::Token token : tokens) {
        const Outbox::Entry* entry = outbox_.find(token);
        if (entry == nullptr) continue;
        if (conversation_) {
            SendLane* lane = conversation_->send_lane(lane_of(entry->to, conversation_->lanes()));
            if (lane != nullptr) lane->withdraw(token);
        }
        Outcome outcome;
        outcome.error = errc::cancelled;
        finish(token, std::move(outcome));
    }
    return tokens.size();
}

void ClientSession::fail_all(errc never_sent, const std::string& text, TimePoint now) {
    clear_unsent(now);
    std::vector<std::pair<Outbox::Token, bool>> tokens;
    outbox_.for_each(
        [&](Outbox::Token token, Outbox::Entry& entry) { tokens.emplace_back(token, entry.first_sent_at == kNever); });
    for (const auto& [token, unsent] : tokens) {
        Outcome outcome;
        outcome.error = unsent ? never_sent : errc::outcome_unknown;
        outcome.text = text;
        finish(token, std::move(outcome));
    }
}

void ClientSession::clear_unsent(TimePoint now) {
    inbound_->now = now;
    if (conversation_) conversation_->clear_queue([](std::uint64_t) {});
}

// ---- time ----

TimePoint ClientSession::next_deadline() const {
    TimePoint next = goodbye_deadline_;
    if (ending_ && conversation_ && !conversation_->ack_pending()) next = TimePoint::min();
    for (const auto& carrier : carriers_) {
        if (carrier->state != State::attached) continue;
        next = std::min(next, carrier->next_ping_at);
        next = std::min(next, carrier->heard_at + settings_.heartbeat_timeout);
    }
    if (conversation_ && active_ != kNoCarrier) {
        // A due ack that output_ready() was called for waits for the carrier to take it: no deadline any more.
        if (conversation_->next_deadline() > woken_at_) next = std::min(next, conversation_->next_deadline());
        const auto active =
            std::find_if(carriers_.begin(), carriers_.end(), [&](const auto& c) { return c->key == active_; });
        if (conversation_->unacked_since() != kNever && active != carriers_.end() && !(*active)->suspected) {
            next = std::min(next, conversation_->unacked_since() + patience());
        }
    }
    return next;
}

Duration ClientSession::patience() const {
    const Duration round_trip = smoothed_round_trip_.value_or(Duration::zero());
    return std::max(settings_.retry_delay, 2 * (round_trip + settings_.max_ack_delay) + kRoundTripSlack);
}

void ClientSession::on_time(TimePoint now) {
    inbound_->now = now;
    woken_at_ = now;
    std::vector<CarrierKey> keys;
    for (const auto& carrier : carriers_) keys.push_back(carrier->key);
    for (const CarrierKey key : keys) {
        if (CarrierState* carrier = find(key)) check_heartbeat(*carrier, now);
    }
    check_suspect(now);
    settle_disconnect(now);
    if (conversation_ && active_ != kNoCarrier && conversation_->has_output(now)) listener_.output_ready(active_);
}

void ClientSession::check_heartbeat(CarrierState& carrier, TimePoint now) {
    if (carrier.state != State::attached) return;
    bool dead = now - carrier.heard_at >= settings_.heartbeat_timeout;
    if (!dead && now >= carrier.next_ping_at) {
        if (carrier.ping_id != 0 && carrier.heard_at <= carrier.ping_sent_at)
            dead = ++carrier.missed >= settings_.max_missed_heartbeats;
        carrier.next_ping_at = now + agreed_.heartbeat_interval;
        carrier.ping_id = 0;
        carrier.ping_due = true;
        if (!dead) listener_.output_ready(carrier.key);
    }
    if (!dead) return;
    const std::string text = "nothing was heard from the server within the heartbeat time-out";
    close(carrier, errc::heartbeat_timeout, text);
    detach(carrier, errc::heartbeat_timeout, text, now);
}

void ClientSession::check_suspect(TimePoint now) {
    if (!conversation_ || active_ == kNoCarrier || conversation_->unacked_since() == kNever) return;
    CarrierState* carrier = find(active_);
    if (carrier == nullptr || carrier->suspected || now < conversation_->unacked_since() + patience()) return;
    carrier->suspected = true;
    std::vector<Outbox::Token> given_up;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.first_sent_at != kNever && !entry.acked && entry.retries >= settings_.retry_count)
            given_up.push_back(token);
    });
    const CarrierKey key = active_;
    for (const Outbox::Token token : given_up) {
        Outcome outcome;
        outcome.error = errc::outcome_unknown;
        outcome.text = "no acknowledgement after the agreed number of repeats";
        finish(token, std::move(outcome));
    }
    listener_.on_suspect(key);
}

void ClientSession::notify_output() {
    for (const auto& carrier : carriers_) {
        if (carrier->state != State::attached) continue;
        const bool control = carrier->activate_epoch != 0 || carrier->ping_due;
        const bool numbered = carrier->key == active_ && conversation_ &&
                              (conversation_->has_output(inbound_->now) || (disconnecting_ && !goodbye_sent_));
        if (control || numbered) listener_.output_ready(carrier->key);
    }
}

}  // namespace flare::session
