// What users choose for conversations.
#include "store/memory/data.hpp"
#include "store/rules.hpp"

#include <algorithm>

namespace flare::store::memory {

const Seat* Log::seat(Row user) const {
    const auto found = members.find(user);
    const bool is_member = found != members.end() && found->second.member.role != model::Role::none;
    return is_member ? &found->second : nullptr;
}

bool Log::names(Row user, std::uint64_t after, std::uint64_t upto) const {
    const auto end = mentions.upper_bound(upto);
    return std::any_of(mentions.upper_bound(std::min(after, upto)), end, [&](const auto& each) {
        const Entry* const there = entry(each.first);
        return there != nullptr && !there->blank && (each.second.contains(user) || each.second.contains(0));
    });
}

void Data::choose(const SettingsChange& change, Outcome& outcome) {
    const Log* const in = log(change.conversation);
    const Seat* const before = in == nullptr ? nullptr : in->seat(change.user);
    outcome.code = errc::unknown_conversation;
    if (before == nullptr || in->about.removed) return;
    const model::Settings settings = chosen(before->settings, change, in->about.head);
    outcome.repeat = settings == before->settings;
    outcome.code = !outcome.repeat && full_ ? errc::storage_full : errc::ok;
    if (outcome.code != errc::ok) return;
    Seat& now = logs_.at(change.conversation).members.at(change.user);
    if (!outcome.repeat) {
        give_stamp();
        undo_.emplace_back(
            [this, row = change.conversation, user = change.user, was = now] { logs_.at(row).members.at(user) = was; });
        if (settings.cleared_to != now.settings.cleared_to) now.mark = cleared(now.mark, settings.cleared_to);
        now.settings = settings;
        now.stamp = stamp_;
    }
    outcome.row = change.conversation;
    outcome.position = {in->about.head.last.epoch, now.settings.cleared_to};
    outcome.stamp = now.stamp;
}

}  // namespace flare::store::memory
