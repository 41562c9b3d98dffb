// Events of signals on their way to the application. Nothing bounds what a server says unasked, so those that wait are
// bounded here: a slow application is told less, not later.
//
// Threads: its client's I/O thread; the events go on the event thread.
// Owner:   SignalState.
#pragma once

#include "client/im/feeds.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace flare::client {

class SignalEvents {
public:
    static constexpr std::size_t kMost = 1024;

    explicit SignalEvents(Feeds::Owner& owner) : owner_(owner) {}

    bool full() const noexcept { return waiting_->load(std::memory_order_relaxed) >= kMost; }
    // Precondition: not full().
    void tell(Event event) {
        waiting_->fetch_add(1, std::memory_order_relaxed);
        const std::shared_ptr<void> place(
            nullptr, [waiting = waiting_](void*) { waiting->fetch_sub(1, std::memory_order_relaxed); });
        owner_.tell_later([event = std::move(event), place] { return std::optional<Event>(event); });
    }

private:
    Feeds::Owner& owner_;
    const std::shared_ptr<std::atomic<std::size_t>> waiting_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace flare::client
