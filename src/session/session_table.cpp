// Attaching carriers, reading from them, writing to them. The end of sessions is in session_end.cpp, messages
// are in session_messages.cpp.
#include "session/session_table.hpp"

#include "base/crypto.hpp"
#include "session/planted.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr std::size_t kMaxCarriers = 8;  // on one session
constexpr std::size_t kMaxOwedPongs = 64;
constexpr std::size_t kMaxUnheard = 4;  // sessions of one device that wait to be heard
constexpr std::uint32_t kBusyRetryMs = 1000;

std::uint32_t to_ms(Duration duration) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

wire::Refused refuse(errc code, std::string text, std::uint32_t retry_after_ms = 0) {
    wire::Refused refused;
    refused.code = code;
    refused.text = std::move(text);
    refused.retry_after_ms = retry_after_ms;
    return refused;
}

}  // namespace

SessionTable::SessionTable(Settings settings, std::uint32_t home, TimePoint started, base::Random& random,
                           Budget& budget, SessionTableListener& listener)
    : settings_(settings), home_(home), started_(started), random_(random), budget_(budget), listener_(listener) {}

SessionTable::~SessionTable() { timers_.clear(); }

std::string SessionTable::device_key(std::string_view user, std::string_view device) {
    std::string key;
    key.reserve(user.size() + device.size() + 1);
    key.append(user).push_back('\0');
    key.append(device);
    return key;
}

Device& SessionTable::device(std::string_view user, std::string_view device) {
    auto& slot = devices_[device_key(user, device)];
    if (!slot) slot = std::make_unique<Device>(settings_);
    return *slot;
}

Device* SessionTable::find_device(std::string_view user, std::string_view device) {
    const auto found = devices_.find(device_key(user, device));
    return found == devices_.end() ? nullptr : found->second.get();
}

// ---- attaching: docs/protocol.md, "Attaching a carrier" ----

std::optional<wire::Refused> SessionTable::attach_new(CarrierKey key, const wire::Hello& hello,
                                                      const Identity& identity, TimePoint now) {
    const Entry entry(*this);
    if (identity.user != hello.user) return refuse(errc::user_mismatch, "the credential belongs to another user");
    Device& owner = device(identity.user, hello.device);
    owner.used_at = now;
    ServerSession* const same = planted(Fault::attempt_makes_two) ? nullptr : owner.of_attempt(hello.attempt_id);
    if (same != nullptr)
        return attach(*same, key, hello, true, now);  // the same connect: its Welcome was lost, or it races
    if (owner.knows(hello.attempt_id) && !planted(Fault::attempt_makes_two)) {
        return refuse(errc::stale_carrier, "this connect has been overtaken by a later one");
    }
    if (budget_.exhausted()) return refuse(errc::busy, "the server has no memory for another session", kBusyRetryMs);
    if (std::any_of(hello.received.begin(), hello.received.end(),
                    [](const auto& state) { return state.received != 0; })) {
        return refuse(errc::bad_ack, "the hello acknowledges frames of a session that it does not resume");
    }
    if (owner.unheard.size() >= kMaxUnheard) {
        finalize(*owner.unheard.front(), errc::session_replaced, "the same device has connected anew", now);
    }
    ServerSession& session = create(owner, hello, identity.user, now);
    if (owner.session == nullptr || planted(Fault::attempt_makes_two)) {
        settle_in(owner, session, now);
    } else {
        session.unheard_ = true;
        owner.unheard.push_back(&session);
    }
    return attach(session, key, hello, true, now);
}

// A Hello may be late, or a copy: as long as another session of the device lives, a new one takes its place only when
// something has been heard that answers the Welcome. Until then no hook tells of it.
void SessionTable::heard(ServerSession& session, TimePoint now) {
    Device& owner = *session.owner_;
    if (owner.session != nullptr) {
        finalize(*owner.session, errc::session_replaced, "the same device has connected anew", now);
    }
    std::erase(owner.unheard, &session);
    session.unheard_ = false;
    settle_in(owner, session, now);
    for (const CarrierKey key : session.carriers()) listener_.on_carrier_attached(session, key);
}

