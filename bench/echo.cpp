// Echo through the whole stack: WebSocket, frames, session, handler, reply with its receipt, and back. Beside it, in
// the same run, the floor: what the same load costs a bare WebSocket echo.
//
// Options: --transport ws|wss|quic, --sealed, --workers W (default 1), --connections N, --in-flight K or --rate R,
// --size B, --large-every N, --large-size B, --seconds S (default 3), --warm-up S, --idle N (sessions beside them that
// have nothing to do), --url URL (a server that runs already; its CPU time is not seen), --ca-file FILE, --token-file
// FILE, --pairs (to users in place of the server: two sessions talk, on different workers where there are any),
// --stored (what goes to users goes into a log), --no-floor, --svg FILE, --json.
#include "allocations.hpp"
#include "bench.hpp"
#include "session_load.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

namespace flare::bench {
namespace {

constexpr auto kSlice = std::chrono::milliseconds(1);
constexpr std::size_t kMostElsewhere = 1000;  // connections, and messages under way on each
constexpr double kLongestElsewhere = 60;
constexpr double kFastestElsewhere = 100'000;

struct Exchange {
    std::deque<std::uint64_t> due_at;  // of the messages under way, in order
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
};

class EchoLoad {
public:
    EchoLoad(const LoadOptions& options, const ServerOptions& where, const ServerProcess& server, std::size_t idle,
             bool pairs)
        : options_(options), where_(where), server_(server), idle_(idle), exchanges_(options.connections) {
        if (pairs) make_pairs();
        payload_.assign(std::max(options.size, options.large_size), 'x');
    }

