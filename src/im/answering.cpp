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

Refusal later(const Limits& limits, errc code) {
    switch (code) {
        case errc::storage_full:
            return {code, "the disk of the server is full: the message stays in the outbox and is sent again",
                    retry_after(limits.storage_for)};
        case errc::storage_failed:
            return {code, "the server cannot use its disk: the message stays in the outbox and is sent again",
                    retry_after(limits.storage_for)};
        case errc::rate_limited:
            return {code, "this device sends too much: the message is sent again after retry_after",
                    retry_after(limits.busy_for)};
        default:
            return {errc::busy, "the server has too much to do at present: the message is sent again after retry_after",
                    retry_after(limits.busy_for)};
    }
}

void Answering::join(Waiting& item, const Send& send, Effects& out) {
    if (item.send.content != send.content && !planted(Fault::content_not_compared)) {
        out.emplace_back(refusal_of(send.session, send.id,
                                    {errc::duplicate_message_id,
                                     "another message with this id is on its way: give each message its own UUID"}));
        return;
    }
    if (planted(Fault::put_off_in_flight)) {
        out.emplace_back(refusal_of(send.session, send.id, later(limits_, errc::busy)));
        return;
    }
    const auto asks = [&](const Asker& asker) { return asker.session == send.session; };
    if (std::any_of(item.askers.begin(), item.askers.end(), asks)) return;
    if (item.askers.size() == item.askers.capacity()) item.askers.erase(item.askers.begin());
    item.askers.push_back({send.session, send.place});
}

void Answering::put_off(const Send& send, const Refusal& refusal, const Now& now, Effects& out) {
    const std::chrono::milliseconds wait(refusal.retry_after_ms);
    holds_.put_off(send.session, send.id, send.place, wait, now.steady);
    out.emplace_back(refusal_of(send.session, send.id, refusal));
}

void Answering::tell_stored(const Waiting& item, model::Position position, std::uint64_t time_ms, Effects& out) {
    for (const Asker& asker : item.askers) {
        holds_.settled(asker.session, item.send.id);
        out.emplace_back(
            effect::Answer{.session = asker.session, .id = item.send.id, .position = position, .time_ms = time_ms});
        if (planted(Fault::one_asker_answered)) return;
    }
}

void Answering::stored(Waiting& item, model::Position position, std::uint64_t time_ms, Effects& out) {
    tell_stored(item, position, time_ms, out);
    finish(item, out);
}

void Answering::refuse(Waiting& item, const Refusal& refusal, const Now& now, Effects& out) {
    admission_.comes_back(item);
    if (!is_later(refusal.code)) admission_.count(item, now);
    for (const Asker& asker : item.askers) {
        if (is_later(refusal.code)) {
            const std::chrono::milliseconds wait(refusal.retry_after_ms);
            holds_.put_off(asker.session, item.send.id, asker.place, wait, now.steady);
            put_off_behind(item, asker);
        } else {
            holds_.settled(asker.session, item.send.id);
        }
        out.emplace_back(refusal_of(asker.session, item.send.id, refusal));
    }
    finish(item, out);
}

// What waits already is put off when its turn comes: it may be in the log.
void Answering::put_off_behind(const Waiting& item, const Asker& asker) {
    if (planted(Fault::waiting_not_held)) return;
    list_.for_each([&](Waiting& other) {
        if (other.ticket <= item.ticket || other.held) return;
        for (const Asker& each : other.askers) other.held |= each.session == asker.session && each.place > asker.place;
    });
}

void Answering::finish(Waiting& item, Effects& out) {
    out.emplace_back(effect::Release{item.send.token});
    list_.finish(item);
}

Refusal Answering::held(SessionKey session, const Now& now) const {
    return {errc::busy, "a message that was sent before this one is to come again first: then send this one again",
            holds_.retry_after_ms(session, now.steady)};
}

}  // namespace flare::im
