// The connection in use goes bad in mid-conversation while the other protocol is left: vanished UDP, reset TCP, slow
// UDP, lost large packets, a link that comes and goes.
#include "lab/judged.hpp"

#include <cstdio>

namespace flare::lab {

using namespace std::chrono_literals;

namespace {

constexpr auto kRacingInterval = 6s;  // the default is 30 s; the runs need not be that long

ProtocolRacingConfig racing(const Options& options) {
    ProtocolRacingConfig config;
    config.racing_interval = kRacingInterval;
    config.warm_standby = options.warm_standby;
    return config;
}

// Connected over `wanted`, with traffic that has been flowing for a while and every measurement after connecting done.
void begin(Stage& stage, const ClientBuilder& builder, Protocol wanted, Judged& judged, std::uint64_t large_every = 0) {
    stage.make(builder);
    const auto connected = stage.connect();
    judged.expect(connected.has_value(), connected ? "" : "connect: " + connected.error().text);
    stage.start_traffic(1000, large_every, 4096);
    std::this_thread::sleep_for(2s);
    // On a busy machine the first race may end otherwise; the next one does not.
    const auto until = EventLog::Clock::now() + 3 * kRacingInterval;
    while (stage.client().get_current_protocol() != wanted && EventLog::Clock::now() < until)
        std::this_thread::sleep_for(50ms);
    judged.expect(stage.client().get_current_protocol() == wanted,
                  "the conversation begins on " + std::string(name(wanted)));
}

std::string run_text(int run, int runs, const std::string& text) {
    return "run " + std::to_string(run + 1) + "/" + std::to_string(runs) + ": " + text;
}

// From `broken` on the client's protocol is unusable, until the rules are cleared.
int broken_path(const char* scenario, const Options& options, Protocol from, const std::string& broken) {
    Judged judged(scenario, options);
    Figures back;
    const int runs = options.runs_or(20);
    const Protocol other = from == Protocol::quic ? Protocol::websocket : Protocol::quic;
    for (int run = 0; run < runs; ++run) {
        Stage stage(kRoundTrip, options.verbose);
        ProtocolRacingConfig config = racing(options);
        // Which one is used in good times is not what this is about.
        config.protocol_weights = {{from, 1.0}, {other, 0.0}};
        if (from == Protocol::websocket) {  // or it would stay where it went
            Conditions slower;
            slower.delay = kRoundTrip;
            stage.network.line().set(Traffic::udp, slower);
        }
        begin(stage, stage.client_builder().protocol_racing(config), from, judged);

        stage.mark();
        const auto fault_at = EventLog::Clock::now();
        stage.network.rules(broken);
        const auto switched = stage.events.wait_for("ProtocolSwitched", fault_at, 10s);
        judged.expect(stage.flows_again(), "messages flow again");
        judged.silences.add(stage.silence_ms());
        judged.expect(switched.has_value(), "the conversation has moved");

        stage.mark();
        const auto mended_at = EventLog::Clock::now();
        stage.network.clear_rules();
        const auto returned = stage.events.wait_for("ProtocolSwitched", mended_at, 3 * kRacingInterval);
        judged.expect(stage.flows_again(), "messages flow after the return");
        if (returned) back.add(milliseconds(*returned - mended_at));
        const double silence_back = stage.silence_ms();
        judged.limit(run_text(run, runs, "silence when it fails"), judged.silences.worst(), 1e9);
        judged.limit("  back after", returned ? milliseconds(*returned - mended_at) : 1e9,
                     milliseconds(kRacingInterval));
        judged.limit("  silence on the way back", silence_back, 100);
        judged.expect(stage.events.count("Disconnected") == 0, "no Disconnected while another protocol is left");
        judged.add(stage.stop_traffic(), stage.events);
    }
    judged.limit("longest silence, p95", judged.silences.percentile(0.95), options.warm_standby ? 300 : 1000);
    return judged.finish();
}

void worse_path(Judged& judged, const Options& options, const char* what, std::uint64_t large_every,
                const std::function<void(Stage&)>& worsen) {
    Figures moved;
    const int runs = options.runs_or(20);
    for (int run = 0; run < runs; ++run) {
        Stage stage(kRoundTrip, options.verbose);
        begin(stage, stage.client_builder().protocol_racing(racing(options)), Protocol::quic, judged, large_every);
        stage.mark();
        const auto fault_at = EventLog::Clock::now();
        worsen(stage);
        const auto switched = stage.events.wait_for("ProtocolSwitched", fault_at, 10s);
        judged.expect(stage.flows_again(), "messages flow again");
        judged.expect(switched.has_value(), "the conversation has moved");
        judged.silences.add(stage.silence_ms());
        moved.add(switched ? milliseconds(*switched - fault_at) : 1e9);
        std::printf("  %s: moved after %.0f ms\n", run_text(run, runs, what).c_str(), moved.worst());
        judged.expect(stage.events.count("Disconnected") == 0, "no Disconnected");
        judged.add(stage.stop_traffic(), stage.events);
    }
    judged.limit(std::string(what) + ": moved after, worst", moved.worst(), 2000);
}

}  // namespace

int lab_black_hole(const Options& options) { return broken_path("black-hole", options, Protocol::quic, kDropUdp); }

int lab_tcp_reset(const Options& options) { return broken_path("tcp-reset", options, Protocol::websocket, kResetTcp); }

int lab_throttle(const Options& options) {
    Judged judged("throttle", options);
    worse_path(judged, options, "UDP at 64 kbit/s", 0, [](Stage& stage) {
        Conditions slow;
        slow.delay = kRoundTrip / 2;
        slow.bits_per_second = 64'000;
        stage.network.line().set(Traffic::udp, slow);
    });
    // Small messages alone would go on in small packets.
    worse_path(judged, options, "UDP over 1200 B lost", 50, [](Stage& stage) { stage.network.rules(kDropLargeUdp); });
    return judged.finish();
}

int lab_flap(const Options& options) {
    Judged judged("flap", options);
    const int runs = options.runs_or(1);
    for (int run = 0; run < runs; ++run) {
        Stage stage(kRoundTrip, options.verbose);
        begin(stage, stage.client_builder(), Protocol::quic, judged);  // the default racing interval, 30 s
        stage.mark();
        for (int i = 0; i < 14; ++i) {
            stage.network.rules(i % 2 == 0 ? kDropUdp : "");
            std::this_thread::sleep_for(5s);
        }
        stage.network.clear_rules();
        const auto switches = stage.events.times("ProtocolSwitched");
        double closest = 1e9;
        for (std::size_t i = 1; i < switches.size(); ++i)
            closest = std::min(closest, milliseconds(switches[i] - switches[i - 1]));
        std::printf("  run %d: %zu switches in 70 s\n", run + 1, switches.size());
        judged.expect(!switches.empty(), "the conversation left the link that flaps");
        judged.expect(closest >= 30'000, "two switches are at least 30 s apart");
        judged.silences.add(stage.silence_ms());
        judged.expect(stage.events.count("Disconnected") == 0, "no Disconnected");
        judged.add(stage.stop_traffic(), stage.events);
    }
    return judged.finish();
}

// The better protocol is found by measuring: whichever path is the slower one.
int lab_prefer(const Options& options) {
    Judged judged("prefer", options);
    const int runs = options.runs_or(20);
    for (const auto& [slow, expected] :
         {std::pair{Traffic::udp, Protocol::websocket}, std::pair{Traffic::tcp, Protocol::quic}}) {
        int right = 0;
        for (int run = 0; run < runs; ++run) {
            Stage stage(kRoundTrip, options.verbose);
            Conditions slower;
            slower.delay = kRoundTrip / 2 + 50ms;
            stage.network.line().set(slow, slower);
            stage.make(stage.client_builder());
            const auto connected = stage.connect();
            judged.expect(connected.has_value(), connected ? "" : connected.error().text);
            stage.start_traffic();
            stage.mark();
            for (int i = 0; i < 100 && stage.client().get_current_protocol() != expected; ++i)
                std::this_thread::sleep_for(50ms);
            std::this_thread::sleep_for(2s);  // it stays there
            right += stage.client().get_current_protocol() == expected ? 1 : 0;
            judged.silences.add(stage.silence_ms());
            judged.add(stage.stop_traffic(), stage.events);
        }
        std::printf("  %s +100 ms: %d of %d on %s\n", slow == Traffic::udp ? "UDP" : "TCP", right, runs,
                    std::string(name(expected)).c_str());
        judged.expect(right == runs, "the race ends on " + std::string(name(expected)));
    }
    return judged.finish();
}

int lab_address_change(const Options& options) {
    Judged judged("address-change", options);
    const int runs = options.runs_or(100);
    const bool websocket = options.transport == "ws" || options.transport == "wss";
    Stage stage(kRoundTrip, options.verbose);
    begin(stage, stage.client_builder(websocket ? Reach::websocket : Reach::quic),
          websocket ? Protocol::websocket : Protocol::quic, judged);
    for (int run = 0; run < runs; ++run) {
        stage.mark();
        stage.network.change_client_address();
        judged.expect(stage.flows_again(1000), "messages flow after the change");
        judged.silences.add(stage.silence_ms());
        if (options.verbose) std::printf("  %s: %.1f ms\n", run_text(run, runs, "silence").c_str(), stage.silence_ms());
    }
    judged.expect(stage.events.count("Disconnected") == 0, "no Disconnected");
    judged.add(stage.stop_traffic(), stage.events);
    const double most = websocket ? 1500 : 3 * milliseconds(kRoundTrip) + 100;
    judged.limit("longest silence, p95 of " + std::to_string(runs), judged.silences.percentile(0.95), most);
    return judged.finish();
}

// Neither protocol has a head start, and both need about as long (QUIC two round trips, WebSocket with TLS four of half
// the length): whoever wins, each connect makes one session.
int lab_ghosts(const Options& options) {
    Judged judged("ghosts", options);
    const int runs = options.runs_or(1000);
    Stage stage(2ms, options.verbose);
    Conditions wavering;
    wavering.delay = 2ms;
    wavering.jitter = 1ms;
    stage.network.line().set(Traffic::tcp, wavering);
    wavering.delay = 4ms;
    wavering.jitter = 4ms;
    stage.network.line().set(Traffic::udp, wavering);
    ProtocolRacingConfig config;
    config.protocol_weights = {{Protocol::quic, 0.5}, {Protocol::websocket, 0.5}};
    int over_quic = 0;
    int failed = 0;
    for (int run = 0; run < runs; ++run) {
        stage.make(stage.client_builder().protocol_racing(config));
        const auto connected = stage.connect();
        failed += connected ? 0 : 1;
        over_quic += connected && *connected == Protocol::quic ? 1 : 0;
        if (connected) stage.client().disconnect();
        stage.drop_client();
    }
    std::this_thread::sleep_for(1s);
    const auto stats = stage.server().stats();
    const std::uint64_t made = stats ? stats->sessions_created : 0;
    std::printf(
        "ghosts: %d races, %d won by QUIC, %d failed; sessions made %llu, left %llu; hooks: %llu connected, %llu "
        "disconnected\n",
        runs, over_quic, failed, static_cast<unsigned long long>(made),
        static_cast<unsigned long long>(stats ? stats->sessions : 1),
        static_cast<unsigned long long>(stage.connected_hooks()),
        static_cast<unsigned long long>(stage.disconnected_hooks()));
    const auto wanted = static_cast<std::uint64_t>(runs);
    judged.expect(failed == 0, "every race is won");
    judged.expect(runs < 100 || (over_quic > runs / 20 && over_quic < runs - runs / 20), "they were close races");
    judged.expect(made == wanted && stats->sessions == 0, "one session for each, and none is left");
    judged.expect(stage.connected_hooks() == wanted && stage.disconnected_hooks() == wanted,
                  "presence has seen each once");
    if (options.json)
        std::printf("{\"races\":%d,\"won_by_quic\":%d,\"failed\":%d,\"sessions_made\":%llu,\"sessions_left\":%llu}\n",
                    runs, over_quic, failed, static_cast<unsigned long long>(made),
                    static_cast<unsigned long long>(stats ? stats->sessions : 1));
    return judged.status();
}

}  // namespace flare::lab
