#include "server/conversations/recent_mentions.hpp"

#include <algorithm>

namespace flare::server {

std::vector<im::Row> RecentMentions::add(std::span<const Mention> mentions, session::TimePoint now,
                                         session::Duration interval) {
    std::vector<im::Row> at_once;
    for (const Mention& each : mentions) {
        Named named{each};
        const auto before = std::ranges::find_if(all_, [&](const Named& known) {
            return known.mention.user == each.user && known.mention.sender == each.sender;
        });
        if (before != all_.end()) {
            named.told_at = before->told_at;
            named.told = before->told;
            all_.erase(before);
        } else if (all_.size() == kMost) {
            all_.erase(all_.begin());
        }
        if (each.user != 0 && each.user != each.sender && !was_told_after(each.user, now - interval) &&
            !(named.told && named.told_at > now - interval)) {
            named.told_at = now;
            named.told = true;
            at_once.push_back(each.user);
        }
        all_.push_back(named);
    }
    std::ranges::sort(at_once);
    return at_once;
}

bool RecentMentions::was_told_after(im::Row user, session::TimePoint at) const noexcept {
    return std::ranges::any_of(
        all_, [&](const Named& each) { return each.mention.user == user && each.told && each.told_at > at; });
}

std::uint64_t RecentMentions::newest_for(im::Row user, std::uint64_t told) const noexcept {
    std::uint64_t newest = 0;
    for (const auto& [mention, told_at, was_told] : all_) {
        const bool names = mention.user == user || mention.user == 0;
        if (names && mention.sender != user && mention.offset > told) newest = std::max(newest, mention.offset);
    }
    return newest;
}

void RecentMentions::all_told(session::TimePoint at) {
    std::erase_if(all_, [&](const Named& each) { return !each.told || each.told_at <= at; });
}

}  // namespace flare::server
