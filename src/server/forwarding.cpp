// Messages to users, on this worker or another. docs/compression.md, "On the server".
#include "base/log.hpp"
#include "server/delivery.hpp"

namespace flare::server {

struct OutgoingMessage {
    session::PendingMessage pending;
    std::string to;
    std::string from;
    wire::Forms forms;
    std::uint32_t sender = 0;             // its worker
    std::shared_ptr<HandlerQueue> queue;  // of a sender whose messages wait for one another
    std::optional<Message> asked;         // what the policy is to be asked, when the payload has been inflated
    std::size_t charge = 0;               // to the sender's budget

    bool is_large() const noexcept {
        return forms.encoding() != wire::Encoding::none && forms.size() > wire::kAtOnceBytes;
    }
};

bool Worker::is_allowed(const SessionInfo& from, std::string_view to, const Message& message) {
    try {
        return group_.config.policy(from, to, message);
    } catch (const std::exception& error) {
        base::log().limited(base::LogKind::policy_threw, "the delivery policy threw: {}", error.what());
    }
    return false;
}

namespace {

session::Receipt forbidden() {
    return refusal(errc::forbidden, "the server's policy does not let you write to this user");
}

}  // namespace

// The sender's bytes go on as they are, encoded once for all devices of the recipient; `from` is ours. For a recipient
// who cannot read them they are inflated, and compressed in another way.
void Worker::to_user(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                     const Bytes& whole) {
    const std::string_view to = data.message->to;
    const bool compressed = data.message->encoding != wire::Encoding::none;
    const bool asks = static_cast<bool>(group_.config.policy);
    const HandlerQueue& sender = *static_cast<const HandlerQueue*>(session.attachment.get());
    if (asks && !compressed && !is_allowed(*sender.info, to, to_message(session, data, whole, taken_at_)))
        return answer(pending, forbidden());
    wire::DataView forwarded;
    forwarded.from = session.user();
    forwarded.server_time_ms = unix_ms(taken_at_);
    forwarded.message_raw = data.message_raw;
    forwarded.message = data.message;
    wire::Body body = wire::encode(forwarded);
    body.cost = data.message->payload.size();
    wire::Forms forms(std::move(body), *data.message, group_.config.compression.get(), session.encodings() != 0);
    const bool large = compressed && forms.size() > wire::kAtOnceBytes;
    if (asks && compressed && !large) {
        const Bytes* payload = forms.inflate();
        if (payload == nullptr) return answer(pending, refusal(errc::bad_compression, explain(errc::bad_compression)));
        Message message = to_message(session, data, whole, taken_at_);
        message.payload = *payload;
        if (!is_allowed(*sender.info, to, message)) return answer(pending, forbidden());
    }
    const bool waits = sender.held != nullptr;
    if (!large && !waits && group_.home_of(to) == index_)
        return answer(pending, deliver(to, session.user(), forms, Priority::normal));
    auto outgoing = std::make_shared<OutgoingMessage>(
        OutgoingMessage{std::move(pending), std::string(to), session.user(), std::move(forms), index_, {}, {}, 0});
    if (!large && !waits) return send_outgoing(outgoing);
    const std::size_t charge = kTaskCharge + data.message->payload.size();
    if (!take_for_handler(charge)) return answer(outgoing->pending, refusal(errc::busy, explain(errc::busy)));
    outgoing->charge = charge;
    outgoing->queue = std::static_pointer_cast<HandlerQueue>(session.attachment);
    if (large && asks) outgoing->asked = to_message(session, data, whole, taken_at_);
    if (waits) return outgoing->queue->held->push_back(std::move(outgoing));
    outgoing->queue->held = std::make_unique<std::deque<std::shared_ptr<OutgoingMessage>>>();
    begin_large(outgoing);
}

void Worker::send_outgoing(const std::shared_ptr<OutgoingMessage>& outgoing) {
    if (group_.home_of(outgoing->to) == index_)
        return answer(outgoing->pending, deliver(outgoing->to, outgoing->from, outgoing->forms, Priority::normal));
    group_.workers[group_.home_of(outgoing->to)]->post([outgoing](Worker& worker) {
        const session::Receipt receipt =
            worker.deliver(outgoing->to, outgoing->from, outgoing->forms, Priority::normal);
        worker.group_.workers[outgoing->sender]->post(
            [outgoing, receipt](Worker& sender) { sender.answer(outgoing->pending, receipt); });
    });
}

session::Receipt Worker::deliver(std::string_view user, std::string_view from, wire::Forms& forms, Priority priority,
                                 std::size_t* too_large) {
    session::Receipt receipt = table_.send_to_user(user, from, forms, priority, now(), too_large);
    if (receipt.status != wire::ReceiptStatus::refused) ++counters_.messages_sent;
    return receipt;
}

FanOut Worker::broadcast(std::string_view from, wire::Forms& forms, Priority priority) {
    FanOut out;
    const session::TimePoint time = now();
    table_.for_each([&](session::ServerSession& session) {
        const auto sent = table_.send(session, session::lane_of(from, session.lanes()), forms, priority, time);
        if (sent) {
            ++out.reached;
        } else if (sent.error() == errc::message_too_large) {
            ++out.too_large;
        }
    });
    counters_.messages_sent += out.reached;
    return out;
}

std::size_t Worker::end_user(std::string_view user, errc code, const std::string& text) {
    const auto sessions = table_.of_user(user);
    for (session::ServerSession* session : sessions) table_.end(*session, code, text, 0, now());
    return sessions.size();
}

// ---- large ones: what has to be inflated is inflated in the pool, while later messages of the sender wait ----

void Worker::begin_large(const std::shared_ptr<OutgoingMessage>& outgoing) {
    if (outgoing->asked) return inflate_outgoing(outgoing);
    group_.workers[group_.home_of(outgoing->to)]->post([outgoing](Worker& worker) {
        bool work = false;
        for (const session::ServerSession* session : worker.table_.of_user(outgoing->to))
            work = work || (outgoing->forms.is_work(session->encodings()) &&
                            outgoing->forms.size() <= session->max_message_bytes());
        session::Receipt receipt;
        if (!work) receipt = worker.deliver(outgoing->to, outgoing->from, outgoing->forms, Priority::normal);
        worker.group_.workers[outgoing->sender]->post([outgoing, receipt, work](Worker& sender) {
            if (work) {
                sender.inflate_outgoing(outgoing);
            } else {
                sender.end_large(outgoing, receipt);
            }
        });
    });
}

void Worker::inflate_outgoing(const std::shared_ptr<OutgoingMessage>& outgoing) {
    const auto size = static_cast<std::size_t>(outgoing->forms.size());
    if (!take_for_handler(size, outgoing->charge)) return end_large(outgoing, refusal(errc::busy, explain(errc::busy)));
    outgoing->charge += size;
    const bool queued = group_.pool.push([this, outgoing] {
        const bool whole = outgoing->forms.inflate() != nullptr;
        post([outgoing, whole](Worker& worker) {
            if (!whole) {
                return worker.end_large(outgoing, refusal(errc::bad_compression, explain(errc::bad_compression)));
            }
            if (outgoing->asked) {
                outgoing->asked->payload = *outgoing->forms.inflate();
                const bool allowed = worker.is_allowed(*outgoing->queue->info, outgoing->to, *outgoing->asked);
                outgoing->asked.reset();
                if (!allowed) return worker.end_large(outgoing, forbidden());
            }
            worker.begin_large(outgoing);
        });
    });
    if (!queued) end_large(outgoing, refusal(errc::busy, "too much waits to be inflated"));
}

// Answers, and lets those go that have waited for it, up to the next large one.
void Worker::end_large(const std::shared_ptr<OutgoingMessage>& outgoing, session::Receipt receipt) {
    give_from_handler(std::exchange(outgoing->charge, 0));
    const std::shared_ptr<HandlerQueue> queue = outgoing->queue;
    answer(outgoing->pending, std::move(receipt));
    while (!queue->held->empty()) {
        const std::shared_ptr<OutgoingMessage> next = std::move(queue->held->front());
        queue->held->pop_front();
        if (next->is_large()) return begin_large(next);
        give_from_handler(std::exchange(next->charge, 0));
        send_outgoing(next);
    }
    queue->held.reset();
}

}  // namespace flare::server
