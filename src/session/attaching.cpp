#include "session/attaching.hpp"

#include "base/crypto.hpp"
#include "session/planted.hpp"
#include "session/refusal.hpp"
#include "session/ticket.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace flare::session {
namespace {

constexpr std::uint32_t kBusyRetryMs = 1000;

// The largest payload that a client takes which says this.
std::uint64_t limit_in(const wire::Hello& hello) noexcept {
    return hello.max_message_bytes == 0 ? wire::kDefaultMaxMessageBytes : hello.max_message_bytes;
}

// Whether the Hello's proof is made with this secret.
bool proven(const wire::Hello& hello, const std::string& secret) {
    return planted(Fault::hello_mac_unchecked) ||
           base::equal_constant_time(
               resume_mac(secret, hello.resume->ticket, hello.epoch, hello.resume->nonce, hello.attempt_id),
               hello.resume->mac);
}

// Whoever listens can say a Hello again, byte for byte; its client says another one.
std::optional<wire::Refused> taken_before(const ServerSession& session, const wire::Hello& hello) {
    if (!session.attachments().has_taken(hello.epoch) || planted(Fault::used_hello_forgotten)) return std::nullopt;
    return make_refusal(errc::stale_carrier, "this Hello has already attached a carrier, or many later ones have");
}

}  // namespace

std::optional<wire::Refused> Attaching::attach_new(CarrierKey key, const wire::Hello& hello,
                                                   const SessionCredential& credential, TimePoint now) {
    if (credential.user != hello.user)
        return make_refusal(errc::user_mismatch, "the credential belongs to another user");
    Device* const known = parts_.devices.find(credential.user, hello.device);
    if (known != nullptr) {
        known->used_at = now;
        ServerSession* const same = known->of_attempt(hello.attempt_id);
        if (same != nullptr && !planted(Fault::attempt_makes_two)) return join(*same, key, hello, now);
        // Also of a connect whose session has ended: nothing is wrong with its credential, or with its ticket.
        if (known->knows(hello.attempt_id) && !planted(Fault::attempt_makes_two))
            return make_refusal(errc::stale_carrier, "a later connect has overtaken this one");
    }
    if (credential.ticket_of && !honoured_.may_make_one(*credential.ticket_of)) {
        return make_refusal(errc::unauthenticated,
                            "the ticket has already made a session here: a credential is needed");
    }
    if (parts_.shedding.no_room(now))
        return make_refusal(errc::busy, "the server has no memory for another session", kBusyRetryMs);
    if (std::any_of(hello.received.begin(), hello.received.end(),
                    [](const auto& state) { return state.received != 0; })) {
        return make_refusal(errc::bad_ack, "the Hello acknowledges frames of a session that it does not resume");
    }
    Device& owner = parts_.devices.get(credential.user, hello.device);
    owner.used_at = now;
    if (owner.unconfirmed.size() >= Device::kMaxUnconfirmed) {
        parts_.life.finalize(*owner.unconfirmed.front(), errc::session_replaced, "the same device has connected again",
                             now);
    }
    ServerSession& session = create(owner, hello, credential, now);
    if (credential.ticket_of) honoured_.note(*credential.ticket_of, hello.attempt_id);
    if ((owner.session == nullptr && !is_full(credential.user)) || planted(Fault::attempt_makes_two)) {
        install(session, now);
    } else {
        session.attachments().wait_to_be_heard(true);
        owner.unconfirmed.push_back(&session);
    }
    return attach(session, key, hello, true, now);
}

// The same connect: its Welcome was lost, or it races.
std::optional<wire::Refused> Attaching::join(ServerSession& session, CarrierKey key, const wire::Hello& hello,
                                             TimePoint now) {
    if (auto refused = taken_before(session, hello)) return refused;
    if (auto refused = offers_less(session, hello)) return refused;
    return attach(session, key, hello, true, now);
}

// The carriers of the connect for which it was honoured need no credential, be it to hear that its session is over. As
// soon as nobody remembers that connect, the credential decides.
bool Attaching::may_honour(const SessionId& lost, const wire::Hello& hello) const {
    if (honoured_.may_make_one(lost)) return true;
    const Device* const owner = parts_.devices.find(hello.user, hello.device);
    return owner != nullptr && honoured_.may_attach(lost, hello.attempt_id) &&
           (owner->of_attempt(hello.attempt_id) != nullptr || owner->knows(hello.attempt_id));
}

// A Hello may be late, or a copy: as long as another session of the device lives, or of other devices that would have
// to go, a new one takes its place only when something has been heard that answers the Welcome. Until then no hook
// tells of it.
void Attaching::confirm(ServerSession& session, TimePoint now) {
    Device& owner = session.owner();
    if (owner.session != nullptr) {
        parts_.life.finalize(*owner.session, errc::session_replaced, "the same device has connected again", now);
    }
    make_room(session.user(), now);
    std::erase(owner.unconfirmed, &session);
    session.attachments().wait_to_be_heard(false);
    install(session, now);
    for (const CarrierKey key : session.carriers()) parts_.listener.on_carrier_attached(session, key);
}

