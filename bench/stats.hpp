// What benchmarks of message traffic have in common: options, percentiles, CPU
// time of a thread, the figures they print.
#pragma once

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::bench {

inline std::uint64_t now_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000ull + static_cast<std::uint64_t>(time.tv_nsec);
}

// User and system time that a running thread has used; 0 when it has ended.
inline std::uint64_t cpu_ns(pthread_t thread) {
    clockid_t clock{};
    timespec time{};
    if (::pthread_getcpuclockid(thread, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000ull + static_cast<std::uint64_t>(time.tv_nsec);
}

// The same of another process, of all its threads.
inline std::uint64_t process_cpu_ns(pid_t process) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000ull + static_cast<std::uint64_t>(time.tv_nsec);
}

class Latencies {
public:
    void reserve(std::size_t count) { values_.reserve(count); }
    void add(std::uint64_t nanoseconds) {
        values_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(nanoseconds, UINT32_MAX)));
    }
    void clear() { values_.clear(); }
    std::size_t size() const { return values_.size(); }
    // Of `share` 0..1, in microseconds; 0 when nothing was measured.
    double percentile_us(double share) {
        if (values_.empty()) return 0;
        const auto at = static_cast<std::size_t>(share * static_cast<double>(values_.size() - 1));
        const auto place = values_.begin() + static_cast<std::ptrdiff_t>(at);
        std::nth_element(values_.begin(), place, values_.end());
        return static_cast<double>(*place) / 1000.0;
    }

private:
    std::vector<std::uint32_t> values_;
};

// Of one value at least.
inline double median_of(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

struct LoadOptions {
    std::size_t connections = 1;
    std::size_t in_flight = 1;  // messages under way on each connection
    std::size_t size = 64;      // bytes of a message
    double seconds = 3;
    std::uint64_t messages = 0;  // ends after so many, in place of `seconds`; 0: no end but the time
    double warm_up = 0.5;        // seconds before those that count
    // Messages a second of all connections together, sent when they are due whether earlier ones are back or not; 0:
    // each answer brings the next message. Latency counts from when a message was due, so that a server that stalls is
    // not spared (no coordinated omission).
    double rate = 0;
    bool fan_out = false;         // the first connection sends, in_flight messages at once, all get them
    std::size_t ack_every = 0;    // fan-out: each connection says something after so many; 0: nothing
    std::size_t large_every = 0;  // 0: none; n: every nth message has large_size bytes
    std::size_t large_size = 16 * 1024;
    std::string picture;  // a file for a picture of the latencies (SVG)
    bool json = false;

    // Takes the option at argv[i] and moves i over its value; false: not one of these.
    bool take(int argc, char** argv, int& i) {
        const std::string_view option = argv[i];
        if (option == "--json") return json = true;
        if (i + 1 >= argc) return false;
        const auto number = [&](std::size_t least, std::size_t most) {
            return std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), least, most);
        };
        if (option == "--connections" || option == "--sessions") {
            connections = number(1, 1'000'000);
        } else if (option == "--in-flight") {
            in_flight = number(1, 100'000);
        } else if (option == "--size") {
            size = number(1, 1'000'000);
        } else if (option == "--seconds") {
            seconds = std::clamp(std::atof(argv[++i]), 0.1, 600.0);
        } else if (option == "--messages") {
            messages = number(0, 1'000'000'000);
        } else if (option == "--rate") {
            rate = std::clamp(std::atof(argv[++i]), 0.0, 1e8);
        } else if (option == "--large-every") {
            large_every = number(0, 1'000'000);
        } else if (option == "--large-size") {
            large_size = number(1, 1'000'000);
        } else if (option == "--svg") {
            picture = argv[++i];
        } else if (option == "--warm-up") {
            warm_up = std::clamp(std::atof(argv[++i]), 0.0, 60.0);
        } else {
            return false;
        }
        return true;
    }
    std::uint64_t warm_up_ns() const { return static_cast<std::uint64_t>(warm_up * 1e9); }
};

// Where what is for people goes, so that a program that asked for JSON reads nothing else.
inline std::FILE* for_people(bool json) { return json ? stderr : stdout; }

struct LoadResult {
    std::uint64_t messages = 0;  // that came back within the time
    double seconds = 0;
    bool server_seen = true;  // false: it runs elsewhere, its CPU time is not known
    double server_cpu_seconds = 0;
    double worker_cpu_seconds = 0;          // of that, its workers'
    std::uint64_t server_memory_bytes = 0;  // at the end; 0: not known
    // Calls within the time, of the server: of operator new, and of malloc by libraries.
    std::optional<std::uint64_t> allocations, library_allocations;
    std::uint64_t lost = 0;  // did not come back, or not in order, or not as they were
    Latencies latencies;

    double server_cpu_us_per_message() const {
        return messages == 0 ? 0 : server_cpu_seconds * 1e6 / static_cast<double>(messages);
    }
    double worker_cpu_us_per_message() const {
        return messages == 0 ? 0 : worker_cpu_seconds * 1e6 / static_cast<double>(messages);
    }
    // Prints, and draws options.picture. Returns the exit status.
    int print(const char* name, const LoadOptions& options);
};

}  // namespace flare::bench
