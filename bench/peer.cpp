// Other systems under the load of echo: what a message to a client's own topic, or to an echoing server, costs them.
//
// Options: NAME (ws, socketio, mosquitto, mosquitto-ws, nats, nats-ws), --connections N, --in-flight K, --size B,
// --seconds S (default 3), --warm-up S, --json. They are installed by scripts/setup.sh --peers.
#include "bench.hpp"
#include "echo_load.hpp"
#include "free_port.hpp"
#include "peer_process.hpp"

#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

// Started as its documentation advises for speed: nothing is logged or kept, nothing queued is bounded, no delay for
// the sake of larger packets.
std::unique_ptr<PeerProcess> start_peer(const std::string& system) {
    const std::uint16_t number = free_port();
    const std::string port = std::to_string(number);
    const bool websocket = system.ends_with("-ws");
    if (system == "ws" || system == "socketio") {
        return std::make_unique<PeerProcess>(
            std::vector<std::string>{"node", FLARE_SOURCE_DIR "/bench/peers/" + system + ".js", port}, number);
    }
    const std::string settings = "/tmp/flare-bench-" + std::to_string(::getpid()) + ".conf";
    std::vector<std::string> command;
    if (system.starts_with("mosquitto")) {
        std::ofstream(settings) << "allow_anonymous true\npersistence false\nlog_type none\n"
                                   "max_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\n"
                                   "listener "
                                << (websocket ? std::to_string(free_port()) : port) << " 127.0.0.1\n";
        // 2.0.11 does not start without a listener for TCP.
        if (websocket) std::ofstream(settings, std::ios::app) << "listener " << port << "\nprotocol websockets\n";
        command = {"mosquitto", "-c", settings};
    } else {
        std::ofstream(settings) << "host: 127.0.0.1\nport: " << (websocket ? std::to_string(free_port()) : port)
                                << "\nlogfile: \"/dev/null\"\n";
        if (websocket)
            std::ofstream(settings, std::ios::app)
                << "websocket { host: 127.0.0.1, port: " << port << ", no_tls: true }\n";
        command = {"nats-server", "-c", settings};
    }
    struct Unlinked {
        ~Unlinked() { ::unlink(file.c_str()); }
        const std::string& file;
    } const unlinked{settings};
    return std::make_unique<PeerProcess>(std::move(command), number);
}

}  // namespace

int bench_peer(int argc, char** argv) {
    LoadOptions options;
    std::string name;
    for (int i = 1; i < argc; ++i) {
        if (options.take(argc, argv, i)) continue;
        if (argv[i][0] == '-' || !name.empty()) {
            std::fprintf(stderr, "peer: unknown option %s\n", argv[i]);
            return 2;
        }
        name = argv[i];
    }
    const System& system = find_system(name);
    const auto server = start_peer(name);
    return echo_load(system, server->port(), options, [&] { return server->cpu_ns(); }).print(system.name, options);
}

}  // namespace flare::bench
