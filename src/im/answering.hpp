// Answers what waits: once each, to all sessions that ask for it.
//
// Protocol: docs/conversations.md, "Once, and in one order", "Later".
// Threads:  one at a time; time is an argument.
// Owner:    Append.
#pragma once

#include "im/admission.hpp"
#include "im/effects.hpp"
#include "im/holds.hpp"
#include "im/refusal.hpp"
#include "im/waiting_list.hpp"

namespace flare::im {

// What is said when the store, or the memory for what waits, has no room: storage_full, storage_failed, rate_limited;
// every other code is busy.
Refusal later(const Limits& limits, errc code);

class Answering {
public:
    // All must outlive it.
    Answering(const Limits& limits, WaitingList& list, Admission& admission)
        : limits_(limits), list_(list), admission_(admission), holds_(limits) {}

    // A repeat of what is on its way: one answer will be for both. Another message is refused.
    void join(Waiting& item, const Send& send, Effects& out);
    // False: one that its session sent before it was put off, and it is to be, too.
    bool lets_in(const Send& send) { return holds_.lets_in(send.session, send.id, send.place); }
    // What was not let in, or finds no place where it could wait.
    void put_off(const Send& send, const Refusal& refusal, const Now& now, Effects& out);

    void stored(Waiting& item, model::Position position, std::uint64_t time_ms, Effects& out);
    // The first half of it: sessions are told, and the item stays.
    void tell_stored(const Waiting& item, model::Position position, std::uint64_t time_ms, Effects& out);
    void refuse(Waiting& item, const Refusal& refusal, const Now& now, Effects& out);
    void session_gone(SessionKey session) { holds_.session_gone(session); }

    // What is said to what is held behind another message of its session.
    Refusal held(SessionKey session, const Now& now) const;

    void tick(const Now& now) { holds_.expire(now.steady); }
    bool idle() const noexcept { return holds_.empty(); }
    std::size_t held_sessions() const noexcept { return holds_.size(); }
    void check_invariants() const { holds_.check_invariants(); }

private:
    void finish(Waiting& item, Effects& out);
    void put_off_behind(const Waiting& item, const Asker& asker);

    const Limits& limits_;
    WaitingList& list_;
    Admission& admission_;
    Holds holds_;
};

}  // namespace flare::im
