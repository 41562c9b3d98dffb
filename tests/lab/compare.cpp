// The same faults for Flare and for others, all with their defaults, side by side, each on a network of its own.
#include "lab/contestant.hpp"
#include "lab/lab.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>

namespace flare::lab {

using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kPerSecond = 100;    // each way
constexpr std::uint64_t kBack = 200;  // messages after the fault, each way: it works again
constexpr auto kMostOfACell = 120s;
constexpr auto kNoMore = 5s;  // without a message: what has not come will not come

struct System {
    const char* name;
    MakeContestant make;
};
constexpr std::array kSystems = {
    System{"Flare", flare_with_both},
    System{"Flare, WebSocket only", flare_with_websocket},
    System{"Socket.IO", socketio},
    System{"Socket.IO, state recovery", socketio_with_recovery},
    System{"mosquitto, MQTT.js, QoS 1", mqtt},
    System{"nats-server, nats.js", nats},
};

struct Fault {
    const char* name;
    std::chrono::seconds lasts;
    void (*begin)(Contestant&);
    void (*end)(Contestant&);
};

void clear_rules(Contestant& of) { of.network().clear_rules(); }
void reject(Contestant& of) { of.network().rules("meta l4proto tcp reject with tcp reset\nmeta l4proto udp reject\n"); }
void drop_transport(Contestant& of) { of.network().rules("meta l4proto " + of.transport() + " drop\n"); }
void drop_all(Contestant& of) { of.network().rules("meta l4proto { tcp, udp } drop\n"); }
void lose_some(Contestant& of) {
    Conditions conditions;
    conditions.delay = kRoundTrip / 2;
    conditions.loss = 0.05;
    of.network().line().set(conditions);
}
void lose_none(Contestant& of) { of.network().round_trip(kRoundTrip); }

constexpr std::array kFaults = {
    Fault{"another address", 0s, [](Contestant& of) { of.network().change_client_address(); }, [](Contestant&) {}},
    Fault{"all rejected, 1 s", 1s, reject, clear_rules},
    Fault{"all dropped, 5 s", 5s, drop_all, clear_rules},
    Fault{"transport in use dropped, 20 s", 20s, drop_transport, clear_rules},
    Fault{"5 % lost, 20 s", 20s, lose_some, lose_none},
};

struct Cell {
    double silence_s = 0;
    bool back = false;  // within the time of a cell
    // Missing: sent, and not there at the end of the cell. (A backlog may still have been on its way.)
    std::uint64_t missing = 0, repeated = 0, reordered = 0;
    std::string failed;  // why there are no figures
};

void wait_for_all(const Arrivals& arrivals, std::uint64_t sent, Clock::time_point until) {
    std::uint64_t seen = 0;
    for (Clock::time_point last = Clock::now(); Clock::now() < until && Clock::now() - last < kNoMore;) {
        if (arrivals.wait_for(sent, 100ms)) return;
        const std::uint64_t now = arrivals.since_mark();
        if (now != seen) last = Clock::now();
        seen = now;
    }
}

Cell measure(const System& system, const Fault& fault) try {
    const std::unique_ptr<Contestant> contestant = system.make(kRoundTrip);
    Arrivals& up = contestant->at_server();
    Arrivals& down = contestant->at_client();
    const Clock::time_point until = Clock::now() + kMostOfACell;
    contestant->start_traffic(kPerSecond);
    std::this_thread::sleep_for(3s);
    if (up.since_mark() == 0 || down.since_mark() == 0) throw std::runtime_error("no messages before the fault");

    up.mark();
    down.mark();
    fault.begin(*contestant);
    std::this_thread::sleep_for(fault.lasts);
    fault.end(*contestant);
    const std::uint64_t up_again = up.since_mark() + kBack;
    const std::uint64_t down_again = down.since_mark() + kBack;
    Cell cell;
    while (!cell.back && Clock::now() < until) {
        std::this_thread::sleep_for(20ms);
        cell.back = up.since_mark() >= up_again && down.since_mark() >= down_again;
    }
    cell.silence_s = milliseconds(std::max(up.silence(), down.silence())) / 1000;

    const auto [sent_up, sent_down] = contestant->stop_traffic();
    wait_for_all(up, sent_up, until);
    wait_for_all(down, sent_down, until);
    for (const Arrivals::Verdict& verdict : {up.verdict(sent_up), down.verdict(sent_down)}) {
        cell.missing += verdict.lost;
        cell.repeated += verdict.repeated;
        cell.reordered += verdict.reordered;
    }
    return cell;
} catch (const std::exception& error) {
    Cell cell;
    cell.failed = error.what();
    return cell;
}

std::string text(const Cell& cell) {
    if (!cell.failed.empty()) return "-";
    char silence[32];
    std::snprintf(silence, sizeof silence, "%s%.2f s", cell.back ? "" : "> ", cell.silence_s);
    std::string text = silence;
    const std::pair<std::uint64_t, const char*> counts[] = {
        {cell.missing, "missing"}, {cell.repeated, "repeated"}, {cell.reordered, "reordered"}};
    for (const auto& [count, what] : counts) {
        if (count != 0) text += ", " + std::to_string(count) + " " + what;
    }
    return text;
}

using Row = std::array<Cell, kFaults.size()>;

void print_table(const std::array<Row, kSystems.size()>& rows) {
    std::printf("\n| longest silence, messages missing, repeated, reordered |");
    for (const Fault& fault : kFaults) std::printf(" %s |", fault.name);
    std::printf("\n|---|");
    for (std::size_t i = 0; i < kFaults.size(); ++i) std::printf("---|");
    for (std::size_t i = 0; i < kSystems.size(); ++i) {
        std::printf("\n| %s |", kSystems[i].name);
        for (const Cell& cell : rows[i]) std::printf(" %s |", text(cell).c_str());
    }
    std::printf("\n\n");
}

void print_json(const std::array<Row, kSystems.size()>& rows) {
    std::printf("[");
    for (std::size_t i = 0; i < kSystems.size(); ++i) {
        for (std::size_t k = 0; k < kFaults.size(); ++k) {
            const Cell& cell = rows[i][k];
            std::printf("%s{\"system\":\"%s\",\"fault\":\"%s\",", i + k == 0 ? "" : ",", kSystems[i].name,
                        kFaults[k].name);
            if (!cell.failed.empty()) {
                std::printf("\"skipped\":true}");
                continue;
            }
            std::printf("\"silence_s\":%.3f,\"back\":%s,\"missing\":%llu,\"repeated\":%llu,\"reordered\":%llu}",
                        cell.silence_s, cell.back ? "true" : "false", static_cast<unsigned long long>(cell.missing),
                        static_cast<unsigned long long>(cell.repeated),
                        static_cast<unsigned long long>(cell.reordered));
        }
    }
    std::printf("]\n");
}

}  // namespace

int lab_compare(const Options& options) {
    std::array<Row, kSystems.size()> rows;
    for (std::size_t k = 0; k < kFaults.size(); ++k) {
        std::printf("%s\n", kFaults[k].name);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < kSystems.size(); ++i)
            threads.emplace_back([&, i, k] { rows[i][k] = measure(kSystems[i], kFaults[k]); });
        for (std::thread& thread : threads) thread.join();
        for (std::size_t i = 0; i < kSystems.size(); ++i) {
            const Cell& cell = rows[i][k];
            std::printf("  %-28s %s\n", kSystems[i].name,
                        cell.failed.empty() ? text(cell).c_str() : ("skipped: " + cell.failed).c_str());
        }
    }
    print_table(rows);
    if (options.json) print_json(rows);
    // Flare is judged, the others are shown.
    bool good = true;
    for (std::size_t i = 0; i < 2; ++i) {
        for (const Cell& cell : rows[i])
            good = good && cell.failed.empty() && cell.back && cell.missing + cell.repeated + cell.reordered == 0;
    }
    return good ? 0 : 1;
}

}  // namespace flare::lab
