#include "session/message_flow.hpp"

#include "session/planted.hpp"
#include "session/refusal.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {
namespace {

// What a peer may claim of a message's age: beyond it all is the same, and nothing overflows.
constexpr std::uint64_t kOldestMs = 365ull * 24 * 3600 * 1000;

// Of a payload, before compression.
std::uint64_t size_of(const wire::MessageView& message) noexcept {
    return message.encoding == wire::Encoding::none ? message.payload.size() : message.size;
}

// Whether a receiver with this limit takes the bytes. What travels may be longer than what it stands for, when somebody
// wants it to.
bool within(std::uint64_t max_message_bytes, const wire::Body& body) noexcept {
    const std::size_t content = body.bytes.size() - body.content_offset;
    return body.cost <= max_message_bytes &&
           content - std::min<std::size_t>(content, ReceiveLane::kEnvelopeBytes) <= max_message_bytes;
}

}  // namespace

// ---- what comes in ----

void MessageFlow::receive(ServerSession& session, LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                          std::uint64_t cost) {
    // Its sender gets no receipt, and sends it again in its next session: acting on it here would act on it twice.
    if (session.farewell().begun()) return;
    const TimePoint now = session.now();
    const Uuid id = data.message->id;
    Device& owner = session.owner();
    owner.used_at = now;
    if (id.is_nil()) {
        return settle_at_once(session, lane, id, cost, make_refusal(errc::invalid_message_id, "a message needs an id"));
    }
    const bool kept = log_ && listener_.keeps(data);
    if (!kept && !is_fresh(session, lane, data, cost)) return;
    session.work().begin_one();
    PendingMessage pending;
    pending.owner = &owner;
    ++owner.pending;
    pending.session = session.id();
    pending.lane = lane;
    pending.message_id = id;
    pending.cost = cost;
    pending.kept = kept;
    if (kept) pending.over_rate_ms = owner.over_byte_rate(settings_, data.message->payload.size(), now);
    observe_fresh(session, data);
    listener_.on_message(session, std::move(pending), data, whole);
}

// False: it has been answered, or will be with the one that it repeats.
bool MessageFlow::is_fresh(ServerSession& session, LaneIndex lane, const wire::DataView& data, std::uint64_t cost) {
    const TimePoint now = session.now();
    const Uuid id = data.message->id;
    Device& owner = session.owner();
    const auto ago = std::chrono::milliseconds(std::min(data.first_sent_ms_ago, kOldestMs));
    const auto check = owner.acted_on.check(id, ago, started_, now);
    switch (check.verdict) {
        case DedupeRing::Verdict::finished: settle_at_once(session, lane, id, cost, *check.receipt); return false;
        case DedupeRing::Verdict::too_old:
            settle_at_once(
                session, lane, id, cost,
                make_refusal(errc::too_old,
                             "it may have been processed long ago: send it under a new id if it must be processed"));
            return false;
        case DedupeRing::Verdict::in_progress:
            owner.waiting.push_back({id, session.id(), lane});
            session.work().begin_one();
            session.lane_set().consumed(lane, cost, now);
            return false;
        case DedupeRing::Verdict::fresh: break;
    }
    if (settings_.limits_rates()) {
        if (const auto over = owner.over_rate(settings_, data.message->payload.size(), now)) {
            owner.acted_on.finish(id, *over);  // see refuse()
            listener_.on_message_refused(session, over->code);
            settle_at_once(session, lane, id, cost, *over);
            return false;
        }
    }
    return true;
}

// Its credit waits like that of what is handled: whoever reads no receipts is not asked for more.
void MessageFlow::settle_at_once(ServerSession& session, LaneIndex lane, const Uuid& id, std::uint64_t cost,
                                 const Receipt& receipt) {
    answer(session, lane, id, receipt, nullptr);
    session.work().defer_credit(lane, cost);
}

