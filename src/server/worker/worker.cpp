#include "server/worker/worker.hpp"

#include "server/worker/worker_group.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <pthread.h>

namespace flare::server {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kKeptTasks = 1024;  // of a mailbox: the memory of more is given back

}  // namespace

Worker::Worker(WorkerGroup& group, std::uint32_t index)
    : group_(group),
      store_(group.store == nullptr
                 ? nullptr
                 : std::make_unique<WorkerStore>(*group.store, [this] { post([this](Shard&) { store_->drain(); }); })),
      shard_(group.state, group.router, *this, index) {}

// Listeners go before the shard, and this before the context that its carriers stand on.
Worker::~Worker() {
    join();
    listeners_.close();
}

void Worker::start_thread() {
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "flare-worker");
        const auto work = asio::make_work_guard(context_);
        run();
    });
}

// Output waits while the loop has other work that is ready, which may add to it, but no longer than writing it would
// take: a burst of broadcasts becomes one write for each session, and a wait at most doubles what it delays. What has
// more than one write may take is dirty again behind its flush: the loop does not sleep until it has been written.
void Worker::run() {
    constexpr std::chrono::microseconds kTimeOfAWrite{8};
    Carriers& carriers = shard_.carriers();
    while (context_.run_one() != 0) {
        while (!carriers.clean()) {
            const session::TimePoint began = now();
            while (now() - began < kTimeOfAWrite * carriers.dirty() && context_.poll_one() != 0) {
            }
            {
                const transport::TurnWrites::Turn writes(poller_.writes());
                shard_.flush();
            }
            arm_timer();
            if (context_.stopped()) break;
        }
        shard_.end_turn();
    }
}

void Worker::join() {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
    close_mailbox();
}

void Worker::finish_stop() {
    close_mailbox();
    context_.stop();
}

// ---- mailbox: one wake-up for all that gathers until the worker looks ----

bool Worker::post(std::function<void(Shard&)> task) {
    bool was_empty = false;
    {
        const std::lock_guard lock(mailbox_mutex_);
        if (mailbox_closed_) return false;
        was_empty = mailbox_.empty();
        mailbox_.push_back(std::move(task));
    }
    if (was_empty) asio::post(context_, [this] { drain_mailbox(); });
    return true;
}

void Worker::close_mailbox() {
    std::vector<std::function<void(Shard&)>> rest;
    {
        const std::lock_guard lock(mailbox_mutex_);
        mailbox_closed_ = true;
        rest.swap(mailbox_);
    }
    for (const auto& task : rest) task(shard_);
}

void Worker::drain_mailbox() {
    {
        const std::lock_guard lock(mailbox_mutex_);
        draining_.swap(mailbox_);
    }
    for (const auto& task : draining_) task(shard_);
    draining_.clear();
    if (draining_.capacity() > kKeptTasks) std::vector<std::function<void(Shard&)>>().swap(draining_);
    arm_timer();
}

// ---- Executor ----

void Worker::later(std::function<void()> task) { asio::post(context_, std::move(task)); }

bool Worker::in_pool(std::function<void()> work, std::function<void()> then) {
    return group_.pool.push([this, work = std::move(work), then = std::move(then)] {
        work();
        post([then](Shard&) { then(); });
    });
}

bool Worker::in_hooks(std::function<void()> call) { return group_.hooks.push(std::move(call)); }

void Worker::run(Task<void> task) { asio::co_spawn(context_, std::move(task), asio::detached); }

std::unique_ptr<transport::Carrier> Worker::resume(std::unique_ptr<transport::ParkedCarrier> parked) {
    return std::move(*parked).resume(context_);
}

// ---- time ----

void Worker::arm_timer() {
    const session::TimePoint next = shard_.next_deadline();
    if (next >= timer_at_) return;
    timer_at_ = next;
    timer_.expires_at(next);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_timer();
    });
}

void Worker::on_timer() {
    timer_at_ = session::kNever;
    shard_.on_time();
    arm_timer();
}

}  // namespace flare::server
