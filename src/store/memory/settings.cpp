// What users choose for conversations.
#include "store/memory/data.hpp"
#include "store/rules.hpp"

#include <algorithm>

namespace flare::store::memory {

const Seat* Data::seat(Row conversation, Row user) const {
    const Log* const in = log(conversation);
    if (in == nullptr) return nullptr;
    const auto found = in->members.find(user);
    const bool is_member = found != in->members.end() && found->second.member.role != model::Role::none;
    return is_member ? &found->second : nullptr;
}

void Data::choose(const SettingsChange& change, Outcome& outcome) {
    const Log* const in = log(change.conversation);
    const Seat* const before = seat(change.conversation, change.user);
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

void Data::forget_choices(Row user) {
    bool any = false;
    for (auto& [row, log] : logs_) {
        const auto found = log.members.find(user);
        if (found == log.members.end() || found->second.settings == model::Settings()) continue;
        if (!any) give_stamp();
        any = true;
        undo_.emplace_back([this, row, user, was = found->second] { logs_.at(row).members.at(user) = was; });
        found->second.settings = {};
        found->second.stamp = stamp_;
    }
}

bool Data::names(const Log& log, Row user, std::uint64_t after, std::uint64_t upto) const {
    const auto end = log.mentions.upper_bound(upto);
    return std::any_of(log.mentions.upper_bound(std::min(after, upto)), end, [&](const auto& each) {
        const Entry* const there = entry(log, each.first);
        return there != nullptr && !there->blank && (each.second.contains(user) || each.second.contains(0));
    });
}

}  // namespace flare::store::memory
