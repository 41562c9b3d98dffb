#include "server/conversations/awaited.hpp"

#include "im/refusal.hpp"
#include "server/conversations/reading.hpp"
#include "wire/requests.hpp"

#include <memory>
#include <utility>

namespace flare::server {
namespace {

std::string_view text_of(const im::effect::Answer& answer) {
    return answer.text.empty() ? explain(answer.code) : answer.text;
}

}  // namespace

errc Awaited::add(im::SessionKey session, const Uuid& id, const Pending& pending, std::size_t bytes) {
    const auto [added, fresh] = pending_.try_emplace(Key{session, id}, Waiting{pending, 0});
    if (!fresh) return errc::duplicate_message_id;
    const std::size_t charge = WaitingMemory::kTaskCharge + bytes;
    if (!memory_.take(charge)) return errc::busy;
    added->second.charge = charge;
    return errc::ok;
}

void Awaited::answer(const im::effect::Answer& answer) {
    const auto found = pending_.find(Key{answer.session, answer.id});
    if (found == pending_.end()) return;  // its session has ended
    const auto [pending, charge] = std::move(found->second);
    pending_.erase(found);
    memory_.give(charge);
    std::visit([&](const auto& each) { give(each, answer); }, pending);
}

void Awaited::refuse(im::SessionKey session, const Uuid& id, errc code, std::string_view text) {
    answer({.session = session, .id = id, .code = code, .text = text});
}

// Who does not know conversations sends again only what is busy, and would be held behind all others for ever.
errc Awaited::code_for(const session::SessionId& session, errc code) const {
    const session::ServerSession* const found = table_.find(session);
    const bool old = found != nullptr && !found->agreed().conversations;
    return old && im::is_later(code) ? errc::busy : code;
}

void Awaited::give(const session::PendingMessage& pending, const im::effect::Answer& answer) {
    session::Receipt receipt;
    if (answer.code == errc::ok) {
        receipt.status = wire::ReceiptStatus::stored;
        receipt.stored = {answer.position, static_cast<std::int64_t>(answer.time_ms)};
    } else {
        receipt = make_refusal(code_for(pending.session, answer.code), text_of(answer));
        receipt.retry_after_ms = answer.retry_after_ms;
    }
    answers_.give(pending, std::move(receipt));
}

void Awaited::give(const session::PendingRequest& pending, const im::effect::Answer& answer) {
    wire::ResponseView response;
    std::string body;
    if (answer.code == errc::ok) {
        const wire::im::Written written{answer.position.epoch, answer.position.offset,
                                        static_cast<std::int64_t>(answer.time_ms)};
        body = wire::im::encode(written);
        response.body = body;
    } else {
        answers_.count_refusal(answer.code);
        response.code = answer.code;
        response.text = text_of(answer);
        response.retry_after_ms = answer.retry_after_ms;
    }
    (void)table_.respond(pending, response, executor_.now());
}

void Awaited::give(const std::shared_ptr<const Describing>& pending, const im::effect::Answer& answer) {
    if (answer.code != errc::ok) return give(pending->request, answer);
    const auto found = std::make_shared<reading::Found>();
    const wire::im::Written written{answer.position.epoch, answer.position.offset,
                                    static_cast<std::int64_t>(answer.time_ms)};
    store_.read(
        [found, pending, written](store::Reader& reader) {
            *found = reading::conversation(reader, pending->key, pending->user, pending->name, written);
            return errc::ok;
        },
        [this, found, pending, written](errc code) {
            if (code != errc::ok || found->code != errc::ok) {
                // It is done, though nobody can say what the conversation is now; or the user has been removed since.
                wire::im::Conversation done;
                done.conversation = pending->name;
                done.written = written;
                found->body = wire::im::encode(done);
            }
            wire::ResponseView response;
            response.body = found->body;
            (void)table_.respond(pending->request, response, executor_.now());
        });
}

void Awaited::give(const Called& pending, const im::effect::Answer& answer) {
    if (answer.code != errc::ok) answers_.count_refusal(answer.code);
    pending.caller->answered(pending.call, answer);
}

void Awaited::give_up(im::SessionKey session) {
    std::vector<session::PendingMessage> messages;
    boost::unordered::erase_if(pending_, [&](const auto& each) {
        if (each.first.session != session) return false;
        memory_.give(each.second.charge);
        const auto* message = std::get_if<session::PendingMessage>(&each.second.pending);
        if (message != nullptr) messages.push_back(*message);
        return true;
    });
    for (const auto& pending : messages)
        table_.finish(pending, make_refusal(errc::session_ended), nullptr, executor_.now());
}

}  // namespace flare::server
