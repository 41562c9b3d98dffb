// flare_lab SCENARIO [options]: Flare on bad networks, made of network namespaces.
#include "lab/lab.hpp"
#include "lab/network.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

namespace {

using flare::lab::Options;

struct Scenario {
    std::string_view name;
    int (*run)(const Options& options);
    const char* shows;
};

constexpr Scenario kScenarios[] = {
    {"address-change", flare::lab::lab_address_change, "the client's address changes in mid-conversation"},
    {"black-hole", flare::lab::lab_black_hole, "UDP vanishes in mid-conversation, and comes back"},
    {"catch-up", flare::lab::lab_catch_up,
     "members of a room are cut off, and come back (--variant cut|kill|restore, --members N, --cut-seconds S, "
     "--rate R, --heartbeat S)"},
    {"compare", flare::lab::lab_compare,
     "the same faults for Flare, Socket.IO, MQTT and NATS: scripts/setup.sh --peers"},
    {"connect", flare::lab::lab_connect, "time to a ready session, for every mix of bad UDP and bad TCP"},
    {"explain", flare::lab::lab_explain, "faults, and whether the client's flight record names each (--only CAUSE)"},
    {"flap", flare::lab::lab_flap, "UDP comes and goes every 5 s"},
    {"ghosts", flare::lab::lab_ghosts, "close races, and the sessions that they leave on the server"},
    {"hooks", flare::lab::lab_hooks,
     "server and endpoint of a hook are killed, and the endpoint is slow and fails (--events N)"},
    {"kill-store", flare::lab::lab_kill_store,
     "server and clients are killed while messages are stored (--only server|clients)"},
    {"memory", flare::lab::lab_memory,
     "ten attacks on a server's memory, under a ceiling of 64 MiB (--only NAME, --server PROGRAM)"},
    {"prefer", flare::lab::lab_prefer, "one protocol's path is 100 ms slower"},
    {"quic-flood", flare::lab::lab_quic_flood,
     "15,000 forged first packets a second (--only refused|unfinished|garbage)"},
    {"tcp-reset", flare::lab::lab_tcp_reset, "TCP is reset in mid-conversation"},
    {"throttle", flare::lab::lab_throttle, "UDP becomes slow, or loses large packets, in mid-conversation"},
};

int usage() {
    std::fputs(
        "usage: flare_lab SCENARIO [--runs N] [--transport quic|ws|wss|auto] [--warm-standby] [--json] [--limits] "
        "[--verbose]\n",
        stderr);
    for (const Scenario& each : kScenarios) std::fprintf(stderr, "  %-15s %s\n", each.name.data(), each.shows);
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return usage();
    if (argc == 4 && std::string_view(argv[1]) == "serve") {
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        return flare::lab::lab_serve(argv[2], argv[3]);
    }
    if (argc == 2 && std::string_view(argv[1]) == "serve-slowly") return flare::lab::lab_serve_slowly();
    if (argc == 4 && std::string_view(argv[1]) == "serve-stored") {
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        return flare::lab::lab_serve_stored(argv[2], argv[3]);
    }
    if (argc == 5 && std::string_view(argv[1]) == "serve-hooked") {
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        return flare::lab::lab_serve_hooked(argv[2], argv[3], argv[4]);
    }
    if (argc == 5 && std::string_view(argv[1]) == "hook-endpoint") {
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        return flare::lab::lab_hook_endpoint(argv[2], argv[3], argv[4]);
    }
    if (argc == 6 && std::string_view(argv[1]) == "speak") {
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        return flare::lab::lab_speak(argv[2], std::atoi(argv[3]), std::atoi(argv[4]), argv[5]);
    }
    if (argc == 8 && std::string_view(argv[1]) == "serve-room") {
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        return flare::lab::lab_serve_room(argv[2], argv[3], argv[4], argv[5], argv[6], std::atoi(argv[7]));
    }
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--json") {
            options.json = true;
        } else if (option == "--limits") {
            options.limits = true;
        } else if (option == "--verbose") {
            options.verbose = true;
        } else if (option == "--warm-standby") {
            options.warm_standby = true;
        } else if (option == "--runs" && i + 1 < argc) {
            options.runs = std::atoi(argv[++i]);
        } else if (option == "--only" && i + 1 < argc) {
            options.only = argv[++i];
        } else if (option == "--server" && i + 1 < argc) {
            options.server = argv[++i];
        } else if (option == "--transport" && i + 1 < argc) {
            options.transport = argv[++i];
        } else if (option == "--members" && i + 1 < argc) {
            options.members = std::clamp(std::atoi(argv[++i]), 1, 10'000);
        } else if (option == "--cut-seconds" && i + 1 < argc) {
            options.cut_seconds = std::clamp(std::atof(argv[++i]), 1.0, 3600.0);
        } else if (option == "--rate" && i + 1 < argc) {
            options.rate = std::clamp(std::atof(argv[++i]), 1.0, 10'000.0);
        } else if (option == "--heartbeat" && i + 1 < argc) {
            options.heartbeat = std::clamp(std::atoi(argv[++i]), 1, 3600);
        } else if (option == "--events" && i + 1 < argc) {
            options.events = std::clamp(std::atoi(argv[++i]), 100, 1'000'000);
        } else if (option == "--variant" && i + 1 < argc) {
            options.variant = argv[++i];
        } else {
            return usage();
        }
    }
    for (const Scenario& each : kScenarios) {
        if (each.name != argv[1]) continue;
        if (const std::string reason = flare::lab::Network::why_not(); !reason.empty()) {
            std::printf("lab %s: skipped: %s\n0 passed, 0 failed, 1 skipped\n", argv[1], reason.c_str());
            return 0;
        }
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        std::signal(SIGPIPE, SIG_IGN);
        try {
            return each.run(options);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "flare_lab %s: %s\n", argv[1], error.what());
            return 1;
        }
    }
    return usage();
}