void SessionTable::settle_in(Device& owner, ServerSession& session, TimePoint now) {
    owner.session = &session;
    owner.used_at = now;
    users_[session.user_].push_back(&session);
    listener_.on_session_created(session);
}

ServerSession& SessionTable::create(Device& owner, const wire::Hello& hello, const std::string& user, TimePoint now) {
    const std::uint32_t lanes =
        hello.lanes == 0 ? settings_.lanes : std::clamp<std::uint32_t>(hello.lanes, 1, settings_.lanes);
    const SessionId id{random_.uuid()};
    auto made = std::unique_ptr<ServerSession>(new ServerSession(*this, id, user, hello.device, hello.platform, lanes));
    ServerSession& session = *made;
    session.now_ = now;
    session.secret_ = random_.bytes(kSecretBytes);
    session.owner_ = &owner;
    session.attempt_ = hello.attempt_id;
    session.attempt_epoch_ = hello.epoch;
    owner.remember(hello.attempt_id);
    sessions_.emplace(id, std::move(made));
    return session;
}

std::optional<wire::Refused> SessionTable::attach_resumed(CarrierKey key, const wire::Hello& hello, TimePoint now) {
    const Entry entry(*this);
    const auto id = hello.resume ? session_in_ticket(hello.resume->ticket) : std::nullopt;
    if (!id) return refuse(errc::ticket_invalid, "the ticket is not one of this server");
    const auto proven = [&](const std::string& secret) {
        return planted(Fault::hello_mac_unchecked) ||
               base::equal_constant_time(
                   resume_mac(secret, hello.resume->ticket, hello.epoch, hello.resume->nonce, hello.attempt_id),
                   hello.resume->mac);
    };
    ServerSession* session = find(*id);
    if (session == nullptr) {
        const auto found = tombstones_.find(*id);
        if (found == tombstones_.end() || !proven(found->second->secret)) {
            return refuse(errc::session_unknown, "this server does not know the session (any more)");
        }
        wire::Refused refused =
            refuse(found->second->reason == errc::session_expired ? errc::session_expired : errc::session_ended,
                   found->second->text);
        refused.gap = found->second->lanes;
        return refused;
    }
    if (session->user_ != hello.user) return refuse(errc::user_mismatch, "the ticket belongs to another user");
    if (!proven(session->secret_))
        return refuse(errc::resume_proof_invalid, "the resume proof does not fit the ticket");
    const std::string& ticket = hello.resume->ticket;
    const bool current = ticket == session->ticket_;
    const bool successor = !session->next_ticket_.empty() && ticket == session->next_ticket_;
    const bool same_connect = ticket == session->previous_ticket_ && hello.attempt_id == session->previous_attempt_;
    if (!current && !successor && !same_connect && !planted(Fault::old_ticket_accepted)) {
        return refuse(errc::ticket_invalid, "the ticket has been replaced by a newer one");
    }
    if (hello.epoch < std::max(session->active_epoch_, session->attempt_epoch_) &&
        hello.attempt_id != session->attempt_ && !planted(Fault::old_ticket_accepted)) {
        return refuse(errc::stale_carrier, "this connect has been overtaken by a later one");
    }
    if (session->goodbye_ || session->peer_goodbye_)
        return refuse(errc::session_ended, "the session is saying goodbye");
    session->now_ = now;
    if (const auto acked = session->conversation_.on_acks(hello.received, now); !acked) {
        return refuse(static_cast<errc>(acked.error().value()), "the hello acknowledges what was never sent");
    }
    if (session->unheard_) heard(*session, now);  // it has the ticket, so its Welcome has arrived
    if (session->ended_) return refuse(errc::session_ended, session->end_text_);
    if (hello.attempt_id != session->attempt_) {
        session->attempt_ = hello.attempt_id;
        session->attempt_epoch_ = hello.epoch;
        session->owner_->remember(hello.attempt_id);
    }
    if (successor) confirm_ticket(*session);  // the old one is good for this connect only
    return attach(*session, key, hello, false, now);
}

