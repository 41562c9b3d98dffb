// Ten ways to make a server hold memory, each against a server of its own with a ceiling of 64 MiB: how much it grows,
// and what another user notices.
#include "lab/child.hpp"
#include "lab/lab.hpp"
#include "lab/memory_attacks.hpp"

#include "support/certificates.hpp"
#include "support/network_namespace.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace flare::lab {

using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kCeilingMiB = 64;  // max_memory_bytes
constexpr unsigned kLimitMiB = 96;    // so much may a server grow
constexpr rlim_t kFiles = 20'000;     // of each process
constexpr auto kAttack = 8s;
constexpr auto kSample = 20ms;  // between two looks at the server
constexpr auto kChat = 20ms;    // between two messages of the honest client
constexpr auto kSettle = 500ms;

// Somebody who was there before, and chats on.
class Honest {
public:
    Honest(bool tls, const std::string& authority_file) {
        const std::string url = (tls ? "wss://localhost:" : "ws://localhost:") + std::to_string(kOtherWebsocketPort);
        ServerAddresses addresses;
        tls ? addresses.with_websocket_tls_url(url) : addresses.with_websocket_url(url);
        auto built = ClientBuilder("honest")
                         .server_addresses(addresses)
                         .ca_file(authority_file)
                         .with_event_callback([this](const Event& event) { hear(event); })
                         .build();
        if (!built) throw std::runtime_error(built.error().text);
        client_ = std::make_unique<Client>(std::move(*built));
        for (int i = 0; i < 100; ++i) {
            if (client_->connect()) break;
            std::this_thread::sleep_for(50ms);
        }
        if (!client_->send_text_message("server", "x").success) throw std::runtime_error("the server does not answer");
        thread_ = std::thread([this] { talk(); });
    }
    ~Honest() {
        stop_ = true;
        thread_.join();
    }
    Honest(const Honest&) = delete;
    Honest& operator=(const Honest&) = delete;

    struct Outcome {
        std::size_t sent = 0;
        std::size_t failed = 0;
        std::size_t ended = 0;  // sessions
        std::string why;        // of the first failure
        bool good() const { return sent != 0 && failed == 0 && ended == 0; }
    };
    Outcome outcome() const {
        const std::lock_guard lock(mutex_);
        return outcome_;
    }

private:
    void hear(const Event& event) {
        const std::lock_guard lock(mutex_);
        const bool ended =
            std::holds_alternative<event::Gap>(event) || std::holds_alternative<event::ReconnectFailed>(event);
        outcome_.ended += ended ? 1u : 0u;
    }
    void talk() {
        while (!stop_) {
            const SendResult result = client_->send_text_message("server", "x");
            {
                const std::lock_guard lock(mutex_);
                ++outcome_.sent;
                outcome_.failed += result.success ? 0u : 1u;
                if (!result.success && outcome_.why.empty()) outcome_.why = result.error_message;
            }
            std::this_thread::sleep_for(kChat);
        }
    }

    mutable std::mutex mutex_;
    Outcome outcome_;
    std::atomic<bool> stop_{false};
    std::unique_ptr<Client> client_;
    std::thread thread_;
};

std::string ready_server(const Options& options) {
    if (!options.server.empty()) return options.server;
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return (here.parent_path() / "apps" / "flare").string();
}

std::vector<std::string> command_for(const Attack& attack, const Options& options,
                                     const test::Certificates::Identity& identity) {
    if (attack.by == Served::slow_handlers) return {"/proc/self/exe", "serve-slowly"};
    const std::string local = "127.0.0.1:";
    std::vector<std::string> command{
        ready_server(options),
        "server",
        "--log-level",
        "off",
        "--worker-threads",
        "2",
        "--websocket-address",
        local + std::to_string(kOtherWebsocketPort),
        "--quic-address",
        local + std::to_string(kOtherQuicPort),
        "--quic-certificate",
        identity.certificate_file,
        "--quic-key",
        identity.key_file,
        "--quic-secret",
        "of this run alone",
        "--compression-enabled",
        "true",
        "--store",
        "none",
        "--limits-max-memory-bytes",
        std::to_string(kCeilingMiB) + "MiB",
    };
    if (attack.by == Served::ready_tls)
        command.insert(command.end(),
                       {"--websocket-certificate", identity.certificate_file, "--websocket-key", identity.key_file});
    return command;
}

