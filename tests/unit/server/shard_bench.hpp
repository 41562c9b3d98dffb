// Shards on a bench: the test moves time, mail, the pool and every batch itself.
#pragma once

#include "auth/revocations.hpp"
#include "server/worker/router.hpp"
#include "server/worker/server_state.hpp"
#include "server/worker/shard.hpp"
#include "store/memory/memory.hpp"
#include "unit/session/support.hpp"
#include "wire/about.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace flare::server::test {

using namespace std::chrono_literals;
using session::test::batch_of;
using session::test::frames_of;
using session::test::kStart;

// What a carrier on the bench is given and told; it outlives the carrier.
struct Line {
    std::vector<std::string> sent;
    bool paused = false;
    bool open = true;  // the shard still has it
    bool writable = true;
    bool can_park = true;
    std::optional<errc> closed;
    transport::CarrierHandler* handler = nullptr;
    transport::CarrierInfo info;
};

class BenchCarrier final : public transport::Carrier {
public:
    explicit BenchCarrier(std::shared_ptr<Line> line) : line_(std::move(line)) {}
    ~BenchCarrier() override {
        if (line_) line_->open = false;
    }
    void set_handler(transport::CarrierHandler* handler) override { line_->handler = handler; }
    bool writable() const override { return line_->writable && !line_->closed; }
    void send(const wire::Batch& batch) override { line_->sent.push_back(batch.str()); }
    void pause_reading(bool paused) override { line_->paused = paused; }
    void close(errc code, std::string_view, std::chrono::milliseconds) override { line_->closed = code; }
    std::unique_ptr<transport::ParkedCarrier> park() override;
    const transport::CarrierInfo& info() const override { return line_->info; }
    const transport::CarrierStats& stats() const override { return stats_; }

private:
    std::shared_ptr<Line> line_;
    transport::CarrierStats stats_;
};

struct BenchParked final : transport::ParkedCarrier {
    std::shared_ptr<Line> line;
    std::unique_ptr<transport::Carrier> resume(boost::asio::io_context&) && override { return nullptr; }
};

inline std::unique_ptr<transport::ParkedCarrier> BenchCarrier::park() {
    if (!line_->can_park) return nullptr;
    auto parked = std::make_unique<BenchParked>();
    parked->line = std::move(line_);
    return parked;
}

// A store in memory that does one thing at a time, when the test says so, or at once.
struct BenchStore {
    explicit BenchStore(std::uint64_t generation = 7) : disk(generation), engine(store::memory::open(disk)) {}

    store::memory::Disk disk;
    std::unique_ptr<store::Engine> engine;
    bool by_hand = false;
    std::deque<std::function<void()>> work;
    errc refuses = errc::ok;             // writes are answered with that
    errc cannot_read = errc::ok;         // questions are answered with that
    bool sync_fails = false;             // of the next group: it is written again, as nobody knows what became of it
    std::size_t groups = 0;              // that were committed
    std::size_t reads_until = SIZE_MAX;  // so many groups were; then nothing can be read
};

class ShardBench final : private Mailboxes {
public:
    explicit ShardBench(Config config, std::unique_ptr<const session::TicketKeys> keys = nullptr,
                        BenchStore* store = nullptr)
        : state(std::move(config), 1000, revocations, kStart), router(state.workers, *this), kept(store) {
        state.ticket_keys = std::move(keys);
        for (std::uint32_t i = 0; i < state.workers; ++i) loops.push_back(std::make_unique<Loop>(*this, i));
    }

    struct Loop final : Executor, StoreAccess {
        Loop(ShardBench& bench_, std::uint32_t index_)
            : bench(bench_), index(index_), shard(bench.state, bench.router, *this, index) {}
        session::TimePoint now() const override { return bench.time; }
        std::chrono::system_clock::time_point wall_clock() const override {
            return std::chrono::system_clock::time_point(
                std::chrono::floor<std::chrono::milliseconds>(bench.time.time_since_epoch() + bench.clock_is_off));
        }
        base::Random& random() override { return bench.chance; }
        Uuid new_id() override { return bench.chance.uuid(); }
        void later(std::function<void()> task) override { tasks.push_back(std::move(task)); }
        bool in_pool(std::function<void()> work, std::function<void()> then) override {
            if (bench.pool_full) return false;
            bench.pool.push_back([this, work = std::move(work), then = std::move(then)] {
                work();
                bench.mail.emplace_back(index, [then](Shard&) { then(); });
            });
            return true;
        }
        bool in_hooks(std::function<void()> call) override {
            if (bench.hooks_full) return false;
            call();
            return true;
        }
        void run(Task<void>) override { ADD_FAILURE() << "no coroutines on the bench"; }
        std::unique_ptr<transport::Carrier> resume(std::unique_ptr<transport::ParkedCarrier> parked) override {
            auto line = static_cast<BenchParked&>(*parked).line;
            return std::make_unique<BenchCarrier>(std::move(line));
        }
        void arm_timer() override {}
        StoreAccess* store() override { return bench.kept == nullptr ? nullptr : this; }

