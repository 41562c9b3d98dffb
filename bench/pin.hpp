// Server and load on a CPU each, so that neither waits for the other and figures repeat.
//
// Threads: concerns the calling thread, and what it starts.
#pragma once

#include <sched.h>

#include <cstdint>
#include <thread>

namespace flare::bench {

// Where a server runs. alone: on the first CPU. everywhere: wherever this process might when it began, because it has
// threads that need another one. as_it_is: nothing is changed.
enum class Placing : std::uint8_t { alone, everywhere, as_it_is };

// What is started while it lives runs there; afterwards the calling thread stays on the second CPU, whatever it was on
// before. Does nothing on a machine with one CPU.
class ServerCpu {
public:
    explicit ServerCpu(Placing placing = Placing::alone)
        : on_(placing != Placing::as_it_is && std::thread::hardware_concurrency() > 1) {
        static const cpu_set_t at_first = now();
        stay_on(placing == Placing::alone ? only(0) : at_first);
    }
    ~ServerCpu() { stay_on(only(1)); }
    ServerCpu(const ServerCpu&) = delete;
    ServerCpu& operator=(const ServerCpu&) = delete;

private:
    static cpu_set_t now() {
        cpu_set_t set;
        CPU_ZERO(&set);
        ::sched_getaffinity(0, sizeof set, &set);
        return set;
    }
    static cpu_set_t only(int cpu) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        return set;
    }
    void stay_on(const cpu_set_t& set) const {
        if (on_) ::sched_setaffinity(0, sizeof set, &set);
    }
    const bool on_;
};

}  // namespace flare::bench
