#include "server/dispatch/users.hpp"

#include "base/log.hpp"
#include "server/worker/shard.hpp"
#include "session/planted.hpp"

#include <exception>
#include <utility>

namespace flare::server {
namespace {

session::Receipt forbidden() {
    return make_refusal(errc::forbidden, "the server's policy does not allow messages to this user");
}

// Somebody there cannot read it as it is, and it takes a thread that has the time.
bool must_be_inflated(session::SessionTable& table, const OutgoingMessage& outgoing) {
    bool work = false;
    for (const session::ServerSession* session : table.of_user(outgoing.to))
        work = work || (outgoing.forms.is_work(session->agreed().encodings) &&
                        outgoing.forms.size() <= session->agreed().max_message_bytes);
    return work;
}

}  // namespace

bool Users::allows(const SessionInfo& from, std::string_view to, const Message& message) const {
    try {
        return parts_.state.config.policy(from, to, message);
    } catch (const std::exception& error) {
        base::log().limited(base::LogKind::policy_threw, "the delivery policy threw: {}", error.what());
    }
    return false;
}

// The sender's bytes go on as they are, encoded once for all devices of the recipient; `from` is ours. For a recipient
// who cannot read them they are inflated, and compressed in another way.
void Users::forward(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                    const Bytes& whole) {
    Answers& answers = parts_.answers;
    const Config& config = parts_.state.config;
    const auto taken_at = parts_.turn.taken_at;
    const std::string_view to = data.message->to;
    const bool compressed = data.message->encoding != wire::Encoding::none;
    const bool asks = static_cast<bool>(config.policy);
    const HandlerQueue& sender = *queue_of(session);
    if (asks && !compressed && !allows(*sender.info, to, to_message(session, data, whole, taken_at)))
        return answers.give(pending, forbidden());
    wire::DataView forwarded;
    forwarded.from = session.user();
    forwarded.server_time_ms = unix_ms(taken_at);
    forwarded.message_raw = data.message_raw;
    forwarded.message = data.message;
    wire::Body body = wire::encode(forwarded);
    body.cost = data.message->payload.size();
    wire::Forms forms(std::move(body), *data.message, config.compression.get(), session.agreed().encodings != 0);
    const bool large = compressed && forms.size() > wire::kAtOnceBytes;
    if (asks && compressed && !large) {
        const Bytes* payload = forms.inflate();
        if (payload == nullptr) return answers.refuse(pending, errc::bad_compression);
        Message message = to_message(session, data, whole, taken_at);
        message.payload = *payload;
        if (!allows(*sender.info, to, message)) return answers.give(pending, forbidden());
    }
    const bool waits = sender.held != nullptr;
    if (!large && !waits && parts_.router.home_of(to) == index_)
        return answers.give(pending, deliver(to, session.user(), forms, Priority::normal));
    auto outgoing = std::make_shared<OutgoingMessage>(
        OutgoingMessage{std::move(pending), std::string(to), session.user(), std::move(forms), {}, {}, 0});
    if (!large && !waits) return send(outgoing);
    const std::size_t charge = WaitingMemory::kTaskCharge + data.message->payload.size();
    if (!parts_.memory.take(charge)) return answers.refuse(outgoing->pending, errc::busy);
    outgoing->charge = charge;
    outgoing->queue = shared_queue_of(session);
    if (large && asks) outgoing->asked = to_message(session, data, whole, taken_at);
    if (waits) return outgoing->queue->held->push_back(std::move(outgoing));
    outgoing->queue->held = std::make_unique<std::deque<Outgoing>>();
    begin_large(outgoing);
}

void Users::send(const Outgoing& outgoing) {
    const std::uint32_t home = parts_.router.home_of(outgoing->to);
    if (home == index_)
        return parts_.answers.give(outgoing->pending,
                                   deliver(outgoing->to, outgoing->conversation(), outgoing->forms, Priority::normal));
    parts_.router.ask(
        index_, home,
        [outgoing](Shard& shard) {
            if (session::planted(session::Fault::receipt_without_delivery))
                return session::Receipt{wire::ReceiptStatus::delivered, errc::ok, {}, 0};
            return shard.users().deliver(outgoing->to, outgoing->conversation(), outgoing->forms, Priority::normal);
        },
        [outgoing](Shard& sender, session::Receipt receipt) {
            if (session::planted(session::Fault::mail_answer_dropped)) return;
            sender.answers().give(outgoing->pending, std::move(receipt));
        });
}

session::Receipt Users::deliver(std::string_view user, std::string_view conversation, wire::Forms& forms,
                                Priority priority, std::size_t* too_large) {
    session::Receipt receipt =
        parts_.table.send_to_user(user, conversation, forms, priority, parts_.executor.now(), too_large);
    if (receipt.status != wire::ReceiptStatus::refused) ++parts_.counters.messages_sent;
    return receipt;
}

bool Users::send_to(session::ServerSession& session, std::string_view conversation, wire::Forms& forms,
                    Priority priority) {
    const session::LaneIndex lane = session::lane_of(conversation, session.lanes());
    return parts_.table.send(session, lane, forms, priority, parts_.executor.now()).has_value();
}

FanOut Users::broadcast(std::string_view conversation, wire::Forms& forms, Priority priority) {
    FanOut out;
    const session::TimePoint now = parts_.executor.now();
    session::SessionTable& table = parts_.table;
    table.for_each([&](session::ServerSession& session) {
        const auto sent = table.send(session, session::lane_of(conversation, session.lanes()), forms, priority, now);
        if (sent) {
            ++out.reached;
        } else if (sent.error() == errc::message_too_large) {
            ++out.too_large;
        }
    });
    parts_.counters.messages_sent += out.reached;
    return out;
}

// ---- large ones: what has to be inflated is inflated in the pool, while later messages of the sender wait ----

void Users::begin_large(const Outgoing& outgoing) {
    if (outgoing->asked) return inflate(outgoing);
    // Nothing: it has to be inflated first.
    using Answer = std::optional<session::Receipt>;
    parts_.router.ask(
        index_, parts_.router.home_of(outgoing->to),
        [outgoing](Shard& shard) {
            if (must_be_inflated(shard.table(), *outgoing)) return Answer();
            return Answer(
                shard.users().deliver(outgoing->to, outgoing->conversation(), outgoing->forms, Priority::normal));
        },
        [outgoing](Shard& sender, Answer receipt) {
            receipt ? sender.users().end_large(outgoing, std::move(*receipt)) : sender.users().inflate(outgoing);
        });
}

void Users::inflate(const Outgoing& outgoing) {
    const auto size = static_cast<std::size_t>(outgoing->forms.size());
    if (!parts_.memory.take(size, outgoing->charge)) return end_large(outgoing, make_refusal(errc::busy));
    outgoing->charge += size;
    auto whole = std::make_shared<bool>(false);
    const bool queued = parts_.executor.in_pool([outgoing, whole] { *whole = outgoing->forms.inflate() != nullptr; },
                                                [this, outgoing, whole] { inflated(outgoing, *whole); });
    if (!queued) end_large(outgoing, make_refusal(errc::busy, "too much is waiting to be decompressed"));
}

void Users::inflated(const Outgoing& outgoing, bool whole) {
    if (!whole) return end_large(outgoing, make_refusal(errc::bad_compression));
    if (outgoing->asked) {
        outgoing->asked->payload = *outgoing->forms.inflate();
        const bool allowed = allows(*outgoing->queue->info, outgoing->to, *outgoing->asked);
        outgoing->asked.reset();
        if (!allowed) return end_large(outgoing, forbidden());
    }
    begin_large(outgoing);
}

// Answers, and lets those go that have waited for it, up to the next large one.
void Users::end_large(const Outgoing& outgoing, session::Receipt receipt) {
    parts_.memory.give(std::exchange(outgoing->charge, 0));
    const std::shared_ptr<HandlerQueue> queue = outgoing->queue;
    parts_.answers.give(outgoing->pending, std::move(receipt));
    while (!queue->held->empty()) {
        const Outgoing next = std::move(queue->held->front());
        queue->held->pop_front();
        if (next->is_large()) return begin_large(next);
        parts_.memory.give(std::exchange(next->charge, 0));
        send(next);
    }
    queue->held.reset();
}

}  // namespace flare::server