// Remembered like any other answer: a repeat, should this one be lost, must not be acted on after its successors were.
// A busy that names a time asks for the repeat, and is not.
void MessageFlow::refuse(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt) {
    Device& owner = session.owner();
    const auto check = owner.acted_on.check(id, Duration::zero(), started_, session.now());
    if (check.verdict == DedupeRing::Verdict::finished) return answer(session, lane, id, *check.receipt, nullptr);
    if (check.verdict == DedupeRing::Verdict::fresh) owner.note_answer(id, receipt);
    listener_.on_message_refused(session, receipt.code);
    if (receipt.code == errc::busy) shedding_.memory_short(session.now());
    answer(session, lane, id, receipt, nullptr);
}

// ---- what goes out ----

void MessageFlow::finish(const PendingMessage& pending, const Receipt& receipt, const Reply* reply, TimePoint now) {
    ServerSession* const reading = sessions_.reading();
    ServerSession* const session =
        reading != nullptr && reading->id() == pending.session ? reading : sessions_.find(pending.session);
    if (reply != nullptr && session != nullptr && size_of(reply->message) > session->agreed().max_message_bytes) {
        listener_.on_reply_refused(*session, errc::message_too_large);
        return finish(pending,
                      make_refusal(errc::message_too_large,
                                   "handled; the reply was dropped because it exceeds this client's limit"),
                      nullptr, now);
    }
    Device& owner = *pending.owner;
    --owner.pending;
    if (!pending.kept) {
        owner.note_answer(pending.message_id, receipt);
        if (!owner.waiting.empty()) answer_repeats(owner, pending, receipt, now);
    }
    if (session == nullptr || session->farewell().ended()) return;
    session->at(now);
    session->work().finish_one();
    answer(*session, pending.lane, pending.message_id, receipt, reply);
    session->work().defer_credit(pending.lane, pending.cost);
    if (session == reading) return;  // CarrierIo::on_batch() goes on with it
    session->work().release_credit(session->lane_set(), settings_, now);
    life_.settle(*session, now);
}

// Repeats that came in another session meanwhile get the same receipt there.
void MessageFlow::answer_repeats(Device& owner, const PendingMessage& pending, const Receipt& receipt, TimePoint now) {
    for (const Device::Waiting& repeat : owner.waiting) {
        ServerSession* const later = repeat.id == pending.message_id ? sessions_.find(repeat.session) : nullptr;
        if (later == nullptr) continue;
        later->work().finish_one();
        if (repeat.session == pending.session) continue;  // finish() answers it
        later->at(now);
        answer(*later, repeat.lane, repeat.id, receipt, nullptr);
        life_.settle(*later, now);
    }
    std::erase_if(owner.waiting, [&](const Device::Waiting& repeat) { return repeat.id == pending.message_id; });
}

void MessageFlow::answer(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt,
                         const Reply* reply) {
    // The client asks again in its next session, and the receipt is remembered.
    if (session.farewell().is_final()) return;
    wire::ReceiptView view;
    view.message_id = id;
    view.status = receipt.status;
    view.code = receipt.code;
    view.text = receipt.text;
    view.retry_after_ms = receipt.retry_after_ms;
    if (receipt.status == wire::ReceiptStatus::stored && session.agreed().conversations) view.stored = receipt.stored;
    if (reply != nullptr) {
        wire::DataView data;
        data.from = reply->from;
        data.server_time_ms = reply->server_time_ms;
        data.message = reply->message;
        data.receipt = view;
        const std::string_view payload = reply->message.payload;
        if (session.agreed().encodings != 0 && !reply->judged && payload.size() <= wire::kAtOnceBytes) {
            if (const auto packed = compression_->pack(payload, session.agreed().encodings)) {
                data.message->payload = packed->bytes;
                data.message->encoding = packed->encoding;
                data.message->size = payload.size();
            }
        }
        wire::Body body = wire::encode(data);
        const auto sent = session.lane_set().send(lane, std::move(body));
        if (sent) return observe_queued(session, data);
        if (sent.error() == errc::busy) shedding_.memory_short(session.now());
        view.code = errc::recipient_busy;
        view.text = "handled; the reply was dropped because too much is already queued for this client";
    }
    (void)session.lane_set().send_anyway(lane, wire::encode(view));
}

