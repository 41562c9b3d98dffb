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
        erase(found);
        return std::nullopt;
    }
    return found->second.identity;
}

void AnswerCache::put(const std::string& key, const Identity& identity, Time until) {
    if (limit_ == 0) return;
    const std::lock_guard lock(mutex_);
    if (const auto old = entries_.find(key); old != entries_.end()) erase(old);
    entries_.emplace(key, Entry{identity, until, next_});
    claims_bytes_ += identity.claims.size();
    order_.emplace_back(next_++, key);
    // Those that were renewed or have run out stand in `order_` for nothing, so it may be the longer one.
    while (entries_.size() > limit_ || order_.size() > 2 * limit_ || claims_bytes_ > claims_limit_) {
        const auto& [number, oldest] = order_.front();
        const auto found = entries_.find(oldest);
        if (found != entries_.end() && found->second.number == number) erase(found);
        order_.pop_front();
    }
}

void AnswerCache::erase(Entries::iterator found) {
    claims_bytes_ -= found->second.identity.claims.size();
    entries_.erase(found);
}

std::size_t AnswerCache::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace flare::auth
