#include "session/carrier_io.hpp"

#include "session/planted.hpp"
#include "session/ticket.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {
namespace {

constexpr std::size_t kMaxOwedPongs = 64;

std::uint32_t wire_ms(Duration duration) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void write_goodbye(ServerSession& session, wire::Batch& batch) {
    const Farewell& farewell = session.farewell();
    wire::Goodbye goodbye;
    goodbye.code = farewell.code();
    goodbye.text = farewell.text();
    goodbye.final = session.lane_set().final_states();
    goodbye.retry_after_ms = farewell.retry_after_ms();
    goodbye.session_ends = true;
    wire::FrameHeader header;  // with what has arrived: the client knows the end in both directions
    header.acks = session.lane_set().receive_states(session.now());
    batch.add(header, wire::encode(goodbye));
}

}  // namespace

// ---- writing ----

void CarrierIo::write_welcome(ServerSession& session, Attached& carrier, wire::Batch& batch) const {
    wire::Welcome welcome;
    welcome.session_id = session.id().value;
    welcome.home_worker = home_;
    welcome.ticket = session.tickets().for_welcome(carrier.offered);
    if (carrier.with_secret) welcome.secret = session.tickets().secret();
    welcome.capabilities = wire::Compression::capabilities_of(session.agreed().encodings);
    if (wire::has(session.agreed().encodings, wire::Encoding::zstd_dictionary))
        welcome.dictionary = compression_->dictionary_id();
    if (is_sealed(welcome.ticket)) welcome.capabilities |= wire::kLastingTicket;
    if (session.agreed().conversations) welcome.capabilities |= wire::kCapabilityConversations;
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
    welcome.received = session.lane_set().receive_states(session.now());
    welcome.outcome = carrier.with_secret ? wire::Outcome::created : wire::Outcome::resumed;
    welcome.session_life_ms = wire_ms(settings_.session_life);
    welcome.user = session.user();
    welcome.store = settings_.storing;
    batch.add({}, wire::encode(welcome));
    carrier.welcome_due = false;
}

bool CarrierIo::write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes) {
    ServerSession* const found = sessions_.by_carrier(key);
    if (found == nullptr) return false;
    ServerSession& session = *found;
    Attached* const carrier = session.attachments().find(key);
    if (carrier == nullptr) return false;
    session.at(now);
    const bool ended = session.farewell().ended();
    // Also of a session that has ended meanwhile: a Goodbye in its place would be a fault of the protocol.
    if (carrier->welcome_due && (!ended || carrier->goodbye_due)) write_welcome(session, *carrier, batch);
    for (const std::uint64_t id : carrier->pongs) {
        wire::Ping pong;
        pong.id = id;
        batch.add({}, wire::encode_pong(pong));
    }
    carrier->pongs.clear();
    bool more = false;
    if (key == session.active() && !ended) {
        if (const auto word = session.credential().take_word()) batch.add({}, wire::encode(*word));
        const std::uint32_t waited = session.totals().queued_frames;
        more = session.lane_set().write(batch, max_bytes, now);
        if (session.room().wanted() && session.totals().queued_frames < waited) listener_.on_room(session);
        // What has been queued before them goes first: a snapshot must not come behind what has changed since.
        if (!more && session.totals().queued_frames == 0) session.attachments().notices().write(batch);
        if (session.farewell().is_due(session.lane_set(), session.work())) {
            for (Attached& each : session.attachments()) each.goodbye_due = each.key == key;
            session.farewell().say();
        }
        session.work().release_credit(session.lane_set(), settings_, now);
    }
    if (carrier->goodbye_due) {
        write_goodbye(session, batch);
        carrier->goodbye_due = false;
    }
    life_.arm(session);
    return more;
}

// ---- reading ----

void CarrierIo::on_batch(CarrierKey key, std::string_view batch, TimePoint now) {
    ServerSession* const session = sessions_.by_carrier(key);
    if (session == nullptr || session->farewell().ended()) return;
    session->at(now);
    hear(*session, *session->attachments().find(key), now);
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    // A hook may have ended it.
    bool gone = session->farewell().ended() || session->attachments().find(key) == nullptr;
    sessions_.read(session);
    while (!gone && !reader.done()) {
        if (const auto read = reader.next(frame); !read) {
            life_.peer_error(*session, key, static_cast<errc>(read.error().value()), "a frame cannot be read", now);
            break;
        }
        handle(*session, key, frame, now, gone);
        gone = gone || session->farewell().ended() || session->attachments().find(key) == nullptr;
    }
    sessions_.read(nullptr);
    session->work().release_credit(session->lane_set(), settings_, now);
    life_.settle(*session, now);
}

// What comes first after the Welcome says that it has arrived.
void CarrierIo::hear(ServerSession& session, Attached& carrier, TimePoint now) {
    carrier.heard_at = now;
    if (carrier.confirmed || carrier.welcome_due) return;
    carrier.confirmed = true;
    if (session.attachments().unconfirmed()) attaching_.confirm(session, now);
    if (session.active() == kNoCarrier && session.attachments().ever_activated()) life_.choose_active(session, now);
}

