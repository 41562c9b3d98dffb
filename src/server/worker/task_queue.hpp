// Threads that run plain functions in order of arrival: the handler pool, and with one thread the hooks.
//
// Threads: any.
// Owner:   WorkerGroup.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace flare::server {

class TaskQueue {
public:
    // limit: tasks that may wait; beyond it push() says no.
    TaskQueue(std::uint32_t threads, std::size_t limit);
    ~TaskQueue() { stop(); }
    TaskQueue(const TaskQueue&) = delete;
    TaskQueue& operator=(const TaskQueue&) = delete;

    // False: too many wait already, or it has stopped; the task was not taken.
    bool push(std::function<void()> task);
    // Runs what waits already, then joins. Idempotent.
    void stop();
    // Is this one of its threads?
    bool runs_here() const noexcept;

private:
    void run();

    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace flare::server
