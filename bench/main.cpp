// flare_bench NAME [options]: runs one benchmark.
#include "bench.hpp"

#include <cstdio>
#include <exception>
#include <string_view>

namespace {

struct Benchmark {
    std::string_view name;
    int (*run)(int argc, char** argv);
    const char* measures;
};

constexpr Benchmark kBenchmarks[] = {
    {"api", flare::bench::bench_api, "messages of a back-end over the server API"},
    {"codec", flare::bench::bench_codec, "encode and decode one 256-byte message, again and again"},
    {"compress", flare::bench::bench_compress, "what chat messages shrink to, and what that costs"},
    {"connect", flare::bench::bench_connect, "new and resumed sessions a second"},
    {"crowd", flare::bench::bench_crowd, "a room of 100,000 members, most of them away, beside one of ten"},
    {"detached", flare::bench::bench_detached, "broadcast() to sessions without a connection: 1 and 2 workers"},
    {"echo", flare::bench::bench_echo, "echo through the whole stack, and the floor beside it"},
    {"fanout", flare::bench::bench_fanout, "one session publishes to all the others"},
    {"floor", flare::bench::bench_floor, "a bare epoll WebSocket echo, to compare echo with"},
    {"idle", flare::bench::bench_idle, "memory of a session that has nothing to do"},
    {"large", flare::bench::bench_large, "a large message down and up, with a delay of the network"},
    {"mixed", flare::bench::bench_mixed, "users who chat in pairs, 1 % of the messages large"},
    {"presence", flare::bench::bench_presence,
     "10,000 sessions break at once and come back, or stay away: what is told"},
    {"room", flare::bench::bench_room, "a room: members, messages that are stored, and what a delivery costs"},
    {"stall", flare::bench::bench_stall, "some subscribers stop reading: memory, the others' latency, exact gaps"},
    {"peer", flare::bench::bench_peer, "ws, socketio, mosquitto, nats under the load of echo"},
    {"store", flare::bench::bench_store, "the durable store alone: CPU of an append, time until it is on disk"},
    {"stored", flare::bench::bench_stored, "what the way into a log costs a worker, with and without it in turns"},
    {"storm", flare::bench::bench_storm, "a server goes down and comes back with all its clients"},
    {"sync", flare::bench::bench_sync, "lists of conversations: what a page costs, and 10,000 clients who come back"},
};

int usage() {
    std::fputs("usage: flare_bench NAME [options] [--json]\n", stderr);
    for (const Benchmark& each : kBenchmarks) std::fprintf(stderr, "  %-8s %s\n", each.name.data(), each.measures);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return usage();
    for (const Benchmark& each : kBenchmarks) {
        if (each.name != argv[1]) continue;
        try {
            return each.run(argc - 1, argv + 1);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "flare_bench %s: %s\n", argv[1], error.what());
            return 1;
        }
    }
    return usage();
}
