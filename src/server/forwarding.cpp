// Messages to users, on this worker or another. docs/compression.md, "On the server".
#include "base/log.hpp"
#include "server/delivery.hpp"

namespace flare::server {

struct Letter {
    session::Handling handling;
    std::string to;
    std::string from;
    wire::Forms forms;
    std::uint32_t sender = 0;      // its worker
    std::shared_ptr<Inbox> inbox;  // of a sender whose messages wait for one another
    std::optional<Message> asked;  // what the policy is to be asked, when the payload has been inflated
    std::size_t charge = 0;        // to the sender's budget

    bool is_large() const noexcept {
        return forms.encoding() != wire::Encoding::none && forms.size() > wire::kAtOnceBytes;
    }
};

bool Worker::is_allowed(const SessionInfo& from, std::string_view to, const Message& message) {
    try {
        return shared_.config.policy(from, to, message);
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
void Worker::to_user(session::ServerSession& session, session::Handling&& handling, const wire::DataView& data,
                     const Bytes& whole) {
    const std::string_view to = data.message->to;
    const bool compressed = data.message->encoding != wire::Encoding::none;
    const bool asks = static_cast<bool>(shared_.config.policy);
    const Inbox& sender = *static_cast<const Inbox*>(session.attachment.get());
    if (asks && !compressed && !is_allowed(*sender.info, to, to_message(session, data, whole, taken_at_)))
        return answer(handling, forbidden());
    wire::DataView forwarded;
    forwarded.from = session.user();
    forwarded.server_time_ms = unix_ms(taken_at_);
    forwarded.message_raw = data.message_raw;
    forwarded.message = data.message;
    wire::Body body = wire::encode(forwarded);
    body.cost = data.message->payload.size();
    wire::Forms forms(std::move(body), *data.message, shared_.config.compression.get(), session.encodings() != 0);
    const bool large = compressed && forms.size() > wire::kAtOnceBytes;
    if (asks && compressed && !large) {
        const Bytes* payload = forms.inflate();
        if (payload == nullptr) return answer(handling, refusal(errc::bad_compression, explain(errc::bad_compression)));
        Message message = to_message(session, data, whole, taken_at_);
        message.payload = *payload;
        if (!is_allowed(*sender.info, to, message)) return answer(handling, forbidden());
    }
    const bool waits = sender.held != nullptr;
    if (!large && !waits && shared_.home_of(to) == index_)
        return answer(handling, deliver(to, session.user(), forms, Priority::normal));
    auto letter = std::make_shared<Letter>(
        Letter{std::move(handling), std::string(to), session.user(), std::move(forms), index_, {}, {}, 0});
    if (!large && !waits) return send_letter(letter);
    const std::size_t charge = kJobCharge + data.message->payload.size();
    if (!take_for_handler(charge)) return answer(letter->handling, refusal(errc::busy, explain(errc::busy)));
    letter->charge = charge;
    letter->inbox = std::static_pointer_cast<Inbox>(session.attachment);
    if (large && asks) letter->asked = to_message(session, data, whole, taken_at_);
    if (waits) return letter->inbox->held->push_back(std::move(letter));
    letter->inbox->held = std::make_unique<std::deque<std::shared_ptr<Letter>>>();
    begin_large(letter);
}

void Worker::send_letter(const std::shared_ptr<Letter>& letter) {
    if (shared_.home_of(letter->to) == index_)
        return answer(letter->handling, deliver(letter->to, letter->from, letter->forms, Priority::normal));
    shared_.workers[shared_.home_of(letter->to)]->post([letter](Worker& worker) {
        const session::Receipt receipt = worker.deliver(letter->to, letter->from, letter->forms, Priority::normal);
        worker.shared_.workers[letter->sender]->post(
            [letter, receipt](Worker& sender) { sender.answer(letter->handling, receipt); });
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

void Worker::begin_large(const std::shared_ptr<Letter>& letter) {
    if (letter->asked) return inflate_letter(letter);
    shared_.workers[shared_.home_of(letter->to)]->post([letter](Worker& worker) {
        bool work = false;
        for (const session::ServerSession* session : worker.table_.of_user(letter->to))
            work = work || (letter->forms.is_work(session->encodings()) &&
                            letter->forms.size() <= session->max_message_bytes());
        session::Receipt receipt;
        if (!work) receipt = worker.deliver(letter->to, letter->from, letter->forms, Priority::normal);
        worker.shared_.workers[letter->sender]->post([letter, receipt, work](Worker& sender) {
            if (work) {
                sender.inflate_letter(letter);
            } else {
                sender.end_large(letter, receipt);
            }
        });
    });
}

void Worker::inflate_letter(const std::shared_ptr<Letter>& letter) {
    const auto size = static_cast<std::size_t>(letter->forms.size());
    if (!take_for_handler(size, letter->charge)) return end_large(letter, refusal(errc::busy, explain(errc::busy)));
    letter->charge += size;
    const bool queued = shared_.pool.push([this, letter] {
        const bool whole = letter->forms.inflate() != nullptr;
        post([letter, whole](Worker& worker) {
            if (!whole) {
                return worker.end_large(letter, refusal(errc::bad_compression, explain(errc::bad_compression)));
            }
            if (letter->asked) {
                letter->asked->payload = *letter->forms.inflate();
                const bool allowed = worker.is_allowed(*letter->inbox->info, letter->to, *letter->asked);
                letter->asked.reset();
                if (!allowed) return worker.end_large(letter, forbidden());
            }
            worker.begin_large(letter);
        });
    });
    if (!queued) end_large(letter, refusal(errc::busy, "too much waits to be inflated"));
}

// Answers, and lets those go that have waited for it, up to the next large one.
void Worker::end_large(const std::shared_ptr<Letter>& letter, session::Receipt receipt) {
    give_from_handler(std::exchange(letter->charge, 0));
    const std::shared_ptr<Inbox> inbox = letter->inbox;
    answer(letter->handling, std::move(receipt));
    while (!inbox->held->empty()) {
        const std::shared_ptr<Letter> next = std::move(inbox->held->front());
        inbox->held->pop_front();
        if (next->is_large()) return begin_large(next);
        give_from_handler(std::exchange(next->charge, 0));
        send_letter(next);
    }
    inbox->held.reset();
}

}  // namespace flare::server
