// Reading from carriers and writing to them. Attaching is in session_attach.cpp, the end of sessions in
// ending.cpp and deadlines.cpp, messages are in session_messages.cpp.
#include "session/session_table.hpp"

#include "session/planted.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr std::size_t kMaxOwedPongs = 64;

std::uint32_t wire_ms(Duration duration) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

SessionTable::SessionTable(Settings settings, std::uint32_t home, TimePoint started, base::Random& random,
                           Budget& budget, SessionTableListener& listener, const TicketKeys* ticket_keys)
    : settings_(settings),
      home_(home),
      started_(started),
      random_(random),
      budget_(budget),
      listener_(listener),
      ticket_keys_(ticket_keys) {}

SessionTable::~SessionTable() { timers_.clear(); }

std::string SessionTable::device_key(std::string_view user, std::string_view device) {
    std::string key;
    key.reserve(user.size() + device.size() + 1);
    key.append(user).push_back('\0');
    key.append(device);
    return key;
}

Device& SessionTable::device(std::string_view user, std::string_view device) {
    const auto [found, made] = devices_.try_emplace(device_key(user, device));
    if (made) {
        found->second = std::make_unique<Device>(settings_, devices_forgotten_at_);
        budget_.take_anyway(Device::charge_of(found->first));
    }
    return *found->second;
}

Device* SessionTable::find_device(std::string_view user, std::string_view device) const {
    const auto found = devices_.find(device_key(user, device));
    return found == devices_.end() ? nullptr : found->second.get();
}

// ---- writing ----

void SessionTable::write_welcome(ServerSession& session, ServerSession::Attached& carrier, wire::Batch& batch) {
    wire::Welcome welcome;
    welcome.session_id = session.id_.value;
    welcome.home_worker = home_;
    welcome.ticket = carrier.offered == session.next_generation_ && !session.next_ticket_.empty() ? session.next_ticket_
                                                                                                  : session.ticket_;
    if (carrier.with_secret) welcome.secret = session.secret_;
    welcome.capabilities = wire::Compression::capabilities_of(session.encodings_);
    if (wire::has(session.encodings_, wire::Encoding::zstd_dictionary))
        welcome.dictionary = compression_->dictionary_id();
    if (is_sealed(welcome.ticket)) welcome.capabilities |= wire::kLastingTicket;
    welcome.lanes = session.lanes();
    welcome.heartbeat_interval_ms = wire_ms(settings_.heartbeat_interval);
    welcome.heartbeat_timeout_ms = wire_ms(settings_.heartbeat_timeout);
    welcome.max_ack_delay_ms = wire_ms(settings_.max_ack_delay);
    welcome.limits.max_message_bytes = settings_.max_message_bytes;
    welcome.limits.max_unacked_frames = settings_.max_unacked_frames;
    welcome.limits.max_unacked_bytes = settings_.max_unacked_bytes;
    welcome.limits.max_batch_bytes = settings_.max_batch_bytes;
    welcome.limits.max_messages_per_second = static_cast<std::uint32_t>(settings_.message_rate.per_second);
    welcome.limits.message_burst = static_cast<std::uint32_t>(settings_.message_rate.burst);
    welcome.limits.max_bytes_per_second = settings_.byte_rate.per_second;
    welcome.limits.byte_burst = settings_.byte_rate.burst;
    welcome.received = session.lane_set_.receive_states();
    welcome.outcome = carrier.with_secret ? wire::Outcome::created : wire::Outcome::resumed;
    welcome.session_life_ms = wire_ms(settings_.session_life);
    welcome.user = session.user_;
    batch.add({}, wire::encode(welcome));
    carrier.welcome_due = false;
}

void SessionTable::write_goodbye(ServerSession& session, wire::Batch& batch) {
    wire::Goodbye goodbye;
    goodbye.code = session.end_code_;
    goodbye.text = session.end_text_;
    goodbye.final = session.lane_set_.final_states();
    goodbye.retry_after_ms = session.end_retry_after_ms_;
    goodbye.session_ends = true;
    wire::FrameHeader header;  // with what has arrived: the client knows the end in both directions
    header.acks = session.lane_set_.receive_states();
    batch.add(header, wire::encode(goodbye));
}

