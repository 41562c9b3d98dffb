// Time to a ready session for every mix of bad UDP and bad TCP, against the time that each protocol takes alone.
#include "lab/lab.hpp"
#include "lab/stage.hpp"

#include <cstdio>

namespace flare::lab {

using namespace std::chrono_literals;

namespace {

constexpr auto kTimeout = 5s;
constexpr auto kPause = 100ms;  // what is left of the connection before goes its way, slow lines included
constexpr double kStaggerMs = 250;
constexpr double kSlackMs = 20;

struct Trouble {
    const char* name;
    std::string forward;         // nft
    std::string translate = {};  // nft
    Conditions conditions = {};  // on top of the round trip
    bool works = true;
};

Conditions with_delay(std::chrono::microseconds delay, std::uint64_t bits_per_second = 0) {
    Conditions conditions;
    conditions.delay = delay;
    conditions.bits_per_second = bits_per_second;
    return conditions;
}

std::vector<Trouble> udp_troubles() {
    return {{"fine", ""},
            {"dropped", kDropUdp, {}, {}, false},
            {"rejected by ICMP", "udp dport 4010 reject with icmpx type port-unreachable\n", {}, {}, false},
            {"over 1200 B dropped", "udp length > 1208 drop\n"},  // the length counts the header's 8 bytes
            {"64 kbit/s", "", {}, with_delay(0us, 64'000)},
            {"+300 ms", "", {}, with_delay(150ms)}};
}

std::vector<Trouble> tcp_troubles() {
    const auto redirect = [](int port) {
        return "iifname clients tcp dport 4000 redirect to :" + std::to_string(port) + "\n";
    };
    return {{"fine", ""},
            {"SYN dropped", "tcp dport 4000 tcp flags & (syn | ack) == syn drop\n", {}, {}, false},
            {"reset", "tcp dport 4000 reject with tcp reset\n", {}, {}, false},
            {"TLS stalled", "", redirect(TcpHelper::kStalledPort), {}, false},
            {"HTTP 403", "", redirect(TcpHelper::kForbiddenPort), {}, false}};
}

void apply(Stage& stage, const Trouble& udp, const Trouble& tcp) {
    stage.network.rules(udp.forward + tcp.forward, udp.translate + tcp.translate);
    Conditions conditions = udp.conditions;
    conditions.delay += kRoundTrip / 2;
    stage.network.line().set(Traffic::udp, conditions);
    conditions = tcp.conditions;
    conditions.delay += kRoundTrip / 2;
    stage.network.line().set(Traffic::tcp, conditions);
}

struct Measured {
    Figures first, again;  // ms to a ready session: of a new client, and of its second connect
    int failed = 0;
    std::string error;
    Protocol protocol = Protocol::quic;
};

Measured measure(Stage& stage, Reach reach, int runs, bool twice) {
    Measured measured;
    for (int i = 0; i < runs; ++i) {
        stage.make(stage.client_builder(reach).connection_timeout(kTimeout));
        for (Figures* figures : {&measured.first, &measured.again}) {
            if (figures == &measured.again && !twice) break;
            std::this_thread::sleep_for(kPause);
            const auto began = std::chrono::steady_clock::now();
            const auto connected = stage.connect();
            figures->add(milliseconds(std::chrono::steady_clock::now() - began));
            if (connected) {
                measured.protocol = *connected;
                stage.client().disconnect();
            } else {
                ++measured.failed;
                measured.error = connected.error().text;
                break;
            }
        }
        stage.drop_client();
    }
    return measured;
}

}  // namespace

int lab_connect(const Options& options) {
    const int runs = options.runs_or(5);
    Stage stage(kRoundTrip);
    const std::vector<Trouble> udps = udp_troubles();
    const std::vector<Trouble> tcps = tcp_troubles();
    struct Alone {
        double first = 0, again = 0;
    };
    const auto alone = [&](Reach reach, bool works) {
        if (!works) return Alone{};
        const Measured measured = measure(stage, reach, runs, true);
        return Alone{measured.first.median(), measured.again.median()};
    };
    std::vector<Alone> alone_quic, alone_websocket;
    for (const Trouble& udp : udps) {
        apply(stage, udp, tcps[0]);
        alone_quic.push_back(alone(Reach::quic, udp.works));
    }
    for (const Trouble& tcp : tcps) {
        apply(stage, udps[0], tcp);
        alone_websocket.push_back(alone(Reach::websocket, tcp.works));
    }
    std::printf("alone, median ms to a ready session, round trip 50 ms:\n");
    for (std::size_t i = 0; i < udps.size(); ++i)
        if (udps[i].works) std::printf("  QUIC, UDP %-20s %7.1f\n", udps[i].name, alone_quic[i].first);
    std::printf("  WebSocket (TLS)               %7.1f\n\n", alone_websocket[0].first);
    std::printf("%-20s %-12s %9s %9s %9s %9s  %s\n", "UDP", "TCP", "median", "limit", "second", "limit", "over");

    bool good = true;
    std::string json;
    for (std::size_t u = 0; u < udps.size(); ++u) {
        for (std::size_t t = 0; t < tcps.size(); ++t) {
            const Trouble& udp = udps[u];
            const Trouble& tcp = tcps[t];
            apply(stage, udp, tcp);
            const bool possible = udp.works || tcp.works;
            const Measured measured = measure(stage, Reach::both, runs, possible);
            double limit = 0, limit_again = 0;
            if (possible) {
                // On the second connect WebSocket, which has won alone, begins at once.
                limit = limit_again = 1e9;
                if (udp.works) {
                    limit = alone_quic[u].first;
                    limit_again = alone_quic[u].again;
                }
                if (tcp.works) {
                    limit = std::min(limit, alone_websocket[t].first + kStaggerMs);
                    limit_again = std::min(limit_again, alone_websocket[t].again + (udp.works ? kStaggerMs : 0));
                }
                limit += kSlackMs;
                limit_again += kSlackMs;
            } else {
                limit = milliseconds(kTimeout) + kSlackMs;
            }
            const bool outcome = possible ? measured.failed == 0 : measured.failed == runs;
            const bool in_time =
                measured.first.median() <= limit && (!possible || measured.again.median() <= limit_again);
            good = good && outcome && (in_time || !options.limits);
            std::printf("%-20s %-12s %9.1f %9.1f ", udp.name, tcp.name, measured.first.median(), limit);
            if (possible)
                std::printf("%9.1f %9.1f  %s", measured.again.median(), limit_again,
                            std::string(name(measured.protocol)).c_str());
            else
                std::printf("%9s %9s  none", "-", "-");
            std::printf("%s%s\n", outcome ? "" : "  WRONG OUTCOME", in_time ? "" : "  LATE");
            if (!measured.error.empty() && (options.verbose || possible))
                std::printf("    %s\n", measured.error.c_str());
            json += (json.empty() ? "" : ",") + std::string("{\"udp\":\"") + udp.name + "\",\"tcp\":\"" + tcp.name +
                    "\",\"runs\":" + std::to_string(runs) + ",\"failed\":" + std::to_string(measured.failed) +
                    ",\"median_ms\":" + std::to_string(measured.first.median()) +
                    ",\"second_median_ms\":" + std::to_string(measured.again.median()) +
                    ",\"limit_ms\":" + std::to_string(limit) + "}";
        }
    }
    if (options.json) std::printf("{\"runs\":%d,\"cells\":[%s]}\n", runs, json.c_str());
    return good ? 0 : 1;
}

}  // namespace flare::lab
