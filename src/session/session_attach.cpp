// How carriers are attached to sessions: docs/protocol.md, "Attaching a carrier".
#include "session/session_table.hpp"

#include "base/crypto.hpp"
#include "session/planted.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr std::size_t kMaxCarriers = 8;     // on one session
constexpr std::uint32_t kBusyRetryMs = 1000;

// The largest payload that a client takes which says this.
std::uint64_t limit_in(const wire::Hello& hello) noexcept {
    return hello.max_message_bytes == 0 ? wire::kDefaultMaxMessageBytes : hello.max_message_bytes;
}

wire::Refused refuse(errc code, std::string text, std::uint32_t retry_after_ms = 0) {
    wire::Refused refused;
    refused.code = code;
    refused.text = std::move(text);
    refused.retry_after_ms = retry_after_ms;
    return refused;
}

}  // namespace

std::optional<wire::Refused> SessionTable::attach_new(CarrierKey key, const wire::Hello& hello,
                                                      const SessionCredential& identity, TimePoint now) {
    const Entry entry(*this);
    if (identity.user != hello.user) return refuse(errc::user_mismatch, "the credential belongs to another user");
    Device* const known = find_device(identity.user, hello.device);
    if (known != nullptr) known->used_at = now;
    ServerSession* const same =
        known == nullptr || planted(Fault::attempt_makes_two) ? nullptr : known->of_attempt(hello.attempt_id);
    if (same != nullptr) {  // the same connect: its Welcome was lost, or it races
        if (auto refused = taken_before(*same, hello)) return refused;
        if (auto refused = offers_less(*same, hello)) return refused;
        return attach(*same, key, hello, true, now);
    }
    // Also of a connect whose session has ended: nothing is wrong with its credential, or with its ticket.
    if (known != nullptr && known->knows(hello.attempt_id) && !planted(Fault::attempt_makes_two)) {
        return refuse(errc::stale_carrier, "this connect has been overtaken by a later one");
    }
    if (identity.ticket_of && !honoured_.may_make_one(*identity.ticket_of)) {
        return refuse(errc::unauthenticated, "the ticket has made a session here before: a credential is needed");
    }
    if (no_room(now)) return refuse(errc::busy, "the server has no memory for another session", kBusyRetryMs);
    if (std::any_of(hello.received.begin(), hello.received.end(),
                    [](const auto& state) { return state.received != 0; })) {
        return refuse(errc::bad_ack, "the hello acknowledges frames of a session that it does not resume");
    }
    Device& owner = device(identity.user, hello.device);
    owner.used_at = now;
    if (owner.unconfirmed.size() >= Device::kMaxUnconfirmed) {
        finalize(*owner.unconfirmed.front(), errc::session_replaced, "the same device has connected anew", now);
    }
    ServerSession& session = create(owner, hello, identity, now);
    if (identity.ticket_of) honoured_.note(*identity.ticket_of, hello.attempt_id);
    if ((owner.session == nullptr && !is_full(identity.user)) || planted(Fault::attempt_makes_two)) {
        install(owner, session, now);
    } else {
        session.unconfirmed_ = true;
        owner.unconfirmed.push_back(&session);
    }
    return attach(session, key, hello, true, now);
}

// The carriers of the connect for which it was honoured need no credential, be it to hear that its session is over. As
// soon as nobody remembers that connect, the credential decides.
bool SessionTable::may_honour(const SessionId& lost, const wire::Hello& hello) const {
    if (honoured_.may_make_one(lost)) return true;
    const Device* const owner = find_device(hello.user, hello.device);
    return owner != nullptr && honoured_.may_attach(lost, hello.attempt_id) &&
           (owner->of_attempt(hello.attempt_id) != nullptr || owner->knows(hello.attempt_id));
}

bool SessionTable::no_room(TimePoint now) {
    if (!budget_.exhausted()) return false;
    memory_short(now);
    return true;
}

// A Hello may be late, or a copy: as long as another session of the device lives, or of other devices that would have
// to go, a new one takes its place only when something has been heard that answers the Welcome. Until then no hook
// tells of it.
void SessionTable::confirm(ServerSession& session, TimePoint now) {
    Device& owner = *session.owner_;
    if (owner.session != nullptr) {
        finalize(*owner.session, errc::session_replaced, "the same device has connected anew", now);
    }
    make_room(session.user_, now);
    std::erase(owner.unconfirmed, &session);
    session.unconfirmed_ = false;
    install(owner, session, now);
    for (const CarrierKey key : session.carriers()) listener_.on_carrier_attached(session, key);
}

bool SessionTable::is_full(const std::string& user) const {
    if (settings_.max_devices == 0) return false;
    const auto found = users_.find(user);
    return found != users_.end() && found->second.size() >= settings_.max_devices;
}

