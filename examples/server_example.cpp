// A Flare server with the default handler: `chat` is answered with `chat_response`, anything else with an echo.
//
//     ./server_example [--websocket-addr 127.0.0.1:4000] [--quic-addr 127.0.0.1:4010 | --no-quic] [--quic-secret TEXT]
//                      [--quic-alpn flare-core] [--quic-retry-above 256] [--workers N] [--admin-addr 127.0.0.1:4001]
//                      [--cert FILE --key FILE] [--sealing-key certs/sealing.key] [--allow-insecure] [--quiet]
//
// QUIC uses certs/server.crt and certs/server.key (scripts/generate_certs.sh makes them); --cert and --key are for
// wss:// in place of ws://. Clients can seal what they say if there is a sealing key (the same script makes it). It
// takes everybody at their word, so addresses beyond loopback need --allow-insecure.
// A message of type `cut` is answered too, but first its sender's connections are discarded.
#include <flare/printable.hpp>
#include <flare/server.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

namespace {

// Tells on standard output who comes and goes.
class Announcer final : public flare::EventHandler {
public:
    void on_user_connected(const flare::SessionInfo& session) override {
        std::printf("+ %s (%s, %s)\n", flare::printable(session.user).c_str(), flare::printable(session.device).c_str(),
                    std::string(flare::name(session.platform)).c_str());
        std::fflush(stdout);
    }
    void on_user_disconnected(const flare::SessionInfo& session, const flare::Failure& why) override {
        std::printf("- %s: %s\n", flare::printable(session.user).c_str(), flare::printable(why.text).c_str());
        std::fflush(stdout);
    }
};

int usage(const char* problem) {
    std::fprintf(stderr,
                 "%s\nusage: server_example [--websocket-addr HOST:PORT] [--quic-addr HOST:PORT | --no-quic] "
                 "[--quic-secret TEXT] [--quic-alpn NAME] [--quic-retry-above N] "
                 "[--workers N] [--admin-addr HOST:PORT] [--cert FILE --key FILE] [--sealing-key FILE] "
                 "[--allow-insecure] [--quiet]\n",
                 problem);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    std::map<std::string, std::string> options{{"--websocket-addr", "127.0.0.1:4000"},
                                               {"--quic-addr", "127.0.0.1:4010"},
                                               {"--quic-secret", ""},
                                               {"--quic-alpn", "flare-core"},
                                               {"--quic-retry-above", "256"},
                                               {"--workers", "0"},
                                               {"--admin-addr", ""},
                                               {"--cert", ""},
                                               {"--key", ""},
                                               {"--sealing-key", "certs/sealing.key"}};
    bool quiet = false;
    bool insecure = false;
    bool quic = true;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--quiet") {
            quiet = true;
        } else if (option == "--allow-insecure") {
            insecure = true;
        } else if (option == "--no-quic") {
            quic = false;
        } else if (!options.contains(option) || i + 1 == argc) {
            return usage(("unknown option or missing value: " + option).c_str());
        } else {
            options[option] = argv[++i];
        }
    }

    // SIGINT, SIGTERM and SIGHUP are taken by this thread alone, below; the server's threads inherit the mask.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    const auto number = [&](const char* option) {
        return static_cast<std::uint32_t>(std::strtoul(options[option].c_str(), nullptr, 10));
    };
    flare::Server* running = nullptr;
    flare::ServerBuilder builder;
    builder.websocket_addr(options["--websocket-addr"])
        .quic_addr(options["--quic-addr"])
        .enable_quic(quic)
        .quic_tls("certs/server.crt", "certs/server.key")
        .quic_alpn({options["--quic-alpn"]})
        .quic_retry_above(number("--quic-retry-above"))
        .quic_secret(options["--quic-secret"])
        .worker_threads(number("--workers"))
        .admin_addr(options["--admin-addr"])
        .allow_insecure(insecure)
        .compression(true)
        .heartbeat_interval(std::chrono::seconds(30))
        .heartbeat_timeout(std::chrono::seconds(60))
        .on_message_type("cut", [&running](const flare::SessionInfo& sender, const flare::Message& message) {
            (void)running->drop_connections(sender.user);
            return flare::Message("echo", message.payload);
        });
    if (!options["--cert"].empty()) builder.websocket_tls(options["--cert"], options["--key"]);
    const bool sealing = std::filesystem::exists(options["--sealing-key"]);
    if (sealing) builder.sealing_key(options["--sealing-key"]);
    if (!quiet) builder.with_event_handler(std::make_shared<Announcer>());

    auto server = builder.build();
    if (!server) {
        std::fprintf(stderr, "server_example: %s\n", server.error().text.c_str());
        return 1;
    }
    running = &*server;
    if (const auto started = server->start(); !started) {
        std::fprintf(stderr, "server_example: %s\n", started.error().text.c_str());
        return 1;
    }
    std::printf("listening on %s%s\n", server->websocket_addr().c_str(),
                quic ? (", QUIC on " + server->quic_addr()).c_str() : "");
    if (sealing) {
        std::printf("public sealing key: %s\n", server->sealing_public_key().c_str());
    } else {
        std::printf("sealing is off: no file %s\n", options["--sealing-key"].c_str());
    }
    std::fflush(stdout);

    int received = 0;
    while (sigwait(&signals, &received) == 0 && received == SIGHUP) (void)server->reload_certificates();  // it logs
    server->stop();
    std::printf("stopped\n");
}
