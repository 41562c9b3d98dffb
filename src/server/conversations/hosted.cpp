#include "server/conversations/hosted.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {

HostedPtr HostedTable::get(const model::ConversationKey& key) {
    if (const auto found = by_key_.find(key.text()); found != by_key_.end()) return found->second;
    if (by_key_.size() >= forget_at_) {
        boost::unordered::erase_if(by_key_,
                                   [](const auto& each) { return !each.second->busy && !each.second->touched; });
        // When most are busy, not every new one searches all.
        forget_at_ = std::max(most_, 2 * by_key_.size());
    }
    auto made = std::make_shared<Hosted>(key, limits_, devices_);
    by_key_.emplace(made->append.conversation().key().text(), made);
    return made;
}

const Hosted* HostedTable::find(const model::ConversationKey& key) const {
    const auto found = by_key_.find(key.text());
    return found == by_key_.end() ? nullptr : found->second.get();
}

void HostedTable::hold(im::SessionKey session, Hosted& hosted) {
    HeldIn& in = held_[session];
    if (hosted.held.insert(session).second) {
        in.push_back(&hosted);
    } else {
        const auto at = std::find(in.begin(), in.end(), &hosted);
        std::rotate(at, at + 1, in.end());
    }
    if (in.size() <= kMostHeld) return;
    Hosted& first = *in.front();
    in.erase(in.begin());
    first.held.erase(session);
    first.append.session_gone(session);
}

void HostedTable::let_go(Hosted& hosted) {
    for (const im::SessionKey session : hosted.held) {
        const auto found = held_.find(session);
        std::erase(found->second, &hosted);
        if (found->second.empty()) held_.erase(found);
    }
    hosted.held.clear();
}

void HostedTable::session_gone(im::SessionKey session) {
    const auto found = held_.find(session);
    if (found == held_.end()) return;
    for (Hosted* const hosted : found->second) {
        hosted->held.erase(session);
        hosted->append.session_gone(session);
    }
    held_.erase(found);
}

void HostedTable::check_invariants() const {
    for (const auto& [session, in] : held_) {
        FLARE_INVARIANT(!in.empty() && in.size() <= kMostHeld,
                        "a session is held in more conversations than it may be");
        for (const Hosted* const hosted : in)
            FLARE_INVARIANT(hosted->held.contains(session), "a session is held where nobody knows of it");
    }
}

}  // namespace flare::server
