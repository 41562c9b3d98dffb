#include "server/admin/health.hpp"

namespace flare::server {

bool Health::ask(std::size_t worker, Clock::time_point now) noexcept {
    Clock::rep nothing = kNothing;
    return pulses_[worker].asked_at.compare_exchange_strong(nothing, now.time_since_epoch().count());
}

void Health::answered(std::size_t worker) noexcept { pulses_[worker].asked_at.store(kNothing); }

std::optional<std::chrono::milliseconds> Health::silent_for(std::size_t worker, Clock::time_point now) const noexcept {
    const Clock::rep asked_at = pulses_[worker].asked_at.load();
    if (asked_at == kNothing) return std::nullopt;
    const auto waited = now.time_since_epoch() - Clock::duration(asked_at);
    if (waited <= kPatience) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::milliseconds>(waited);
}

std::string Health::trouble(Clock::time_point now, std::optional<std::size_t> asking) const {
    std::string text;
    for (std::size_t i = 0; i < pulses_.size(); ++i) {
        const auto silent = i == asking ? std::nullopt : silent_for(i, now);
        if (!silent) continue;
        if (!text.empty()) text += ", ";
        text += "worker " + std::to_string(i) + " has not answered for " + std::to_string(silent->count()) + " ms";
    }
    return text;
}

}  // namespace flare::server
