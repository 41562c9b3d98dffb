#include "server/worker/session_events.hpp"

#include "base/log.hpp"
#include "model/target.hpp"
#include "server/conversations/conversations.hpp"

#include <utility>

namespace flare::server {

void SessionEvents::on_session_created(session::ServerSession& session) {
    ++parts_.counters.sessions_created;
    const auto info = std::make_shared<const SessionInfo>(info_of(session));
    hooks_.call([info](EventHandler& events) { events.on_user_connected(*info); });
    queues_.begin(session, info);
    if (conversations_ != nullptr) conversations_->sends.session_began(session);
    if ((session.agreed().encodings & ~parts_.state.encodings_in_use.load(std::memory_order_relaxed)) != 0)
        parts_.state.encodings_in_use.fetch_or(session.agreed().encodings, std::memory_order_relaxed);
    parts_.log.add(FlightLog::entry(session.id(), Happened::made, parts_.executor.now()));
}

void SessionEvents::on_presence(session::ServerSession& session) {
    if (conversations_ != nullptr) conversations_->signals.presence.changed(session.user());
}

void SessionEvents::on_carrier_attached(session::ServerSession& session, session::CarrierKey key) {
    parts_.carriers.note(key, Happened::attached);
    on_presence(session);
    const ServerCarrier* carrier = parts_.carriers.find(key);
    HandlerQueue* queue = queue_of(session);
    if (carrier == nullptr || queue == nullptr) return;
    const bool first = queue->address.empty();
    queue->address = carrier->address;
    queue->protocol = carrier->protocol;
    if (first)
        base::log().limited(base::LogKind::session_began, "{} session {} of user {} begins over {}", queue->address,
                            queue->info->session_id, base::User{queue->info->user}, name(queue->protocol));
}

void SessionEvents::on_carrier_activated(session::ServerSession&, session::CarrierKey key) {
    parts_.carriers.note(key, Happened::activated);
}

void SessionEvents::on_session_ended(session::ServerSession& session, errc reason, const std::string& text) {
    const SessionInfo info = info_of(session);
    queues_.end(session);
    if (conversations_ != nullptr) conversations_->session_ended(session);
    if (const HandlerQueue* queue = queue_of(session); queue != nullptr)
        base::log().limited(base::LogKind::session_ended, "{} session {} of user {} over {} ends: {} {}",
                            queue->address, info.session_id, base::User{info.user}, name(queue->protocol), name(reason),
                            text);
    if (reason != errc::ok) ++parts_.counters.errors[reason];
    parts_.log.add(FlightLog::entry(session.id(), Happened::ended, parts_.executor.now(), reason));
    hooks_.call(
        [info, failure = Failure(reason, text)](EventHandler& events) { events.on_user_disconnected(info, failure); });
}

// Only feeds want it.
void SessionEvents::on_room(session::ServerSession& session) { conversations_->feeds.on_room(session); }

void SessionEvents::on_acked(session::ServerSession& session, std::uint32_t feed, std::uint64_t token) {
    if (feed != 0) return conversations_->deliveries.feed_acked(session, feed, token);
    conversations_->deliveries.page_acked(session, token);
}

bool SessionEvents::keeps(const wire::DataView& data) const {
    if (conversations_ == nullptr) return false;
    const auto kind = model::Target::of(data.message->to).kind;
    return kind == model::Target::Kind::user || kind == model::Target::Kind::conversation;
}

void SessionEvents::on_message(session::ServerSession& session, session::PendingMessage&& pending,
                               const wire::DataView& data, const Bytes& whole) {
    parts_.dispatch.take(session, std::move(pending), data, whole);
}

void SessionEvents::on_request(session::ServerSession& session, session::PendingRequest&& pending,
                               const wire::RequestView& request, const Bytes&) {
    // Without conversations no session has agreed on requests.
    conversations_->requests.take(session, std::move(pending), request);
}

void SessionEvents::on_message_refused(session::ServerSession& session, errc code) {
    ++parts_.counters.messages_received;
    on_reply_refused(session, code);
}

void SessionEvents::on_reply_refused(session::ServerSession& session, errc code) {
    parts_.log.add(FlightLog::entry(session.id(), Happened::message_refused, parts_.executor.now(), code));
    ++parts_.counters.messages_refused;
    ++parts_.counters.errors[code];
}

void SessionEvents::on_memory_short() { parts_.shedding.memory_short(); }

void SessionEvents::on_heartbeat(session::ServerSession& session) {
    ++parts_.counters.heartbeats;
    if (!hooks_.wanted()) return;
    hooks_.call([info = info_of(session)](EventHandler& events) { events.on_heartbeat(info); });
}

void SessionEvents::on_credential(session::ServerSession& session, std::string_view token) {
    AuthRequest request;
    if (const ServerCarrier* carrier = parts_.carriers.find(session.active())) request = request_on(*carrier);
    request.token = token;
    request.claimed_user = session.user();
    request.device = session.device();
    request.platform = session.platform();
    parts_.authenticator.verify(std::move(request), [this, id = session.id()](Checked<Identity> identity) {
        renew(id, std::move(identity));
        parts_.executor.arm_timer();
    });
}

// Handlers that run keep what they were given; those that come see the claims of the new credential.
void SessionEvents::renew(const session::SessionId& id, Checked<Identity> identity) {
    Checked<session::SessionCredential> result = Failure(errc::credential_revoked);
    if (!identity) {
        result = identity.error();
    } else if (auto good = parts_.authenticator.in_steady_time(std::move(*identity));
               !parts_.authenticator.is_revoked(good)) {
        result = std::move(good);
    }
    if (!result) ++parts_.counters.errors[result.error().code];
    parts_.table.renew(id, result, parts_.executor.now());
    const session::ServerSession* const session = parts_.table.find(id);
    HandlerQueue* const queue = session == nullptr ? nullptr : queue_of(*session);
    if (queue == nullptr || queue->info->claims == session->claims()) return;
    queue->info = std::make_shared<const SessionInfo>(info_of(*session));
}

void SessionEvents::close_carrier(session::CarrierKey key, errc code, const std::string& text) {
    parts_.carriers.close_attached(key, code, text);
}

void SessionEvents::output_ready(session::CarrierKey key) {
    if (ServerCarrier* carrier = parts_.carriers.find(key)) parts_.carriers.mark_dirty(*carrier);
}

void SessionEvents::on_peer_error(const session::ServerSession* session, session::CarrierKey key, errc code,
                                  const std::string& text) {
    const ServerCarrier* carrier = parts_.carriers.find(key);
    base::log().limited(base::LogKind::protocol_error, "{} user {} {}: {}", carrier == nullptr ? "?" : carrier->address,
                        base::User{session == nullptr ? std::string_view("?") : session->user()}, name(code), text);
    ++parts_.counters.errors[code];
}

}  // namespace flare::server
