#include "sim/world.hpp"

#include <cstdio>

namespace flare::sim {
namespace {

constexpr std::uint64_t kMostEvents = 2'000'000;

}  // namespace

std::uint64_t Chance::next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

void Chance::fill(std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size();) {
        std::uint64_t word = next();
        for (int byte = 0; byte < 8 && i < out.size(); ++byte, word >>= 8) out[i++] = static_cast<std::uint8_t>(word);
    }
}

Duration Chance::between(Duration low, Duration high) {
    return low + Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>((high - low).count()) + 1)));
}

void World::after(Duration delay, std::function<void()> event) {
    events_.push({now_ + delay, order_++, std::move(event)});
}

void World::run_until(TimePoint end) {
    while (!events_.empty() && events_.top().at <= end) {
        if (order_ > kMostEvents) violated("the world never comes to rest");
        now_ = std::max(now_, events_.top().at);
        const auto run = std::move(const_cast<Event&>(events_.top()).run);
        events_.pop();
        run();
        if (!broken_.empty()) throw Violation(broken_);
        look_();
    }
    now_ = std::max(now_, end);
}

void World::trace(std::string_view what) {
    const auto since =
        std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch() - std::chrono::hours(1000))
            .count();
    const std::string line = std::to_string(since) + " " + std::string(what);
    for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    if (print_) std::printf("%s\n", line.c_str());
}

void World::violated(const std::string& promise) {
    trace("VIOLATION " + promise);
    broken_ = promise;
    throw Violation(promise);
}

}  // namespace flare::sim
