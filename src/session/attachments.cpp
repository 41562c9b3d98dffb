#include "session/attachments.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {

Attached* Attachments::find(CarrierKey key) noexcept {
    for (Attached& each : all_) {
        if (each.key == key) return &each;
    }
    return nullptr;
}

void Attachments::add(Attached&& carrier, TimePoint now) {
    if (all_.empty()) {
        attached_at_ = now;
        detached_at_ = kNever;
    }
    used_.add(carrier.epoch);
    all_.push_back(std::move(carrier));
    FLARE_INVARIANT(all_.size() <= kMost, "more carriers are attached than may be");
}

bool Attachments::remove(CarrierKey key, TimePoint now) {
    if (std::erase_if(all_, [&](const Attached& each) { return each.key == key; }) == 0) return false;
    if (active_ == key) active_ = kNoCarrier;
    if (all_.empty()) {
        detached_at_ = now;
        notices_.clear();
    }
    return true;
}

CarrierKey Attachments::least() const noexcept {
    const auto least = std::min_element(all_.begin(), all_.end(), [&](const auto& a, const auto& b) {
        return std::pair(a.key == active_, a.epoch) < std::pair(b.key == active_, b.epoch);
    });
    return least->key;
}

const Attached* Attachments::newest_confirmed() const noexcept {
    const Attached* newest = nullptr;
    for (const Attached& each : all_) {
        if (each.confirmed && (newest == nullptr || each.epoch > newest->epoch)) newest = &each;
    }
    return newest;
}

void Attachments::check_invariants() const {
    FLARE_INVARIANT(all_.size() <= kMost, "more carriers are attached than may be");
    bool sends = false;
    for (const Attached& each : all_) {
        FLARE_INVARIANT(each.key != kNoCarrier, "a carrier has no name");
        FLARE_INVARIANT(used_.has(each.epoch), "a Hello has attached a carrier and does not count as used");
        const auto same = [&](const Attached& other) { return other.key == each.key; };
        FLARE_INVARIANT(std::count_if(all_.begin(), all_.end(), same) == 1, "a carrier is attached twice");
        sends = sends || each.key == active_;
    }
    FLARE_INVARIANT(sends || active_ == kNoCarrier, "a carrier sends that is not attached");
    FLARE_INVARIANT(all_.empty() == (detached_at_ != kNever), "attached and detached at once");
}

}  // namespace flare::session
