// The simulator's command line: docs/simulator.md.
//     flare_sim [--seeds N] [--first F] [--every E] [--json]     many histories; ends 0 when every promise held. Seeds
//     F,
//                                                    F + E, ...: those with the remainder 4 by 5 have a store, and
//                                                    those with the remainder 13 or 18 by 20, in which people change
//                                                    messages and administer rooms, too; with 6 or 11 the server
//                                                    cuts logs and erases users
//     flare_sim --seed N [--trace]                   one, with its events
//     flare_sim --list FILE [--json]                 the seeds in a file, one a line; # begins a comment
//     flare_sim --mutants [NAME]                     plants each fault, or one; ends 0 when every one is noticed
#include "base/fixed_hash_key.hpp"
#include "base/log.hpp"
#include "sim/history.hpp"
#include "sim/mutants.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using flare::sim::History;

constexpr std::uint64_t kSeedsForEveryFault = 1000;  // in so many every kind of trouble must have occurred

struct Options {
    std::uint64_t seeds = 500;
    std::uint64_t first = 1;
    std::uint64_t every = 1;
    std::optional<std::uint64_t> seed;
    bool trace = false;
    bool mutants = false;
    const char* mutant = nullptr;
    bool json = false;
    std::vector<std::uint64_t> listed;  // in place of `seeds` from `first`

    std::uint64_t seed_at(std::uint64_t i) const { return listed.empty() ? first + i * every : listed[i]; }
};

// False: there is no such file, or no seed in it.
bool read_list(const char* path, Options& options) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        const std::uint64_t seed = std::strtoull(line.c_str(), nullptr, 10);
        if (seed != 0) options.listed.push_back(seed);
    }
    options.seeds = options.listed.size();
    return !options.listed.empty();
}

// An invariant that is broken ends the process: which seed it was is said on the way.
std::uint64_t living = 0;

extern "C" void on_abort(int) {
    std::printf("seed %llu: an invariant is broken\n    again: ./dev sim --seed %llu --trace\n",
                static_cast<unsigned long long>(living), static_cast<unsigned long long>(living));
    std::fflush(stdout);
    ::_exit(1);
}

History live_through(std::uint64_t seed, bool print) {
    living = seed;
    return flare::sim::live_through(seed, print);
}

void tell(const History& history) {
    std::printf("seed %llu: %s\n    again: ./dev sim --seed %llu --trace\n",
                static_cast<unsigned long long>(history.seed), history.violation.c_str(),
                static_cast<unsigned long long>(history.seed));
    std::fflush(stdout);
}

// One half of the seeds: every second from `first`. Writes "faults" and "violations" lines to `out`.
void run_half(const Options& options, std::uint64_t offset, std::FILE* out) {
    std::uint64_t violations = 0;
    std::map<std::string, std::uint64_t> faults;
    for (std::uint64_t i = offset; i < options.seeds; i += 2) {
        const std::uint64_t seed = options.seed_at(i);
        const History history = live_through(seed, false);
        for (const auto& [fault, count] : history.faults) faults[fault] += count;
        if (!history.violation.empty()) {
            ++violations;
            tell(history);
        }
        // The same seed makes the same history, byte for byte.
        if (i % 50 == 0 && live_through(seed, false).trace_hash != history.trace_hash) {
            ++violations;
            std::printf("seed %llu: two runs, two histories\n", static_cast<unsigned long long>(history.seed));
        }
    }
    std::fflush(stdout);
    for (const auto& [fault, count] : faults)
        std::fprintf(out, "%llu %s\n", static_cast<unsigned long long>(count), fault.c_str());
    std::fprintf(out, "%llu violations\n", static_cast<unsigned long long>(violations));
    std::fclose(out);
}

