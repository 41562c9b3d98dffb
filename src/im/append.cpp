// What comes in, and what the store says of it. What goes to the store: judging.cpp.
#include "im/append.hpp"

#include "base/assert.hpp"
#include "im/plans.hpp"
#include "im/planted.hpp"

#include <algorithm>
#include <utility>

namespace flare::im {

// ---- from sessions ----

bool Append::send(const Send& send, const Now& now, Effects& out) {
    Waiting* const item = take(send, now, out);
    if (item != nullptr) begin(*item, out);
    return item != nullptr;
}

bool Append::change(const Send& request, Command command, const Now& now, Effects& out) {
    Waiting* const item = take(request, now, out);
    if (item == nullptr) return false;
    item->command = std::make_unique<Command>(std::move(command));
    begin(*item, out);
    return true;
}

Waiting* Append::take(const Send& send, const Now& now, Effects& out) {
    Waiting* const first = planted(Fault::repeat_not_joined) ? nullptr : list_.find(send.id, send.sender);
    if (first != nullptr) {
        answering_.join(*first, send, out);
        return nullptr;
    }
    list_.pop_done();
    const bool held = !answering_.lets_in(send);
    if (const Refused refused = turns_away(send, held, now)) {
        answering_.put_off(send, *refused, now, out);
        return nullptr;
    }
    Waiting& item = list_.push(send);
    item.held = held;
    if (conversation_.state() == Conversation::State::unknown) admission_.count(item, now);  // it costs a read
    if (send.first_sent_ms_ago != 0)
        item.first_sent_ms = now.unix_ms > send.first_sent_ms_ago ? now.unix_ms - send.first_sent_ms_ago : 1;
    return &item;
}

// Why it does not wait here.
Refused Append::turns_away(const Send& send, bool held, const Now& now) const {
    Refused refused;
    if (send.put_off != errc::ok) {
        refused = later(limits_, send.put_off);
        if (send.retry_after_ms != 0) refused->retry_after_ms = send.retry_after_ms;
    } else if (!list_.has_room(send)) {
        refused =
            Refusal{errc::busy, "too much waits for this conversation: the message is sent again after retry_after",
                    retry_after(limits_.busy_for)};
    } else if (conversation_.state() == Conversation::State::unknown) {
        refused = admission_.over_rate_unread(send, now);
    }
    const bool fresh = send.first_sent_ms_ago == 0;
    if (held && (fresh || refused)) return answering_.held(send.session, now);
    return refused;
}

// ---- from the store ----

void Append::loaded(const Conversation::Stored& stored, std::span<const model::Member> listed, Effects& out) {
    asked_.conversation = false;
    conversation_.load(stored, listed);
    if (planted(Fault::head_read_short) && stored.head.last.offset != 0) {
        Conversation::Stored shorter = stored;
        --shorter.head.last.offset;
        conversation_.load(shorter, listed);
    }
    begin_all(out);
}

void Append::absent() {
    asked_.conversation = false;
    conversation_.load_absent();
}

void Append::not_loaded(errc code, const Now& now, Effects& out) {
    asked_.conversation_failed = true;
    list_.for_each([&](Waiting& item) {
        const bool fresh = item.state == Waiting::State::waiting && item.send.first_sent_ms_ago == 0;
        if (fresh) answering_.refuse(item, later(limits_, code), now, out);
    });
}

void Append::member_not_loaded(Row user, errc code, const Now& now, Effects& out) {
    conversation_.members().not_loaded(user);
    // Others ask again when it is their turn.
    Waiting* const item = list_.front();
    if (item == nullptr || !item->ready() || (item->send.sender != user && !item->command)) return;
    answering_.refuse(*item, later(limits_, code), now, out);
}

void Append::looked_up(Ticket ticket, const std::optional<Found>& found, Effects& out) {
    Waiting* const item = list_.find(ticket);
    if (item == nullptr) return;
    item->looking_up = false;
    if (!found) return;
    admission_.is_known(*item);
    if (found->content == item->send.content) {
        answering_.stored(*item, found->position, found->time_ms, out);
        return;
    }
    answering_.refuse(
        *item, {errc::duplicate_message_id, "another message in the log has this id: give each message its own UUID"},
        {}, out);
}

void Append::ref_read(Ticket ticket, const std::optional<About>& about) {
    Waiting* const item = list_.find(ticket);
    if (item == nullptr) return;
    item->reading_ref = false;
    item->about = about;
}

// The one that asked stands at the front from then on: nothing has changed since.
void Append::heirs_found(Ticket ticket, Row leaving, const HeirSearch& found) {
    if (asked_.heirs != ticket) return;
    asked_.heirs = 0;
    if (list_.find(ticket) != nullptr) conversation_.set_heirs(leaving, found);
}

void Append::not_looked_up(Ticket ticket, errc code, const Now& now, Effects& out) {
    if (asked_.heirs == ticket) asked_.heirs = 0;
    Waiting* const item = list_.find(ticket);
    if (item == nullptr || item->state == Waiting::State::in_store) return;  // another answer was enough
    if (item->looking_up) {
        item->begun = false;
        item->ref_of = 0;
    } else {
        answering_.refuse(*item, later(limits_, code), now, out);
    }
}

void Append::committed(Ticket ticket, const Outcome& outcome, Effects& out) {
    Waiting* const item = list_.find(ticket);
    FLARE_INVARIANT(ticket == 0 ? making_direct_ : item != nullptr && item->state == Waiting::State::in_store,
                    "what was committed was not in the store");
    const bool change = item == nullptr || item->command != nullptr;
    if (!change) {
        conversation_.appended(outcome);
    } else if (plan_) {
        if (planted(Fault::change_not_applied)) plan_->members.clear(), plan_->config.reset(), plan_->joined = 0;
        conversation_.apply(*plan_, outcome);
        plan_.reset();
    }
    if (item == nullptr) {
        making_direct_ = false;
    } else {
        const bool told = outcome.position.offset != 0;
        answering_.stored(*item, told ? outcome.position : conversation_.head().last, outcome.time_ms, out);
    }
    if (change && conversation_.present()) begin_all(out);
}

void Append::rejected(Ticket ticket, errc code, const Now& now, Effects& out) {
    Waiting* item = list_.find(ticket);
    if (item == nullptr || item->command) plan_.reset();
    const bool direct = item == nullptr && std::exchange(making_direct_, false);
    // The store knows better than what is held here.
    if (code == errc::unknown_conversation || code == errc::conversation_exists) conversation_.forget();
    if (direct && code == errc::conversation_exists) return;  // so much the better
    if (direct) item = list_.front();
    if (item != nullptr) answering_.refuse(*item, {code, explain(code)}, now, out);
}

void Append::put_off(Ticket ticket, errc code, const Now& now, Effects& out) {
    Waiting* item = list_.find(ticket);
    if (item == nullptr || item->command) plan_.reset();
    if (item == nullptr && std::exchange(making_direct_, false)) item = list_.front();
    if (item != nullptr) answering_.refuse(*item, later(limits_, code), now, out);
}

// ---- a direct conversation ----

void Append::make_direct(Row first, Row second, const Now& now, Effects& out) {
    if (!std::exchange(asked_.direct, std::nullopt)) return;
    plan_ = plan_direct(first, second, now.unix_ms);
    plan_->config->max_payload_bytes = limits_.payload_bytes;
    making_direct_ = true;
    out.emplace_back(effect::AppendChange{.plan = &*plan_});
}

void Append::refuse_direct(const Refusal& refusal, const Now& now, Effects& out) {
    const std::optional<Row> starter = std::exchange(asked_.direct, std::nullopt);
    Waiting* const item = list_.front();
    if (starter && item != nullptr && item->send.sender == *starter) answering_.refuse(*item, refusal, now, out);
}

// ---- turns ----

void Append::tick(const Now& now, Effects& out) {
    if (std::exchange(asked_.conversation_failed, false)) asked_.conversation = false;
    begin_all(out);
    answering_.tick(now);
    admission_.tick(now);
    list_.shrink();
}

void Append::check_invariants() const {
    conversation_.check_invariants();
    list_.check_invariants();
    answering_.check_invariants();
    admission_.check_invariants();
    std::size_t changes = 0;
    list_.for_each([&](const Waiting& item) {
        if (item.state != Waiting::State::in_store) return;
        FLARE_INVARIANT(changes == 0, "a message went to the store behind a change");
        if (item.command) ++changes;
    });
    FLARE_INVARIANT(plan_.has_value() == (changes == 1 || making_direct_), "a change in the store has no plan");
    FLARE_INVARIANT(!making_direct_ || list_.in_store() == 0, "a message went to a conversation that is being made");
}

}  // namespace flare::im
