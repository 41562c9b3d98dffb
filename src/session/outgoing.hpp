// A client's messages from the call to the outcome: in the outbox, in the lanes of a session, once more in the next
// one.
//
// Those that the server has no room for yet stay in the outbox, with what follows them to the same target, and are sent
// again under the same id when the server says (HeldTargets). None of them waits for longer than kLongestBusy if the
// server takes nothing that goes there. Those for whose outcome a call waits do not wait for ever without a connection:
// the time counts from when the message was given to the session, or the last connection was lost.
//
// Protocol: docs/protocol.md, "Receipts", "Message ids".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/client_session_listener.hpp"
#include "session/client_settings.hpp"
#include "session/held_targets.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flare::session {

// What is known of a message that is to be sent.
struct Sending {
    Sending() = default;
    Sending(bool awaited_) : awaited(awaited_) {}
    // A message of an earlier process. `ago`: since when a server may have acted on it; 0: it was never sent.
    static Sending again(std::uint64_t ago) {
        Sending how;
        how.first_sent_ms_ago = ago;
        return how;
    }

    bool awaited = false;  // a call waits for its outcome
    std::uint64_t first_sent_ms_ago = 0;
};

class Outgoing {
public:
    // on_outcome() may call in again.
    Outgoing(const ClientSettings& settings, const ClientAgreement& agreed, ClientSessionListener& listener)
        : settings_(settings), agreed_(agreed), listener_(listener), outbox_(settings.outbox) {}

    // ---- from the application ----
    enum class Place : std::uint8_t { lane, outbox };  // outbox: it waits for a session, or for its target
    // Errors: ClientSession::send().
    Result<Place> send(const wire::MessageView& message, Priority priority, TimePoint now, Sending how);
    std::size_t size() const noexcept { return outbox_.size(); }
    // Forgets what was never written; each is `cancelled`. Returns how many.
    std::size_t cancel_unsent();
    // Gives up everything but what ClientSettings::keeps_posted keeps.
    void fail_all(errc never_sent, const std::string& text, TimePoint now);

    // ---- from the lanes ----
    // `keeps`: what the server has no room for is sent again later.
    void on_receipt(const wire::ReceiptView& receipt, TimePoint now, bool keeps);
    void on_numbered_first(std::uint64_t token, TimePoint now);
    void on_acked(std::uint64_t token);

    // ---- from the session ----
    // A new one has begun: all goes into its lanes, but what its server does not take.
    void begin_session(TimePoint now);
    // What has no acknowledgement goes out once more, on another carrier.
    void note_repeat();
    // The session ended in good order: the server has answered all that it has acted on, so what has no receipt is as
    // if it had never been sent, and another process, which cannot know, may take it for new.
    void unsend();
    // The session is left: a server may have acted on what was sent in it, and no later end in good order says that it
    // has not.
    void leave_open();
    // Messages that were sent and have no outcome, in order.
    std::vector<Uuid> open();
    bool any_open() const;
    // What is sent and not acknowledged after the agreed number of repeats has its outcome, unknown.
    void give_up_repeating(TimePoint now);
    // A carrier sends, or none does.
    void go_online(TimePoint now) noexcept;
    void go_offline(TimePoint now) noexcept;

    // Since when no carrier sends; nothing: one does.
    std::optional<TimePoint> offline_since() const noexcept {
        return online_ ? std::nullopt : std::optional(offline_since_);
    }
    TimePoint online_since() const noexcept { return online_since_; }

    // ---- what is sent behind messages ----
    // The last message so far.
    Outbox::Token newest() const noexcept { return outbox_.newest(); }
    // Targets to which not everything may go, and what waits for them. What may go after a change is sent by
    // send_what_waits().
    HeldTargets& held() noexcept { return held_; }
    const HeldTargets& held() const noexcept { return held_; }
    // `to` has just come to be held: what has no number waits with the others, the rest is under way until its answer.
    void call_back(const std::string& to, TimePoint now);

    // ---- time ----
    TimePoint next_deadline() const noexcept { return give_up_waiting_at_; }
    void give_up_waiting(TimePoint now);
    TimePoint again_at() const noexcept { return agreed_.lanes ? held_.next_deadline() : kNever; }
    // Sends of what waits for its target what may go now. True: there was something.
    bool send_what_waits(TimePoint now);

    void check_invariants(const std::function<bool(std::uint64_t)>& in_a_lane) const;

private:
    void enqueue(Outbox::Token token, Outbox::Entry& entry, TimePoint now);
    bool keep_for_later(Outbox::Token token, const wire::ReceiptView& receipt, TimePoint now);
    void give_up_behind(const std::string& to, const wire::ReceiptView& receipt, TimePoint now);
    void release(const std::vector<Outbox::Token>& tokens, TimePoint now);
    void finish(Outbox::Token token, Outcome outcome);
    void fail(Outbox::Token token, errc error, const std::string& text);
    TimePoint waits_until(const Outbox::Entry& entry) const noexcept;

    const ClientSettings& settings_;
    const ClientAgreement& agreed_;
    ClientSessionListener& listener_;
    Outbox outbox_;
    HeldTargets held_;
    bool online_ = false;
    TimePoint online_since_ = TimePoint::min();
    TimePoint offline_since_ = TimePoint::min();  // while no carrier sends
    TimePoint give_up_waiting_at_ = kNever;       // when the first awaited message has waited long enough, or earlier
};

}  // namespace flare::session