bool Attaching::is_full(const std::string& user) const {
    return parts_.settings.max_devices != 0 && parts_.sessions.count_of(user) >= parts_.settings.max_devices;
}

// The oldest sessions of a user go for a new one. Whoever comes back to one of them is told so, and does not push the
// new one out in turn.
void Attaching::make_room(const std::string& user, TimePoint now) {
    while (is_full(user)) {
        parts_.life.cut_off(parts_.sessions.oldest_of(user), errc::session_replaced,
                            parts_.settings.max_devices == 1
                                ? "the user has connected with another device, and only one at a time is allowed"
                                : "the user has connected with another device, and this was the oldest",
                            now);
    }
}

void Attaching::install(ServerSession& session, TimePoint now) {
    Device& owner = session.owner();
    owner.session = &session;
    owner.used_at = now;
    parts_.sessions.join_user(session);
    parts_.expected.came(session.user());
    parts_.listener.on_session_created(session);
}

ServerSession& Attaching::create(Device& owner, const wire::Hello& hello, const SessionCredential& credential,
                                 TimePoint now) {
    const std::uint32_t most = parts_.settings.lanes;
    const std::uint32_t lanes = hello.lanes == 0 ? most : std::clamp<std::uint32_t>(hello.lanes, 1, most);
    ServerSession& session = parts_.sessions.add(std::make_unique<ServerSession>(
        parts_.settings, parts_.budget, parts_.messages, parts_.requests, owner,
        ServerSession::Who{SessionId{random_.uuid()}, hello.platform, credential.user, hello.device},
        ServerSession::Agreed{lanes, encodings_of(hello), limit_in(hello), agrees_on_conversations(hello)}));
    session.at(now);
    session.tickets().keep_secret(random_.bytes(kSecretBytes));
    session.take(credential, now);
    session.attachments().belong_to(hello.attempt_id, hello.epoch);
    owner.remember(hello.attempt_id);
    return session;
}

wire::Encodings Attaching::encodings_of(const wire::Hello& hello) const noexcept {
    return compression_ == nullptr ? wire::Encodings{0} : compression_->agree(hello.capabilities, hello.dictionary);
}

// What is queued and unacknowledged may be compressed, and as large as was agreed: a carrier joins only if all of it
// can be taken there.
std::optional<wire::Refused> Attaching::offers_less(const ServerSession& session, const wire::Hello& hello) const {
    if ((session.agreed().encodings & ~encodings_of(hello)) != 0) {
        return make_refusal(errc::ticket_invalid, "the session uses compression that this Hello does not offer");
    }
    if (limit_in(hello) < session.agreed().max_message_bytes) {
        return make_refusal(errc::ticket_invalid,
                            "the session allows larger messages than this Hello accepts (max_message_bytes)");
    }
    if (session.agreed().conversations && !agrees_on_conversations(hello)) {
        return make_refusal(errc::ticket_invalid, "the session uses conversations, which this Hello does not offer");
    }
    return std::nullopt;
}

// Why a session may not be resumed that does not live.
std::optional<wire::Refused> Attaching::find_tombstone(const SessionId& id, const wire::Hello& hello) const {
    const Tombstone* const grave = parts_.tombstones.find(id);
    if (grave == nullptr || !proven(hello, grave->secret))
        return make_refusal(errc::session_unknown, "this server does not know the session, or no longer");
    const std::string why = grave->reason == grave->resume_code ? "" : std::string(name(grave->reason)) + ": ";
    wire::Refused refused = make_refusal(grave->resume_code, why + grave->text);
    refused.gap = grave->lanes;
    return refused;
}

// Finds the session that a Hello resumes and its proof fits; otherwise, why it may not.
std::optional<wire::Refused> Attaching::find_resumed(const wire::Hello& hello, ServerSession*& session) {
    const auto id = hello.resume ? session_in_ticket(hello.resume->ticket) : std::nullopt;
    if (!id) return make_refusal(errc::ticket_invalid, "the ticket was not issued by this server");
    session = parts_.sessions.find(*id);
    if (session == nullptr) return find_tombstone(*id, hello);
    if (session->user() != hello.user) return make_refusal(errc::user_mismatch, "the ticket belongs to another user");
    if (!proven(hello, session->tickets().secret()))
        return make_refusal(errc::resume_proof_invalid, "the resume proof does not match the ticket");
    if (!session->tickets().accepts(hello.resume->ticket, hello.attempt_id) && !planted(Fault::old_ticket_accepted))
        return make_refusal(errc::ticket_invalid, "the ticket has been replaced by a newer one");
    if (session->attachments().overtaken(hello.attempt_id, hello.epoch) && !planted(Fault::old_ticket_accepted))
        return make_refusal(errc::stale_carrier, "a later connect has overtaken this one");
    if (auto refused = taken_before(*session, hello)) return refused;
    if (session->farewell().is_coming()) return make_refusal(errc::session_ended, "the session is saying goodbye");
    return offers_less(*session, hello);
}

