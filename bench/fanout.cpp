// Broadcast: one session publishes, so many messages at once, the server sends each to every session, and when all have
// them come the next. Beside it, in the same run, the floor: what the same load costs a bare WebSocket server.
//
// Options: --transport ws|wss|quic, --workers W (default 1), --sessions N (default 1,000), --in-flight K, --size B,
// --seconds S (default 3) or --messages N (deliveries), --warm-up S, --no-floor, --json.
#include "bench.hpp"
#include "session_load.hpp"

#include <cstring>
#include <memory>
#include <vector>

namespace flare::bench {

int bench_fanout(int argc, char** argv) {
    LoadOptions options;
    options.connections = 1000;
    ServerOptions where;
    bool with_floor = true;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--no-floor") == 0) {
            with_floor = false;
            continue;
        }
        if (options.take(argc, argv, i) || where.take(argc, argv, i)) continue;
        std::fprintf(stderr, "fanout: unknown option %s\n", argv[i]);
        return 2;
    }
    const std::size_t sessions = options.connections;
    options.size = std::max(options.size, sizeof(std::uint64_t));  // room for the number that shows the order
    auto process = std::make_unique<ServerProcess>(where);
    const ServerProcess& server = *process;

    std::string payload(options.size, 'x');
    std::vector<std::uint64_t> next(sessions, 0);  // the number that each session must get next
    std::uint64_t published = 0;
    std::size_t missing = 0;  // deliveries of what was published last
    std::uint64_t deliveries = 0;
    std::uint64_t lost = 0;
    bool stopping = false;
    LoadClient* publisher = nullptr;
    const auto publish = [&] {
        missing = sessions * options.in_flight;
        for (std::size_t i = 0; i < options.in_flight; ++i, ++published) {
            std::memcpy(payload.data(), &published, sizeof published);
            publisher->send("publish", payload);
        }
    };
    auto clients = std::make_unique<SessionLoad>([&](LoadClient& client, std::string_view, std::string_view got) {
        std::uint64_t number = 0;
        if (got.size() == options.size) std::memcpy(&number, got.data(), sizeof number);
        if (got.size() != options.size || number != next[client.index()]) ++lost;
        next[client.index()] = number + 1;
        ++deliveries;
        if (missing != 0 && --missing == 0 && !stopping) publish();
    });
    SessionLoad& load = *clients;
    load.connect(where, server.port(), sessions);
    load.stay_awake();
    publisher = load.clients().front().get();
    publish();
    load.run_for(std::chrono::nanoseconds(options.warm_up_ns()));

    const auto batches = [&] {
        std::uint64_t count = 0;
        for (const auto& client : load.clients()) count += client->batches_out();
        return count;
    };
    deliveries = 0;
    const std::uint64_t batches_before = batches();
    const std::uint64_t began = now_ns();
    const std::uint64_t cpu = server.cpu_ns();
    if (options.messages != 0) {
        load.run_until([&] { return deliveries >= options.messages; }, kLongest);
    } else {
        load.run_for(std::chrono::nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9)));
    }
    const double cpu_seconds = static_cast<double>(server.cpu_ns() - cpu) / 1e9;
    const double seconds = static_cast<double>(now_ns() - began) / 1e9;
    const std::uint64_t measured = deliveries;
    const std::uint64_t acks = batches() - batches_before;  // but for the few of the publisher

    stopping = true;
    load.run_until([&] { return missing == 0; }, kDrain);
    for (const std::uint64_t each : next) lost += published - each;
    lost += load.failures();

    clients.reset();
    process.reset();

    const double count = static_cast<double>(std::max<std::uint64_t>(measured, 1));
    const double rate = static_cast<double>(measured) / seconds;
    const double cpu_us = cpu_seconds * 1e6 / count;
    options.fan_out = true;
    options.ack_every = acks == 0 ? 0 : std::max<std::uint64_t>(measured / acks, 1);
    const double floor = with_floor ? floor_cpu_us_per_message(options) : 0;
    if (with_floor)
        std::fprintf(
            for_people(options.json),
            "a bare WebSocket server takes %.3f us a delivery under the same load, acknowledged as often: ratio %.2f\n",
            floor, cpu_us / floor);
    std::fprintf(for_people(options.json),
                 "fanout: %zu sessions, %zu in flight, %zu bytes: %.0f deliveries/s, server CPU %.3f us each, "
                 "%.3f acknowledgements each, %llu lost\n",
                 sessions, options.in_flight, options.size, rate, cpu_us, static_cast<double>(acks) / count,
                 static_cast<unsigned long long>(lost));
    if (options.json) {
        std::printf(
            "{\"deliveries_per_second\":%.0f,\"server_cpu_us_per_delivery\":%.3f,\"acks_per_delivery\":%.3f,"
            "\"floor_cpu_us_per_delivery\":%.3f,\"lost\":%llu}\n",
            rate, cpu_us, static_cast<double>(acks) / count, floor, static_cast<unsigned long long>(lost));
    }
    return lost == 0 && measured != 0 ? 0 : 1;
}

}  // namespace flare::bench
