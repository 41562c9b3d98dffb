// Other systems under the load of echo: what a message to a client's own topic, or to an echoing server, costs them.
//
// Options: NAME (ws, socketio, mosquitto, mosquitto-ws, nats, nats-ws), --connections N, --in-flight K, --size B,
// --seconds S (default 3), --warm-up S, --json. They are installed by scripts/setup.sh --peers.
#include "bench.hpp"
#include "echo_load.hpp"
#include "free_port.hpp"
#include "pin.hpp"

#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace flare::bench {
namespace {

constexpr auto kStartLimit = std::chrono::seconds(10);

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

// The server of another system, as its documentation advises for speed: nothing is logged or kept, nothing queued is
// bounded, no delay for the sake of larger packets.
class PeerProcess {
public:
    explicit PeerProcess(const std::string& system) : port_(free_port()) {
        const std::string port = std::to_string(port_);
        const std::string settings = "/tmp/flare-bench-" + std::to_string(::getpid()) + ".conf";
        const bool websocket = system.ends_with("-ws");
        if (system == "ws" || system == "socketio") {
            start({"node", FLARE_SOURCE_DIR "/bench/peers/" + system + ".js", port});
        } else if (system.starts_with("mosquitto")) {
            std::ofstream(settings) << "allow_anonymous true\npersistence false\nlog_type none\n"
                                       "max_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\n"
                                       "listener "
                                    << (websocket ? std::to_string(free_port()) : port) << " 127.0.0.1\n";
            // 2.0.11 does not start without a listener for TCP.
            if (websocket) std::ofstream(settings, std::ios::app) << "listener " << port << "\nprotocol websockets\n";
            start({"mosquitto", "-c", settings});
        } else {
            std::ofstream(settings) << "host: 127.0.0.1\nport: " << (websocket ? std::to_string(free_port()) : port)
                                    << "\nlogfile: \"/dev/null\"\n";
            if (websocket)
                std::ofstream(settings, std::ios::app)
                    << "websocket { host: 127.0.0.1, port: " << port << ", no_tls: true }\n";
            start({"nats-server", "-c", settings});
        }
        const bool answers = wait_until_it_listens();
        ::unlink(settings.c_str());
        if (!answers) throw std::runtime_error(system + " does not listen; scripts/setup.sh --peers installs it");
    }
    ~PeerProcess() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    PeerProcess(const PeerProcess&) = delete;
    PeerProcess& operator=(const PeerProcess&) = delete;

    std::uint16_t port() const { return port_; }
    std::uint64_t cpu() const { return process_cpu_ns(pid_); }

private:
    void start(std::vector<std::string> command) {
        std::vector<char*> arguments;
        for (std::string& each : command) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        const ServerCpu first;
        if (const int error = ::posix_spawnp(&pid_, arguments[0], nullptr, nullptr, arguments.data(), environ))
            throw std::runtime_error(command[0] + ": " + std::strerror(error));
    }
    bool wait_until_it_listens() const {
        const sockaddr_in address = loopback(port_);
        const auto until = std::chrono::steady_clock::now() + kStartLimit;
        while (std::chrono::steady_clock::now() < until && ::waitpid(pid_, nullptr, WNOHANG) == 0) {
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const bool open = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
            ::close(fd);
            if (open) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return false;
    }

    const std::uint16_t port_;
    pid_t pid_ = -1;
};

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
    const PeerProcess server(name);
    return echo_load(system, server.port(), options, [&] { return server.cpu(); }).print(system.name, options);
}

}  // namespace flare::bench