// The oldest sessions of a user go for a new one. Whoever comes back to one of them is told so, and does not push the
// new one out in turn.
void SessionTable::make_room(const std::string& user, TimePoint now) {
    while (is_full(user)) {
        cut_off(*users_.find(user)->second.front(), errc::session_replaced,
                settings_.max_devices == 1 ? "the user has connected with another device, and one at a time is allowed"
                                           : "the user has connected with another device, and this was the oldest",
                now);
    }
}

void SessionTable::install(Device& owner, ServerSession& session, TimePoint now) {
    owner.session = &session;
    owner.used_at = now;
    users_[session.user_].push_back(&session);
    expected_.came(session.user_);
    listener_.on_session_created(session);
}

ServerSession& SessionTable::create(Device& owner, const wire::Hello& hello, const SessionCredential& identity,
                                    TimePoint now) {
    const std::uint32_t lanes =
        hello.lanes == 0 ? settings_.lanes : std::clamp<std::uint32_t>(hello.lanes, 1, settings_.lanes);
    const SessionId id{random_.uuid()};
    auto made = std::unique_ptr<ServerSession>(
        new ServerSession(*this, id, identity.user, hello.device, hello.platform, lanes));
    ServerSession& session = *made;
    session.now_ = now;
    session.secret_ = random_.bytes(kSecretBytes);
    session.encodings_ = encodings_of(hello);
    session.max_message_bytes_ = limit_in(hello);
    set_expiry(session, identity.expires_at, now);
    session.expires_unix_ms_ = identity.expires_unix_ms;
    session.set_token_id(identity.token_id);
    session.set_claims(identity.claims);
    session.owner_ = &owner;
    session.attempt_ = hello.attempt_id;
    session.attempt_epoch_ = hello.epoch;
    owner.remember(hello.attempt_id);
    sessions_.emplace(id, std::move(made));
    return session;
}

wire::Encodings SessionTable::encodings_of(const wire::Hello& hello) const noexcept {
    return compression_ == nullptr ? wire::Encodings{0} : compression_->agree(hello.capabilities, hello.dictionary);
}

// What is queued and unacknowledged may be compressed, and as large as was agreed: a carrier joins only if all of it
// can be taken there.
std::optional<wire::Refused> SessionTable::offers_less(const ServerSession& session, const wire::Hello& hello) const {
    if ((session.encodings_ & ~encodings_of(hello)) != 0) {
        return refuse(errc::ticket_invalid,
                      "the session was agreed on with compression that this hello does not offer");
    }
    if (limit_in(hello) < session.max_message_bytes_) {
        return refuse(errc::ticket_invalid,
                      "the session was agreed on with larger messages than this hello takes (max_message_bytes)");
    }
    return std::nullopt;
}

// Finds the session that a Hello resumes and its proof fits; otherwise, why it may not.
std::optional<wire::Refused> SessionTable::find_resumed(const wire::Hello& hello, ServerSession*& session) {
    const auto id = hello.resume ? session_in_ticket(hello.resume->ticket) : std::nullopt;
    if (!id) return refuse(errc::ticket_invalid, "the ticket is not one of this server");
    const auto proven = [&](const std::string& secret) {
        return planted(Fault::hello_mac_unchecked) ||
               base::equal_constant_time(
                   resume_mac(secret, hello.resume->ticket, hello.epoch, hello.resume->nonce, hello.attempt_id),
                   hello.resume->mac);
    };
    session = find(*id);
    if (session == nullptr) {
        const auto found = tombstones_.find(*id);
        if (found == tombstones_.end() || !proven(found->second->secret)) {
            return refuse(errc::session_unknown, "this server does not know the session (any more)");
        }
        const Tombstone& grave = *found->second;
        const std::string why = grave.reason == grave.resume_code ? "" : std::string(name(grave.reason)) + ": ";
        wire::Refused refused = refuse(grave.resume_code, why + grave.text);
        refused.gap = found->second->lanes;
        return refused;
    }
    if (session->user_ != hello.user) return refuse(errc::user_mismatch, "the ticket belongs to another user");
    if (!proven(session->secret_))
        return refuse(errc::resume_proof_invalid, "the resume proof does not fit the ticket");
    const std::string& ticket = hello.resume->ticket;
    const bool current = ticket == session->ticket_;
    const bool successor = is_next_ticket(*session, ticket);
    const bool same_connect = ticket == session->previous_ticket_ && hello.attempt_id == session->previous_attempt_;
    if (!current && !successor && !same_connect && !planted(Fault::old_ticket_accepted)) {
        return refuse(errc::ticket_invalid, "the ticket has been replaced by a newer one");
    }
    if (hello.epoch < std::max(session->active_epoch_, session->attempt_epoch_) &&
        hello.attempt_id != session->attempt_ && !planted(Fault::old_ticket_accepted)) {
        return refuse(errc::stale_carrier, "this connect has been overtaken by a later one");
    }
    if (auto refused = taken_before(*session, hello)) return refused;
    if (session->goodbye_ || session->peer_final_) return refuse(errc::session_ended, "the session is saying goodbye");
    return offers_less(*session, hello);
}

