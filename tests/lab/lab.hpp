// The lab's scenarios: one function each, listed in main.cpp. Each prints what it measured and, with --json, one JSON
// object as its last line. It returns 0 when nothing was lost, repeated or reordered, and, with --limits, when the
// times hold.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flare::lab {

inline constexpr std::chrono::milliseconds kRoundTrip{50};  // where a scenario does not change it

struct Options {
    int runs = 0;  // 0: the scenario's own number
    std::string transport;
    bool json = false;
    bool limits = false;
    bool verbose = false;
    bool warm_standby = false;
    // explain: this cause alone; kill-store: server or clients; memory: this attack; quic-flood: these packets
    std::string only;
    std::string server;  // memory: the program `flare`, in place of the one that was built with the lab
    // catch-up; 0, or nothing: as it says
    int members = 0;
    double cut_seconds = 0;
    double rate = 0;    // messages a second
    int heartbeat = 0;  // seconds
    int events = 0;     // of hooks
    std::string variant;

    int runs_or(int fallback) const { return runs > 0 ? runs : fallback; }
};

int lab_address_change(const Options& options);
int lab_black_hole(const Options& options);
int lab_catch_up(const Options& options);
int lab_compare(const Options& options);
int lab_connect(const Options& options);
int lab_explain(const Options& options);
int lab_flap(const Options& options);
int lab_ghosts(const Options& options);
int lab_hooks(const Options& options);
int lab_kill_store(const Options& options);
int lab_memory(const Options& options);
int lab_prefer(const Options& options);
int lab_quic_flood(const Options& options);
int lab_tcp_reset(const Options& options);
int lab_throttle(const Options& options);

inline constexpr std::uint16_t kOtherWebsocketPort = 4001;
inline constexpr std::uint16_t kOtherQuicPort = 4011;
// Not a scenario: a server in a process of its own, at these ports, for one that has to die, or is watched.
int lab_serve(const std::string& certificate, const std::string& key);
// The same, over WebSocket, with a ceiling of memory and a handler of the type "slow" that takes its time.
int lab_serve_slowly();

// Children of kill-store: a server whose conversations are in `file`; `count` clients from number `first` on, which
// write what they do into a journal.
int lab_serve_stored(const std::string& address, const std::string& file);
int lab_speak(const std::string& address, int first, int count, const std::string& journal);
// Children of hooks: a server of which a hook at 127.0.0.1:`port` is told; and that endpoint, which writes what it
// takes into a journal.
int lab_serve_hooked(const std::string& address, const std::string& file, const std::string& port);
int lab_hook_endpoint(const std::string& port, const std::string& journal, const std::string& seed);
// The child of catch-up: a server of one transport, with conversations in `file`; heartbeats in seconds.
int lab_serve_room(const std::string& transport, const std::string& address, const std::string& file,
                   const std::string& certificate, const std::string& key, int heartbeat);

class Figures {
public:
    void add(double value) { values_.push_back(value); }
    bool empty() const { return values_.empty(); }
    std::size_t size() const { return values_.size(); }
    // `share` 0..1; nearest rank. 0 when there are none.
    double percentile(double share) const {
        if (values_.empty()) return 0;
        std::vector<double> sorted = values_;
        std::sort(sorted.begin(), sorted.end());
        const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()) + 0.999999);
        return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
    }
    double median() const { return percentile(0.5); }
    double worst() const { return percentile(1); }

private:
    std::vector<double> values_;
};

}  // namespace flare::lab
