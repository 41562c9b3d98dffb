// Which events of a subscription are still told when their turn comes: none when it is over, and nothing of what the
// user has cleared meanwhile.
//
// Threads:  the client's I/O thread and its event thread.
// Owner:    Feeds, and the events that wait.
#pragma once

#include <flare/conversation.hpp>

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace flare::client {

class FeedShown {
public:
    void end() {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    void clear(const Position& upto) {
        const std::lock_guard lock(mutex_);
        if (upto.epoch != cleared_.epoch) cleared_ = {upto.epoch, 0};
        cleared_.offset = std::max(cleared_.offset, upto.offset);
    }
    void forget_cleared() {
        const std::lock_guard lock(mutex_);
        cleared_ = {};
    }

    // What is cleared; offset 0: nothing.
    Position cleared() const {
        const std::lock_guard lock(mutex_);
        return cleared_;
    }
    bool over() const {
        const std::lock_guard lock(mutex_);
        return over_;
    }
    // `about`: the entry that the one at this position changes; 0: none.
    bool tells(const Position& at, std::uint64_t about) const {
        const std::lock_guard lock(mutex_);
        if (over_) return false;
        const bool same = at.epoch == cleared_.epoch;
        return !same || (at.offset > cleared_.offset && (about == 0 || about > cleared_.offset));
    }

private:
    mutable std::mutex mutex_;
    bool over_ = false;
    Position cleared_{};
};

}  // namespace flare::client
