// The interface between a shard and the loop that runs it: time, randomness, threads. The server implements it with
// Worker on Asio; the simulator with delays.
//
// Threads: its worker's.
// Owner:   Worker.
#pragma once

#include "base/random.hpp"
#include "session/types.hpp"
#include "transport/carrier.hpp"

#include <flare/task.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace flare::server {

class StoreAccess;

class Executor {
public:
    virtual session::TimePoint now() const = 0;
    // As clients are told it: to the millisecond.
    virtual std::chrono::system_clock::time_point wall_clock() const = 0;
    virtual base::Random& random() = 0;
    // Version 7: of this moment.
    virtual Uuid new_id() = 0;

    // Runs `task` on this worker's thread, when what is under way has ended.
    virtual void later(std::function<void()> task) = 0;
    // Runs `work` on a thread of the pool, then `then` on this worker's. False: too many wait; neither will run.
    virtual bool in_pool(std::function<void()> work, std::function<void()> then) = 0;
    // Runs `call` on the thread of the hooks, which keeps their order. False: too many wait.
    virtual bool in_hooks(std::function<void()> call) = 0;
    // Runs a coroutine on this worker's thread. It must not throw.
    virtual void run(Task<void> task) = 0;
    // Makes a carrier on this worker of a connection that comes from another one.
    virtual std::unique_ptr<transport::Carrier> resume(std::unique_ptr<transport::ParkedCarrier> parked) = 0;
    // Null: the server has no store.
    virtual StoreAccess* store() { return nullptr; }
    // Shard::next_deadline() may be nearer than it was.
    virtual void arm_timer() = 0;

protected:
    ~Executor() = default;
};

}  // namespace flare::server
