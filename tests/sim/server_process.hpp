// A server process of the simulation: two workers that run the server's own shards, with mailboxes, a pool and timers
// that take their time.
#pragma once

#include "auth/revocations.hpp"
#include "server/worker/router.hpp"
#include "server/worker/server_state.hpp"
#include "server/worker/shard.hpp"
#include "sim/sim_store.hpp"
#include "sim/socket.hpp"

#include <array>
#include <functional>
#include <memory>
#include <vector>

namespace flare::sim {

class ServerProcess;

// The store as one worker sees it: what is answered comes by its mailbox.
class StoreLink final : public server::StoreAccess {
public:
    StoreLink(ServerProcess& process, std::uint32_t worker) : process_(process), worker_(worker) {}
    void write(std::unique_ptr<store::WriteBatch> batch, Written then) override;
    void read(Question question, std::function<void(errc code)> then) override;

private:
    ServerProcess& process_;
    const std::uint32_t worker_;
};

// One worker: time, chance and threads come from the world.
class SimWorker final : public server::Executor {
public:
    SimWorker(ServerProcess& process, std::uint32_t index);

    server::Shard& shard() noexcept { return shard_; }
    // One event of its loop, and what it does at the end of it.
    void turn(const std::function<void()>& event);
    std::unique_ptr<transport::Carrier> open(const std::shared_ptr<Socket>& socket);

    session::TimePoint now() const override;
    std::chrono::system_clock::time_point wall_clock() const override;
    base::Random& random() override;
    Uuid new_id() override;
    void later(std::function<void()> task) override;
    bool in_pool(std::function<void()> work, std::function<void()> then) override;
    bool in_hooks(std::function<void()> call) override;
    void run(Task<void> task) override;
    std::unique_ptr<transport::Carrier> resume(std::unique_ptr<transport::ParkedCarrier> parked) override;
    server::StoreAccess* store() override;
    void arm_timer() override;

private:
    ServerProcess& process_;
    StoreLink store_;  // before the shard, which asks for it
    TimePoint wake_at_ = session::kNever;
    server::Shard shard_;
};

// What a crash takes away.
class ServerProcess final : private server::Mailboxes {
public:
    static constexpr std::uint32_t kWorkers = 2;

    // `store`: it outlives the process, and is told of its crash before; null: there is none. `after_turn`: looks at a
    // worker whenever one of its turns has ended.
    ServerProcess(World& world, server::Config config, std::unique_ptr<const session::TicketKeys> keys, SimStore* store,
                  std::function<void(SimWorker&)> after_turn);
    ~ServerProcess();

    SimWorker& worker(std::uint32_t index) { return *workers_[index]; }
    server::Router& router() noexcept { return router_; }
    server::ServerState& state() noexcept { return state_; }
    World& world() noexcept { return world_; }
    // The pool answers nothing for a long time.
    void stall_pool(bool stalled) { pool_stalled_ = stalled; }
    bool pool_stalled() const noexcept { return pool_stalled_; }
    void begin_stop();
    bool stopping() const noexcept { return stopping_; }

    void accept(std::uint32_t worker, const std::shared_ptr<Socket>& socket);

private:
    friend class SimWorker;
    friend class StoreLink;
    bool post(std::uint32_t worker, std::function<void(server::Shard&)> task) override;
    // Runs only if this process still lives then.
    void later(Duration delay, std::function<void()> run);

    World& world_;
    SimStore* const store_;
    auth::Revocations revocations_{100};
    server::ServerState state_;
    server::Router router_{kWorkers, *this};
    std::function<void(SimWorker&)> after_turn_;
    base::Gate sessions_;
    std::array<std::unique_ptr<SimWorker>, kWorkers> workers_;
    std::array<TimePoint, kWorkers> last_mail_{};
    std::vector<std::weak_ptr<Socket>> sockets_;
    bool pool_stalled_ = false;
    bool stopping_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace flare::sim
