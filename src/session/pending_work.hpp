// Counts a session's messages and requests that are being handled, and the credit that is due when they are answered.
//
// Protocol: docs/protocol.md, "Credit".
// Threads:  its worker only.
// Owner:    ServerSession.
#pragma once

#include "base/assert.hpp"
#include "session/lane_set.hpp"

#include <utility>
#include <vector>

namespace flare::session {

class PendingWork {
public:
    // A message was handed to the application; one is finished.
    void begin_one() noexcept { ++messages_; }
    void finish_one() noexcept {
        FLARE_INVARIANT(messages_ != 0, "more messages are finished than were begun");
        --messages_;
    }
    std::uint32_t messages() const noexcept { return messages_; }

    // Requests are counted among them, and by themselves: they have a bound.
    void begin_request() noexcept {
        begin_one();
        ++requests_;
    }
    void finish_request() noexcept {
        FLARE_INVARIANT(requests_ != 0, "more requests are finished than were begun");
        --requests_;
        finish_one();
    }
    std::uint32_t requests() const noexcept { return requests_; }

    // What was consumed gives credit again while our own queue to this client is short: a client that reads no replies
    // is given nothing more to ask for.
    void defer_credit(LaneIndex lane, std::uint64_t cost) { deferred_.emplace_back(lane, cost); }
    void release_credit(LaneSet& lanes, const Settings& settings, TimePoint now) {
        const SendTotals& totals = lanes.totals();
        if (totals.other_frames() > settings.max_queued_frames / 2 ||
            totals.other_bytes() > settings.max_queued_bytes / 2)
            return;
        for (const auto& [lane, cost] : deferred_) lanes.consumed(lane, cost, now);
        deferred_.clear();
    }

    void check_invariants(std::uint32_t lanes) const {
        for (const auto& [lane, cost] : deferred_) FLARE_INVARIANT(lane < lanes, "credit waits for a lane that is not");
    }

private:
    std::vector<std::pair<LaneIndex, std::uint64_t>> deferred_;
    std::uint32_t messages_ = 0;
    std::uint32_t requests_ = 0;
};

}  // namespace flare::session
