// What sessions cost a server that have nothing to do: memory, and CPU time for their heartbeats.
//
// Options: --transport ws|wss|quic, --workers W (default 1), --sessions N (default 5,000), --heartbeat S (default 30),
// --seconds S of quiet in which CPU time is measured (default 3) or --messages N (heartbeats), --json.
#include "bench.hpp"
#include "session_load.hpp"

#include <algorithm>

namespace flare::bench {
namespace {

constexpr std::size_t kFirst = 64;  // what every server has that has ever served: tables, arenas
constexpr auto kQuiet = std::chrono::seconds(3);

}  // namespace

int bench_idle(int argc, char** argv) {
    LoadOptions options;
    options.connections = 5000;
    ServerOptions where;
    for (int i = 1; i < argc; ++i) {
        if (options.take(argc, argv, i) || where.take(argc, argv, i)) continue;
        std::fprintf(stderr, "idle: unknown option %s\n", argv[i]);
        return 2;
    }
    const ServerProcess server(where);
    std::uint64_t answers = 0;
    SessionLoad load([&](LoadClient&, std::string_view, std::string_view) { ++answers; });
    const auto connect_and_talk = [&](std::size_t sessions) {
        const std::size_t before = load.clients().size();
        load.connect(where, server.port(), sessions, true);
        for (std::size_t i = before; i < load.clients().size(); ++i) load.clients()[i]->send("echo", "hello");
        const bool all = load.run_until([&] { return answers == load.clients().size(); }, std::chrono::seconds(60));
        load.run_for(kQuiet);
        return all && load.failures() == 0;
    };
    bool good = connect_and_talk(kFirst);
    const std::uint64_t before = server.memory_bytes();
    good = connect_and_talk(options.connections) && good;
    const double each = static_cast<double>(server.memory_bytes() - before) / static_cast<double>(options.connections);
    const std::uint64_t began = now_ns();
    const std::uint64_t cpu = server.cpu_ns();
    if (options.messages != 0) {
        const std::uint64_t enough = load.heartbeats() + options.messages;
        good = load.run_until([&] { return load.heartbeats() >= enough; }, kLongest) && good;
    } else {
        load.run_for(std::chrono::nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9)));
    }
    const double percent = 100 * static_cast<double>(server.cpu_ns() - cpu) / static_cast<double>(now_ns() - began);
    const bool held =
        std::all_of(load.clients().begin(), load.clients().end(), [](const auto& client) { return client->ready(); });
    good = good && held && load.failures() == 0;
    std::fprintf(for_people(options.json),
                 "idle: %zu sessions over %s: %.0f bytes of server memory each; %.2f %% of a CPU for all; %s\n",
                 options.connections, where.transport.c_str(), each, percent, good ? "all held" : "NOT all held");
    if (options.json)
        std::printf("{\"sessions\":%zu,\"bytes_per_session\":%.0f,\"server_cpu_percent\":%.2f}\n", options.connections,
                    each, percent);
    return good ? 0 : 1;
}

}  // namespace flare::bench
