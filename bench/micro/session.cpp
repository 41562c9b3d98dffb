// The session layer alone: one message's way through the server's half, look-ups, queuing for many.
#include "sessions.hpp"

#include <benchmark/benchmark.h>

#include <map>

namespace flare::bench {
namespace {

// Making them takes longer than the benchmark: they serve all that want as many.
Sessions& sessions_of(std::size_t count) {
    static std::map<std::size_t, std::unique_ptr<Sessions>> all;
    auto& slot = all[count];
    if (!slot) slot = std::make_unique<Sessions>(count);
    return *slot;
}

std::size_t size(const benchmark::State& state, std::size_t i) { return static_cast<std::size_t>(state.range(i)); }

// A message of 256 bytes comes in, its answer goes out: the server's half alone is timed. range(0) sessions are there,
// range(1) of them talk, one after the other.
void session_step(benchmark::State& state) {
    Sessions& all = sessions_of(size(state, 0));
    const std::size_t talking = size(state, 1);
    const std::size_t stride = all.clients.size() / talking;
    const std::string payload(256, 'x');
    std::size_t turn = 0;
    for (auto _ : state) {
        BareClient& client = *all.clients[turn++ % talking * stride];
        client.send(payload);
        const std::string up = client.write();
        const auto began = std::chrono::steady_clock::now();
        all.table.on_batch(client.key, up, began);
        all.write(client);
        const auto took = std::chrono::steady_clock::now() - began;
        client.session().on_batch(client.key, all.batch.str(), clock_now());
        state.SetIterationTime(std::chrono::duration<double>(took).count());
    }
    for (std::size_t i = 0; i < std::min(talking, turn); ++i) {
        if (all.clients[i * stride]->received == 0) state.SkipWithError("an answer is missing");
    }
}
BENCHMARK(session_step)
    ->Args({100, 100})
    ->Args({50'000, 100})
    ->Args({200'000, 100})
    ->Args({200'000, 200'000})
    ->UseManualTime();

void registry_lookup(benchmark::State& state) {
    Sessions& all = sessions_of(size(state, 0));
    std::size_t turn = 0;
    for (auto _ : state) {
        turn = (turn + 7919) % all.clients.size();
        session::ServerSession* found = all.table.by_carrier(all.clients[turn]->key);
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(registry_lookup)->Arg(100)->Arg(200'000);

// One encoded message is queued for every session; each item is one of them. Writing and acknowledging are not timed.
void fan_out_enqueue(benchmark::State& state) {
    Sessions& all = sessions_of(size(state, 0));
    wire::DataView data;
    data.from = kServerTarget;
    wire::MessageView message;
    message.type = "bench";
    const std::string payload(64, 'x');
    message.payload = payload;
    for (auto _ : state) {
        message.id = Uuid::v7();
        data.message = message;
        const wire::Body body = wire::encode(data);
        all.table.for_each([&](session::ServerSession& session) {
            (void)all.table.send(session, 0, body, Priority::normal, clock_now());
        });
        state.PauseTiming();
        for (const auto& client : all.clients) {
            all.write(*client);
            client->session().on_batch(client->key, all.batch.str(), clock_now());
            client->session().on_time(clock_now() + std::chrono::seconds(1));
            all.table.on_batch(client->key, client->write(), clock_now());
        }
        state.ResumeTiming();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(fan_out_enqueue)->Arg(1'000);

}  // namespace
}  // namespace flare::bench
