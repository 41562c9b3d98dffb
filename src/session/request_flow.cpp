#include "session/request_flow.hpp"

#include "session/planted.hpp"

#include <utility>

namespace flare::session {
namespace {

constexpr std::uint32_t kAgainMs = 1000;  // what is full now may have room then

wire::ResponseView refusal_of(const Uuid& id, errc code, std::string_view text, std::uint32_t retry_after_ms = 0) {
    wire::ResponseView response;
    response.id = id;
    response.code = code;
    response.text = text;
    response.retry_after_ms = retry_after_ms;
    return response;
}

// Past every bound: a client has no more requests than its credit allows, and gets one of these for each.
void answer(ServerSession& session, LaneIndex lane, const wire::ResponseView& response) {
    if (!session.farewell().is_final()) (void)session.lane_set().send_anyway(lane, wire::encode(response));
}

}  // namespace

// ---- what comes in ----

void RequestFlow::receive(ServerSession& session, LaneIndex lane, const wire::RequestView& request, const Bytes& whole,
                          std::uint64_t cost) {
    // Its sender gets no response: it asks again in its next session, or hears that this one is lost.
    if (session.farewell().begun()) return;
    const TimePoint now = session.now();
    Device& owner = session.owner();
    owner.used_at = now;
    const auto refuse_with = [&](errc code, std::string_view text, std::uint32_t retry_after_ms = 0) {
        if (retry_after_ms != 0) observe_request_refused(request.id);
        settle_at_once(session, lane, cost, refusal_of(request.id, code, text, retry_after_ms));
    };
    if (request.id.is_nil()) return refuse_with(errc::invalid_message_id, "a request needs an id");
    if (request.verb == wire::Verb::unspecified)
        return refuse_with(errc::not_supported, "this server does not know the request");
    if (session.work().requests() >= wire::kMaxOpenRequests)
        return refuse_with(errc::busy, "too many requests of this session have no response yet", kAgainMs);
    if (settings_.limits_rates()) {
        if (const auto over = owner.over_rate(settings_, request.body.size(), now))
            return refuse_with(over->code, over->text, over->retry_after_ms);
    }
    session.work().begin_request();
    PendingRequest pending{session.id(), lane, request.id, cost};
    if (observe_request(session, pending, request)) return;
    listener_.on_request(session, std::move(pending), request, whole);
}

// Its credit waits like that of what is handled: whoever reads no responses is not asked for more.
void RequestFlow::settle_at_once(ServerSession& session, LaneIndex lane, std::uint64_t cost,
                                 const wire::ResponseView& response) {
    answer(session, lane, response);
    session.work().defer_credit(lane, cost);
}

void RequestFlow::refuse(ServerSession& session, LaneIndex lane, const Uuid& id, errc code) {
    if (code == errc::busy) shedding_.memory_short(session.now());
    observe_request_refused(id);
    answer(session, lane, refusal_of(id, code, "the server has no memory for the request", kAgainMs));
}

// ---- what goes out ----

void RequestFlow::finish(ServerSession& session, const PendingRequest& pending) {
    session.work().finish_request();
    session.work().defer_credit(pending.lane, pending.cost);
}

Result<void> RequestFlow::respond(const PendingRequest& pending, const wire::ResponseView& response, TimePoint now,
                                  std::uint64_t token) {
    ServerSession* const reading = sessions_.reading();
    ServerSession* const session =
        reading != nullptr && reading->id() == pending.session ? reading : sessions_.find(pending.session);
    if (session == nullptr || session->farewell().ended()) return errc::session_ended;
    session->at(now);
    if (planted(Fault::response_lost_while_away) && session->attachments().empty()) {
        finish(*session, pending);
        return {};
    }
    wire::ResponseView view = response;
    view.id = pending.request_id;
    Result<void> sent;
    if (view.body.size() > wire::kMaxResponseBytes) {
        sent = errc::message_too_large;
        view = refusal_of(view.id, errc::message_too_large, "the response is larger than a response may be");
    } else if (!session->farewell().is_final()) {
        sent = session->lane_set().send(pending.lane, wire::encode(view), Priority::normal, token);
        if (!sent && sent.error() == errc::busy) shedding_.memory_short(now);
        if (!sent) {
            view = refusal_of(view.id, errc::recipient_busy, "too much is already queued for this client", kAgainMs);
        }
    }
    if (!sent) answer(*session, pending.lane, view);
    if (!view.more) finish(*session, pending);
    if (session == reading) return sent;  // CarrierIo::on_batch() goes on with it
    session->work().release_credit(session->lane_set(), settings_, now);
    life_.settle(*session, now);
    return sent;
}

Result<void> RequestFlow::send_feed(ServerSession& session, LaneIndex lane, wire::Body body, TimePoint now,
                                    std::uint64_t token) {
    // Also when its client says goodbye, which would wait for the acknowledgement.
    if (session.farewell().ended() || session.farewell().is_coming()) return errc::session_ended;
    session.at(now);
    const auto sent = session.lane_set().send_feed(lane, std::move(body), token);
    if (!sent && sent.error() == errc::busy) shedding_.memory_short(now);
    if (sent && &session != sessions_.reading()) life_.settle(session, now);
    return sent;
}

bool RequestFlow::send_notice(ServerSession& session, wire::Body body) {
    if (session.active() == kNoCarrier || !session.agreed().conversations) return false;
    if (session.farewell().ended() || session.farewell().is_coming()) return false;
    if (session.totals().queued_frames > kMostBehind || !session.attachments().notices().add(std::move(body)))
        return false;
    listener_.output_ready(session.active());
    return true;
}

}  // namespace flare::session