std::optional<wire::Refused> Attaching::attach_resumed(CarrierKey key, const wire::Hello& hello, TimePoint now) {
    ServerSession* session = nullptr;
    if (auto refused = find_resumed(hello, session)) return refused;
    session->at(now);
    if (const auto acked = session->lane_set().on_acks(hello.received, now); !acked) {
        return make_refusal(static_cast<errc>(acked.error().value()),
                            "the Hello acknowledges frames that were never sent");
    }
    if (session->attachments().unconfirmed()) confirm(*session, now);  // it has the ticket, so its Welcome has arrived
    if (session->farewell().ended()) return make_refusal(errc::session_ended, session->farewell().text());
    Attachments& attachments = session->attachments();
    if (hello.attempt_id != attachments.attempt()) {
        attachments.belong_to(hello.attempt_id, hello.epoch);
        session->owner().remember(hello.attempt_id);
    }
    // The old one is good for this connect only.
    if (session->tickets().is_next(hello.resume->ticket)) session->tickets().confirm(attachments.attempt());
    return attach(*session, key, hello, false, now);
}

// The numbers of a copy have been taken already, or are taken now in the place of the first's: either way they count
// once. Everything else waits for attach_resumed().
void Attaching::take_early(const wire::Hello& hello, std::string_view first_flight, TimePoint now) {
    ServerSession* session = nullptr;
    if (!hello.resume || find_resumed(hello, session) || session->attachments().unconfirmed()) return;
    session->at(now);
    if (planted(Fault::early_data_uses_hello)) session->attachments().take(hello.epoch);
    wire::BatchReader reader(first_flight);
    wire::FrameView frame;
    while (!reader.done() && !session->farewell().ended()) {
        if (!reader.next(frame)) break;
        const bool numbered = frame.kind == wire::FrameKind::data || frame.kind == wire::FrameKind::chunk;
        // A fault is told when the carrier is attached and brings it again.
        constexpr bool kOnlyData = true;
        if (numbered && !session->lane_set().on_numbered(frame, now, kOnlyData)) break;
    }
    parts_.life.settle(*session, now);
}

std::optional<wire::Refused> Attaching::attach(ServerSession& session, CarrierKey key, const wire::Hello& hello,
                                               bool with_secret, TimePoint now) {
    session.at(now);
    if (with_secret) {
        wire::LaneStates credit;  // the hello speaks of the lanes that it wished for; some may not have been agreed
        for (const wire::LaneState& state : hello.received) {
            if (state.lane < session.lanes()) credit.push_back(state);
        }
        if (const auto taken = session.lane_set().on_acks(credit, now); !taken) {
            return make_refusal(static_cast<errc>(taken.error().value()),
                                "the Hello acknowledges frames that were never sent");
        }
    }
    Attachments& attachments = session.attachments();
    if (attachments.size() >= Attachments::kMost) {
        const CarrierKey dropped = attachments.least();
        parts_.listener.close_carrier(dropped, errc::stale_carrier, "newer carriers have replaced it");
        parts_.life.detach(session, dropped, now);
    }
    if (!session.tickets().offers()) session.tickets().offer(new_ticket(session));
    const bool returns = attachments.detached_at() != kNever;
    Attached carrier;
    carrier.key = key;
    carrier.epoch = hello.epoch;
    carrier.heard_at = now;
    carrier.welcome_due = true;
    carrier.with_secret = with_secret;
    carrier.offered = session.tickets().issued();
    attachments.add(std::move(carrier), now);
    parts_.sessions.attach(key, session);
    if (!session.attachments().unconfirmed()) {
        if (returns) parts_.listener.on_presence(session);
        parts_.listener.on_carrier_attached(session, key);
    }
    parts_.listener.output_ready(key);
    parts_.life.arm(session);
    return std::nullopt;
}

std::string Attaching::new_ticket(ServerSession& session) {
    if (ticket_keys_ != nullptr) {
        const TicketContents contents{session.id(),
                                      session.user(),
                                      session.device(),
                                      session.tickets().secret(),
                                      std::string(session.token_id()),
                                      session.credential().expires_unix_ms(),
                                      session.claims().str()};
        if (auto sealed = ticket_keys_->seal(contents, random_)) return std::move(*sealed);
    }
    return make_ticket(base::place_of(session.user()), session.id(), random_);
}

}  // namespace flare::session
