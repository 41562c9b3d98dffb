// WebSocket frames: masking, and reading masked messages in place (the mask turns a payload back and forth, so every
// round finds what it needs).
#include "transport/websocket/mask.hpp"
#include "transport/websocket/parser.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace flare::bench {
namespace {

using namespace transport::websocket;

constexpr MaskKey kKey{1, 2, 3, 4};

void websocket_mask(benchmark::State& state) {
    std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
    for (auto _ : state) {
        mask_into(bytes.data(), bytes.data(), bytes.size(), kKey);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(websocket_mask)->Arg(256)->Arg(16'384);

void websocket_parse(benchmark::State& state) {
    FrameHead head;
    head.masked = true;
    head.key = kKey;
    head.length = static_cast<std::size_t>(state.range(0));
    char bytes[kMaxFrameHeaderBytes];
    std::string frame(bytes, encode_frame_head(bytes, head));
    frame.append(head.length, 'x');
    Parser parser(Role::server, Accept::binary, std::size_t{1} << 20);
    for (auto _ : state) {
        std::span<char> input(frame);
        const Event event = parser.next(input);
        if (event.kind != EventKind::message || !input.empty()) return state.SkipWithError("no message was found");
        benchmark::DoNotOptimize(event.payload.data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(websocket_parse)->Arg(256)->Arg(16'384);

}  // namespace
}  // namespace flare::bench

BENCHMARK_MAIN();
