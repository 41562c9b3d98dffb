// Virtual time, one source of chance, one trace: a seed makes exactly one history.
#pragma once

#include "base/random.hpp"
#include "session/types.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flare::sim {

using session::Duration;
using session::TimePoint;

// SplitMix64: small, and the same everywhere.
class Chance final : public base::Random {
public:
    explicit Chance(std::uint64_t seed) : state_(seed) {}
    void fill(std::span<std::uint8_t> out) override;
    std::uint64_t next();
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    Duration between(Duration low, Duration high);

private:
    std::uint64_t state_;
};

// A broken promise. It ends the run.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class World {
public:
    World(std::uint64_t seed, bool print) : chance(seed), print_(print) {}

    TimePoint now() const noexcept { return now_; }
    void after(Duration delay, std::function<void()> event);
    // Runs events until none is left or `end` has come. Throws Violation when they never come to rest.
    void run_until(TimePoint end);
    // Called after each event; it may throw as an event may.
    void after_each(std::function<void()> look) { look_ = std::move(look); }
    void leap(Duration by) { now_ += by; }  // the clock jumps; what was due meanwhile is late

    // One line of the history.
    void trace(std::string_view what);
    std::uint64_t trace_hash() const noexcept { return hash_; }
    [[noreturn]] void violated(const std::string& promise);
    void require(bool holds, const char* promise) {
        if (!holds) violated(promise);
    }
    void happened(const char* fault) { ++faults[fault]; }

    Chance chance;
    std::map<std::string, std::uint64_t> faults;

private:
    struct Event {
        TimePoint at;
        std::uint64_t order;
        std::function<void()> run;
        bool operator>(const Event& other) const noexcept {
            return std::pair(at, order) > std::pair(other.at, other.order);
        }
    };
    TimePoint now_{std::chrono::hours(1000)};
    std::uint64_t order_ = 0;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::function<void()> look_ = [] {};
    std::uint64_t hash_ = 0xcbf29ce484222325ull;
    bool print_;
    std::string broken_;  // the application's code may have thrown it, where exceptions are caught
};

}  // namespace flare::sim
