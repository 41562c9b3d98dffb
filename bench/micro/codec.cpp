// Frames to bytes and back: a data frame of 256 bytes with an acknowledgement.
#include "wire/batch.hpp"

#include <benchmark/benchmark.h>

namespace flare::bench {
namespace {

struct Sample {
    Sample() {
        header.lane = 2;
        header.seq = 4'711;
        header.acks.push_back({2, 4'700, 9'000, 1'048'576});
        wire::MessageView message;
        message.id = Uuid::v7();
        message.type = "chat";
        message.payload = payload;
        message.timestamp_ms = 1'750'000'000'000;
        message.to = "user-0815";
        data.from = "user-4711";
        data.message = message;
    }
    std::string payload = std::string(256, 'x');
    wire::FrameHeader header;
    wire::DataView data;
};

void codec_encode(benchmark::State& state) {
    const Sample sample;
    wire::Batch batch;
    for (auto _ : state) {
        batch.clear();
        batch.add_data(sample.header, sample.data);
        benchmark::DoNotOptimize(batch.head().data());
    }
}
BENCHMARK(codec_encode);

void codec_decode(benchmark::State& state) {
    const Sample sample;
    wire::Batch batch;
    batch.add_data(sample.header, sample.data);
    for (auto _ : state) {
        wire::FrameView frame;
        wire::BatchReader reader(batch.head());
        if (!reader.next(frame)) return state.SkipWithError("a frame cannot be read");
        auto data = wire::decode_data(frame.body);
        if (!data || data->message->payload.size() != sample.payload.size())
            return state.SkipWithError("a message did not survive its round trip");
        benchmark::DoNotOptimize(data);
    }
}
BENCHMARK(codec_decode);

}  // namespace
}  // namespace flare::bench
