// Connections a second: new sessions with full handshakes, then the same sessions resumed (over QUIC with early data).
//
// Options: --transport ws|wss|quic, --workers W (default 1), --connections N at once (default 8), --seconds S for each
// of the two (default 3), --json.
#include "bench.hpp"
#include "session_load.hpp"

namespace flare::bench {
namespace {

struct Rate {
    double per_second = 0;
    double server_cpu_ms = 0;
    SessionLoad::Dialled dialled;
};

Rate measure(const ServerOptions& where, const LoadOptions& options, bool resume) {
    const ServerProcess server(where);
    SessionLoad load([](LoadClient&, std::string_view, std::string_view) {});
    const std::uint64_t cpu = server.cpu_ns();
    const std::uint64_t began = now_ns();
    Rate rate;
    rate.dialled = load.dial_for(where, server.port(), options.connections, resume,
                                 std::chrono::nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9)));
    const double seconds = static_cast<double>(now_ns() - began) / 1e9;
    const auto count = static_cast<double>(std::max<std::uint64_t>(rate.dialled.connections, 1));
    rate.per_second = count / seconds;
    rate.server_cpu_ms = static_cast<double>(server.cpu_ns() - cpu) / 1e6 / count;
    return rate;
}

}  // namespace

int bench_connect(int argc, char** argv) {
    LoadOptions options;
    options.connections = 8;
    ServerOptions where;
    for (int i = 1; i < argc; ++i) {
        if (options.take(argc, argv, i) || where.take(argc, argv, i)) continue;
        std::fprintf(stderr, "connect: unknown option %s\n", argv[i]);
        return 2;
    }
    const Rate fresh = measure(where, options, false);
    const Rate resumed = measure(where, options, true);
    std::fprintf(
        for_people(options.json),
        "connect over %s, %zu at once: %.0f new sessions/s, server CPU %.3f ms each; %.0f resumed/s (%llu of %llu with "
        "early data), server CPU %.3f ms each\n",
        where.transport.c_str(), options.connections, fresh.per_second, fresh.server_cpu_ms, resumed.per_second,
        static_cast<unsigned long long>(resumed.dialled.early),
        static_cast<unsigned long long>(resumed.dialled.connections), resumed.server_cpu_ms);
    if (options.json) {
        std::printf(
            "{\"connects_per_second\":%.0f,\"server_cpu_us_per_connect\":%.0f,\"resumes_per_second\":%.0f,"
            "\"server_cpu_us_per_resume\":%.0f,\"early_data\":%llu}\n",
            fresh.per_second, fresh.server_cpu_ms * 1000, resumed.per_second, resumed.server_cpu_ms * 1000,
            static_cast<unsigned long long>(resumed.dialled.early));
    }
    return fresh.dialled.connections != 0 && resumed.dialled.connections != 0 ? 0 : 1;
}

}  // namespace flare::bench
