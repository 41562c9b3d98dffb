// The server API: messages of a back-end, each in its log before it is answered, spread over many conversations. In
// batches of 100, one by one over kept connections, and one by one at a given rate, with the time until each is
// answered. Beside it, in turns in the same run: ejabberd's send_message, one by one.
//
// Options: --conversations N (default 1,000), --connections N (one by one; default 64), --seconds S (of each part;
// default 5), --rate R (default 1,000 a second), --workers W (default 1), --beside ejabberd, --turns N (with --beside;
// default 3), --json. No rate of the server holds it. scripts/setup.sh --peers installs ejabberd.
#include "api_load.hpp"
#include "bench.hpp"
#include "ejabberd.hpp"
#include "free_port.hpp"
#include "server_process.hpp"
#include "stats.hpp"

#include "auth/api_keys.hpp"
#include "base/random.hpp"

#include <flare/server.hpp>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

constexpr std::size_t kBatch = 100;
constexpr std::size_t kBatchConnections = 4;
constexpr std::size_t kTextBytes = 100;
constexpr auto kWarmUp = std::chrono::seconds(1);

struct ApiShape {
    std::size_t conversations = 1000;
    std::size_t connections = 64;
    std::size_t rate = 1000;
    std::chrono::seconds time{5};
    std::optional<EjabberdPackage> beside;
    std::size_t turns = 1;
    bool json = false;
};

bool no_message_is_refused(std::string_view answer) { return answer.find("\"error\"") == answer.npos; }

ApiCalls flare_messages(const ApiShape& shape) {
    ApiCalls calls{"/v1/messages", {}, shape.connections, no_message_is_refused};
    const std::string text(kTextBytes, 'x');
    for (std::size_t i = 0; i < shape.conversations; ++i)
        calls.bodies.push_back(R"({"to":"user)" + std::to_string(i) + R"(","text":")" + text + "\"}");
    return calls;
}

ApiCalls in_batches_of(const ApiCalls& messages) {
    ApiCalls calls{"/v1/messages/batch", {}, kBatchConnections, no_message_is_refused};
    const auto& each = messages.bodies;
    for (std::size_t first = 0; first < each.size(); first += kBatch) {
        std::string batch = R"({"messages":[)";
        for (std::size_t i = 0; i < kBatch; ++i)
            batch.append(i == 0 ? "" : ",").append(each[(first + i) % each.size()]);
        calls.bodies.push_back(batch + "]}");
    }
    return calls;
}

// Of messages one by one: a figure of each turn, and the times of all turns.
struct OneByOne {
    std::vector<double> per_second;
    Latencies latencies;

    void measure(ApiLoad& load, const ApiCalls& calls, const ApiShape& shape) {
        per_second.push_back(load.at_once(calls, shape.time));
        load.at_rate(calls, shape.rate, shape.time, latencies);
    }
    double percentile_ms(double share) { return latencies.percentile_us(share) / 1000; }
    // False: messages wait for their turn, and their times say how long the run was.
    bool keeps(std::size_t rate) const { return median_of(per_second) >= static_cast<double>(rate); }
};

// A new one for each turn: the more messages wait for a user, the longer it takes to add one.
void measure_ejabberd(const ApiShape& shape, OneByOne& figures) {
    const Ejabberd ejabberd(*shape.beside, shape.conversations);
    const ApiCalls messages = ejabberd.messages(shape.connections, std::string(kTextBytes, 'x'));
    ApiLoad load(ejabberd.port(), "");
    load.at_once(messages, kWarmUp);  // Flare has had its batches
    figures.measure(load, messages, shape);
    const std::uint64_t stored = ejabberd.stored();
    if (stored != load.answered())
        throw std::runtime_error("ejabberd answered " + std::to_string(load.answered()) + " messages and stored " +
                                 std::to_string(stored));
}

