#include "im/answering.hpp"

#include "im/planted.hpp"

#include <algorithm>

namespace flare::im {
namespace {

effect::Answer refusal_of(SessionKey session, const Uuid& id, const Refusal& refusal) {
    return {.session = session,
            .id = id,
            .code = refusal.code,
            .text = refusal.text,
            .retry_after_ms = refusal.retry_after_ms};
}

}  // namespace

void Answering::join(Waiting& item, const Send& send, Effects& out) {
    if (item.send.content != send.content && !planted(Fault::content_not_compared)) {
        out.emplace_back(refusal_of(send.session, send.id,
                                    {errc::duplicate_message_id,
                                     "another message with this id is on its way: give each message its own UUID"}));
        return;
    }
    if (planted(Fault::put_off_in_flight)) {
        out.emplace_back(refusal_of(send.session, send.id, later(errc::busy)));
        return;
    }
    const auto asks = [&](const Asker& asker) { return asker.session == send.session; };
    if (std::any_of(item.askers.begin(), item.askers.end(), asks)) return;
    if (item.askers.size() == item.askers.capacity()) item.askers.erase(item.askers.begin());
    item.askers.push_back({send.session, list_.next_ticket()});
}

void Answering::no_room(const Send& send, const Now& now, Effects& out) {
    holds_.put_off(send.session, send.id, list_.next_ticket(), limits_.busy_for, now.steady);
    out.emplace_back(refusal_of(send.session, send.id, later(errc::busy)));
}

bool Answering::holds_back(Waiting& item, const Now& now, Effects& out) {
    SessionKey held = 0;
    for (const Asker& asker : item.askers) {
        if (!holds_.passes(asker.session, item.send.id, asker.place)) held = asker.session;
    }
    if (held == 0) return false;
    refuse(item,
           {errc::busy, "a message that was sent before this one is to come again first: then send this one again",
            holds_.retry_after_ms(held, now.steady)},
           now, out);
    return true;
}

void Answering::tell_stored(const Waiting& item, model::Position position, std::uint64_t time_ms, Effects& out) {
    for (const Asker& asker : item.askers) {
        holds_.stored(asker.session, item.send.id);
        out.emplace_back(
            effect::Answer{.session = asker.session, .id = item.send.id, .position = position, .time_ms = time_ms});
    }
}

void Answering::stored(Waiting& item, model::Position position, std::uint64_t time_ms, Effects& out) {
    tell_stored(item, position, time_ms, out);
    drop(item, out);
}

void Answering::refuse(Waiting& item, const Refusal& refusal, const Now& now, Effects& out) {
    admission_.comes_back(item);
    for (const Asker& asker : item.askers) {
        if (is_later(refusal.code)) {
            const std::uint64_t place = planted(Fault::held_from_now_on) ? list_.next_ticket() : asker.place;
            const std::chrono::milliseconds wait(refusal.retry_after_ms);
            holds_.put_off(asker.session, item.send.id, place, wait, now.steady);
        }
        out.emplace_back(refusal_of(asker.session, item.send.id, refusal));
    }
    drop(item, out);
}

void Answering::drop(Waiting& item, Effects& out) {
    out.emplace_back(effect::Release{item.send.token});
    list_.finish(item);
}

Refusal Answering::later(errc code) const {
    switch (code) {
        case errc::storage_full:
            return {code, "the disk of the server is full: the message stays in the outbox and is sent again",
                    retry_after(limits_.storage_for)};
        case errc::storage_failed:
            return {code, "the server cannot use its disk: the message stays in the outbox and is sent again",
                    retry_after(limits_.storage_for)};
        default:
            return {errc::busy, "too much waits for this conversation: the message is sent again after retry_after",
                    retry_after(limits_.busy_for)};
    }
}

}  // namespace flare::im
