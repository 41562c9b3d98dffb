// Cuts logs that are longer or older than they may be. It walks through all conversations, some at a time, and asks the
// home of each that is beyond its rules to cut it; the store deletes what was cut between other writes.
//
// What a crash interrupts is found by the next walk: the rules are asked anew, and what the store has begun to delete
// it goes on with by itself.
//
// Protocol: docs/conversations.md, "Retention".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations, of the first worker alone.
#pragma once

#include "model/conversation.hpp"
#include "server/config.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"
#include "store/retention.hpp"

#include <cstdint>

namespace flare::server {

class Retention {
public:
    static constexpr std::uint32_t kAtOnce = 64;                                // conversations, in one question
    static constexpr session::Duration kPause = std::chrono::milliseconds(20);  // between two of them

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        const RetentionSettings& settings;
    };
    Retention(const Parts& parts, std::uint32_t index)
        : parts_(parts), at_(index == 0 && parts.settings.any() ? parts.executor.now() : session::kNever) {}

    session::TimePoint next_deadline() const noexcept { return at_; }
    void on_time();

private:
    struct Walk;
    void walked(const Walk& walk, errc code);

    const Parts parts_;
    session::TimePoint at_;  // when the next ones are looked at; never: they are being looked at, or nothing is to be
    store::Row after_ = 0;   // the last one of this walk that was; 0: a walk begins
    session::TimePoint began_{};  // this walk
};

}  // namespace flare::server