void print_api(const ApiShape& shape, double in_batches, OneByOne& own, OneByOne& other) {
    std::FILE* const people = for_people(shape.json);
    std::fprintf(
        people,
        "api: %zu conversations, without limits; stored messages in batches of %zu: %.0f/s; one by one over %zu "
        "connections: %.0f/s; at %zu/s until the answer: p50 %.2f ms, p99 %.2f ms\n",
        shape.conversations, kBatch, in_batches, shape.connections, median_of(own.per_second), shape.rate,
        own.percentile_ms(0.5), own.percentile_ms(0.99));
    if (shape.json) {
        std::printf(
            "{\"conversations\":%zu,\"limits\":false,\"batched_per_s\":%.0f,\"single_per_s\":%.0f,\"rate\":%zu,"
            "\"p50_ms\":%.2f,\"p99_ms\":%.2f",
            shape.conversations, in_batches, median_of(own.per_second), shape.rate, own.percentile_ms(0.5),
            own.percentile_ms(0.99));
    }
    if (shape.beside) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < shape.turns; ++i) ratios.push_back(own.per_second[i] / other.per_second[i]);
        const double ratio = median_of(ratios);
        const auto [least, greatest] = std::ranges::minmax(ratios);
        std::fprintf(
            people,
            "beside it, in %zu turns, ejabberd %s: one by one over %zu connections: %.0f/s; at %zu/s: p50 %.2f ms, p99 "
            "%.2f ms%s; Flare takes %.2f times as many one by one (%.2f to %.2f)\n"
            "when it answers: Flare has the message in its log, on disk by fsync, and has checked the caller's "
            "key; ejabberd has it in Mnesia (mod_offline), waits for no fsync, and asks for no key\n",
            shape.turns, shape.beside->version.c_str(), shape.connections, median_of(other.per_second), shape.rate,
            other.percentile_ms(0.5), other.percentile_ms(0.99),
            other.keeps(shape.rate) ? "" : " (so many are too many for it)", ratio, least, greatest);
        if (shape.json) {
            std::printf(
                ",\"beside\":\"ejabberd %s\",\"beside_stores\":\"mod_offline, Mnesia, waits for no "
                "fsync\",\"turns\":%zu,"
                "\"beside_single_per_s\":%.0f,\"beside_p50_ms\":%.2f,\"beside_p99_ms\":%.2f,\"beside_keeps_rate\":%s,"
                "\"ratio_single\":%.2f,"
                "\"ratio_single_min\":%.2f,\"ratio_single_max\":%.2f",
                shape.beside->version.c_str(), shape.turns, median_of(other.per_second), other.percentile_ms(0.5),
                other.percentile_ms(0.99), other.keeps(shape.rate) ? "true" : "false", ratio, least, greatest);
        }
    }
    if (shape.json) std::printf("}\n");
}

}  // namespace

int bench_api(int argc, char** argv) {
    ApiShape shape;
    ServerOptions where;
    std::size_t turns = 3;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto number = [&](std::size_t least, std::size_t most) {
            return std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), least, most);
        };
        if (option == "--json") {
            shape.json = true;
        } else if (option == "--conversations" && i + 1 < argc) {
            shape.conversations = number(100, 100'000);
        } else if (option == "--connections" && i + 1 < argc) {
            shape.connections = number(1, 1'000);
        } else if (option == "--rate" && i + 1 < argc) {
            shape.rate = number(1, 100'000);
        } else if (option == "--seconds" && i + 1 < argc) {
            shape.time = std::chrono::seconds(number(1, 60));
        } else if (option == "--turns" && i + 1 < argc) {
            turns = number(1, 100);
        } else if (option == "--beside" && i + 1 < argc && std::string_view(argv[i + 1]) == "ejabberd") {
            ++i;
            shape.beside = EjabberdPackage::find();
            if (!shape.beside)
                std::fprintf(stderr,
                             "api: ejabberd is not installed, so Flare is measured alone; scripts/setup.sh "
                             "--peers installs it\n");
        } else if (!where.take(argc, argv, i)) {
            std::fprintf(stderr, "api: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    const auto key = auth::make_api_key(auth::Scopes::all(), base::system_random());
    const std::uint16_t port = free_port();
    where.stored = true;
    where.configure = [port, line = auth::to_line(key.key)](ServerBuilder& builder) {
        ServerApi api;
        api.address = "127.0.0.1:" + std::to_string(port);
        api.keys = {line};
        api.per_second = 0;
        builder.server_api(std::move(api)).log_level(LogLevel::warn);
    };
    const ServerProcess server(where);
    const ApiCalls messages = flare_messages(shape);
    const ApiCalls batches = in_batches_of(messages);
    ApiLoad load(port, "Authorization: Bearer " + key.secret + "\r\n");
    load.once(batches);  // the conversations are made
    const double in_batches = load.at_once(batches, shape.time) * kBatch;
    OneByOne own;
    OneByOne other;
    if (shape.beside) shape.turns = turns;
    for (std::size_t i = 0; i < shape.turns; ++i) {
        own.measure(load, messages, shape);
        if (shape.beside) measure_ejabberd(shape, other);
    }
    print_api(shape, in_batches, own, other);
    return 0;
}

}  // namespace flare::bench
