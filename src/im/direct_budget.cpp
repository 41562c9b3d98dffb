#include "im/direct_budget.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace flare::im {

Refused DirectBudget::begin(Row starter, Row other, TimePoint now) {
    if (starter == 0 || other == 0 || starter == other) return {};
    if (size_ >= settings_.remembered) make_room(now);
    Beginnings& of = by_starter_[starter];
    drop_old(of, now);
    if (std::any_of(of.begin(), of.end(), [&](const Beginning& each) { return each.other == other; })) return {};
    if (of.size() >= settings_.most)
        return Refusal{errc::too_many_conversations,
                       "you have begun as many conversations as allowed in an hour: wait until one of them is "
                       "answered, or for the hour to pass",
                       retry_after(of.front().at + settings_.within - now)};
    of.push_back({other, now});
    ++size_;
    return {};
}

void DirectBudget::forget(Row starter, Row other) {
    const auto of = by_starter_.find(starter);
    if (of == by_starter_.end()) return;
    size_ -= std::erase_if(of->second, [&](const Beginning& each) { return each.other == other; });
    if (of->second.empty()) by_starter_.erase(of);
}

void DirectBudget::drop_old(Beginnings& of, TimePoint now) {
    size_ -= std::erase_if(of, [&](const Beginning& each) { return each.at + settings_.within <= now; });
}

void DirectBudget::expire(TimePoint now) {
    boost::unordered::erase_if(by_starter_, [&](auto& each) {
        drop_old(each.second, now);
        return each.second.empty();
    });
}

// An eighth at once, so that not everyone who begins one searches all.
void DirectBudget::make_room(TimePoint now) {
    expire(now);
    const std::size_t enough = settings_.remembered - settings_.remembered / 8;
    boost::unordered::erase_if(by_starter_, [&](auto& each) {
        if (size_ < enough) return false;
        size_ -= each.second.size();
        return true;
    });
}

void DirectBudget::check_invariants() const {
    std::size_t counted = 0;
    for (const auto& [row, of] : by_starter_) {
        counted += of.size();
        FLARE_INVARIANT(of.size() <= settings_.most, "a user has begun too many");
        for (std::size_t i = 1; i < of.size(); ++i)
            FLARE_INVARIANT(of[i - 1].at <= of[i].at, "beginnings are not in the order of time");
    }
    FLARE_INVARIANT(counted == size_ && size_ <= settings_.remembered, "beginnings are counted wrong");
}

}  // namespace flare::im
