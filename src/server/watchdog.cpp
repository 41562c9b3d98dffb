#include "server/watchdog.hpp"

#include "base/log.hpp"
#include "server/worker.hpp"

namespace flare::server {

Watchdog::Watchdog(Shared& shared) : shared_(shared) {
    for (std::size_t i = 0; i < shared.workers.size(); ++i) watched_.push_back(std::make_shared<Watched>());
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
        for (std::size_t i = 0; i < watched_.size(); ++i) look(i, now);
    }
}

// One question at a time waits on each loop.
void Watchdog::look(std::size_t index, std::chrono::steady_clock::time_point now) {
    const std::shared_ptr<Watched>& worker = watched_[index];
    if (!worker->answered.load(std::memory_order_acquire)) {
        if (worker->told || now - worker->asked_at < kPatience) return;
        worker->told = true;
        shared_.stalls.fetch_add(1, std::memory_order_relaxed);
        base::log().warn("worker {} has not turned for {} ms: a handler blocks its event loop", index,
                         kPatience.count());
        return;
    }
    worker->told = false;
    worker->asked_at = now;
    worker->answered.store(false, std::memory_order_relaxed);
    const bool posted =
        shared_.workers[index]->post([worker](Worker&) { worker->answered.store(true, std::memory_order_release); });
    if (!posted) worker->answered.store(true, std::memory_order_relaxed);  // it is stopping
}

}  // namespace flare::server
