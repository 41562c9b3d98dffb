// flare bench: the load generators of bench/, with a server of their own or against one that runs.
#include "bench.hpp"
#include "client_options.hpp"
#include "commands.hpp"
#include "keys/certificates.hpp"
#include "output.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {
namespace {

namespace fs = std::filesystem;

struct LoadOption {
    const char* flag;
    const char* type;  // null: it takes no value
    const char* says;
    CLI::Validator check;
};

const CLI::Validator kAnything([](std::string&) { return std::string(); }, "");

const LoadOption kTransport{"--transport", "NAME", "default ws", CLI::IsMember({"ws", "wss", "quic"})};
const LoadOption kWorkers{"--workers", "NUMBER", "event loops of the server; default 1", CLI::Range(1, 64)};
const LoadOption kConnections{"--connections", "NUMBER", "concurrent sessions", CLI::Range(1, 1'000'000)};
const LoadOption kInFlight{"--in-flight", "NUMBER", "messages in flight per session; default 1",
                           CLI::Range(1, 100'000)};
const LoadOption kRate{
    "--rate", "NUMBER",
    "messages per second in total, sent on schedule whatever is in flight; latency counts from the scheduled time",
    CLI::Range(1.0, 1e8)};
const LoadOption kSize{"--size", "BYTES", "size of a message", CLI::Range(1, 1'000'000)};
const LoadOption kLargeEvery{"--large-every", "NUMBER", "one message in NUMBER is large; 0: none",
                             CLI::Range(0, 1'000'000)};
const LoadOption kLargeSize{"--large-size", "BYTES", "size of a large message; default 16384",
                            CLI::Range(1, 1'000'000)};
const LoadOption kSeconds{"--seconds", "NUMBER", "seconds to measure; default 3", CLI::Range(0.1, 600.0)};
const LoadOption kWarmUp{"--warm-up", "NUMBER", "seconds of warm-up before measuring; default 0.5",
                         CLI::Range(0.0, 60.0)};
const LoadOption kMessages{"--messages", "NUMBER", "messages to measure, instead of --seconds",
                           CLI::Range(1, 1'000'000'000)};
const LoadOption kSvg{"--svg", "FILE", "write a chart of the latencies", kAnything};
const LoadOption kSealed{"--sealed", nullptr, "seal everything between client and server", kAnything};
const LoadOption kNoFloor{"--no-floor", nullptr, "skip the bare WebSocket server that is measured for comparison",
                          kAnything};
const LoadOption kUrl{"--url", "URL", "load a server that is already running", kAnything};
const LoadOption kCaFile{"--ca-file", "FILE", "CA certificates to trust for --url; default: the system's store",
                         CLI::ExistingFile};
const LoadOption kTokenFile{"--token-file", "FILE",
                            "credentials of the sessions at --url: lines of TOKEN USER, used in turn; default: none",
                            CLI::ExistingFile};
const LoadOption kPairs{"--pairs", nullptr, "users talk to each other, not to the server", kAnything};
const LoadOption kIdle{"--idle", "NUMBER", "additional sessions that stay idle", CLI::Range(1, 1'000'000)};
const LoadOption kSessions{"--sessions", "NUMBER", "number of sessions", CLI::Range(1, 1'000'000)};
const LoadOption kMembers{"--members", "NUMBER", "members of the room; default 1000", CLI::Range(2, 100'000)};
const LoadOption kSenders{"--senders", "NUMBER", "members who send, in turn; default 10", CLI::Range(1, 1'000)};
const LoadOption kHeartbeat{"--heartbeat", "NUMBER", "seconds between heartbeats; default 30", CLI::Range(0.1, 3600.0)};
const LoadOption kStalled{"--stalled", "NUMBER", "sessions that stop reading; default 50", CLI::Range(1, 100'000)};
const LoadOption kClients{"--clients", "NUMBER", "clients that come back; default 10000; 0: the store alone",
                          CLI::Range(0, 100'000)};
const LoadOption kConversations{"--conversations", "NUMBER", "conversations of a client; default 200",
                                CLI::Range(1, 500)};
const LoadOption kRoomMembers{"--members", "NUMBER", "members of a conversation; default 100", CLI::Range(1, 256)};
const LoadOption kChanged{"--changed", "NUMBER", "conversations of a client with something new; default 15",
                          CLI::Range(0, 500)};
const LoadOption kListed{"--listed", "NUMBER", "conversations of the user whose list is read; default 2000",
                         CLI::Range(10, 10'000)};
const LoadOption kJson{"--json", nullptr, "print one JSON object; text for people goes to standard error", kAnything};

struct Benchmark {
    const char* name;
    int (*run)(int argc, char** argv);
    const char* says;
    std::vector<const LoadOption*> options;
};

std::vector<Benchmark> benchmarks() {
    return {
        {"connect",
         bench::bench_connect,
         "New sessions per second, then resumes of the same sessions",
         {&kTransport, &kWorkers, &kConnections, &kSeconds}},
        {"echo",
         bench::bench_echo,
         "Messages to the server and back",
         {&kTransport, &kWorkers, &kConnections, &kInFlight, &kRate, &kSize, &kLargeEvery, &kLargeSize, &kSeconds,
          &kWarmUp, &kMessages, &kPairs, &kIdle, &kSealed, &kNoFloor, &kSvg, &kUrl, &kCaFile, &kTokenFile}},
        {"fanout",
         bench::bench_fanout,
         "One session publishes to all others",
         {&kTransport, &kWorkers, &kSessions, &kInFlight, &kSize, &kSeconds, &kWarmUp, &kMessages, &kNoFloor}},
        {"floor",
         bench::bench_floor,
         "A bare WebSocket echo, for comparison",
         {&kConnections, &kInFlight, &kSize, &kSeconds, &kWarmUp, &kSvg}},
        {"idle",
         bench::bench_idle,
         "Cost of idle sessions",
         {&kTransport, &kWorkers, &kSessions, &kHeartbeat, &kSeconds}},
        {"mixed",
         bench::bench_mixed,
         "Users chatting in pairs; 1 % of the messages are large",
         {&kTransport, &kWorkers, &kConnections, &kInFlight, &kRate, &kSize, &kLargeEvery, &kLargeSize, &kSeconds,
          &kWarmUp, &kMessages, &kSealed, &kNoFloor, &kSvg, &kUrl, &kCaFile, &kTokenFile}},
        {"room",
         bench::bench_room,
         "Members of a room subscribe to it: cost of a delivery, with storing; latency",
         {&kTransport, &kWorkers, &kMembers, &kSenders, &kSize, &kSeconds, &kWarmUp}},
        {"stall",
         bench::bench_stall,
         "Some subscribers stop reading: memory use, and latency of the others",
         {&kTransport, &kWorkers, &kSessions, &kStalled, &kRate, &kSize, &kSeconds}},
        {"storm",
         bench::bench_storm,
         "The server restarts while all its clients are connected",
         {&kTransport, &kWorkers, &kSessions, &kRate}},
        {"sync",
         bench::bench_sync,
         "Lists of conversations: cost of a page, and all clients come back at once",
         {&kTransport, &kWorkers, &kClients, &kConversations, &kRoomMembers, &kChanged, &kRate, &kListed}},
    };
}

struct Arguments {
    std::vector<std::string> words;  // as the benchmark takes them
    bool elsewhere = false;          // --url
};

// Certificates of its own, in a folder that goes away, where the benchmark finds them: certs/ of the current folder.
class Workplace {
public:
    Workplace() : before_(fs::current_path()) {
        std::string pattern = (fs::temp_directory_path() / "flare-bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error(pattern + " cannot be made");
        folder_ = pattern;
        fs::current_path(folder_);
        CertificateSpec spec;
        spec.names = {"localhost"};
        spec.addresses = {"127.0.0.1", "::1"};
        bool made_key = false;
        const auto made = make_certificates(spec);
        const auto key = sealing_key("certs/sealing.key", false, made_key);
        if (!made || !key) throw std::runtime_error(made ? key.error().text : made.error().text);
    }
    ~Workplace() {
        std::error_code ignored;
        fs::current_path(before_, ignored);
        fs::remove_all(folder_, ignored);
    }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

private:
    fs::path before_;
    fs::path folder_;
};

int run_benchmark(const Benchmark& benchmark, const Arguments& arguments) {
    std::vector<std::string> words = arguments.words;
    words.insert(words.begin(), benchmark.name);
    std::vector<char*> pointers;
    for (std::string& each : words) pointers.push_back(each.data());
    std::unique_ptr<Workplace> workplace;
    if (!arguments.elsewhere) workplace = std::make_unique<Workplace>();
    try {
        return benchmark.run(static_cast<int>(pointers.size()), pointers.data());
    } catch (const std::invalid_argument& error) {
        print_problem("bench", error.what());
        return kUsage;
    } catch (const bench::NotConnected& error) {
        print_problem("bench", printable(error.what()));
        return arguments.elsewhere ? exit_code_of(error.code) : kFailed;
    } catch (const std::runtime_error& error) {
        print_problem("bench", error.what());
        return kFailed;
    }
}

void add_benchmark(CLI::App& parent, const Benchmark& benchmark, Run& run) {
    CLI::App* command = parent.add_subcommand(benchmark.name, benchmark.says);
    auto arguments = std::make_shared<Arguments>();
    std::vector<const LoadOption*> options = benchmark.options;
    options.push_back(&kJson);
    for (const LoadOption* each : options) {
        const std::string flag = each->flag;
        if (each->type == nullptr) {
            command->add_flag_callback(
                flag, [arguments, flag] { arguments->words.push_back(flag); }, each->says);
            continue;
        }
        const bool path = each == &kSvg || each == &kCaFile || each == &kTokenFile;
        CLI::Option* option = command->add_option_function<std::string>(
            flag,
            [arguments, flag, path](const std::string& text) {
                arguments->words.push_back(flag);
                // The benchmark may run in a folder of its own.
                arguments->words.push_back(path ? fs::absolute(text).string() : text);
                arguments->elsewhere = arguments->elsewhere || flag == kUrl.flag;
            },
            each->says);
        option->type_name(each->type)->check(each->check);
        if (each == &kUrl && command->get_option_no_throw(kTransport.flag) != nullptr)
            option->excludes(command->get_option(kTransport.flag));
        if (each == &kCaFile) option->envname("FLARE_CA_FILE");
    }
    command->callback([benchmark, arguments, &run] {
        run = [benchmark, arguments] { return run_benchmark(benchmark, *arguments); };
    });
}

}  // namespace

void add_bench(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("bench", "Measure the cost of messages and sessions on this machine");
    command->require_subcommand(1);
    command->footer(
        "Each benchmark starts its own server on loopback, in a separate process whose CPU time is measured. --url "
        "loads a\nserver that is already running: at most 1,000 connections, 100,000 messages a second and 60 "
        "seconds.");
    for (const Benchmark& each : benchmarks()) add_benchmark(*command, each, run);
}

}  // namespace flare::cli
