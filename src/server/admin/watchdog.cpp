#include "server/admin/watchdog.hpp"

#include "base/log.hpp"
#include "server/worker/shard.hpp"

namespace flare::server {

Watchdog::Watchdog(ServerState& state, Router& router) : state_(state), router_(router), told_(state.workers) {
    thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Watchdog::run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kLook, [this] { return stopping_; })) {
        const auto now = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < told_.size(); ++i) look(i, now);
        base::log().sum_up();
    }
}

void Watchdog::look(std::size_t index, Health::Clock::time_point now) {
    Health& health = state_.health;
    if (!health.ask(index, now)) {
        if (told_[index] || !health.silent_for(index, now)) return;
        told_[index] = true;
        state_.stalls.fetch_add(1, std::memory_order_relaxed);
        base::log().warn("the event loop of worker {} has been blocked for {} ms, probably by a handler", index,
                         Health::kPatience.count());
        return;
    }
    told_[index] = false;
    const bool posted = router_.give(static_cast<std::uint32_t>(index),
                                     [index](Shard& shard) { shard.state().health.answered(index); });
    if (!posted) health.answered(index);  // it is stopping
}

}  // namespace flare::server
