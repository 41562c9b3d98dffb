#include "racing/measurement.hpp"

#include <algorithm>
#include <cmath>

namespace flare::racing {
namespace {

constexpr double kFloorMs = 5;            // below it, the weights decide
constexpr double kConnectionShare = 0.1;  // a connection is made once for many messages
constexpr Duration kLost = std::chrono::seconds(1);
constexpr double kReferenceBytes = 16 * 1024;

double to_ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

double score(const Measurement& measured, double weight) noexcept {
    if (measured.answered == 0) return 0;
    double cost =
        to_ms(measured.median) + to_ms(measured.jitter) + kConnectionShare * to_ms(measured.connection_latency);
    if (measured.bytes_per_second && *measured.bytes_per_second > 0)
        cost += kReferenceBytes / *measured.bytes_per_second * 1000;
    const double success = measured.success_rate();
    return success * success * (0.5 + weight) * 1000 / (kFloorMs + cost);
}

Probing::Due Probing::due(TimePoint now) const {
    if (sent_ < count_) return now >= next_at_ ? Due{1, 0} : Due{};
    // The burst waits for the small ones, whose round trips it would lengthen.
    if (sent_ == count_ && open_.empty()) return {count_, kLargeProbeBytes};
    return {};
}

TimePoint Probing::next_deadline() const noexcept {
    if (sent_ < count_) return next_at_;
    return sent_ == count_ && open_.empty() ? TimePoint::min() : kNever;
}

void Probing::sent(std::uint64_t id, std::size_t padding, TimePoint now) {
    open_.push_back({id, padding, now});
    if (sent_++ == count_) burst_at_ = now;
    next_at_ = now + kSpacing;
}

void Probing::answered(std::uint64_t id, TimePoint now) {
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& open) { return open.id == id; });
    if (found == open_.end()) return;
    if (found->padding == 0) {
        round_trips_.push_back(now - found->at);
    } else {
        ++large_answered_;
        burst_end_ = now;
    }
    open_.erase(found);
}

bool Probing::answers_within(Duration limit, TimePoint now) const noexcept {
    return std::all_of(open_.begin(), open_.end(), [&](const Open& open) { return now - open.at < limit; });
}

Measurement Probing::result(TimePoint now) const {
    Measurement result;
    result.connection_latency = connection_latency_;
    result.answered = static_cast<std::uint32_t>(round_trips_.size()) + large_answered_;
    // What may still be answered in time is not held against it.
    result.sent =
        result.answered + static_cast<std::uint32_t>(std::count_if(
                              open_.begin(), open_.end(), [&](const Open& open) { return now - open.at >= kLost; }));
    std::vector<Duration> times = round_trips_;
    std::sort(times.begin(), times.end());
    const Duration slowest = times.empty() ? Duration::zero() : times.back();
    for (const Open& open : open_) {
        if (open.padding == 0 && now - open.at > slowest) times.push_back(now - open.at);
    }
    std::sort(times.begin(), times.end());
    if (!times.empty()) {
        const auto at = [&](double share) {
            const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(times.size())));
            return times[std::clamp<std::size_t>(rank, 1, times.size()) - 1];
        };
        result.min = times.front();
        result.median = at(0.5);
        result.p99 = at(0.99);
    }
    for (std::size_t i = 1; i < round_trips_.size(); ++i)
        result.jitter += std::chrono::abs(round_trips_[i] - round_trips_[i - 1]);
    if (round_trips_.size() > 1) result.jitter /= static_cast<Duration::rep>(round_trips_.size() - 1);
    if (large_answered_ == count_ && count_ != 0) {
        // Of the burst's time one round trip is the path's, the rest is what the bytes took.
        const Duration took = std::max<Duration>(burst_end_ - burst_at_ - result.min, std::chrono::microseconds(10));
        result.bytes_per_second =
            static_cast<double>(count_ * kLargeProbeBytes) / std::chrono::duration<double>(took).count();
    }
    return result;
}

}  // namespace flare::racing