std::optional<wire::Refused> SessionTable::attach(ServerSession& session, CarrierKey key, const wire::Hello& hello,
                                                  bool with_secret, TimePoint now) {
    session.now_ = now;
    if (with_secret) {
        wire::LaneStates credit;  // the hello speaks of the lanes that it wished for; some may not have been agreed
        for (const wire::LaneState& state : hello.received) {
            if (state.lane < session.lanes()) credit.push_back(state);
        }
        if (const auto taken = session.conversation_.on_acks(credit, now); !taken) {
            return refuse(static_cast<errc>(taken.error().value()), "the hello acknowledges what was never sent");
        }
    }
    if (session.carriers_.size() >= kMaxCarriers) {
        // The least of those that do not send makes room.
        const auto oldest =
            std::min_element(session.carriers_.begin(), session.carriers_.end(), [&](const auto& a, const auto& b) {
                return std::pair(a.key == session.active_, a.epoch) < std::pair(b.key == session.active_, b.epoch);
            });
        const CarrierKey dropped = oldest->key;
        listener_.close_carrier(dropped, errc::stale_carrier, "newer carriers have taken its place");
        detach(session, dropped, now);
    }
    const bool was_detached = session.carriers_.empty();
    if (session.next_ticket_.empty()) {
        session.next_ticket_ = make_ticket(home_, session.id_, random_);
        ++session.next_generation_;
    }
    ServerSession::Attached carrier;
    carrier.key = key;
    carrier.epoch = hello.epoch;
    carrier.heard_at = now;
    carrier.welcome_due = true;
    carrier.with_secret = with_secret;
    carrier.offered = session.next_generation_;
    session.carriers_.push_back(std::move(carrier));
    by_carrier_[key] = &session;
    if (was_detached) {
        const bool returned = session.detached_at_ != kNever;
        session.attached_at_ = now;
        session.detached_at_ = kNever;
        if (returned && !session.unheard_) listener_.on_presence(session);
    }
    if (!session.unheard_) listener_.on_carrier_attached(session, key);
    listener_.output_ready(key);
    arm(session);
    return std::nullopt;
}

// The client has the ticket that its Welcome offered: the one before is good no longer, but for Hellos of the
// connect that is still under way.
void SessionTable::confirm_ticket(ServerSession& session) {
    session.previous_ticket_ = std::move(session.ticket_);
    session.previous_attempt_ = session.attempt_;
    session.ticket_ = std::move(session.next_ticket_);
    session.next_ticket_.clear();
}

void SessionTable::write_welcome(ServerSession& session, ServerSession::Attached& carrier, wire::Batch& batch) {
    wire::Welcome welcome;
    welcome.session_id = session.id_.value;
    welcome.home_worker = home_;
    welcome.ticket = carrier.offered == session.next_generation_ && !session.next_ticket_.empty() ? session.next_ticket_
                                                                                                  : session.ticket_;
    if (carrier.with_secret) welcome.secret = session.secret_;
    welcome.lanes = session.lanes();
    welcome.heartbeat_interval_ms = to_ms(settings_.heartbeat_interval);
    welcome.heartbeat_timeout_ms = to_ms(settings_.heartbeat_timeout);
    welcome.max_ack_delay_ms = to_ms(settings_.max_ack_delay);
    welcome.limits.max_message_bytes = settings_.max_message_bytes;
    welcome.limits.max_unacked_frames = settings_.max_unacked_frames;
    welcome.limits.max_unacked_bytes = settings_.max_unacked_bytes;
    welcome.received = session.conversation_.receive_states();
    welcome.outcome = carrier.with_secret ? wire::Outcome::created : wire::Outcome::resumed;
    welcome.session_life_ms = to_ms(settings_.session_life);
    welcome.user = session.user_;
    batch.add({}, wire::encode(welcome));
    carrier.welcome_due = false;
}

