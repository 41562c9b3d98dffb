// What a session costs a server that has nothing to do: memory.
//
// Options: --transport ws|wss|quic, --workers W (default 1), --sessions N (default 5,000), --json.
#include "bench.hpp"
#include "session_load.hpp"

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
        load.connect(where, server.port(), sessions);
        for (std::size_t i = before; i < load.clients().size(); ++i) load.clients()[i]->send("echo", "hello");
        const bool all = load.run_until([&] { return answers == load.clients().size(); }, std::chrono::seconds(30));
        load.run_for(kQuiet);
        return all && load.failures() == 0;
    };
    bool good = connect_and_talk(kFirst);
    const std::uint64_t before = server.memory_bytes();
    good = connect_and_talk(options.connections) && good;
    const double each =
        static_cast<double>(server.memory_bytes() - before) / 1024 / static_cast<double>(options.connections);
    std::printf("idle: %zu sessions over %s: %.1f KiB of server memory each\n", options.connections,
                where.transport.c_str(), each);
    if (options.json) std::printf("{\"sessions\":%zu,\"kib_per_session\":%.1f}\n", options.connections, each);
    return good ? 0 : 1;
}

}  // namespace flare::bench