// Whoever listens can say a Hello again, byte for byte; its client says another one.
std::optional<wire::Refused> SessionTable::taken_before(const ServerSession& session, const wire::Hello& hello) {
    if (!session.used_.has(hello.epoch) || planted(Fault::used_hello_forgotten)) return std::nullopt;
    return refuse(errc::stale_carrier, "this hello has attached a carrier before, or many later ones have");
}

bool SessionTable::is_next_ticket(const ServerSession& session, std::string_view ticket) noexcept {
    return !session.next_ticket_.empty() && ticket == session.next_ticket_;
}

std::optional<wire::Refused> SessionTable::attach_resumed(CarrierKey key, const wire::Hello& hello, TimePoint now) {
    const Entry entry(*this);
    ServerSession* session = nullptr;
    if (auto refused = find_resumed(hello, session)) return refused;
    session->now_ = now;
    if (const auto acked = session->lane_set_.on_acks(hello.received, now); !acked) {
        return refuse(static_cast<errc>(acked.error().value()), "the hello acknowledges what was never sent");
    }
    if (session->unconfirmed_) confirm(*session, now);  // it has the ticket, so its Welcome has arrived
    if (session->ended_) return refuse(errc::session_ended, session->end_text_);
    if (hello.attempt_id != session->attempt_) {
        session->attempt_ = hello.attempt_id;
        session->attempt_epoch_ = hello.epoch;
        session->owner_->remember(hello.attempt_id);
    }
    if (is_next_ticket(*session, hello.resume->ticket))
        confirm_ticket(*session);  // the old one is good for this connect only
    return attach(*session, key, hello, false, now);
}

// The numbers of a copy have been taken already, or are taken now in the place of the first's: either way they count
// once. Everything else waits for attach_resumed().
void SessionTable::take_early(const wire::Hello& hello, std::string_view first_flight, TimePoint now) {
    const Entry entry(*this);
    ServerSession* session = nullptr;
    if (!hello.resume || find_resumed(hello, session) || session->unconfirmed_) return;
    session->now_ = now;
    if (planted(Fault::early_data_uses_hello)) session->used_.add(hello.epoch);
    wire::BatchReader reader(first_flight);
    wire::FrameView frame;
    while (!reader.done() && !session->ended_) {
        if (!reader.next(frame)) break;
        const bool numbered = frame.kind == wire::FrameKind::data || frame.kind == wire::FrameKind::chunk;
        // A fault is told when the carrier is attached and brings it again.
        if (numbered && !session->lane_set_.on_numbered(frame, now)) break;
    }
    settle(*session, now);
}

std::optional<wire::Refused> SessionTable::attach(ServerSession& session, CarrierKey key, const wire::Hello& hello,
                                                  bool with_secret, TimePoint now) {
    session.now_ = now;
    if (with_secret) {
        wire::LaneStates credit;  // the hello speaks of the lanes that it wished for; some may not have been agreed
        for (const wire::LaneState& state : hello.received) {
            if (state.lane < session.lanes()) credit.push_back(state);
        }
        if (const auto taken = session.lane_set_.on_acks(credit, now); !taken) {
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
        session.next_ticket_ = new_ticket(session);
        ++session.next_generation_;
    }
    session.used_.add(hello.epoch);
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
        if (returned && !session.unconfirmed_) listener_.on_presence(session);
    }
    if (!session.unconfirmed_) listener_.on_carrier_attached(session, key);
    listener_.output_ready(key);
    arm(session);
    return std::nullopt;
}

std::string SessionTable::new_ticket(const ServerSession& session) {
    if (ticket_keys_ != nullptr) {
        const TicketContents identity{session.id_,
                                      session.user_,
                                      session.device_,
                                      session.secret_,
                                      std::string(session.token_id()),
                                      session.expires_unix_ms_,
                                      session.claims_.str()};
        if (auto sealed = ticket_keys_->seal(identity, random_)) return std::move(*sealed);
    }
    return make_ticket(base::place_of(session.user_), session.id_, random_);
}

// The client has the ticket that its Welcome offered: the one before is good no longer, but for Hellos of the
// connect that is still under way.
void SessionTable::confirm_ticket(ServerSession& session) {
    session.previous_ticket_ = std::move(session.ticket_);
    session.previous_attempt_ = session.attempt_;
    session.ticket_ = std::move(session.next_ticket_);
    session.next_ticket_.clear();
}

}  // namespace flare::session
