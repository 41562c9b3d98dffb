// Schedules when each session of a table must be checked next, and when expired state is removed.
//
// Threads: its worker only; time is an argument.
// Owner:   SessionTable.
#pragma once

#include "session/types.hpp"

#include <boost/intrusive/set.hpp>

#include <algorithm>

namespace flare::session {

class ServerSession;

// The place of a session in the queue of deadlines.
struct SessionTimer : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    TimePoint at = kNever;
    ServerSession* session = nullptr;
    friend bool operator<(const SessionTimer& a, const SessionTimer& b) noexcept { return a.at < b.at; }
};

class Deadlines {
public:
    Deadlines() = default;
    ~Deadlines() { timers_.clear(); }
    Deadlines(const Deadlines&) = delete;
    Deadlines& operator=(const Deadlines&) = delete;

    // The timer may fire early, never late: it moves only when the new deadline is nearer.
    void arm(SessionTimer& timer, TimePoint at) {
        if (timer.is_linked() && timer.at <= at) return;
        set(timer, at);
    }
    void set(SessionTimer& timer, TimePoint at) {
        timer.unlink();
        if (at == kNever) return;
        timer.at = at;
        timers_.insert(timer);
    }
    // A session whose time has come, taken out of the queue. Null: none.
    ServerSession* take_due(TimePoint now) {
        if (timers_.empty() || timers_.begin()->at > now) return nullptr;
        SessionTimer& timer = *timers_.begin();
        timer.unlink();
        return timer.session;
    }

    void sweep_by(TimePoint at) noexcept { next_sweep_ = std::min(next_sweep_, at); }
    // There is something to look for.
    void sweep_some_time(TimePoint now) noexcept {
        if (next_sweep_ == kNever) next_sweep_ = now + kSweepEvery;
    }
    bool sweeps() const noexcept { return next_sweep_ != kNever; }
    // True: it is time, and until sweep_by() or sweep_some_time() there is no next one.
    bool take_sweep(TimePoint now) noexcept {
        if (next_sweep_ > now) return false;
        next_sweep_ = kNever;
        return true;
    }

    TimePoint next() const noexcept { return std::min(next_sweep_, timers_.empty() ? kNever : timers_.begin()->at); }

private:
    static constexpr Duration kSweepEvery = std::chrono::seconds(10);

    boost::intrusive::multiset<SessionTimer, boost::intrusive::constant_time_size<false>> timers_;
    TimePoint next_sweep_ = kNever;
};

}  // namespace flare::session
