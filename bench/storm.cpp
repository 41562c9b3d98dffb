// A server with many sessions goes down in order and comes back as another process: everybody returns at the rate that
// it lets in, with tickets in place of credentials, and no message is lost.
//
// Options: --sessions N (default 10,000), --rate R sessions a second (default 1,000), --transport ws|wss|quic,
// --workers W (default 1), --json. Ends with 0 when no second saw more than 1.1 R, all came back, no message was lost
// and the second server's authentication handler was never asked.
#include "bench.hpp"
#include "storm_load.hpp"

#include <algorithm>
#include <cstdio>

namespace flare::bench {
namespace {

constexpr double kMostOverRate = 1.1;
constexpr double kFirstConnects = 0.9;  // of the rate: the storm is to come later
constexpr auto kTalkBefore = std::chrono::seconds(2);
constexpr auto kTalkAfter = std::chrono::seconds(1);
constexpr auto kLastReading = std::chrono::milliseconds(200);  // of the server's counters
constexpr auto kStopLimit = std::chrono::seconds(30);
constexpr std::uint64_t kSecond = 1'000'000'000;

std::size_t sum_of_messages(std::uint32_t sessions) { return std::max<std::size_t>(200, std::size_t{4} * sessions); }

// The most that were let in within a second, as a share of the rate: over all pairs of readings that are a second or
// little more apart, with what the readings themselves took held against the server.
double most_over_rate(const StormCounts& counts, std::uint32_t rate) {
    double most = 0;
    std::size_t end = 0;
    const std::size_t all = counts.samples;
    for (std::size_t begin = 0; begin < all; ++begin) {
        while (end < all && counts.sample[end].before < counts.sample[begin].after + kSecond) ++end;
        if (end == all) break;
        const auto let_in = counts.sample[end].admissions - counts.sample[begin].admissions;
        const auto seconds =
            static_cast<double>(counts.sample[end].before - counts.sample[begin].after) / static_cast<double>(kSecond);
        most = std::max(most, static_cast<double>(let_in) / seconds / rate);
    }
    return most;
}

// The most that became ready within `span`.
std::size_t most_within(const std::vector<std::uint64_t>& times, std::uint64_t span) {
    std::size_t most = 0;
    for (std::size_t begin = 0, end = 0; begin < times.size(); ++begin) {
        while (end < times.size() && times[end] < times[begin] + span) ++end;
        most = std::max(most, end - begin);
    }
    return most;
}

}  // namespace

int bench_storm(int argc, char** argv) {
    LoadOptions options;
    options.connections = 10'000;
    options.rate = 1000;
    StormOptions storm;
    for (int i = 1; i < argc; ++i) {
        if (options.take(argc, argv, i) || storm.where.take(argc, argv, i)) continue;
        std::fprintf(stderr, "storm: unknown option %s\n", argv[i]);
        return 2;
    }
    storm.sessions = static_cast<std::uint32_t>(options.connections);
    storm.rate = static_cast<std::uint32_t>(std::clamp(options.rate, 1.0, 1e6));
    storm.messages = static_cast<std::uint32_t>(sum_of_messages(storm.sessions));
    const auto limit = std::chrono::seconds(60 + 3 * storm.sessions / storm.rate);

    StormServers servers(storm);
    StormLoad load(storm);
    const std::uint16_t port = servers.listen(0, 0);
    load.begin(port, kFirstConnects * storm.rate);
    const auto all_ready = [&] { return load.ready() == storm.sessions; };
    if (!load.run_until(all_ready, limit)) {
        std::fprintf(stderr, "storm: only %zu of %u sessions could be made: %s\n", load.ready(), storm.sessions,
                     load.last_failure().c_str());
        return 1;
    }
    load.talk(true);
    load.run_until([] { return false; }, kTalkBefore);

    load.counts = {};
    const std::uint64_t began = now_ns();
    servers.begin_stop(0);
    const bool stopped = load.run_until([&] { return servers.stopped(0); }, kStopLimit);
    const std::uint64_t stopped_at = now_ns();
    load.server_replaced();
    servers.listen(1, port);
    load.run_until([] { return false; }, kTalkAfter);
    load.talk(false);
    const bool returned = load.run_until(all_ready, limit);
    const std::size_t back = load.ready();
    const std::uint64_t last = load.counts.arrivals.empty() ? now_ns() : load.counts.arrivals.back();
    load.run_until([&] { return load.open() == 0; }, limit);
    load.run_until([] { return false; }, kLastReading);

    std::size_t lost = load.open();
    std::size_t repeated = 0;
    for (std::size_t number = 0; number < load.sent(); ++number) {
        lost += servers.handled(number) == 0 || load.answers(number) == 0 ? 1 : 0;
        repeated += servers.handled(number) > 1 || load.answers(number) > 1 ? 1 : 0;
    }
    const StormCounts& after = servers.counts(1);
    const double over = most_over_rate(after, storm.rate);
    const auto seconds = [](std::uint64_t from, std::uint64_t to) { return static_cast<double>(to - from) / 1e9; };
    const bool good = stopped && returned && over <= kMostOverRate && lost == 0 && after.auth_calls == 0;
    std::fprintf(
        for_people(options.json),
        "storm: %u sessions over %s; drained %zu of %zu in %.2f s; %zu back %.2f s after the stop began, at most %.3f "
        "of %u a second let in, %zu became ready in 100 ms at most; %zu connects refused with a slot, %zu failed, %zu "
        "connections lost; %zu messages, %zu lost, %zu repeated; the authentication handler was asked %llu times after "
        "the restart, %llu tickets took its place: %s\n",
        storm.sessions, storm.where.transport.c_str(), load.counts.drained, load.counts.ended,
        seconds(began, stopped_at), back, seconds(began, last), over, storm.rate,
        most_within(load.counts.arrivals, kSecond / 10), load.counts.refused, load.counts.failed, load.counts.lost,
        load.sent(), lost, repeated, static_cast<unsigned long long>(after.auth_calls),
        static_cast<unsigned long long>(after.tickets_honoured), good ? "good" : "NOT good");
    if (!good) std::fprintf(for_people(options.json), "storm: the last failure: %s\n", load.last_failure().c_str());
    if (options.json) {
        std::printf(
            "{\"sessions\":%u,\"rate\":%u,\"drained\":%zu,\"back\":%zu,\"seconds_to_drain\":%.3f,"
            "\"seconds_until_all_back\":%.3f,\"most_admitted_over_rate\":%.3f,\"most_ready_in_100_ms\":%zu,"
            "\"most_ready_in_1_s\":%zu,\"refused\":%zu,\"failed\":%zu,\"messages\":%zu,\"lost\":%zu,\"repeated\":%zu,"
            "\"auth_calls_after_restart\":%llu,\"tickets_honoured\":%llu}\n",
            storm.sessions, storm.rate, load.counts.drained, back, seconds(began, stopped_at), seconds(began, last),
            over, most_within(load.counts.arrivals, kSecond / 10), most_within(load.counts.arrivals, kSecond),
            load.counts.refused, load.counts.failed, load.sent(), lost, repeated,
            static_cast<unsigned long long>(after.auth_calls), static_cast<unsigned long long>(after.tickets_honoured));
    }
    return good ? 0 : 1;
}

}  // namespace flare::bench
