// Does a client's flight record name what was done to its connection? The faults of the lab, explained and compared.
#include "flight/story.hpp"
#include "lab/child.hpp"
#include "lab/lab.hpp"
#include "lab/stage.hpp"

#include <cstdio>
#include <iostream>
#include <stdexcept>

namespace flare::lab {

using namespace std::chrono_literals;

namespace {

ProtocolRacingConfig prefers(Protocol protocol, std::chrono::milliseconds interval = 6s) {
    ProtocolRacingConfig config;
    const Protocol other = protocol == Protocol::quic ? Protocol::websocket : Protocol::quic;
    config.racing_interval = interval;
    config.protocol_weights = {{protocol, 1.0}, {other, 0.0}};
    return config;
}

void begin(Stage& stage, const ClientBuilder& builder, std::uint64_t large_every = 0, double per_second = 1000) {
    stage.make(builder);
    if (const auto connected = stage.connect(); !connected) throw std::runtime_error(connected.error().text);
    stage.start_traffic(per_second, large_every, 4096);
    std::this_thread::sleep_for(2s);
    stage.mark();
}

void wait_for_move(Stage& stage) {
    stage.events.wait_for("ProtocolSwitched", EventLog::Clock::now() - 10s, 20s);
    stage.mark();
    stage.flows_again();
}

std::string cause_of(Stage& stage) { return flight::tell(stage.client().get_flight_record()).cause; }

// ---- the faults: each leaves a client whose record is explained ----

void udp_vanishes(Stage& stage) {
    begin(stage, stage.client_builder().protocol_racing(prefers(Protocol::quic)));
    stage.network.rules(kDropUdp);
    wait_for_move(stage);
}

void tcp_is_reset(Stage& stage) {
    Conditions slower;
    slower.delay = kRoundTrip;
    stage.network.line().set(Traffic::udp, slower);
    begin(stage, stage.client_builder().protocol_racing(prefers(Protocol::websocket)));
    stage.network.rules(kResetTcp);
    wait_for_move(stage);
}

void quic_moves_along(Stage& stage) {
    begin(stage, stage.client_builder(Reach::quic));
    stage.network.change_client_address();
    stage.flows_again(1000);
}

void websocket_is_replaced(Stage& stage) {
    begin(stage, stage.client_builder(Reach::websocket));
    stage.network.change_client_address();
    stage.flows_again(1000);
}

void udp_becomes_slow(Stage& stage) {
    begin(stage, stage.client_builder().protocol_racing(prefers(Protocol::quic, 6s)));
    Conditions slow;
    slow.delay = kRoundTrip / 2;
    slow.bits_per_second = 64'000;
    stage.network.line().set(Traffic::udp, slow);
    wait_for_move(stage);
}

void large_packets_vanish(Stage& stage) {
    begin(stage, stage.client_builder().protocol_racing(prefers(Protocol::quic)), 50);
    stage.network.rules(kDropLargeUdp);
    wait_for_move(stage);
    // That QUIC works with small packets the next race finds out.
    for (int i = 0; i < 300 && cause_of(stage) != "large_packets_lost"; ++i) std::this_thread::sleep_for(100ms);
}

void link_flaps(Stage& stage) {
    begin(stage, stage.client_builder().protocol_racing(prefers(Protocol::quic)));
    for (int i = 0; i < 16; ++i) {
        stage.network.rules(i % 2 == 0 ? kDropUdp : "");
        std::this_thread::sleep_for(1500ms);
    }
    stage.network.clear_rules();
    stage.flows_again();
}

void server_drains(Stage& stage) {
    begin(stage, stage.client_builder().max_reconnect_attempts(1));
    stage.server().stop();
    stage.events.wait_for("Disconnected", EventLog::Clock::now() - 10s, 20s);
}

// A server in a process of its own, which is ended without a word and started again.
void server_dies(Stage& stage, Reach reach) {
    const auto serve = [&] {
        std::unique_ptr<Child> server;
        std::mutex mutex;
        std::condition_variable changed;
        bool ready = false;
        stage.network.on_server([&] {
            server = std::make_unique<Child>(stage.serve_command(), [&](std::string_view line) {
                const std::lock_guard lock(mutex);
                ready = ready || line == "ready";
                changed.notify_all();
            });
        });
        std::unique_lock lock(mutex);
        if (!changed.wait_for(lock, 10s, [&] { return ready; }))
            throw std::runtime_error("the other server does not start");
        return server;
    };
    const std::string host = Network::kServer;
    ServerAddresses addresses;
    if (reach != Reach::websocket) addresses.with_quic_url("quic://" + host + ":" + std::to_string(kOtherQuicPort));
    if (reach != Reach::quic)
        addresses.with_websocket_tls_url("wss://" + host + ":" + std::to_string(kOtherWebsocketPort));
    auto server = serve();
    stage.make(
        stage.client_builder(reach).server_addresses(addresses).reconnect_delay(200ms).max_reconnect_attempts(50));
    if (const auto connected = stage.connect(); !connected) throw std::runtime_error(connected.error().text);
    std::atomic<bool> stop{false};
    std::thread sender([&] {
        while (!stop) {
            (void)stage.client().post_message("server", Message("number", Bytes(std::string("1"))));
            std::this_thread::sleep_for(10ms);
        }
    });
    std::this_thread::sleep_for(1s);
    server.reset();
    std::this_thread::sleep_for(2s);
    server = serve();
    stage.events.wait_for("Gap", EventLog::Clock::now() - 10s, 20s);
    stop = true;
    sender.join();
}

struct Injected {
    const char* name;
    const char* cause;
    std::function<void(Stage&)> inflict;
};

const Injected kInjected[] = {
    {"UDP vanishes", "udp_silent", udp_vanishes},
    {"TCP is reset", "tcp_reset", tcp_is_reset},
    {"another address, QUIC", "address_changed", quic_moves_along},
    {"another address, WebSocket", "address_changed", websocket_is_replaced},
    {"UDP at 64 kbit/s", "path_slow", udp_becomes_slow},
    {"UDP over 1,200 bytes lost", "large_packets_lost", large_packets_vanish},
    {"UDP comes and goes", "flapping", link_flaps},
    {"the server is stopped", "server_stopped", server_drains},
    {"the server dies, WebSocket", "server_crashed", [](Stage& stage) { server_dies(stage, Reach::websocket); }},
    {"the server dies, both", "server_crashed", [](Stage& stage) { server_dies(stage, Reach::both); }},
};

}  // namespace

int lab_explain(const Options& options) {
    const int runs = options.runs_or(3);
    int right = 0;
    int wrong = 0;
    for (const Injected& fault : kInjected) {
        if (!options.only.empty() && options.only != fault.cause) continue;
        for (int run = 0; run < runs; ++run) {
            Stage stage(kRoundTrip);
            fault.inflict(stage);
            const std::string record = stage.client().get_flight_record();
            const flight::Story story = flight::tell(record);
            const bool as_it_was = story.cause == fault.cause && story.problems.empty();
            ++(as_it_was ? right : wrong);
            std::printf("  %-28s run %d/%d: %s%s\n", fault.name, run + 1, runs, story.cause.c_str(),
                        as_it_was ? "" : "   WRONG");
            if (!as_it_was || options.verbose) {
                std::printf("%s", record.c_str());
                for (const auto& each : story.sentences) std::printf("    %10.3f %s\n", each.at_ms, each.text.c_str());
                for (const auto& each : story.problems) std::printf("    problem: %s\n", each.c_str());
            }
        }
    }
    std::printf("explain: %d right, %d wrong\n", right, wrong);
    if (options.json) std::printf("{\"runs\":%d,\"right\":%d,\"wrong\":%d}\n", right + wrong, right, wrong);
    return wrong == 0 && right > 0 ? 0 : 1;
}

// What server_dies() starts: it serves until somebody ends it.
int lab_serve(const std::string& certificate, const std::string& key) {
    auto server = ServerBuilder()
                      .websocket_addr("0.0.0.0:" + std::to_string(kOtherWebsocketPort))
                      .websocket_tls(certificate, key)
                      .quic_addr("0.0.0.0:" + std::to_string(kOtherQuicPort))
                      .quic_tls(certificate, key)
                      .quic_secret("of the lab")
                      .allow_insecure(true)
                      .worker_threads(1)
                      .log_level(LogLevel::off)
                      .with_message_handler([](const SessionInfo&, const Message&) -> HandlerResult { return {}; },
                                            Execution::worker)
                      .build();
    if (!server) throw std::runtime_error(server.error().text);
    if (const auto started = server->start(); !started) throw std::runtime_error(started.error().text);
    std::printf("ready\n");
    std::string line;
    while (std::getline(std::cin, line)) {
    }
    return 0;
}

}  // namespace flare::lab