    LoadResult run() {
        load_.connect(where_, server_.port(), options_.connections);
        if (idle_ != 0) load_.connect(where_, server_.port(), idle_, true);
        if (where_.stored) load_.run_for(std::chrono::milliseconds(300));  // until each is known to the others
        load_.stay_awake();
        first_due_ = next_due_ = now_ns();
        if (options_.rate == 0) {
            for (std::size_t client = 0; client < options_.connections; ++client) {
                for (std::size_t i = 0; i < options_.in_flight; ++i) send(client, now_ns());
            }
        }
        run_until(now_ns() + options_.warm_up_ns());
        messages_ = 0;
        result_.latencies.clear();
        result_.latencies.reserve(8'000'000);

        const std::uint64_t began = now_ns();
        const std::uint64_t cpu = server_.cpu_ns();
        const std::uint64_t workers = server_.worker_cpu_ns();
        const ServerProcess::Heap heap = server_.heap();
        const std::uint64_t end = began + static_cast<std::uint64_t>(options_.seconds * 1e9);
        if (options_.messages != 0) load_.run_until([&] { return messages_ >= options_.messages; }, kLongest);
        for (std::uint64_t told = began, until = 0; options_.messages == 0 && now_ns() < end; told = until) {
            until = std::min(end, now_ns() + 1'000'000'000);
            const std::uint64_t before = messages_;
            run_until(until);
            if (::isatty(STDERR_FILENO) != 0)
                std::fprintf(stderr, "\r%4.0f s left, %.0f messages/s  ", static_cast<double>(end - until) / 1e9,
                             static_cast<double>(messages_ - before) / (static_cast<double>(until - told) / 1e9));
        }
        if (options_.messages == 0 && ::isatty(STDERR_FILENO) != 0) std::fputc('\n', stderr);
        result_.server_cpu_seconds = static_cast<double>(server_.cpu_ns() - cpu) / 1e9;
        result_.worker_cpu_seconds = static_cast<double>(server_.worker_cpu_ns() - workers) / 1e9;
        result_.seconds = static_cast<double>(now_ns() - began) / 1e9;
        result_.messages = messages_;
        result_.server_memory_bytes = server_.memory_bytes();
        result_.server_seen = server_.seen();
        if (server_.seen() && counts_heap()) {
            result_.allocations = server_.heap().by_new - heap.by_new;
            result_.library_allocations = server_.heap().by_libraries - heap.by_libraries;
        }
        stopping_ = true;
        load_.run_until([&] { return outstanding() == 0; }, kDrain);
        result_.lost += outstanding() + load_.failures();
        return std::move(result_);
    }

private:
    std::size_t size_of(std::uint64_t number) const {
        return options_.large_every != 0 && number % options_.large_every == options_.large_every - 1
                   ? options_.large_size
                   : options_.size;
    }

    // Each with the next that is at home on another worker; with one worker, with the next.
    void make_pairs() {
        partners_.resize(exchanges_.size());
        std::vector<bool> taken(partners_.size(), false);
        const auto home = [&](std::size_t index) { return session::home_of(load_.user_of(index), where_.workers); };
        for (std::size_t i = 0; i < partners_.size(); ++i) {
            if (taken[i]) continue;
            taken[i] = true;
            std::size_t other = i + 1;
            while (other < taken.size() && (taken[other] || (where_.workers > 1 && home(other) == home(i)))) ++other;
            if (other == taken.size()) other = i;  // nobody is left: it talks to itself
            taken[other] = true;
            partners_[i] = other;
            partners_[other] = i;
        }
    }

    // Who gets what this one sends.
    std::size_t partner_of(std::size_t index) const { return partners_.empty() ? index : partners_[index]; }

    void send(std::size_t index, std::uint64_t due) {
        LoadClient& client = *load_.clients()[index];
        Exchange& exchange = exchanges_[index];
        std::memcpy(payload_.data(), &exchange.sent, sizeof exchange.sent);
        const std::size_t size = size_of(exchange.sent++);
        exchange.due_at.push_back(due);
        const std::string_view payload = std::string_view(payload_).substr(0, size);
        if (partners_.empty()) {
            client.send("bench", payload);
        } else {
            client.send("bench", payload, load_.user_of(partners_[index]));
        }
    }

    void take(LoadClient& client, std::string_view back) {
        // What a exchange has sent comes back to it, or to its partner.
        Exchange& exchange = exchanges_[partner_of(client.index())];
        const std::size_t size = size_of(exchange.received);
        const std::size_t numbered = std::min(sizeof exchange.received, size);
        if (back.size() != size || std::memcmp(back.data(), &exchange.received, numbered) != 0) ++result_.lost;
        ++exchange.received;
        ++messages_;
        result_.latencies.add(now_ns() - exchange.due_at.front());
        exchange.due_at.pop_front();
        if (!stopping_ && options_.rate == 0) send(client.index(), now_ns());
    }

    void run_until(std::uint64_t end) {
        if (options_.rate == 0) return load_.run_for(std::chrono::nanoseconds(end - now_ns()));
        const double step = 1e9 / options_.rate;
        while (now_ns() < end) {
            for (const std::uint64_t now = now_ns(); next_due_ <= now; ++posted_) {
                send(posted_ % options_.connections, next_due_);
                next_due_ = first_due_ + static_cast<std::uint64_t>(static_cast<double>(posted_ + 1) * step);
            }
            load_.run_for(kSlice);
        }
    }

    std::uint64_t outstanding() const {
        std::uint64_t count = 0;
        for (const Exchange& each : exchanges_) count += each.sent - each.received;
        return count;
    }

    const LoadOptions& options_;
    const ServerOptions& where_;
    const ServerProcess& server_;
    const std::size_t idle_;
    std::vector<std::size_t> partners_;  // empty: everybody gets his own back
    std::vector<Exchange> exchanges_;
    std::string payload_;
    LoadResult result_;
    std::uint64_t messages_ = 0;
    std::uint64_t posted_ = 0;  // at a rate
    std::uint64_t first_due_ = 0;
    std::uint64_t next_due_ = 0;
    bool stopping_ = false;
    SessionLoad load_{[this](LoadClient& client, std::string_view, std::string_view back) { take(client, back); }};
};

// `options`, `pairs`: what counts where nothing else is said.
int run_echo(const char* name, LoadOptions options, bool pairs, int argc, char** argv) {
    ServerOptions where;
    bool with_floor = true;
    std::size_t idle = 0;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--no-floor") == 0) {
            with_floor = false;
        } else if (std::strcmp(argv[i], "--pairs") == 0) {
            pairs = true;
        } else if (std::strcmp(argv[i], "--idle") == 0 && i + 1 < argc) {
            idle = std::strtoull(argv[++i], nullptr, 10);
        } else if (!options.take(argc, argv, i) && !where.take(argc, argv, i)) {
            std::fprintf(stderr, "%s: unknown option %s\n", name, argv[i]);
            return 2;
        }
    }
    if (where.running) {
        // It is somebody's, and may be others' too.
        const bool modest = options.connections <= kMostElsewhere && options.in_flight <= kMostElsewhere &&
                            options.seconds <= kLongestElsewhere && options.rate <= kFastestElsewhere && idle == 0;
        if (!modest) {
            std::fprintf(stderr,
                         "%s: --url loads a server that runs already, with at most 1,000 connections, 1,000 in flight, "
                         "100,000 messages a second and 60 seconds, without --idle\n",
                         name);
            return 2;
        }
        with_floor = false;
    } else if (where.logins.size() != 0) {
        std::fprintf(stderr, "%s: --token-file is for a server that runs already: give its --url\n", name);
        return 2;
    }
    if (pairs && where.logins.size() != 0 && where.logins.size() < options.connections) {
        std::fprintf(stderr, "%s: pairs of users need a token for each of %zu connections; --token-file has %zu\n",
                     name, static_cast<std::size_t>(options.connections), where.logins.size());
        return 2;
    }
    LoadResult result;
    {
        const ServerProcess server(where);
        result = EchoLoad(options, where, server, idle, pairs).run();
    }
    if (with_floor) {
        const double cpu = result.server_cpu_us_per_message();
        const double floor = floor_cpu_us_per_message(options);
        std::fprintf(for_people(options.json),
                     "a bare WebSocket echo costs %.3f us a message under the same load: ratio %.2f\n", floor,
                     cpu / floor);
    }
    return result.print(name, options);
}

// What the way into a log adds: the same load with and without a store, in turns.
int run_stored(int argc, char** argv) {
    LoadOptions options;
    options.connections = 20;
    options.in_flight = 64;
    options.size = 256;
    options.seconds = 2;
    ServerOptions where;
    std::size_t rounds = 5;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
            rounds = std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), 1, 99);
        } else if (!options.take(argc, argv, i) && !where.take(argc, argv, i)) {
            std::fprintf(stderr, "stored: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    std::vector<double> unstored, stored;
    std::vector<double> allocations;  // of operator new; none where they are not counted
    std::uint64_t lost = 0;
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const bool with : {round % 2 == 0, round % 2 != 0}) {
            where.stored = with;
            const ServerProcess server(where);
            LoadResult result = EchoLoad(options, where, server, 0, true).run();
            (with ? stored : unstored).push_back(result.worker_cpu_us_per_message());
            if (with && result.allocations)
                allocations.push_back(static_cast<double>(*result.allocations) /
                                      static_cast<double>(std::max<std::uint64_t>(result.messages, 1)));
            lost += result.lost;
        }
    }
    const auto median = [](std::vector<double>& values) {
        std::ranges::sort(values);
        return values[values.size() / 2];
    };
    const double without = median(unstored);
    const double with = median(stored);
    std::FILE* const out = for_people(options.json);
    std::fprintf(out,
                 "stored: %zu connections, %zu in flight, %zu bytes, to users, medians of %zu rounds: workers %.3f us "
                 "a message, without a store %.3f: %.3f us above; ",
                 options.connections, options.in_flight, options.size, rounds, with, without, with - without);
    if (!allocations.empty()) std::fprintf(out, "%.4f calls of operator new each, ", median(allocations));
    std::fprintf(out, "%llu lost\n", static_cast<unsigned long long>(lost));
    if (options.json) {
        std::printf("{\"worker_us_stored\":%.3f,\"worker_us_unstored\":%.3f,\"above_us\":%.3f,", with, without,
                    with - without);
        if (!allocations.empty()) std::printf("\"allocations_per_message\":%.4f,", median(allocations));
        std::printf("\"lost\":%llu}\n", static_cast<unsigned long long>(lost));
    }
    return lost == 0 ? 0 : 1;
}

}  // namespace

int bench_echo(int argc, char** argv) { return run_echo("echo", {}, false, argc, argv); }

int bench_stored(int argc, char** argv) { return run_stored(argc, argv); }

// Chat: pairs of users who talk to each other, 1 % of the messages large.
int bench_mixed(int argc, char** argv) {
    LoadOptions options;
    options.connections = 100;
    options.size = 128;
    options.large_every = 100;
    return run_echo("mixed", std::move(options), true, argc, argv);
}

}  // namespace flare::bench
