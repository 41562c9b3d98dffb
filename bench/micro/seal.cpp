// Sealing alone: a batch of one data frame there and back, and what a connection pays once.
#include "wire/seal.hpp"

#include <benchmark/benchmark.h>

namespace flare::bench {
namespace {

wire::Key key(std::uint8_t fill) {
    wire::Key made;
    made.fill(fill);
    return made;
}

wire::Batch batch_of(std::size_t payload_bytes) {
    const std::string payload(payload_bytes, 'x');
    wire::MessageView message;
    message.id = Uuid::v7();
    message.type = "chat";
    message.payload = payload;
    message.to = "user-0815";
    wire::DataView data;
    data.from = "user-4711";
    data.message = message;
    wire::FrameHeader header;
    header.lane = 2;
    header.seq = 4'711;
    wire::Batch batch;
    batch.add_data(header, data);
    return batch;
}

void seal_batch(benchmark::State& state) {
    const wire::Batch plain = batch_of(static_cast<std::size_t>(state.range(0)));
    wire::Sealer sealer(key(1), false);
    wire::Batch sealed;
    for (auto _ : state) {
        sealed.clear();
        sealer.seal(plain, sealed);
        benchmark::DoNotOptimize(sealed.head().data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plain.bytes()));
}
BENCHMARK(seal_batch)->Arg(32)->Arg(256)->Arg(4096)->Arg(60'000);

void seal_and_open_batch(benchmark::State& state) {
    const wire::Batch plain = batch_of(static_cast<std::size_t>(state.range(0)));
    wire::Sealer sealer(key(1), false);
    wire::Opener opener(key(1));
    wire::Batch sealed;
    std::string opened;
    for (auto _ : state) {
        sealed.clear();
        sealer.seal(plain, sealed);
        if (!opener.open(sealed.head(), opened)) return state.SkipWithError("it does not open");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plain.bytes()));
}
BENCHMARK(seal_and_open_batch)->Arg(32)->Arg(256)->Arg(4096)->Arg(60'000);

// The server's part: one key made, two agreements.
void seal_handshake_of_a_server(benchmark::State& state) {
    const wire::KeyPair own = wire::KeyPair::of(key(1));
    wire::NoiseNk client = wire::NoiseNk::client(wire::kSealPrologue, own.known, wire::KeyPair::of(key(2)));
    const std::string message = client.write({}).value();
    for (auto _ : state) {
        wire::NoiseNk server = wire::NoiseNk::server(wire::kSealPrologue, own, wire::KeyPair::of(key(3)));
        if (!server.read(message) || !server.write({})) return state.SkipWithError("no handshake");
        benchmark::DoNotOptimize(server.keys());
    }
}
BENCHMARK(seal_handshake_of_a_server);

}  // namespace
}  // namespace flare::bench