        // StoreAccess
        void write(std::unique_ptr<store::WriteBatch> batch, Written then) override {
            auto carried = std::make_shared<std::unique_ptr<store::WriteBatch>>(std::move(batch));
            bench.kept->work.push_back([this, carried, then = std::move(then)] {
                BenchStore& store = *bench.kept;
                errc code = store.refuses;
                if (code == errc::ok) {
                    store::WriteBatch* const group[] = {carried->get()};
                    const auto unix_time = wall_clock().time_since_epoch();
                    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(unix_time).count();
                    if (store.sync_fails) store.disk.fail(2);
                    auto done = store.engine->commit(group, static_cast<std::uint64_t>(now_ms));
                    if (std::exchange(store.sync_fails, false)) {
                        EXPECT_FALSE(done);
                        EXPECT_TRUE(store.engine->reopen());
                        done = store.engine->commit(group, static_cast<std::uint64_t>(now_ms));
                    }
                    if (!done) code = static_cast<errc>(done.error().value());
                    ++store.groups;
                }
                bench.mail.emplace_back(index, [carried, then, code](Shard&) { then(std::move(*carried), code); });
            });
        }
        void read(Question question, std::function<void(errc)> then) override {
            bench.kept->work.push_back([this, question = std::move(question), then = std::move(then)] {
                const bool can = bench.kept->groups < bench.kept->reads_until;
                errc code = can ? bench.kept->cannot_read : errc::storage_failed;
                if (code == errc::ok) code = question(*bench.kept->engine->reader());
                bench.mail.emplace_back(index, [then, code](Shard&) { then(code); });
            });
        }

        ShardBench& bench;
        const std::uint32_t index;
        std::deque<std::function<void()>> tasks;
        Shard shard;
    };

    Shard& shard(std::uint32_t index = 0) { return loops[index]->shard; }
    // Everything that is ready, but for the pool, until nothing is; then output, and what follows from that.
    void settle() {
        do {
            while (go_on()) {
            }
            for (const auto& loop : loops) {
                for (int i = 0; i < 10 && !loop->shard.carriers().clean(); ++i) loop->shard.flush();
                loop->shard.end_turn();
            }
        } while (go_on());
    }
    // False: nothing was ready.
    bool go_on() {
        bool busy = false;
        for (const auto& loop : loops) {
            while (!loop->tasks.empty()) {
                busy = true;
                const auto task = std::move(loop->tasks.front());
                loop->tasks.pop_front();
                task();
            }
        }
        while (!mail.empty()) {
            busy = true;
            const auto [worker, task] = std::move(mail.front());
            mail.pop_front();
            task(shard(worker));
        }
        while (kept != nullptr && !kept->by_hand && !kept->work.empty()) {
            busy = true;
            run_store();
        }
        return busy;
    }
    // The oldest thing that the store was asked to do.
    void run_store() {
        const auto work = std::move(kept->work.front());
        kept->work.pop_front();
        work();
    }
    // The oldest call of the pool, then what follows from it.
    void run_pool() {
        ASSERT_FALSE(pool.empty());
        const auto call = std::move(pool.front());
        pool.pop_front();
        call();
        settle();
    }
    void pass(session::Duration by) {
        time += by;
        for (const auto& loop : loops) loop->shard.on_time();
        settle();
    }
    // A connection that worker `index` has accepted.
    std::shared_ptr<Line> connect(std::uint32_t index = 0, bool early = false,
                                  Protocol protocol = Protocol::websocket) {
        auto line = std::make_shared<Line>();
        line->info.protocol = protocol;
        line->info.peer_address = "192.0.2.1";
        line->info.early = early;
        line->can_park = protocol == Protocol::websocket;
        shard(index).reception().accept(std::make_unique<BenchCarrier>(line), ServerCarrier::CountedAs::nothing);
        settle();
        return line;
    }
    void bring(const std::shared_ptr<Line>& line, const std::string& batch) {
        line->handler->on_batch(batch);
        if (line->open) line->handler->on_turn_end();
        settle();
    }
    // A user whose home is that worker.
    std::string user_of(std::uint32_t worker) const {
        for (int i = 0;; ++i) {
            std::string name = "user" + std::to_string(i);
            if (router.home_of(name) == worker) return name;
        }
    }