bool SessionTable::write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes) {
    const auto found = by_carrier_.find(key);
    if (found == by_carrier_.end()) return false;
    ServerSession& session = *found->second;
    ServerSession::Attached* carrier = session.carrier(key);
    if (carrier == nullptr) return false;
    session.now_ = now;
    // Also of a session that has ended meanwhile: a Goodbye in its place would be a fault of the protocol.
    if (carrier->welcome_due && (!session.ended_ || carrier->goodbye_due)) write_welcome(session, *carrier, batch);
    for (const std::uint64_t id : carrier->pongs) {
        wire::Ping pong;
        pong.id = id;
        batch.add({}, wire::encode_pong(pong));
    }
    carrier->pongs.clear();
    bool more = false;
    if (key == session.active_ && !session.ended_) {
        if (session.credential_told_) {
            batch.add({}, wire::encode(*session.credential_told_));
            session.credential_told_.reset();
        }
        more = session.lane_set_.write(batch, max_bytes, now);
        // What was handed to a handler before the end is answered yet; whoever is thrown out gets no answer.
        const bool answered = session.in_progress_ == 0 || session.final_;
        if (session.goodbye_ && !session.goodbye_said_ && answered && session.lane_set_.all_numbered()) {
            for (auto& each : session.carriers_) each.goodbye_due = each.key == key;
            session.goodbye_said_ = true;
            session.final_ = true;
        }
        release_deferred(session, now);
    }
    if (carrier->goodbye_due) {
        write_goodbye(session, batch);
        carrier->goodbye_due = false;
    }
    arm(session);
    return more;
}

// ---- reading ----

void SessionTable::on_batch(CarrierKey key, std::string_view batch, TimePoint now) {
    const Entry entry(*this);
    ServerSession* session = by_carrier(key);
    if (session == nullptr || session->ended_) return;
    session->now_ = now;
    ServerSession::Attached* carrier = session->carrier(key);
    carrier->heard_at = now;
    if (!carrier->confirmed && !carrier->welcome_due) {
        carrier->confirmed = true;
        if (session->unconfirmed_) confirm(*session, now);
        if (session->active_ == kNoCarrier && session->active_epoch_ != 0) choose_active(*session);
    }
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    bool gone = session->ended_ || session->carrier(key) == nullptr;  // a hook may have ended it
    reading_ = session;
    while (!gone && !reader.done()) {
        if (const auto read = reader.next(frame); !read) {
            peer_error(*session, key, static_cast<errc>(read.error().value()), "a frame cannot be read", now);
            break;
        }
        handle(*session, key, frame, now, gone);
        gone = gone || session->ended_ || session->carrier(key) == nullptr;
    }
    reading_ = nullptr;
    release_deferred(*session, now);
    settle(*session, now);
}

void SessionTable::on_alive(CarrierKey key, TimePoint now) {
    ServerSession* session = by_carrier(key);
    if (session == nullptr || session->ended_) return;
    if (ServerSession::Attached* carrier = session->carrier(key)) carrier->heard_at = now;
}

void SessionTable::handle(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now,
                          bool& gone) {
    const auto fail = [&](errc code, const std::string& text) {
        gone = true;
        peer_error(session, key, code, text, now);
    };
    if (frame.unknown_kind) return fail(errc::unexpected_frame, "a frame of a kind that version 1 does not know");
    if (!frame.acks.empty()) {
        if (const auto acked = session.lane_set_.on_acks(frame.acks, now); !acked) {
            return fail(static_cast<errc>(acked.error().value()), "an acknowledgement of what was never sent");
        }
    }
    switch (frame.kind) {
        case wire::FrameKind::none: return;
        case wire::FrameKind::data:
        case wire::FrameKind::chunk: return handle_numbered(session, key, frame, now);
        case wire::FrameKind::activate: {
            const auto activate = wire::decode_activate(frame.body);
            if (!activate) return fail(errc::malformed_frame, "an activate that cannot be read");
            return handle_activate(session, key, activate->epoch, now);
        }
        case wire::FrameKind::ping: {
            const auto ping = wire::decode_ping(frame.body);
            if (!ping) return fail(errc::malformed_frame, "a ping that cannot be read");
            ServerSession::Attached& carrier = *session.carrier(key);
            if (carrier.pongs.size() >= kMaxOwedPongs)
                return fail(errc::rate_limited, "more pings than answers are read");
            carrier.pongs.push_back(ping->id);
            listener_.output_ready(key);
            listener_.on_heartbeat(session);
            return;
        }
        case wire::FrameKind::credential: {
            const auto credential = wire::decode_credential(frame.body);
            if (!credential) return fail(errc::malformed_frame, "a credential that cannot be read");
            return handle_credential(session, credential->token);
        }
        case wire::FrameKind::goodbye: {
            const auto goodbye = wire::decode_goodbye(frame.body);
            if (!goodbye) return fail(errc::malformed_frame, "a goodbye that cannot be read");
            if (goodbye->session_ends) {
                session.peer_final_ = std::make_unique<const wire::LaneStates>(goodbye->final);
                session.goodbye_deadline_ = std::min(session.goodbye_deadline_, now + settings_.goodbye_limit);
            } else {
                gone = true;
                listener_.close_carrier(key, errc::ok, {});
                detach(session, key, now);
            }
            return;
        }
        default: return fail(errc::unexpected_frame, "a frame that only servers send, or a second hello");
    }
}

