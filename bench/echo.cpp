// Echo through the whole stack: WebSocket, frames, session, handler, reply with its receipt, and back. Beside it, in
// the same run, the floor: what the same load costs a bare WebSocket echo.
//
// Options: --transport ws|wss|quic, --workers W (default 1), --connections N, --in-flight K, --size B, --seconds S
// (default 3), --no-floor, --json.
#include "bench.hpp"
#include "session_load.hpp"

#include <cstring>
#include <deque>
#include <vector>

namespace flare::bench {
namespace {

constexpr auto kWarmUp = std::chrono::milliseconds(500);
constexpr auto kDrain = std::chrono::seconds(5);

struct Conversation {
    std::deque<std::uint64_t> sent_at;  // of the messages under way, in order
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
};

LoadResult echo_load(const ServerProcess& server, const ServerOptions& where, const LoadOptions& options) {
    std::vector<Conversation> conversations(options.connections);
    std::string payload(options.size, 'x');
    LoadResult result;
    std::uint64_t messages = 0;
    bool stopping = false;
    const auto send = [&](LoadClient& client) {
        Conversation& conversation = conversations[client.index()];
        std::memcpy(payload.data(), &conversation.sent, std::min(sizeof conversation.sent, payload.size()));
        ++conversation.sent;
        conversation.sent_at.push_back(now_ns());
        client.send("bench", payload);
    };
    SessionLoad load([&](LoadClient& client, std::string_view, std::string_view back) {
        Conversation& conversation = conversations[client.index()];
        const std::size_t numbered = std::min(sizeof conversation.received, options.size);
        if (back.size() != options.size || std::memcmp(back.data(), &conversation.received, numbered) != 0) {
            ++result.lost;
        }
        ++conversation.received;
        ++messages;
        result.latencies.add(now_ns() - conversation.sent_at.front());
        conversation.sent_at.pop_front();
        if (!stopping) send(client);
    });
    load.connect(where, server.port(), options.connections);
    for (const auto& client : load.clients()) {
        for (std::size_t i = 0; i < options.in_flight; ++i) send(*client);
    }
    load.run_for(kWarmUp);
    messages = 0;
    result.latencies.clear();
    result.latencies.reserve(8'000'000);

    const std::uint64_t began = now_ns();
    const std::uint64_t cpu = server.cpu_ns();
    load.run_for(std::chrono::nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9)));
    result.server_cpu_seconds = static_cast<double>(server.cpu_ns() - cpu) / 1e9;
    result.seconds = static_cast<double>(now_ns() - began) / 1e9;
    result.messages = messages;
    stopping = true;
    const auto outstanding = [&] {
        std::uint64_t count = 0;
        for (const Conversation& each : conversations) count += each.sent - each.received;
        return count;
    };
    load.run_until([&] { return outstanding() == 0; }, kDrain);
    result.lost += outstanding() + load.failures();
    return result;
}

}  // namespace

int bench_echo(int argc, char** argv) {
    LoadOptions options;
    ServerOptions where;
    bool with_floor = true;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--no-floor") == 0) {
            with_floor = false;
        } else if (!options.take(argc, argv, i) && !where.take(argc, argv, i)) {
            std::fprintf(stderr, "echo: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    LoadResult result;
    {
        const ServerProcess server(where);
        result = echo_load(server, where, options);
    }
    if (with_floor) {
        const double cpu = result.server_cpu_us_per_message();
        const double floor = floor_cpu_us_per_message(options);
        std::printf("a bare WebSocket echo costs %.3f us a message under the same load: ratio %.2f\n", floor,
                    cpu / floor);
    }
    return result.print("echo", options);
}

}  // namespace flare::bench