struct Suffered {
    double before_mib = 0;
    double most_mib = 0;
    Honest::Outcome honest;

    double grown_mib() const { return most_mib - before_mib; }
    bool good() const { return grown_mib() <= kLimitMiB && honest.good(); }
};

Suffered suffer(const Attack& attack, const Options& options, const test::Certificates::Identity& identity,
                const std::string& authority_file) {
    const Child server(command_for(attack, options, identity), [](std::string_view) {});
    Honest honest(attack.by == Served::ready_tls, authority_file);
    std::this_thread::sleep_for(kSettle);

    Suffered outcome;
    outcome.before_mib = outcome.most_mib = resident_mib(server.pid());
    std::atomic<bool> over{false};
    std::thread watch([&] {
        for (; !over; std::this_thread::sleep_for(kSample))
            outcome.most_mib = std::max(outcome.most_mib, resident_mib(server.pid()));
    });
    attack.run({authority_file, Clock::now() + kAttack});
    std::this_thread::sleep_for(kSettle);
    over = true;
    watch.join();
    outcome.honest = honest.outcome();
    return outcome;
}

void allow_files() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::min(kFiles, files.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int lab_serve_slowly() {
    auto server =
        ServerBuilder()
            .websocket_only()
            .websocket_addr("127.0.0.1:" + std::to_string(kOtherWebsocketPort))
            .worker_threads(2)
            .log_level(LogLevel::off)
            .max_memory_bytes(std::uint64_t{kCeilingMiB} << 20)
            .on_message_type("slow",
                             [](const SessionInfo&, const Message&) {
                                 std::this_thread::sleep_for(1s);
                                 return HandlerResult();
                             })
            .with_message_handler([](const SessionInfo&, const Message&) { return HandlerResult(); }, Execution::worker)
            .build();
    if (!server || !server->start()) return 1;
    server->wait();
    return 0;
}

int lab_memory(const Options& options) {
    allow_files();
    const test::NetworkNamespace host("flare-memory-" + std::to_string(::getpid()));
    const test::Certificates files;
    const auto authority = files.authority("ca");
    const auto identity = files.make("attacked", {.common_name = "flare"}, &authority);
    int failed = 0;
    std::string json;
    for (const Attack& attack : memory_attacks()) {
        if (!options.only.empty() && options.only != attack.name) continue;
        Suffered outcome;
        host.on([&] { outcome = suffer(attack, options, identity, authority.certificate_file); });
        const bool good = outcome.good();
        failed += good ? 0 : 1;
        std::printf("%-20s %6.1f MiB before, %6.1f at most: grown by %6.1f; another user: %zu sent, %zu failed%s%s\n",
                    attack.name, outcome.before_mib, outcome.most_mib, outcome.grown_mib(), outcome.honest.sent,
                    outcome.honest.failed, outcome.honest.ended == 0 ? "" : ", its session ended",
                    good ? "" : "   WRONG");
        if (options.verbose && !outcome.honest.why.empty()) std::printf("  %s\n", outcome.honest.why.c_str());
        char line[256];
        std::snprintf(line, sizeof line, "%s{\"name\":\"%s\",\"before_mib\":%.1f,\"grown_mib\":%.1f,\"honest_ok\":%s}",
                      json.empty() ? "" : ",", attack.name, outcome.before_mib, outcome.grown_mib(),
                      outcome.honest.good() ? "true" : "false");
        json += line;
    }
    std::printf("memory: %s\n", failed == 0 ? "every attack is bounded, and others are served" : "FAILED");
    if (options.json)
        std::printf("{\"ceiling_mib\":%u,\"limit_mib\":%u,\"attacks\":[%s],\"failed\":%d}\n", kCeilingMiB, kLimitMiB,
                    json.c_str(), failed);
    return failed == 0 ? 0 : 1;
}

}  // namespace flare::lab