void SessionTable::handle_numbered(ServerSession& session, CarrierKey key, const wire::FrameView& frame,
                                   TimePoint now) {
    const auto result = session.lane_set_.on_numbered(frame, now);
    if (result) return;
    const auto code = static_cast<errc>(result.error().value());
    switch (code) {
        case errc::sequence_gap:
        case errc::credit_exceeded:
        case errc::unknown_lane:
            return peer_error(session, key, code, "a numbered frame does not fit: " + result.error().message(), now);
        default:
            // Every replay would bring it again: the session cannot go on.
            listener_.on_peer_error(&session, key, code, result.error().message());
            return finalize(session, code, result.error().message(), now);
    }
}

void SessionTable::handle_activate(ServerSession& session, CarrierKey key, std::uint64_t epoch, TimePoint now) {
    const bool stale = epoch < session.active_epoch_ || (epoch == session.active_epoch_ && key != session.active_);
    if (stale && !planted(Fault::stale_carrier_activated)) {
        return peer_error(session, key, errc::stale_carrier, "a later activate has moved sending elsewhere", now);
    }
    ServerSession::Attached& carrier = *session.carrier(key);
    // An epoch that was activated elsewhere is somebody's copy, and says nothing of what the client has got.
    carrier.activated = carrier.activated || epoch > session.active_epoch_;
    session.active_epoch_ = epoch;
    const bool welcomed = !carrier.welcome_due || planted(Fault::ticket_confirmed_unseen);
    const bool knows_ticket = welcomed && carrier.activated && carrier.offered == session.next_generation_;
    if (knows_ticket && !session.next_ticket_.empty()) confirm_ticket(session);
    if (session.active_ != key) {
        session.active_ = key;
        session.goodbye_said_ = false;
        session.lane_set_.rewind(now);
        if (!session.unconfirmed_) listener_.on_carrier_activated(session, key);
    }
    listener_.output_ready(key);
}

// One word in the log, the carrier closes; the session lives on without it.
void SessionTable::peer_error(ServerSession& session, CarrierKey key, errc code, const std::string& text,
                              TimePoint now) {
    listener_.on_peer_error(&session, key, code, text);
    listener_.close_carrier(key, code, text);
    detach(session, key, now);
}

void SessionTable::carrier_gone(CarrierKey key, TimePoint now) {
    const Entry entry(*this);
    ServerSession* session = by_carrier(key);
    if (session == nullptr) return;
    session->now_ = now;
    detach(*session, key, now);
    if (!session->ended_) settle(*session, now);
}

void SessionTable::detach(ServerSession& session, CarrierKey key, TimePoint now) {
    if (std::erase_if(session.carriers_, [&](const auto& carrier) { return carrier.key == key; }) == 0) return;
    by_carrier_.erase(key);
    if (!session.unconfirmed_) listener_.on_carrier_detached(session, key);
    if (session.ended_) {
        if (session.carriers_.empty()) bury(session);
        return;
    }
    if (session.active_ == key) {
        session.active_ = kNoCarrier;
        if (!planted(Fault::standby_never_takes_over)) choose_active(session);
    }
    if (session.carriers_.empty()) {
        session.detached_at_ = now;
        if (!session.unconfirmed_) listener_.on_presence(session);
        // Nobody can come back to a session that says goodbye: there is nothing to wait for.
        if (session.goodbye_) return finalize(session, session.end_code_, session.end_text_, now);
        if (session.peer_final_) return finalize(session, errc::ok, "the client said goodbye", now);
    }
    arm(session);
}

// The newest carrier whose Welcome has arrived; frames on any other could come before it.
void SessionTable::choose_active(ServerSession& session) {
    const ServerSession::Attached* newest = nullptr;
    for (const auto& carrier : session.carriers_) {
        if (carrier.confirmed && (newest == nullptr || carrier.epoch > newest->epoch)) newest = &carrier;
    }
    if (newest == nullptr) return;
    session.active_ = newest->key;
    session.goodbye_said_ = false;
    session.lane_set_.rewind(session.now_);
    if (!session.unconfirmed_) listener_.on_carrier_activated(session, newest->key);
    listener_.output_ready(newest->key);
}

// ---- look-ups ----

ServerSession* SessionTable::find(const SessionId& id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

ServerSession* SessionTable::by_carrier(CarrierKey key) {
    const auto found = by_carrier_.find(key);
    return found == by_carrier_.end() ? nullptr : found->second;
}

std::vector<ServerSession*> SessionTable::of_user(std::string_view user) {
    const auto found = users_.find(std::string(user));
    return found == users_.end() ? std::vector<ServerSession*>{} : found->second;
}

void SessionTable::for_each(const std::function<void(ServerSession&)>& each) {
    std::vector<ServerSession*> all;
    all.reserve(sessions_.size());
    for (const auto& [id, session] : sessions_) all.push_back(session.get());
    for (ServerSession* session : all) {
        if (!session->ended_) each(*session);
    }
}

}  // namespace flare::session