    auth::Revocations revocations{100};
    session::TimePoint time = kStart;
    session::test::Chance chance;
    ServerState state;
    Router router;
    std::deque<std::pair<std::uint32_t, std::function<void(Shard&)>>> mail;
    std::deque<std::function<void()>> pool;
    bool pool_full = false;
    bool hooks_full = false;
    std::chrono::hours clock_is_off{0};  // the wall clock, from `time`
    BenchStore* kept;                    // null: the server has no store
    std::vector<std::unique_ptr<Loop>> loops;

private:
    bool post(std::uint32_t worker, std::function<void(Shard&)> task) override {
        mail.emplace_back(worker, std::move(task));
        return true;
    }
};

inline Uuid message_id(std::uint8_t number) { return session::test::id_of(number); }

// Nobody has to prove anything, and handlers answer at once.
inline Config plain_config(std::uint32_t workers = 1) {
    Config config;
    config.worker_threads = workers;
    config.handler.plain = [](const SessionInfo&, const Message&) { return HandlerResult(); };
    config.handler.where = Execution::worker;
    return config;
}

inline wire::Hello hello_of(const std::string& user, std::uint8_t attempt = 1, const std::string& device = "phone") {
    wire::Hello hello;
    hello.version = wire::kVersion;
    hello.user = user;
    hello.device = device;
    hello.attempt_id = message_id(attempt);
    hello.epoch = attempt;
    return hello;
}

inline std::string said(const wire::Hello& hello) { return batch_of({}, wire::encode(hello)); }

// Its client has the Welcome, and sends and is sent to on this carrier from now on.
inline std::string activate(std::uint64_t epoch = 1) {
    wire::Activate frame;
    frame.epoch = epoch;
    return batch_of({}, wire::encode(frame));
}

// A message on lane 0.
inline std::string data(session::Seq seq, std::uint8_t id, std::string_view payload,
                        std::string_view to = kServerTarget, std::string_view type = "chat") {
    wire::DataView view;
    view.message = session::test::message_of(id, payload, to);
    view.message->type = type;
    return session::test::numbered(0, seq, wire::encode(view));
}

// The same, which says something beside its payload.
inline std::string data_about(session::Seq seq, std::uint8_t id, std::string_view to, const wire::About& about) {
    const std::string encoded = wire::encode(about);
    wire::DataView view;
    view.message = session::test::message_of(id, "x", to);
    view.message->about = encoded;
    return session::test::numbered(0, seq, wire::encode(view));
}

inline bool has(const Line& line, wire::FrameKind kind) {
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind == kind) return true;
        }
    }
    return false;
}

// By message id: what it was answered with. A reply carries its receipt along.
inline std::map<Uuid, errc> receipts(const Line& line) {
    std::map<Uuid, errc> all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            std::optional<wire::ReceiptView> receipt;
            if (frame.kind == wire::FrameKind::receipt) receipt = *wire::decode_receipt(frame.body);
            if (frame.kind == wire::FrameKind::data) receipt = wire::decode_data(frame.body)->receipt;
            if (receipt)
                all[receipt->message_id] =
                    receipt->status == wire::ReceiptStatus::refused ? static_cast<errc>(receipt->code) : errc::ok;
        }
    }
    return all;
}

// Payloads of the messages that came.
inline std::vector<std::string> texts(const Line& line) {
    std::vector<std::string> all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::data) continue;
            all.emplace_back(wire::decode_data(frame.body)->message->payload);
        }
    }
    return all;
}

inline std::optional<wire::Refused> refusal(const Line& line) {
    for (auto batch = line.sent.rbegin(); batch != line.sent.rend(); ++batch) {
        for (const wire::FrameView& frame : frames_of(*batch)) {
            if (frame.kind == wire::FrameKind::refused) return *wire::decode_refused(frame.body);
        }
    }
    return std::nullopt;
}

}  // namespace flare::server::test
