// Decides when a client that has lost its connection retries.
//
// Threads: one at a time; pure state, time is an argument.
// Owner:   Connectivity.
#pragma once

#include "client/connect/backoff.hpp"
#include "session/types.hpp"

#include <chrono>
#include <cstdint>

namespace flare::client {

class Outage {
public:
    // `delay`: before the first attempts, and between two that something hurries.
    explicit Outage(std::chrono::milliseconds delay) : delay_(delay), backoff_(delay) {}

    // The connection is lost.
    void begin(session::TimePoint now);
    // Perhaps the network is back, or will be soon: the delays are those of a young outage once more.
    void renew(session::TimePoint now) { began_ = now; }
    void attempt_failed() { ++attempt_; }
    // A connection stands, or nobody waits for one.
    void cancel();

    // The number of the attempt that comes next; 0: the first connect.
    std::uint32_t attempt() const noexcept { return attempt_; }
    // Plans it, and says in how long. slot: when the server said to come back, which is spread over its clients
    // already; 0: it said nothing. `random`: any number.
    std::chrono::milliseconds plan(std::chrono::milliseconds slot, session::TimePoint now, std::uint64_t random);
    // At once, if that is no haste; not before the server's slot.
    void hurry(session::TimePoint now, session::TimePoint last_attempt_began);

    session::TimePoint next_deadline() const noexcept { return at_; }
    // True, once: the planned attempt is due.
    bool take_due(session::TimePoint now);

private:
    const std::chrono::milliseconds delay_;
    const Backoff backoff_;
    std::uint32_t attempt_ = 0;
    session::TimePoint began_{};
    session::TimePoint at_ = session::kNever;
    bool slot_ = false;  // the server expects it then, and not before
};

}  // namespace flare::client
