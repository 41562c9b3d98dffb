#include "auth/answer_cache.hpp"

#include "base/crypto.hpp"

#include <algorithm>

namespace flare::auth {

std::string AnswerCache::key_of(std::string_view token, std::string_view user) {
    // The length in front, so that no two pairs make the same text.
    return std::string(
        base::view(base::sha256(std::to_string(token.size()) + ':' + std::string(token) + std::string(user))));
}

std::optional<Identity> AnswerCache::find(const std::string& key, Time now) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    if (std::min(found->second.until, found->second.identity.expires) <= now) {
        entries_.erase(found);
        return std::nullopt;
    }
    return found->second.identity;
}

void AnswerCache::put(const std::string& key, const Identity& identity, Time until) {
    if (limit_ == 0) return;
    const std::lock_guard lock(mutex_);
    entries_.insert_or_assign(key, Entry{identity, until, next_});
    order_.emplace_back(next_++, key);
    // Those that were renewed or have run out stand in `order_` for nothing, so it may be the longer one.
    while (entries_.size() > limit_ || order_.size() > 2 * limit_) {
        const auto& [number, oldest] = order_.front();
        const auto found = entries_.find(oldest);
        if (found != entries_.end() && found->second.number == number) entries_.erase(found);
        order_.pop_front();
    }
}

std::size_t AnswerCache::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace flare::auth
