// flare race: measures the protocols against a server, round by round, and explains which one is used.
#include "client_options.hpp"
#include "commands.hpp"
#include "connecting.hpp"
#include "output.hpp"
#include "phrases.hpp"
#include "race_table.hpp"

#include <algorithm>
#include <csignal>

namespace flare::cli {
namespace {

struct RaceOptions {
    double interval_seconds = 5;
    std::uint32_t rounds = 3;
    std::uint32_t probes = 10;
};

// One block that is drawn over and over where a person looks.
class Board {
public:
    explicit Board(bool json) : json_(json), live_(!json && is_terminal(stdout)) {}
    void draw(const Client& client, std::uint32_t round, std::uint32_t rounds) {
        if (!live_) return;
        if (lines_ != 0) std::printf("\x1b[%zuA\x1b[J", lines_);
        lines_ = 0;
        show("round " + std::to_string(round) + " of " + std::to_string(rounds) + ", * is in use", Tone::dim);
        for (const std::string& line : race_table(client.get_all_protocol_metrics(), client.get_current_protocol()))
            show(line, lines_ == 1 ? Tone::strong : Tone::plain);
        static_cast<void>(flush_output());
    }
    // A round is over: what programs and logs get of it.
    void keep(const Client& client, std::uint32_t round) {
        const auto measured = client.get_all_protocol_metrics();
        const auto in_use = client.get_current_protocol();
        if (live_) return;
        if (!json_) {
            std::printf("round %u\n", round);
            for (const std::string& line : race_table(measured, in_use)) std::printf("  %s\n", line.c_str());
            static_cast<void>(flush_output());
            return;
        }
        print_json(
            {{"event", "round"}, {"round", round}, {"in_use", word(in_use)}, {"protocols", protocols(measured)}});
    }
    void finish(const Client& client, std::uint32_t rounds) {
        const auto measured = client.get_all_protocol_metrics();
        const auto in_use = client.get_current_protocol();
        const auto sentences = race_sentences(measured, in_use);
        if (!json_) {
            std::printf("\n");
            for (const std::string& each : sentences) std::printf("%s\n", each.c_str());
            return;
        }
        boost::json::array explained(sentences.begin(), sentences.end());
        print_json({{"result", "done"},
                    {"rounds", rounds},
                    {"in_use", word(in_use)},
                    {"best", word(client.get_best_protocol())},
                    {"protocols", protocols(measured)},
                    {"explained", explained}});
    }

private:
    static boost::json::value word(std::optional<Protocol> protocol) {
        return protocol ? boost::json::value(name(*protocol)) : boost::json::value(nullptr);
    }
    static boost::json::value ms(const std::optional<std::chrono::nanoseconds>& time) {
        return time ? boost::json::value(milliseconds_of(*time)) : boost::json::value(nullptr);
    }
    static boost::json::value real(const std::optional<double>& value) {
        return value ? boost::json::value(*value) : boost::json::value(nullptr);
    }
    static boost::json::array protocols(const std::vector<ProtocolMetrics>& measured) {
        boost::json::array all;
        for (const ProtocolMetrics& each : measured) {
            all.push_back(boost::json::object{{"protocol", std::string(name(each.protocol))},
                                              {"available", each.available},
                                              {"races", each.races},
                                              {"connect_ms", ms(each.connection_latency)},
                                              {"min_ms", ms(each.latency_min)},
                                              {"median_ms", ms(each.latency_median)},
                                              {"p99_ms", ms(each.latency_p99)},
                                              {"jitter_ms", ms(each.jitter)},
                                              {"bytes_per_second", real(each.bytes_per_second)},
                                              {"success_rate", real(each.success_rate)},
                                              {"weight", real(each.weight)},
                                              {"score", real(each.score)}});
        }
        return all;
    }
    void show(const std::string& line, Tone tone) {
        std::printf("%s\n", coloured(tone, line).c_str());
        ++lines_;
    }

    const bool json_;
    const bool live_;
    std::size_t lines_ = 0;
};

// Of the protocol that has been measured most often: another one may be out of reach.
std::uint64_t races_of(const Client& client) {
    std::uint64_t most = 0;
    for (const ProtocolMetrics& each : client.get_all_protocol_metrics()) most = std::max(most, each.races);
    return most;
}

bool some_unreachable(const Client& client) {
    const auto all = client.get_all_protocol_metrics();
    return std::any_of(all.begin(), all.end(), [](const ProtocolMetrics& each) { return !each.available; });
}

int run_race(const ClientOptions& common, const RaceOptions& options) {
    const auto fail = [&](const Failure& failure) { return report_failure("race", common, failure); };
    auto builder = builder_of(common);
    if (!builder) return fail(builder.error());
    const auto addresses = addresses_of(common);
    if (addresses->quic.empty() || (addresses->websocket.empty() && addresses->websocket_tls.empty())) {
        return fail(Failure(errc::invalid_config,
                            "a race needs two protocols: give a quic:// address and a wss:// or ws:// address"));
    }
    ProtocolRacingConfig racing;
    racing.racing_interval = std::chrono::milliseconds(static_cast<std::int64_t>(options.interval_seconds * 1000));
    racing.timeout = common.timeout();
    racing.test_message_count = options.probes;
    Inbox inbox{SIGINT, SIGTERM};
    builder->protocol_racing(racing).with_event_callback(common.record_fault->watch(inbox.callback()));
    auto client = builder->build();
    if (!client) return fail(client.error());
    std::optional<Progress> progress(std::in_place, "connecting");
    const auto connected = connect_or_signal(*client, inbox);
    progress.reset();
    if (!connected) return kDone;
    if (!*connected) return fail(connected->error());

    Board board(common.json);
    std::uint32_t round = 0;
    auto round_ends = std::chrono::steady_clock::now() + racing.racing_interval + racing.timeout;
    while (round < options.rounds) {
        board.draw(*client, round + 1, options.rounds);
        if (inbox.wait(std::chrono::milliseconds(100)).signal != 0) break;
        for (const Event& event : inbox.take()) {
            if (const auto failure = final_failure(event, *client)) return fail(*failure);
        }
        const bool measured = races_of(*client) > round;
        // Where one protocol cannot be reached there is nothing to measure: the round is that attempt.
        const bool alone = some_unreachable(*client) && std::chrono::steady_clock::now() >= round_ends;
        if (!measured && !alone) continue;
        board.draw(*client, round + 1, options.rounds);
        board.keep(*client, ++round);
        if (!flush_output()) break;
        round_ends = std::chrono::steady_clock::now() + racing.racing_interval + racing.timeout;
    }
    board.finish(*client, round);
    client->disconnect();
    return kDone;
}

}  // namespace

void add_race(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("race", "Measure both protocols against a server and explain the choice");
    auto options = std::make_shared<RaceOptions>();
    command->add_option("--interval", options->interval_seconds, "seconds between rounds (default 5)")
        ->check(CLI::Range(0.2, 3600.0));
    command->add_option("--rounds", options->rounds, "number of rounds (default 3)")->check(CLI::Range(1, 1'000'000));
    command->add_option("--probes", options->probes, "small and large probes per round (default 10)")
        ->check(CLI::Range(1, 20));
    auto common = add_client_options(*command, Urls::positional);
    command->callback([common, options, &run] {
        run = [common, options] { return conclude("race", *common, run_race(*common, *options)); };
    });
}

}  // namespace flare::cli
