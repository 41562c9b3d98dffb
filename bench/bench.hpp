// The benchmarks: one function each, in a file of its own, listed in main.cpp.
//
// argv[0] is the benchmark's name, the options follow. Each prints what it measured; with --json its last line
// is one JSON object. Returns 0 when its own limits hold.
#pragma once

#include <flare/failure.hpp>

#include <stdexcept>

namespace flare::bench {

// Thrown where the sessions of a load cannot be had.
struct NotConnected : std::runtime_error {
    explicit NotConnected(const Failure& failure)
        : std::runtime_error("connecting: " + failure.text), code(failure.code) {}
    errc code;
};

int bench_api(int argc, char** argv);
int bench_codec(int argc, char** argv);
int bench_compress(int argc, char** argv);
int bench_crowd(int argc, char** argv);
int bench_detached(int argc, char** argv);
int bench_echo(int argc, char** argv);
int bench_connect(int argc, char** argv);
int bench_fanout(int argc, char** argv);
int bench_floor(int argc, char** argv);
int bench_large(int argc, char** argv);
int bench_mixed(int argc, char** argv);
int bench_idle(int argc, char** argv);
int bench_stall(int argc, char** argv);
int bench_peer(int argc, char** argv);
int bench_presence(int argc, char** argv);
int bench_store(int argc, char** argv);
int bench_stored(int argc, char** argv);
int bench_room(int argc, char** argv);
int bench_storm(int argc, char** argv);
int bench_sync(int argc, char** argv);

struct LoadOptions;
// What a message costs the server of `floor` under this load.
double floor_cpu_us_per_message(const LoadOptions& options);

}  // namespace flare::bench
