#include "session/session_index.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {

SessionIndex::OfUser SessionIndex::of_user(std::string_view user) const {
    const auto found = users_.find(user);
    return found == users_.end() ? OfUser() : OfUser(found->second.begin(), found->second.end());
}

std::size_t SessionIndex::count_of(const std::string& user) const {
    const auto found = users_.find(user);
    return found == users_.end() ? 0 : found->second.size();
}

std::vector<ServerSession*> SessionIndex::all() const {
    std::vector<ServerSession*> all;
    all.reserve(live_.size());
    for (const auto& [id, session] : live_) all.push_back(session.get());
    return all;
}

ServerSession& SessionIndex::add(std::unique_ptr<ServerSession> made) {
    ServerSession& session = *made;
    live_.emplace(session.id(), std::move(made));
    return session;
}

void SessionIndex::retire(ServerSession& session) {
    if (const auto found = users_.find(session.user()); found != users_.end()) {
        std::erase(found->second, &session);
        if (found->second.empty()) users_.erase(found);
    }
    const auto found = live_.find(session.id());
    ended_.push_back(std::move(found->second));
    live_.erase(found);
}

void SessionIndex::bury(ServerSession& session) {
    const auto found =
        std::find_if(ended_.begin(), ended_.end(), [&](const auto& each) { return each.get() == &session; });
    if (found == ended_.end()) return;
    graveyard_.push_back(std::move(*found));
    ended_.erase(found);
}

std::size_t SessionIndex::check_invariants() const {
    FLARE_INVARIANT(depth_ == 0 && reading_ == nullptr, "a call is under way");
    std::size_t charged = 0;
    std::size_t carriers = 0;
    std::size_t of_users = 0;
    for (const auto& [id, session] : live_) {
        FLARE_INVARIANT(session->id() == id && !session->farewell().ended(), "a session that has ended is found");
        if (!session->attachments().unconfirmed()) {
            ++of_users;
            const auto found = users_.find(session->user());
            FLARE_INVARIANT(
                found != users_.end() && std::count(found->second.begin(), found->second.end(), session.get()) == 1,
                "a user has a session twice, or not");
        }
        charged += session->check_invariants();
        carriers += session->attachments().size();
    }
    for (const auto& [user, sessions] : users_) {
        FLARE_INVARIANT(!sessions.empty(), "a user without a session is remembered");
        of_users -= sessions.size();
    }
    FLARE_INVARIANT(of_users == 0, "a user has a session that is gone");
    for (const auto& session : ended_) {
        FLARE_INVARIANT(session->farewell().ended() && !session->attachments().empty(),
                        "an ended session is neither closing nor freed");
        FLARE_INVARIANT(!session->timer.is_linked(), "an ended session has a timer");
        carriers += session->attachments().size();
    }
    FLARE_INVARIANT(carriers == by_carrier_.size(), "carriers are counted wrong");
    for (const auto& [key, session] : by_carrier_)
        FLARE_INVARIANT(session->attachments().find(key) != nullptr, "a carrier is not its session's");
    return charged;
}

}  // namespace flare::session