Result<void> MessageFlow::send(ServerSession& session, LaneIndex lane, const wire::Body& body, Priority priority,
                               TimePoint now) {
    if (session.farewell().ended() || session.farewell().begun()) return errc::session_ended;
    if (!within(session.agreed().max_message_bytes, body)) return errc::message_too_large;
    session.at(now);
    const auto sent = session.lane_set().send(lane, body, priority);
    if (!sent) {
        if (sent.error() == errc::outbox_full) return errc::recipient_busy;
        if (sent.error() == errc::busy) shedding_.memory_short(now);
        return sent.error();
    }
    observe_queued(session, body);
    life_.settle(session, now);
    return {};
}

Result<void> MessageFlow::send(ServerSession& session, LaneIndex lane, wire::Forms& forms, Priority priority,
                               TimePoint now) {
    if (session.farewell().ended() || session.farewell().begun()) return errc::session_ended;
    if (forms.size() > session.agreed().max_message_bytes) return errc::message_too_large;
    const wire::Body* const body = forms.fit(session.agreed().encodings);
    if (body == nullptr) return errc::bad_compression;
    return send(session, lane, *body, priority, now);
}

Receipt MessageFlow::send_to_user(std::string_view user, std::string_view conversation, wire::Forms& forms,
                                  Priority priority, TimePoint now, std::size_t* too_large) {
    bool attached = false;
    bool buffered = false;
    std::size_t could_not = 0;
    std::uint64_t takes = 0;  // the most that one of them does
    errc failure = errc::user_offline;
    for (ServerSession* session : sessions_.of_user(user)) {
        const bool live = session->presence() == Presence::attached;
        const auto sent = send(*session, lane_of(conversation, session->lanes()), forms, priority, now);
        if (!sent) {
            if (sent.error() == errc::message_too_large) {
                ++could_not;
                takes = std::max(takes, session->agreed().max_message_bytes);
            } else if (sent.error() != errc::session_ended) {
                failure = static_cast<errc>(sent.error().value());
            }
            continue;
        }
        attached = attached || live;
        buffered = buffered || !live;
    }
    if (too_large != nullptr) *too_large = could_not;
    if (attached || buffered) {
        Receipt receipt{attached ? wire::ReceiptStatus::delivered : wire::ReceiptStatus::buffered, errc::ok, {}, 0};
        if (could_not != 0) {
            receipt.code = errc::message_too_large;
            receipt.text = "too large for " + std::to_string(could_not) + " of the user's devices";
        }
        return receipt;
    }
    if (could_not != 0 && failure == errc::user_offline) {
        return make_refusal(errc::message_too_large, "the message is larger than the user's devices accept: " +
                                                         std::to_string(takes) + " bytes");
    }
    return nobody_took_it(user, failure, now);
}

Receipt MessageFlow::nobody_took_it(std::string_view user, errc failure, TimePoint now) const {
    if (failure == errc::user_offline) {
        const auto wait = expected_.wait(user, now);
        if (!wait) return make_refusal(failure, "the user has no session on this server");
        const auto ms = std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(*wait).count(), UINT32_MAX);
        return make_refusal(errc::busy,
                            "the server was restarted, and the user is expected back: retry in " +
                                std::to_string((ms + 999) / 1000) + " s",
                            static_cast<std::uint32_t>(ms));
    }
    if (failure == errc::bad_compression) return make_refusal(failure, std::string(explain(failure)));
    // A busy with a time would be kept by the sender's client, while what is behind it may find room.
    return make_refusal(failure, "too much is already queued for this user", failure == errc::busy ? 0 : 1000);
}

}  // namespace flare::session
