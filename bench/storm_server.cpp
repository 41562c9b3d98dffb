#include "storm_server.hpp"

#include <flare/server.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <thread>

namespace flare::bench {
namespace {

constexpr auto kSampleEvery = std::chrono::milliseconds(20);

void* shared_memory(std::size_t bytes) {
    void* const made = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) throw std::runtime_error("mmap");
    return made;
}

// Lines of one word or number each, in both directions.
void tell(int file, const std::string& line) {
    if (::write(file, (line + "\n").data(), line.size() + 1) < 0) std::perror("storm");
}

std::string hear(int file) {
    std::string line;
    for (char c = 0; ::read(file, &c, 1) == 1 && c != '\n';) line.push_back(c);
    return line;
}

ServerBuilder builder_of(const StormOptions& options, const std::string& key_file, std::uint16_t port,
                         StormCounts& counts, std::span<std::atomic<std::uint32_t>> handled) {
    const std::string address = "127.0.0.1:" + std::to_string(port);
    ServerBuilder builder;
    builder.websocket_only()
        .websocket_addr(address)
        .worker_threads(options.where.workers)
        .heartbeat_interval(options.where.heartbeat)
        .max_connections(2 * options.sessions)
        .log_level(LogLevel::warn)
        .ticket_key_file(key_file)
        .admission_rate(options.rate);
    if (options.where.transport == "quic") builder.quic_only().quic_addr(address).quic_secret("storm");
    if (options.where.transport == "wss") builder.websocket_tls("certs/server.crt", "certs/server.key");
    builder.with_auth_handler([&counts](const AuthRequest& request) -> Checked<Identity> {
        ++counts.auth_calls;
        if (request.token != "storm") return Failure(errc::unauthenticated);
        return Identity(request.claimed_user);
    });
    builder.with_message_handler(
        [handled](const SessionInfo&, const Message& message) {
            const std::size_t number = std::strtoull(message.payload.str().c_str(), nullptr, 10);
            if (number < handled.size()) ++handled[number];
            return Message("storm", message.payload);
        },
        Execution::worker);
    return builder;
}

[[noreturn]] void serve(const StormOptions& options, const std::string& key_file, int order, int report,
                        StormCounts& counts, std::span<std::atomic<std::uint32_t>> handled) {
    const auto port = static_cast<std::uint16_t>(std::strtoul(hear(order).c_str(), nullptr, 10));
    auto server = builder_of(options, key_file, port, counts, handled).build();
    const auto started = server ? server->start() : Checked<>(server.error());
    if (!started) {
        tell(report, started.error().text);
        std::_Exit(1);
    }
    const std::string address = options.where.transport == "quic" ? server->quic_addr() : server->websocket_addr();
    std::atomic<bool> stopping{false};
    std::thread sampler([&] {
        while (!stopping) {
            StormCounts::Sample sample;
            sample.before = now_ns();
            const auto stats = server->stats();
            sample.after = now_ns();
            if (!stats) break;
            sample.admissions = stats->admissions;
            counts.admissions_refused = stats->admissions_refused;
            counts.tickets_honoured = stats->tickets_honoured;
            const std::size_t at = counts.samples;
            if (at == StormCounts::kSamples) break;
            counts.sample[at] = sample;
            counts.samples = at + 1;
            std::this_thread::sleep_for(kSampleEvery);
        }
    });
    tell(report, address.substr(address.rfind(':')));
    (void)hear(order);
    stopping = true;
    sampler.join();
    server->stop();
    tell(report, "stopped");
    std::_Exit(0);
}

}  // namespace

StormServers::StormServers(const StormOptions& options) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    key_file_ = std::filesystem::temp_directory_path() / ("flare-storm-" + std::to_string(::getpid()) + ".key");
    handled_ = {static_cast<std::atomic<std::uint32_t>*>(
                    shared_memory((options.messages + 1) * sizeof(std::atomic<std::uint32_t>))),
                options.messages};
    for (std::size_t i = 0; i < processes_.size(); ++i) {
        counts_[i] = new (shared_memory(sizeof(StormCounts))) StormCounts;
        int order[2];
        int report[2];
        if (::pipe(order) != 0 || ::pipe(report) != 0) throw std::runtime_error("pipe");
        const pid_t pid = ::fork();
        if (pid < 0) throw std::runtime_error("fork");
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(options, key_file_, order[0], report[1], *counts_[i], handled_);
        }
        ::close(order[0]);
        ::close(report[1]);
        processes_[i] = {pid, order[1], report[0]};
    }
}

StormServers::~StormServers() {
    for (const Process& process : processes_) {
        ::kill(process.pid, SIGKILL);
        ::waitpid(process.pid, nullptr, 0);
        ::close(process.order);
        ::close(process.report);
    }
    std::error_code ignored;
    std::filesystem::remove(key_file_, ignored);
}

std::uint16_t StormServers::listen(std::size_t which, std::uint16_t port) {
    tell(processes_[which].order, std::to_string(port));
    const std::string told = hear(processes_[which].report);
    if (!told.starts_with(':')) throw std::runtime_error("the server did not start: " + told);
    return static_cast<std::uint16_t>(std::strtoul(told.c_str() + 1, nullptr, 10));
}

void StormServers::begin_stop(std::size_t which) { tell(processes_[which].order, "stop"); }

bool StormServers::stopped(std::size_t which) {
    pollfd waits{processes_[which].report, POLLIN, 0};
    return ::poll(&waits, 1, 0) > 0;
}

}  // namespace flare::bench
