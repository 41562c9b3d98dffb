// The workers of one server, with the threads that they share.
//
// Threads: as each member says.
// Owner:   Server::Impl.
#pragma once

#include "server/store_figures.hpp"
#include "server/worker/router.hpp"
#include "server/worker/server_state.hpp"
#include "server/worker/task_queue.hpp"
#include "server/worker/worker.hpp"
#include "store/store.hpp"

#include <memory>
#include <vector>

namespace flare::server {

struct WorkerGroup final : private Mailboxes {
    WorkerGroup(Config config, std::uint32_t files, const auth::Revocations& revocations)
        : state(std::move(config), files, revocations, std::chrono::steady_clock::now()),
          pool(state.config.handler_threads, kPoolLimit) {}
    ~WorkerGroup() = default;

    static constexpr std::size_t kPoolLimit = 100'000;     // calls that wait for a thread; beyond it: busy
    static constexpr std::size_t kHooksLimit = 1'000'000;  // hooks that wait; beyond it they are dropped and logged

    // After what is set in `state` before they are made.
    void make_workers() {
        for (std::uint32_t i = 0; i < state.workers; ++i) workers.push_back(std::make_unique<Worker>(*this, i));
    }

    // A worker's part of the figures, on its thread; and what is said once of the whole server.
    ServerStats stats_of(Shard& shard) const {
        ServerStats stats = shard.stats();
        workers[shard.index()]->listeners().add_to(stats);
        return stats;
    }
    void complete(ServerStats& stats) const {
        stats.capacity = state.limits.in_all();
        if (state.config.websocket) stats.websocket_capacity = state.limits.with_file();
        stats.memory_bytes += state.limits.memory_bytes();
        stats.revocations = state.revocations.size();
        stats.worker_stalls = state.stalls.load(std::memory_order_relaxed);
        if (state.config.compression) stats.compression = state.config.compression->stats();
        if (store != nullptr) stats.store = figures_of(*store);
    }

    ServerState state;
    TaskQueue pool;
    TaskQueue hooks{1, kHooksLimit};
    Router router{state.workers, *this};
    // Set before the workers are made; null: the server has none. It is stopped before they go.
    std::unique_ptr<store::Store> store;
    std::vector<std::unique_ptr<Worker>> workers;  // fixed before the threads start

private:
    bool post(std::uint32_t worker, std::function<void(Shard&)> task) override {
        return workers[worker]->post(std::move(task));
    }
};

}  // namespace flare::server
