#include "server/conversations/push_batches.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {

PushBatches::User* PushBatches::find(std::string_view user) const {
    const auto found = users_.find(user);
    return found == users_.end() ? nullptr : found->second.get();
}

void PushBatches::schedule(User& user, session::TimePoint at) {
    if (user.at != session::kNever) schedule_.erase({user.at, &user});
    user.at = at;
    if (at != session::kNever) schedule_.emplace(at, &user);
}

// True: it is one more.
bool PushBatches::put(std::vector<PushItem>& items, PushItem item) {
    const auto same = std::ranges::find_if(items, [&](const PushItem& each) { return each.key == item.key; });
    if (same == items.end()) {
        items.push_back(std::move(item));
        return true;
    }
    if (same->conversation == item.conversation) {
        same->first = std::min(same->first, item.first);
        same->last = std::max(same->last, item.last);
    } else {
        *same = std::move(item);  // a room of the same name, made since
    }
    return false;
}

bool PushBatches::add(std::string_view name, PushItem item, session::TimePoint now) {
    User* user = find(name);
    const bool known = user != nullptr &&
                       std::ranges::any_of(user->waiting, [&](const PushItem& each) { return each.key == item.key; });
    const bool full = items_ >= most_ || (user != nullptr && user->waiting.size() >= kMostOfUser);
    if (full && !known) return false;
    if (user == nullptr) {
        auto made = std::make_unique<User>(name);
        user = made.get();
        users_.emplace(user->name, std::move(made));
    }
    const bool first = user->waiting.empty();
    if (put(user->waiting, std::move(item))) ++items_;
    if (first && user->asked.empty()) schedule(*user, std::max(now + times_.width(), user->free_at));
    return true;
}

void PushBatches::read(std::string_view name, const model::ConversationKey& key, std::uint64_t upto) {
    User* const user = users_.empty() ? nullptr : find(name);
    if (user == nullptr) return;
    items_ -= std::erase_if(user->waiting, [&](const PushItem& each) { return each.key == key && each.last <= upto; });
    for (PushItem& each : user->asked)
        if (each.key == key) each.read = std::max(each.read, upto);
}

std::vector<PushBatches::Batch> PushBatches::take_due(session::TimePoint now, std::size_t most) {
    std::vector<Batch> due;
    while (!schedule_.empty() && schedule_.begin()->first <= now && due.size() < most) {
        User& user = *schedule_.begin()->second;
        schedule(user, session::kNever);
        if (user.waiting.empty()) {
            if (user.asked.empty()) users_.erase(users_.find(user.name));
            continue;
        }
        user.asked = std::exchange(user.waiting, {});
        due.push_back({user.name, user.asked});
    }
    return due;
}

bool PushBatches::is_read(std::string_view name, const PushItem& item) const {
    const User* const user = find(name);
    if (user == nullptr) return false;
    return std::ranges::any_of(user->asked,
                               [&](const PushItem& each) { return each.key == item.key && each.read >= item.last; });
}

void PushBatches::done(std::string_view name, bool told, session::TimePoint now) {
    User* const user = find(name);
    if (user == nullptr) return;
    items_ -= user->asked.size();
    user->asked.clear();
    if (told) user->free_at = now + times_.delay;
    schedule(*user,
             user->waiting.empty() ? std::max(now, user->free_at) : std::max(now + times_.width(), user->free_at));
}

void PushBatches::try_again(std::string_view name, session::TimePoint now) {
    User* const user = find(name);
    if (user == nullptr) return;
    for (PushItem& each : std::exchange(user->asked, {})) {
        if (each.read >= each.last || !put(user->waiting, std::move(each))) --items_;
    }
    schedule(*user, now + kAgain);
}

}  // namespace flare::server
