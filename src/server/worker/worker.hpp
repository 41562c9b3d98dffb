// One thread with one event loop: its listeners, its mailbox, its timer, and the shard that it drives.
//
// Threads: post() and context() from any thread; everything else on its own.
// Owner:   WorkerGroup.
#pragma once

#include "server/worker/executor.hpp"
#include "server/worker/listeners.hpp"
#include "server/worker/shard.hpp"
#include "server/worker/worker_store.hpp"
#include "transport/poller.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace flare::server {

struct WorkerGroup;

class Worker final : private Executor {
public:
    Worker(WorkerGroup& group, std::uint32_t index);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Before start_thread(), or on its own thread.
    Listeners& listeners() noexcept { return listeners_; }
    Shard& shard() noexcept { return shard_; }

    void start_thread();
    void join();
    // Runs `task` on this worker's thread, later. Tasks of one caller keep their order. False: the worker has stopped.
    bool post(std::function<void(Shard&)> task);
    bool runs_here() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }
    // On its thread: whatever is left goes at once.
    void finish_stop();

private:
    // Executor
    session::TimePoint now() const override { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point wall_clock() const override {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
    base::Random& random() override { return base::system_random(); }
    Uuid new_id() override { return Uuid::v7(); }
    void later(std::function<void()> task) override;
    bool in_pool(std::function<void()> work, std::function<void()> then) override;
    bool in_hooks(std::function<void()> call) override;
    void run(Task<void> task) override;
    std::unique_ptr<transport::Carrier> resume(std::unique_ptr<transport::ParkedCarrier> parked) override;
    StoreAccess* store() override { return store_.get(); }
    void arm_timer() override;

    void run();
    void on_timer();
    void drain_mailbox();
    // Nothing more is taken; what has been is done, because somebody waits for the answer. On its thread, or after it.
    void close_mailbox();

    WorkerGroup& group_;
    // Its sockets and timers are used on its own thread alone, or before that starts: they need no locks.
    boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
    transport::Poller& poller_ = transport::Poller::of(context_);
    boost::asio::steady_timer timer_{context_};
    session::TimePoint timer_at_ = session::kNever;
    std::unique_ptr<WorkerStore> store_;  // null: the server has none
    Shard shard_;
    Listeners listeners_{context_, shard_};

    std::mutex mailbox_mutex_;
    std::vector<std::function<void(Shard&)>> mailbox_;
    std::vector<std::function<void(Shard&)>> draining_;  // what the worker is at, whose memory is used again
    bool mailbox_closed_ = false;
    std::thread thread_;
};

}  // namespace flare::server
