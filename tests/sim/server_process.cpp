#include "sim/server_process.hpp"

#include <array>
#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

// ---- a worker and its store ----

void StoreLink::write(std::unique_ptr<store::WriteBatch> batch, Written then) {
    process_.store_->write(
        std::move(batch), [this, then = std::move(then)](std::unique_ptr<store::WriteBatch> written, errc code) {
            // std::function wants to be copied.
            const auto carried = std::make_shared<std::unique_ptr<store::WriteBatch>>(std::move(written));
            process_.post(worker_, [carried, then, code](server::Shard&) { then(std::move(*carried), code); });
        });
}

void StoreLink::read(Question question, std::function<void(errc code)> then) {
    process_.store_->read(std::move(question), [this, then = std::move(then)](errc code) {
        process_.post(worker_, [then, code](server::Shard&) { then(code); });
    });
}

SimWorker::SimWorker(ServerProcess& process, std::uint32_t index)
    : process_(process), store_(process, index), shard_(process.state_, process.router_, *this, index) {}

void SimWorker::turn(const std::function<void()>& event) {
    event();
    while (!shard_.carriers().clean()) shard_.flush();
    shard_.end_turn();
    process_.after_turn_(*this);
    arm_timer();
}

std::unique_ptr<transport::Carrier> SimWorker::open(const std::shared_ptr<Socket>& socket) {
    return socket->open([this](const std::function<void()>& event) { turn(event); });
}

session::TimePoint SimWorker::now() const { return process_.world_.now(); }

std::chrono::system_clock::time_point SimWorker::wall_clock() const {
    return std::chrono::system_clock::time_point(
        std::chrono::floor<std::chrono::milliseconds>(process_.world_.now().time_since_epoch()));
}

base::Random& SimWorker::random() { return process_.world_.chance; }

Uuid SimWorker::new_id() {
    std::array<std::uint8_t, 10> bytes{};
    process_.world_.chance.fill(bytes);
    const auto since = wall_clock().time_since_epoch();
    return Uuid::v7(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count()),
                    bytes);
}

void SimWorker::later(std::function<void()> task) {
    process_.later(0ms, [this, task = std::move(task)] { turn(task); });
}

// Sometimes slow; one thread after the other takes what waits, so calls may overtake each other.
bool SimWorker::in_pool(std::function<void()> work, std::function<void()> then) {
    World& world = process_.world_;
    Duration takes = world.chance.between(0ms, world.chance.one_in(20) ? 3000ms : 20ms);
    if (takes > 1s) world.happened("slow handler");
    if (process_.pool_stalled_) takes = 20s;
    process_.later(takes, [this, work = std::move(work), then = std::move(then)] {
        work();
        process_.post(shard_.index(), [then](server::Shard&) { then(); });
    });
    return true;
}

bool SimWorker::in_hooks(std::function<void()> call) {
    call();
    return true;
}

void SimWorker::run(Task<void>) { process_.world_.violated("no handler here is a coroutine"); }

std::unique_ptr<transport::Carrier> SimWorker::resume(std::unique_ptr<transport::ParkedCarrier> parked) {
    return open(static_cast<ParkedSocket&&>(*parked).take());
}

server::StoreAccess* SimWorker::store() { return process_.store_ == nullptr ? nullptr : &store_; }

void SimWorker::arm_timer() {
    const TimePoint due = shard_.next_deadline();
    if (due == session::kNever) return;
    const TimePoint next = std::max(due, process_.world_.now());
    if (next >= wake_at_) return;
    wake_at_ = next;
    process_.later(next - process_.world_.now(), [this, next] {
        if (wake_at_ != next) return;  // it has been woken before: one wake is planned at a time
        wake_at_ = session::kNever;
        turn([this] { shard_.on_time(); });
    });
}

// ---- the process ----

ServerProcess::ServerProcess(World& world, server::Config config, std::unique_ptr<const session::TicketKeys> keys,
                             SimStore* store, std::function<void(SimWorker&)> after_turn)
    : world_(world),
      store_(store),
      state_(std::move(config), 1000, revocations_, world.now()),
      after_turn_(std::move(after_turn)) {
    state_.ticket_keys = std::move(keys);
    for (std::uint32_t i = 0; i < kWorkers; ++i) workers_[i] = std::make_unique<SimWorker>(*this, i);
}

ServerProcess::~ServerProcess() {
    *alive_ = false;
    for (const auto& each : sockets_) {
        if (const auto socket = each.lock()) socket->crash(world_.chance.one_in(4));
    }
}

void ServerProcess::later(Duration delay, std::function<void()> run) {
    world_.after(delay, [alive = alive_, run = std::move(run)] {
        if (*alive) run();
    });
}

// Mail keeps its order; sometimes a worker is busy with something else for a while.
bool ServerProcess::post(std::uint32_t worker, std::function<void(server::Shard&)> task) {
    const Duration delay = world_.chance.between(0ms, world_.chance.one_in(100) ? 300ms : 3ms);
    if (delay > 50ms) world_.happened("late mail");
    TimePoint& last = last_mail_[worker];
    last = std::max(last, world_.now() + delay);
    later(last - world_.now(), [this, worker, task = std::move(task)] {
        SimWorker& at = *workers_[worker];
        at.turn([&] { task(at.shard()); });
    });
    return true;
}

void ServerProcess::begin_stop() {
    stopping_ = true;
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
        router_.give(i, [this](server::Shard& shard) { shard.begin_stop(*sessions_.enter()); });
    }
}

void ServerProcess::accept(std::uint32_t worker, const std::shared_ptr<Socket>& socket) {
    std::erase_if(sockets_, [](const auto& each) { return each.expired(); });
    sockets_.push_back(socket);
    SimWorker& at = *workers_[worker];
    at.turn([&] { at.shard().reception().accept(at.open(socket), server::ServerCarrier::CountedAs::nothing); });
}

}  // namespace flare::sim
