// The way of messages and changes into the log of one conversation: once, in the order of their arrival, and no more
// than its members may. A state machine: inputs are calls, what it wants is appended to `out`.
//
// An input says only what happened. advance() then gives to the store what may go there: call it once a turn. What one
// turn gives is a group; at most one group is in the store, and it is written or put off as a whole; so of two messages
// of a session the second is never in the log without the first. A change is the last one of its group: what comes
// behind it is judged by what it left.
//
// A hook that is asked is one more reason to wait: about what may be written as things are, in order, and about
// kMostAsked at once; rights are checked again when it has answered.
//
// Protocol: docs/conversations.md, "Once, and in one order".
// Threads:  one at a time; time is an argument.
// Owner:    the home worker of the conversation.
#pragma once

#include "im/admission.hpp"
#include "im/answering.hpp"
#include "im/commands.hpp"
#include "im/conversation.hpp"
#include "im/effects.hpp"
#include "im/limits.hpp"
#include "im/rates.hpp"
#include "im/refusal.hpp"
#include "im/waiting_list.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace flare::im {

class Append {
public:
    static constexpr std::size_t kMostAsked = 100;  // of one conversation, at once

    // `limits` and `devices` must outlive it.
    Append(model::ConversationKey key, const Limits& limits, DeviceRates& devices)
        : limits_(limits),
          conversation_(std::move(key), limits),
          list_(limits),
          admission_(limits, conversation_, devices),
          answering_(limits, list_, admission_) {}
    Append(const Append&) = delete;
    Append& operator=(const Append&) = delete;

    // ---- from sessions ----

    // False: what is kept under its token is not needed: another one with its key is on its way and answers for both,
    // or there is no room and it has been answered. True: an effect will release it.
    bool send(const Send& send, const Now& now, Effects& out);
    // A change that `request` asks for. The same, and the entry that tells it has the key of the request.
    bool change(const Send& request, Command command, const Now& now, Effects& out);
    // Nothing will come of this session any more. What it sent goes its way; answers to it are for nobody.
    void session_gone(SessionKey session) { answering_.session_gone(session); }

    // What a hook has said of what it was asked: it is done when its turn comes.
    // False: it waits no more.
    bool hook_answered(Ticket ticket, const HookVerdict& verdict);

    // ---- from the store: a ticket of what was answered since is passed over ----

    void loaded(const Conversation::Stored& stored, std::span<const model::Member> listed, Effects& out);
    void absent();  // there is none, or it was removed
    // It could not be read. `code`: storage_failed, busy; so in the two below. What is new is put off. What may be in
    // the log already is not, as nobody knows: tick() asks again.
    void not_loaded(errc code, const Now& now, Effects& out);
    // With the role none: who is no member.
    void member_loaded(const model::Member& member) { conversation_.members().loaded(member); }
    void member_not_loaded(Row user, errc code, const Now& now, Effects& out);

    struct Found {
        model::Position position{};
        std::uint64_t time_ms = 0;
        std::uint32_t content = 0;
    };
    void looked_up(Ticket ticket, const std::optional<Found>& found, Effects& out);
    void ref_read(Ticket ticket, const std::optional<About>& about);
    void heirs_found(Ticket ticket, Row leaving, const HeirSearch& found);
    // One of the three could not be read.
    void not_looked_up(Ticket ticket, errc code, const Now& now, Effects& out);

    void committed(Ticket ticket, const Outcome& outcome, Effects& out);
    // It will never be written: duplicate_message_id, too_old, unknown_conversation, conversation_exists,
    // history_pruned, too_many_edits, too_many_reactions.
    void rejected(Ticket ticket, errc code, const Now& now, Effects& out);
    // It was not written: busy, storage_full, storage_failed. Not said while the outcome of its commit is unknown.
    void put_off(Ticket ticket, errc code, const Now& now, Effects& out);

    // ---- a direct conversation is begun: answers to MakeDirect ----

    // `first`, `second`: the rows of both users of the key.
    void make_direct(Row first, Row second, const Now& now, Effects& out);
    // The one who starts it may not; or there is no such user.
    void refuse_direct(const Refusal& refusal, const Now& now, Effects& out);

    // ---- turns ----

    void advance(const Now& now, Effects& out);
    // About once a second: forgets what is over, and asks again for what could not be read.
    void tick(const Now& now, Effects& out);
    // Nothing waits, and nothing is remembered that would be missed: it may go.
    bool idle(const Now& now) const {
        return list_.empty() && !plan_ && under_question_ == 0 && answering_.idle() && admission_.idle(now);
    }

    const Conversation& conversation() const noexcept { return conversation_; }
    std::size_t waiting() const noexcept { return list_.size(); }
    std::size_t held_sessions() const noexcept { return answering_.held_sessions(); }
    void check_invariants() const;

private:
    enum class Verdict : std::uint8_t { wait, done, go };

    Waiting* take(const Send& send, const Now& now, Effects& out);
    Refused turns_away(const Send& send, bool held, const Now& now) const;
    void begin(Waiting& item, Effects& out);
    void begin_all(Effects& out);
    Verdict judge(Waiting& item, const Now& now, Effects& out);
    Verdict judge_absent(Waiting& item, const Now& now, Effects& out);
    Verdict judge_change(Waiting& item, const Now& now, Effects& out);
    void ask_ahead(const Now& now, Effects& out);
    void hand_over(Waiting& item, const Now& now, Effects& out);

    const Limits& limits_;
    Conversation conversation_;
    WaitingList list_;
    Admission admission_;
    Answering answering_;
    std::optional<Plan> plan_{};      // of the change that is in the store
    std::size_t under_question_ = 0;  // how often a hook was asked and has not answered
    bool making_direct_ = false;      // it is of nobody's request
    struct Asked {
        bool conversation = false;
        bool conversation_failed = false;
        std::optional<Row> direct{};  // its starter
        Ticket heirs = 0;
    };
    Asked asked_{};
};

}  // namespace flare::im
