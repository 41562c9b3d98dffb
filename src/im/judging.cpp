// What may go to the store, in the order of arrival.
#include "im/append.hpp"
#include "im/plans.hpp"
#include "im/planted.hpp"

#include <utility>

namespace flare::im {
namespace {

const model::Member kServer{.role = model::Role::owner};

// Precondition: it is known.
const model::Member& sender_of(const Waiting& item, Conversation& conversation) {
    return item.send.sender == 0 ? kServer : *conversation.members().find(item.send.sender);
}

bool needs_ref(const Send& send) noexcept {
    using enum model::EntryKind;
    return send.kind == edit || send.kind == removal || send.kind == reaction || send.kind == message;
}

// Also again: a room may have been deleted, and made anew, before its turn comes.
void read_ref(const Conversation& conversation, Waiting& item, Effects& out) {
    const bool needs = !item.command && needs_ref(item.send) && item.send.ref != 0;
    if (!needs || std::exchange(item.ref_of, conversation.row()) == conversation.row()) return;
    item.about.reset();
    item.reading_ref = true;
    out.emplace_back(effect::ReadRef{item.ticket, item.send.ref});
}

// False: it is not known yet.
bool want_member(Conversation& conversation, Row user, Effects& out) {
    if (user == 0 || conversation.members().knows(user)) return true;
    if (conversation.members().want(user)) out.emplace_back(effect::LoadMember{user});
    return false;
}

// True: a hook has to say what is to become of it first.
bool is_asked(Waiting& item, std::size_t& under_question, Effects& out) {
    if (!item.is_to_ask()) return false;
    item.asking = true;
    ++under_question;
    out.emplace_back(effect::AskHook{item.ticket, item.send.token, item.command.get()});
    return true;
}

}  // namespace

// ---- what must be known ----

// Asks for everything that is needed when it comes, so that all of it is on its way at once.
void Append::begin(Waiting& item, Effects& out) {
    if (conversation_.state() == Conversation::State::unknown && !asked_.conversation) {
        asked_.conversation = true;
        out.emplace_back(effect::LoadConversation{});
    }
    if (!conversation_.present()) return;
    const bool first = !std::exchange(item.begun, true);
    if (first && item.send.first_sent_ms_ago != 0 && !planted(Fault::repeat_not_looked_up)) {
        item.looking_up = true;
        out.emplace_back(effect::LookUp{item.ticket, item.send.id, item.send.sender});
    }
    read_ref(conversation_, item, out);
    if (first) want_member(conversation_, item.send.sender, out);
}

void Append::begin_all(Effects& out) {
    list_.for_each([&](Waiting& item) {
        if (item.state == Waiting::State::waiting) begin(item, out);
    });
}

// ---- turns ----

void Append::advance(const Now& now, Effects& out) {
    list_.pop_done();
    ask_ahead(now, out);
    const bool busy = (list_.in_store() != 0 && !planted(Fault::group_not_waited_for)) || making_direct_;
    for (std::size_t given = 0; given < limits_.group;) {
        Waiting* const item = list_.front();
        if (item == nullptr) break;
        const bool behind_change = plan_ && !(planted(Fault::change_does_not_wait) && !item->command);
        if (busy || behind_change) break;
        const Verdict verdict = judge(*item, now, out);
        if (verdict == Verdict::wait) break;
        if (verdict == Verdict::done) continue;
        hand_over(*item, now, out);
        ++given;
    }
    list_.pop_done();
}

// About messages, before it is their turn. Changes are asked about when it is: what they are depends on those before.
void Append::ask_ahead(const Now& now, Effects& out) {
    if (under_question_ >= kMostAsked || !conversation_.present()) return;
    list_.for_each([&](Waiting& item) {
        const bool waits = item.state == Waiting::State::waiting && item.ready() && item.is_to_ask();
        if (!waits || item.command || item.held || under_question_ >= kMostAsked) return;
        if (!want_member(conversation_, item.send.sender, out)) return;
        if (!admission_.refuses(item, sender_of(item, conversation_), now))
            is_asked(item, under_question_, out);  // else in its turn
    });
}

bool Append::hook_answered(Ticket ticket, const HookVerdict& verdict) {
    --under_question_;
    Waiting* const item = list_.find(ticket);
    if (item == nullptr) return false;  // it was put off meanwhile
    item->asking = false;
    item->verdict = verdict;
    if (verdict.size) list_.resize(*item, *verdict.size);
    return true;
}

void Append::hand_over(Waiting& item, const Now& now, Effects& out) {
    // Who makes a room is nobody in it yet.
    admission_.goes(item, item.command ? kServer : sender_of(item, conversation_), now);
    list_.hand_over(item);
    if (item.command) {
        if (planted(Fault::change_applied_early)) {
            for (const model::Member& member : plan_->members) conversation_.members().set(member);
        }
        out.emplace_back(effect::AppendChange{item.ticket, item.send.token, item.first_sent_ms, &*plan_});
        return;
    }
    if (planted(Fault::answered_before_commit)) {
        answering_.tell_stored(item, conversation_.head().last, now.unix_ms, out);
        item.askers.clear();
    }
    out.emplace_back(effect::AppendEntry{item.ticket, item.send.token, item.first_sent_ms});
}

// ---- judging ----

Append::Verdict Append::judge(Waiting& item, const Now& now, Effects& out) {
    if (conversation_.state() == Conversation::State::unknown) {
        begin(item, out);
        return Verdict::wait;
    }
    if (!item.ready()) return Verdict::wait;
    if (item.held) {
        answering_.refuse(item, answering_.held(item.askers.front().session, now), now, out);
        return Verdict::done;
    }
    // Before it is asked what it may: what is refused costs its device as much as what is stored.
    if (Refused refused = admission_.over_device_rate(item, now)) {
        answering_.refuse(item, *refused, now, out);
        return Verdict::done;
    }
    if (item.verdict && item.verdict->code != errc::ok) {
        const errc code = item.verdict->code;
        answering_.refuse(item, is_later(code) ? later(limits_, code) : Refusal{code, item.verdict->text}, now, out);
        return Verdict::done;
    }
    if (!conversation_.present()) return judge_absent(item, now, out);
    if (!want_member(conversation_, item.send.sender, out)) return Verdict::wait;
    if (item.command) return judge_change(item, now, out);
    if (Refused refused = admission_.refuses(item, sender_of(item, conversation_), now)) {
        answering_.refuse(item, *refused, now, out);
        return Verdict::done;
    }
    return is_asked(item, under_question_, out) ? Verdict::wait : Verdict::go;
}

// The first message makes a direct conversation, or the first block; a room is made by a command.
Append::Verdict Append::judge_absent(Waiting& item, const Now& now, Effects& out) {
    const bool message = !item.command && item.send.kind == model::EntryKind::message;
    const bool block = item.command && std::holds_alternative<command::Block>(*item.command);
    if (conversation_.direct() && (message || block)) {
        if (is_asked(item, under_question_, out)) return Verdict::wait;
        if (!asked_.direct) {
            asked_.direct = item.send.sender;
            out.emplace_back(effect::MakeDirect{item.send.sender, item.send.metered()});
        }
        return Verdict::wait;
    }
    if (item.command) return judge_change(item, now, out);
    answering_.refuse(item,
                      {errc::unknown_conversation,
                       "there is no such conversation, or you are not a member of it: correct its name, or join it"},
                      now, out);
    return Verdict::done;
}

Append::Verdict Append::judge_change(Waiting& item, const Now& now, Effects& out) {
    Planned planned = plan(conversation_, item.send.sender, *item.command, now.unix_ms);
    if (const auto* const missing = std::get_if<Missing>(&planned)) {
        for (const Row user : missing->members) want_member(conversation_, user, out);
        if (missing->leaving != 0 && asked_.heirs != item.ticket) {
            asked_.heirs = item.ticket;
            out.emplace_back(effect::FindHeirs{item.ticket, missing->leaving});
        }
        return Verdict::wait;
    }
    Refused refused;
    if (const auto* const refusal = std::get_if<Refusal>(&planned)) refused = *refusal;
    if (!refused) refused = admission_.over_rate(item, now);
    if (refused) {
        answering_.refuse(item, *refused, now, out);
        return Verdict::done;
    }
    Plan& made = std::get<Plan>(planned);
    if (made.nothing) {
        admission_.count(item, now);
        answering_.stored(item, conversation_.head().last, conversation_.head().last_ms, out);
        return Verdict::done;
    }
    if (is_asked(item, under_question_, out)) return Verdict::wait;
    plan_ = std::move(made);
    return Verdict::go;
}

}  // namespace flare::im