int run_seeds(const Options& options) {
    const auto began = std::chrono::steady_clock::now();
    if (options.listed.empty())
        std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(options.seed_at(0)),
                    static_cast<unsigned long long>(options.seed_at(options.seeds - 1)));
    std::map<std::string, std::uint64_t> totals;
    std::vector<std::pair<pid_t, std::FILE*>> halves;
    for (std::uint64_t half = 0; half < 2; ++half) {
        int ends[2];
        if (::pipe(ends) != 0) return 1;
        std::fflush(stdout);
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::close(ends[0]);
            run_half(options, half, ::fdopen(ends[1], "w"));
            ::_exit(0);
        }
        ::close(ends[1]);
        halves.emplace_back(pid, ::fdopen(ends[0], "r"));
    }
    bool died = false;
    for (const auto& [pid, in] : halves) {
        unsigned long long count = 0;
        char name[128];
        while (std::fscanf(in, "%llu %127[^\n]", &count, name) == 2) totals[name] += count;
        std::fclose(in);
        int status = 0;
        ::waitpid(pid, &status, 0);
        died = died || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    const std::uint64_t violations = totals["violations"];
    totals.erase("violations");
    for (const auto& [fault, count] : totals)
        std::printf("%10llu  %s\n", static_cast<unsigned long long>(count), fault.c_str());
    constexpr const char* kKinds[] = {"cut",
                                      "one-sided cut",
                                      "lost welcome",
                                      "black hole",
                                      "standby",
                                      "second carrier",
                                      "activate",
                                      "replayed hello",
                                      "replayed beginning",
                                      "forged hello",
                                      "late hello",
                                      "server crash",
                                      "client crash",
                                      "clock jump",
                                      "slow consumer",
                                      "kick",
                                      "client disconnects",
                                      "slow handler",
                                      "failing handler",
                                      "stuck handlers",
                                      "small budget",
                                      "suspected carrier",
                                      "exact gap",
                                      "replayed early data",
                                      "honoured ticket",
                                      "repeated hello",
                                      "repeated carrier",
                                      "pieces of carriers",
                                      "made-up second hello",
                                      "repeated second hello",
                                      "calls that waited long enough",
                                      "failed connection",
                                      "fallback",
                                      "race",
                                      "move to a better connection",
                                      "switch asked",
                                      "reconnect asked",
                                      "address change",
                                      "given up",
                                      "response",
                                      "response with others to follow",
                                      "refused request",
                                      "repeated request",
                                      "request lost with its session",
                                      "busy store",
                                      "full disk",
                                      "slow store",
                                      "store that cannot read",
                                      "commit put off",
                                      "commit of unknown outcome",
                                      "crash while an outcome is unknown",
                                      "kick while messages are in the store",
                                      "entry of a subscription",
                                      "subscription that has ended",
                                      "crash between commit and answer",
                                      "restored backup",
                                      "older copy",
                                      "later",
                                      "refused for good",
                                      "group that was written after all",
                                      "flood",
                                      "change",
                                      "change that was refused",
                                      "change that changes nothing",
                                      "page of history",
                                      "read that was refused",
                                      "edit",
                                      "edit of another one's message",
                                      "deletion",
                                      "deletion of another one's message",
                                      "reaction",
                                      "reaction that is taken back",
                                      "reaction that changes nothing",
                                      "too many reactions",
                                      "change of a deleted message",
                                      "change of a message that is told",
                                      "message that is known to the end",
                                      "message of a list",
                                      "role",
                                      "mute",
                                      "ban",
                                      "banned",
                                      "freeze",
                                      "frozen",
                                      "block",
                                      "end of a block",
                                      "forbidden",
                                      "deleted room",
                                      "mark of another",
                                      "mark of another that is known",
                                      "mark of what came",
                                      "readers",
                                      "unread by hand",
                                      "log that was cut",
                                      "hole of what was removed",
                                      "page of what was removed",
                                      "erasure",
                                      "erasure that is complete",
                                      "message of an erased user",
                                      "crash while somebody is erased"};
    bool missing = false;
    for (const char* kind : kKinds) {
        if (options.seeds < kSeedsForEveryFault || options.every != 1 || totals[kind] != 0) continue;
        std::printf("never happened: %s\n", kind);
        missing = true;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (died) std::printf("a simulator process died\n");
    if (options.json) {
        std::printf("{\"seeds\":%llu,\"violations\":%llu,\"seconds\":%.1f}\n",
                    static_cast<unsigned long long>(options.seeds), static_cast<unsigned long long>(violations),
                    seconds);
    } else {
        std::printf("%llu seeds, %llu violations, %.1f s\n", static_cast<unsigned long long>(options.seeds),
                    static_cast<unsigned long long>(violations), seconds);
    }
    return violations == 0 && !missing && !died ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    flare::base::fix_process_hash_key({1, 2});
    flare::base::log().set_level(flare::base::Log::Level::off);  // peers at fault are its trade
    Options options;
    std::signal(SIGABRT, on_abort);
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
        if (option == "--seeds")
            options.seeds = number();
        else if (option == "--first")
            options.first = number();
        else if (option == "--seed")
            options.seed = number();
        else if (option == "--list") {
            const char* const path = i + 1 < argc ? argv[++i] : "";
            if (!read_list(path, options)) return std::fprintf(stderr, "no seeds in '%s'\n", path), 2;
        } else if (option == "--trace") {
            options.trace = true;
            flare::base::log().set_level(flare::base::Log::Level::info);
        } else if (option == "--every")
            options.every = number();
        else if (option == "--mutants") {
            options.mutants = true;
            if (i + 1 < argc && argv[i + 1][0] != '-') options.mutant = argv[++i];
        } else if (option == "--json")
            options.json = true;
        else
            return std::fprintf(stderr, "unknown option %s\n", option.c_str()), 2;
    }
    if (options.mutants) return flare::sim::run_mutants(options.mutant);
    if (!options.seed) return run_seeds(options);
    const History history = live_through(*options.seed, options.trace);
    if (!history.violation.empty()) tell(history);
    std::printf("seed %llu: trace %016llx\n", static_cast<unsigned long long>(*options.seed),
                static_cast<unsigned long long>(history.trace_hash));
    return history.violation.empty() ? 0 : 1;
}