void CarrierIo::on_alive(CarrierKey key, TimePoint now) {
    ServerSession* const session = sessions_.by_carrier(key);
    if (session == nullptr || session->farewell().ended()) return;
    if (Attached* const carrier = session->attachments().find(key)) carrier->heard_at = now;
}

void CarrierIo::handle(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now,
                       bool& gone) {
    const auto fail = [&](errc code, const std::string& text) {
        gone = true;
        life_.peer_error(session, key, code, text, now);
    };
    if (frame.unknown_kind) return fail(errc::unexpected_frame, "a frame of a kind that version 1 does not know");
    if (!frame.acks.empty()) {
        if (const auto acked = session.lane_set().on_acks(frame.acks, now); !acked) {
            return fail(static_cast<errc>(acked.error().value()), "an acknowledgement of a frame that was never sent");
        }
    }
    switch (frame.kind) {
        case wire::FrameKind::none:
        case wire::FrameKind::notice: return;
        case wire::FrameKind::data:
        case wire::FrameKind::chunk:
        case wire::FrameKind::request: return handle_numbered(session, key, frame, now);
        case wire::FrameKind::activate: {
            const auto activate = wire::decode_activate(frame.body);
            if (!activate) return fail(errc::malformed_frame, "an activate that cannot be read");
            return handle_activate(session, key, activate->epoch, now);
        }
        case wire::FrameKind::ping: {
            const auto ping = wire::decode_ping(frame.body);
            if (!ping) return fail(errc::malformed_frame, "a ping that cannot be read");
            Attached& carrier = *session.attachments().find(key);
            if (carrier.pongs.size() >= kMaxOwedPongs)
                return fail(errc::rate_limited, "the client sends pings faster than it reads the answers");
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
                session.farewell().heard(goodbye->final, now + settings_.goodbye_limit);
                session.lane_set().drop_feeds();
            } else {
                gone = true;
                listener_.close_carrier(key, errc::ok, {});
                life_.detach(session, key, now);
            }
            return;
        }
        default: return fail(errc::unexpected_frame, "a frame that only servers send, or a second Hello");
    }
}

void CarrierIo::handle_numbered(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now) {
    const auto result = session.lane_set().on_numbered(frame, now);
    if (result) return;
    const auto code = static_cast<errc>(result.error().value());
    switch (code) {
        case errc::sequence_gap:
        case errc::credit_exceeded:
        case errc::unknown_lane:
        case errc::unexpected_frame:
            return life_.peer_error(session, key, code, "a numbered frame does not fit: " + result.error().message(),
                                    now);
        default:
            // Every replay would bring it again: the session cannot go on.
            listener_.on_peer_error(&session, key, code, result.error().message());
            return life_.finalize(session, code, result.error().message(), now);
    }
}

void CarrierIo::handle_activate(ServerSession& session, CarrierKey key, std::uint64_t epoch, TimePoint now) {
    Attachments& attachments = session.attachments();
    if (attachments.is_stale(key, epoch) && !planted(Fault::stale_carrier_activated)) {
        return life_.peer_error(session, key, errc::stale_carrier, "a later Activate has moved sending elsewhere", now);
    }
    Attached& carrier = *attachments.find(key);
    attachments.note_activate(carrier, epoch);
    const bool welcomed = !carrier.welcome_due || planted(Fault::ticket_confirmed_unseen);
    SessionTickets& tickets = session.tickets();
    if (welcomed && carrier.activated && carrier.offered == tickets.issued() && tickets.offers())
        tickets.confirm(attachments.attempt());
    if (session.active() != key) return life_.activate(session, key, now);
    listener_.output_ready(key);
}

void CarrierIo::carrier_gone(CarrierKey key, TimePoint now) {
    ServerSession* const session = sessions_.by_carrier(key);
    if (session == nullptr) return;
    session->at(now);
    life_.detach(*session, key, now);
    if (!session->farewell().ended()) life_.settle(*session, now);
}

// ---- the credential ----

void CarrierIo::handle_credential(ServerSession& session, std::string_view token) {
    // The same once more, on another carrier: one answer is for both.
    if (session.credential().begin_renewal()) listener_.on_credential(session, token);
}

void CarrierIo::renew(const SessionId& id, const Checked<SessionCredential>& credential, TimePoint now) {
    ServerSession* const session = sessions_.find(id);
    if (session == nullptr) return;
    session->credential().end_renewal();
    wire::CredentialState state;
    state.answer = true;
    if (!credential) {
        state.code = credential.error().code;
        state.text = credential.error().text;
    } else if (credential->user != session->user()) {
        state.code = errc::user_mismatch;
        state.text = "the new credential belongs to another user";
    } else {
        session->take(*credential, now);
        life_.arm(*session);
    }
    session->credential().tell(std::move(state), now);
    if (session->active() != kNoCarrier) listener_.output_ready(session->active());
}

}  // namespace flare::session
