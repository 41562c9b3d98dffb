// How a client's session ends in good order: by its own goodbye, or by its server's.
//
// Protocol: docs/protocol.md, "Goodbye".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/lane_set.hpp"

#include <optional>
#include <utility>

namespace flare::session {

class ClientGoodbye {
public:
    // The application wants it to end. False: it does already.
    bool begin(TimePoint until) noexcept {
        if (disconnecting_) return false;
        disconnecting_ = true;
        sent_ = false;
        deadline_ = until;
        return true;
    }
    bool disconnecting() const noexcept { return disconnecting_; }
    // Ours is still to be written on the carrier that sends.
    bool due() const noexcept { return disconnecting_ && !sent_; }
    void note_sent() noexcept { sent_ = true; }
    void say_again() noexcept { sent_ = false; }

    // The server's has come.
    void hear(const wire::Goodbye& goodbye, TimePoint until) {
        theirs_ = goodbye;
        if (deadline_ == kNever) deadline_ = until;
    }
    bool heard() const noexcept { return theirs_.has_value(); }
    // Everything that it has numbered is here.
    bool heard_all(const LaneSet* lanes) const noexcept {
        return theirs_ && lanes != nullptr && lanes->received_all(theirs_->final);
    }
    bool is_over(TimePoint now) const noexcept { return now >= deadline_; }
    // It is complete, but for our last acknowledgement.
    void wait_for_last_ack(bool waits) noexcept { last_ack_due_ = waits; }
    bool last_ack_due() const noexcept { return last_ack_due_; }
    TimePoint deadline() const noexcept { return deadline_; }

    // All of it is done; what the server has said, if it has.
    std::optional<wire::Goodbye> complete() noexcept {
        disconnecting_ = false;
        last_ack_due_ = false;
        deadline_ = kNever;
        return std::exchange(theirs_, std::nullopt);
    }
    // The session is lost. The end of this one is not the next one's; what the application wants, it wants still.
    void lose_session() noexcept {
        theirs_.reset();
        last_ack_due_ = false;
        if (!disconnecting_) deadline_ = kNever;
    }
    void check_invariants() const;

private:
    std::optional<wire::Goodbye> theirs_;
    TimePoint deadline_ = kNever;
    bool disconnecting_ = false;
    bool sent_ = false;
    bool last_ack_due_ = false;
};

}  // namespace flare::session
