// Server and load on a CPU each, so that neither waits for the other and figures repeat.
//
// Threads: concerns the calling thread, and what it starts.
#pragma once

#include <sched.h>

#include <thread>

namespace flare::bench {

// What is started while it lives runs on the first CPU; afterwards the calling thread stays on the second. Does
// nothing on a machine with one CPU, or when `on` is false.
class ServerCpu {
public:
    explicit ServerCpu(bool on = true) : on_(on && std::thread::hardware_concurrency() > 1) { stay_on(0); }
    ~ServerCpu() { stay_on(1); }
    ServerCpu(const ServerCpu&) = delete;
    ServerCpu& operator=(const ServerCpu&) = delete;

private:
    void stay_on(int cpu) const {
        if (!on_) return;
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        ::sched_setaffinity(0, sizeof set, &set);
    }
    const bool on_;
};

}  // namespace flare::bench