void SessionTable::write_goodbye(ServerSession& session, wire::Batch& batch) {
    wire::Goodbye goodbye;
    goodbye.code = session.end_code_;
    goodbye.text = session.end_text_;
    goodbye.final = session.conversation_.final_states();
    goodbye.retry_after_ms = session.end_retry_after_ms_;
    goodbye.session_ends = true;
    batch.add({}, wire::encode(goodbye));
}

bool SessionTable::write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes) {
    const auto found = by_carrier_.find(key);
    if (found == by_carrier_.end()) return false;
    ServerSession& session = *found->second;
    ServerSession::Attached* carrier = session.carrier(key);
    if (carrier == nullptr) return false;
    session.now_ = now;
    if (carrier->welcome_due && !session.ended_) write_welcome(session, *carrier, batch);
    for (const std::uint64_t id : carrier->pongs) {
        wire::Ping pong;
        pong.id = id;
        batch.add({}, wire::encode_pong(pong));
    }
    carrier->pongs.clear();
    bool more = false;
    if (key == session.active_ && !session.ended_) {
        more = session.conversation_.write(batch, max_bytes, now);
        if (session.goodbye_ && !session.goodbye_said_ && session.conversation_.all_numbered()) {
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
    if (!carrier->confirmed) {
        carrier->confirmed = true;
        if (session->unheard_) heard(*session, now);
        if (session->active_ == kNoCarrier && session->active_epoch_ != 0) choose_active(*session);
    }
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    bool gone = session->ended_ || session->carrier(key) == nullptr;  // a hook may have ended it
    while (!gone && !reader.done()) {
        if (const auto read = reader.next(frame); !read) {
            peer_error(*session, key, static_cast<errc>(read.error().value()), "a frame cannot be read", now);
            break;
        }
        handle(*session, key, frame, now, gone);
        gone = gone || session->ended_ || session->carrier(key) == nullptr;
    }
    settle(*session, now);
}

void SessionTable::handle(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now,
                          bool& gone) {
    const auto fail = [&](errc code, const std::string& text) {
        gone = true;
        peer_error(session, key, code, text, now);
    };
    if (frame.unknown_kind) return fail(errc::unexpected_frame, "a frame of a kind that version 1 does not know");
    if (!frame.acks.empty()) {
        if (const auto acked = session.conversation_.on_acks(frame.acks, now); !acked) {
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
        case wire::FrameKind::goodbye: {
            const auto goodbye = wire::decode_goodbye(frame.body);
            if (!goodbye) return fail(errc::malformed_frame, "a goodbye that cannot be read");
            if (goodbye->session_ends) {
                session.peer_goodbye_ = true;
                session.peer_final_ = goodbye->final;
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
    const auto result = session.conversation_.on_numbered(frame, now);
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
    session.active_epoch_ = epoch;
    const ServerSession::Attached& carrier = *session.carrier(key);
    if (!session.next_ticket_.empty() && carrier.offered == session.next_generation_) confirm_ticket(session);
    if (session.active_ != key) {
        session.active_ = key;
        session.goodbye_said_ = false;
        session.conversation_.rewind(now);
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
    if (!session.unheard_) listener_.on_carrier_detached(session, key);
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
        if (!session.unheard_) listener_.on_presence(session);
        // Nobody can come back to a session that says goodbye: there is nothing to wait for.
        if (session.goodbye_) return finalize(session, session.end_code_, session.end_text_, now);
        if (session.peer_goodbye_) return finalize(session, errc::ok, "the client said goodbye", now);
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
    session.conversation_.rewind(session.now_);
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
