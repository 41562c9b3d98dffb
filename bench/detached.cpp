// broadcast() to sessions whose clients are away, so that nothing but the server's own work is timed: with one worker
// and with two, in turns. The wall time of two shows whether they work at the same time.
//
// Options: --sessions N (default 4,000), --rounds N (default 300), --size B (default 64), --json.
#include "bench.hpp"
#include "session_load.hpp"

#include <flare/server.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

struct Options {
    std::size_t sessions = 4000;
    std::size_t rounds = 300;
    std::size_t size = 64;
    bool json = false;
};

// A server with sessions that were left.
class Left {
public:
    Left(std::uint32_t workers, std::size_t sessions) : server_(start(workers)), sessions_(sessions) {
        const std::string address = server_.websocket_addr();
        const auto port = std::strtoul(address.c_str() + address.rfind(':') + 1, nullptr, 10);
        SessionLoad load([](LoadClient&, std::string_view, std::string_view) {});
        load.connect({}, static_cast<std::uint16_t>(port), sessions);
        for (const auto& client : load.clients()) client->drop();
        if (!load.run_until(
                [&] {
                    const auto stats = server_.stats();
                    return stats && stats->sessions_detached == sessions;
                },
                kDrain))
            throw std::runtime_error("the server still holds connections");
    }

    // Wall time of a call, in us.
    double broadcast(const std::string& payload) {
        const std::uint64_t began = now_ns();
        const auto sent = server_.broadcast(Message("news", payload));
        const std::uint64_t took = now_ns() - began;
        if (!sent) throw std::runtime_error("broadcast: " + sent.error().text);
        if (sent->reached != sessions_) throw std::runtime_error("broadcast: not to all");
        return static_cast<double>(took) / 1e3;
    }

private:
    static Server start(std::uint32_t workers) {
        ServerBuilder builder;
        builder.websocket_addr("127.0.0.1:0").websocket_only().worker_threads(workers).log_level(LogLevel::warn);
        auto built = builder.build();
        if (!built) throw std::runtime_error(built.error().text);
        if (const auto started = built->start(); !started) throw std::runtime_error(started.error().text);
        return std::move(*built);
    }

    Server server_;
    const std::size_t sessions_;
};

}  // namespace

int bench_detached(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--json") {
            options.json = true;
            continue;
        }
        std::size_t* const number = option == "--sessions" ? &options.sessions
                                    : option == "--rounds" ? &options.rounds
                                    : option == "--size"   ? &options.size
                                                           : nullptr;
        if (number == nullptr || i + 1 >= argc) {
            std::fprintf(stderr, "detached: unknown option or missing value: %s\n", argv[i]);
            return 2;
        }
        *number = std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), 1, 100'000);
    }
    Left one(1, options.sessions);
    Left two(2, options.sessions);
    const std::string payload(options.size, 'x');
    std::vector<double> with_one, with_two;
    for (std::size_t round = 0; round < options.rounds; ++round) {
        const bool first = round % 2 == 0;
        if (first) with_one.push_back(one.broadcast(payload));
        with_two.push_back(two.broadcast(payload));
        if (!first) with_one.push_back(one.broadcast(payload));
    }
    const double alone = median_of(with_one);
    const double together = median_of(with_two);
    std::fprintf(for_people(options.json),
                 "detached: broadcast() to %zu sessions without a connection, medians of %zu calls: %.0f us with one "
                 "worker, %.0f us with two: ratio %.2f\n",
                 options.sessions, options.rounds, alone, together, together / alone);
    if (options.json)
        std::printf("{\"us_one_worker\":%.1f,\"us_two_workers\":%.1f,\"ratio\":%.3f}\n", alone, together,
                    together / alone);
    return 0;
}

}  // namespace flare::bench
