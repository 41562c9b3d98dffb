#include "server/conversations/push_told.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flare::server {

// The length tells where the user ends and the conversation begins.
std::string PushTold::name_of(std::string_view user, const model::ConversationKey& key) {
    std::string name = std::to_string(user.size());
    name.append(" ").append(user).append(key.text());
    return name;
}

bool PushTold::has(std::string_view user, const model::ConversationKey& key, store::Row conversation,
                   std::uint64_t offset) const {
    if (all_.empty()) return false;
    const auto found = by_name_.find(name_of(user, key));
    if (found == by_name_.end()) return false;
    return found->second->conversation == conversation && found->second->offset >= offset;
}

bool PushTold::tell(std::string_view user, const model::ConversationKey& key, store::Row conversation,
                    std::uint64_t offset) {
    std::string name = name_of(user, key);
    if (const auto found = by_name_.find(name); found != by_name_.end()) {
        Told& told = *found->second;
        told.offset = told.conversation == conversation ? std::max(told.offset, offset) : offset;
        told.conversation = conversation;
        all_.splice(all_.end(), all_, found->second);
        return true;
    }
    const bool full = all_.size() >= most_;
    if (full) {
        by_name_.erase(all_.front().name);
        all_.pop_front();
    }
    all_.push_back({std::move(name), conversation, offset});
    by_name_.emplace(all_.back().name, std::prev(all_.end()));
    return !full;
}

bool PushTold::read(std::string_view user, const model::ConversationKey& key, std::uint64_t upto) {
    if (all_.empty()) return false;
    const auto found = by_name_.find(name_of(user, key));
    if (found == by_name_.end() || found->second->offset > upto) return false;
    const Place place = found->second;
    by_name_.erase(found);
    all_.erase(place);
    return true;
}

}  // namespace flare::server
