#include "server/reception/admission.hpp"

#include <algorithm>

namespace flare::server {
namespace {

constexpr std::uint32_t kBurstShare = 20;               // of a second's sessions may come at once
constexpr std::chrono::milliseconds kDrainDelay{2000};  // goodbyes are said, the process ends, the next one listens

std::chrono::milliseconds up_to_ms(std::int64_t nanoseconds) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(nanoseconds));
}

}  // namespace

Admission::Admission(std::uint32_t per_second)
    : rate_(per_second == 0 ? kDrainRate : per_second),
      interval_(per_second == 0 ? 0 : 1'000'000'000 / static_cast<std::int64_t>(per_second)),
      tolerance_(interval_ * (per_second / kBurstShare)) {}

std::optional<std::chrono::milliseconds> Admission::ask(session::TimePoint time) noexcept {
    if (!on()) return std::nullopt;
    const std::int64_t now = std::chrono::nanoseconds(time.time_since_epoch()).count();
    std::int64_t due = due_.load(std::memory_order_relaxed);
    while (due <= now + tolerance_.count()) {
        const std::int64_t next = std::max(due, now) + interval_.count();
        if (due_.compare_exchange_weak(due, next, std::memory_order_relaxed)) return std::nullopt;
    }
    const std::int64_t soonest = now + std::chrono::nanoseconds(kSoonest).count();
    const std::int64_t furthest = now + std::chrono::nanoseconds(kFurthest).count();
    std::int64_t given = given_.load(std::memory_order_relaxed);
    std::int64_t slot = 0;
    do {
        slot = given > furthest ? soonest : std::max(given, soonest) + interval_.count();
    } while (!given_.compare_exchange_weak(given, slot, std::memory_order_relaxed));
    return up_to_ms(slot - now);
}

std::chrono::milliseconds Admission::drain_slot(std::size_t index) const noexcept {
    return kDrainDelay + std::chrono::milliseconds(static_cast<std::uint64_t>(index) * 1000 / rate_);
}

}  // namespace flare::server
