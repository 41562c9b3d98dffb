// Messages of a SessionTable: acted on once, answered with a receipt, sent to sessions and users.
#include "session/planted.hpp"
#include "session/session_table.hpp"
#include "session/session_table_parts.hpp"

#include <algorithm>

namespace flare::session {
namespace {

// What a peer may claim of a message's age: beyond it all is the same, and nothing overflows.
constexpr std::uint64_t kOldestMs = 365ull * 24 * 3600 * 1000;

Receipt refused(errc code, std::string text, std::uint32_t retry_after_ms = 0) {
    return Receipt{wire::ReceiptStatus::refused, code, std::move(text), retry_after_ms};
}

// For repeats. What is to be sent again after a while has not been acted on: the next time it is new.
void note_answer(DedupeRing& acted_on, const Uuid& id, const Receipt& receipt) {
    const bool later =
        receipt.status == wire::ReceiptStatus::refused && receipt.code == errc::busy && receipt.retry_after_ms != 0;
    if (later) {
        acted_on.withdraw(id);
    } else {
        acted_on.finish(id, receipt);
    }
}

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

void SessionTable::receive(ServerSession& session, LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                           std::uint64_t cost) {
    // Its sender gets no receipt, and sends it again in its next session: acting on it here would act on it twice.
    if (session.goodbye_) return;
    const TimePoint now = session.now_;
    const Uuid id = data.message->id;
    Device& owner = *session.owner_;
    owner.used_at = now;
    // Its credit waits like that of what is handled: whoever reads no receipts is not asked for more.
    const auto settled_at_once = [&](const Receipt& receipt) {
        answer(session, lane, id, receipt, nullptr);
        session.deferred_.emplace_back(lane, cost);
    };
    if (id.is_nil()) return settled_at_once(refused(errc::invalid_message_id, "a message needs an id"));
    const auto ago = std::chrono::milliseconds(std::min(data.first_sent_ms_ago, kOldestMs));
    const auto check = owner.acted_on.check(id, ago, started_, now);
    switch (check.verdict) {
        case DedupeRing::Verdict::finished: return settled_at_once(*check.receipt);
        case DedupeRing::Verdict::too_old:
            return settled_at_once(
                refused(errc::too_old, "it may have been acted on long ago: send it under a new id if it must be"));
        case DedupeRing::Verdict::in_progress:
            owner.waiting.push_back({id, session.id_, lane});
            ++session.in_progress_;
            return session.lane_set_.consumed(lane, cost, now);
        case DedupeRing::Verdict::fresh: break;
    }
    if (settings_.limits_rates()) {
        if (const auto over = over_rate(owner, data.message->payload.size(), now)) {
            owner.acted_on.finish(id, *over);  // see refuse_message()
            listener_.on_message_refused(session, over->code);
            return settled_at_once(*over);
        }
    }
    ++session.in_progress_;
    PendingMessage pending;
    pending.user = session.user_;
    pending.device = session.device_;
    pending.session = session.id_;
    pending.lane = lane;
    pending.message_id = id;
    pending.cost = cost;
    observe_fresh(session, data);
    listener_.on_message(session, std::move(pending), data, whole);
}

// A refusal, if this message comes too fast.
std::optional<Receipt> SessionTable::over_rate(Device& owner, std::size_t bytes, TimePoint now) {
    if (!owner.rates) owner.rates = std::make_unique<Device::Rates>();
    Device::Rates& rates = *owner.rates;
    const Duration for_messages = rates.messages.wait(settings_.message_rate, 1, now);
    const Duration for_bytes = rates.bytes.wait(settings_.byte_rate, bytes, now);
    const Duration wait = std::max(for_messages, for_bytes);
    if (wait <= Duration::zero()) {
        rates.messages.take(settings_.message_rate, 1, now);
        rates.bytes.take(settings_.byte_rate, bytes, now);
        return std::nullopt;
    }
    const bool messages = for_messages >= for_bytes;
    const Rate& rate = messages ? settings_.message_rate : settings_.byte_rate;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return refused(
        errc::rate_limited,
        "this session may send " + std::to_string(rate.per_second) + (messages ? " messages" : " bytes") + " a second",
        static_cast<std::uint32_t>(std::min<std::int64_t>(ms, UINT32_MAX)));
}

// Remembered like any other answer: a repeat, should this one be lost, must not be acted on after its successors were.
// A busy that names a time asks for the repeat, and is not.
void SessionTable::refuse_message(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt) {
    DedupeRing& acted_on = session.owner_->acted_on;
    const auto check = acted_on.check(id, Duration::zero(), started_, session.now_);
    if (check.verdict == DedupeRing::Verdict::finished) return answer(session, lane, id, *check.receipt, nullptr);
    if (check.verdict == DedupeRing::Verdict::fresh) note_answer(acted_on, id, receipt);
    listener_.on_message_refused(session, receipt.code);
    if (receipt.code == errc::busy) memory_short(session.now_);
    answer(session, lane, id, receipt, nullptr);
}

void SessionTable::finish(const PendingMessage& pending, Receipt receipt, const Reply* reply, TimePoint now) {
    const Entry entry(*this);
    ServerSession* session = reading_ != nullptr && reading_->id_ == pending.session ? reading_ : find(pending.session);
    if (reply != nullptr && session != nullptr && size_of(reply->message) > session->max_message_bytes_) {
        reply = nullptr;
        receipt = refused(errc::message_too_large,
                          "handled; the reply was dropped, because it is larger than this client takes");
        listener_.on_reply_refused(*session, receipt.code);
    }
    if (Device* const known = session != nullptr ? session->owner_ : find_device(pending.user, pending.device)) {
        Device& owner = *known;
        note_answer(owner.acted_on, pending.message_id, receipt);
        // Repeats that came in another session meanwhile get the same receipt there.
        for (const Device::Waiting& repeat : owner.waiting) {
            ServerSession* later = repeat.id == pending.message_id ? find(repeat.session) : nullptr;
            if (later == nullptr) continue;
            --later->in_progress_;
            if (repeat.session == pending.session) continue;  // answered below
            later->now_ = now;
            answer(*later, repeat.lane, repeat.id, receipt, nullptr);
            settle(*later, now);
        }
        if (!owner.waiting.empty())
            std::erase_if(owner.waiting,
                          [&](const Device::Waiting& repeat) { return repeat.id == pending.message_id; });
    }
    if (session == nullptr || session->ended_) return;
    session->now_ = now;
    --session->in_progress_;
    answer(*session, pending.lane, pending.message_id, receipt, reply);
    session->deferred_.emplace_back(pending.lane, pending.cost);
    if (session == reading_) return;  // on_batch() goes on with it
    release_deferred(*session, now);
    settle(*session, now);
}

// Credit for what was handled returns while our own queue to this client is short: a client that reads no
// replies is given nothing more to ask for.
void SessionTable::release_deferred(ServerSession& session, TimePoint now) {
    const SendTotals& totals = session.lane_set_.totals();
    if (totals.queued_frames > settings_.max_queued_frames / 2 || totals.queued_bytes > settings_.max_queued_bytes / 2)
        return;
    for (const auto& [lane, cost] : session.deferred_) session.lane_set_.consumed(lane, cost, now);
    session.deferred_.clear();
}

void SessionTable::answer(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt,
                          const Reply* reply) {
    if (session.final_) return;  // the client asks again in its next session, and the receipt is remembered
    wire::ReceiptView view;
    view.message_id = id;
    view.status = receipt.status;
    view.code = receipt.code;
    view.text = receipt.text;
    view.retry_after_ms = receipt.retry_after_ms;
    if (reply != nullptr) {
        wire::DataView data;
        data.from = reply->from;
        data.server_time_ms = reply->server_time_ms;
        data.message = reply->message;
        data.receipt = view;
        const std::string_view payload = reply->message.payload;
        if (session.encodings_ != 0 && !reply->judged && payload.size() <= wire::kAtOnceBytes) {
            if (const auto packed = compression_->pack(payload, session.encodings_)) {
                data.message->payload = packed->bytes;
                data.message->encoding = packed->encoding;
                data.message->size = payload.size();
            }
        }
        wire::Body body = wire::encode(data);
        const auto sent = session.lane_set_.send(lane, std::move(body));
        if (sent) return observe_queued(session, data);
        if (sent.error() == errc::busy) memory_short(session.now_);
        view.code = errc::recipient_busy;
        view.text = "handled; the reply was dropped, because too much waits for this client already";
    }
    (void)session.lane_set_.send_anyway(lane, wire::encode(view));
}

Result<void> SessionTable::send(ServerSession& session, LaneIndex lane, const wire::Body& body, Priority priority,
                                TimePoint now) {
    if (session.ended_ || session.goodbye_) return errc::session_ended;
    if (!within(session.max_message_bytes_, body)) return errc::message_too_large;
    session.now_ = now;
    const auto sent = session.lane_set_.send(lane, body, priority);
    if (!sent) {
        if (sent.error() == errc::outbox_full) return errc::recipient_busy;
        if (sent.error() == errc::busy) memory_short(now);
        return sent.error();
    }
    observe_queued(session, body);
    settle(session, now);
    return {};
}

Result<void> SessionTable::send(ServerSession& session, LaneIndex lane, wire::Forms& forms, Priority priority,
                                TimePoint now) {
    if (session.ended_ || session.goodbye_) return errc::session_ended;
    if (forms.size() > session.max_message_bytes_) return errc::message_too_large;
    const wire::Body* const body = forms.fit(session.encodings_);
    if (body == nullptr) return errc::bad_compression;
    return send(session, lane, *body, priority, now);
}

Receipt SessionTable::send_to_user(std::string_view user, std::string_view from, wire::Forms& forms, Priority priority,
                                   TimePoint now, std::size_t* too_large) {
    const Entry entry(*this);
    bool attached = false;
    bool buffered = false;
    std::size_t could_not = 0;
    std::uint64_t takes = 0;  // the most that one of them does
    errc failure = errc::user_offline;
    for (ServerSession* session : of_user(user)) {
        const bool live = session->presence() == Presence::attached;
        const auto sent = send(*session, lane_of(from, session->lanes()), forms, priority, now);
        if (!sent) {
            if (sent.error() == errc::message_too_large) {
                ++could_not;
                takes = std::max(takes, session->max_message_bytes_);
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
        return refused(errc::message_too_large,
                       "the message is larger than the user's devices take: " + std::to_string(takes) + " bytes");
    }
    if (failure == errc::user_offline) {
        const auto wait = expected_.wait(user, now);
        if (!wait) return refused(failure, "the user has no session on this server");
        const auto ms = std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(*wait).count(), UINT32_MAX);
        return refused(errc::busy,
                       "the server was started again, and the user is expected back: try again in " +
                           std::to_string((ms + 999) / 1000) + " s",
                       static_cast<std::uint32_t>(ms));
    }
    if (failure == errc::bad_compression) return refused(failure, std::string(explain(failure)));
    // A busy with a time would be kept by the sender's client, while what is behind it may find room.
    return refused(failure, "too much waits for this user already", failure == errc::busy ? 0 : 1000);
}

}  // namespace flare::session
