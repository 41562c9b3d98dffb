// Users whom the server process before this one let go in good order, and who are expected back: who writes to one of
// them hears when to try again, in place of that nobody of this name is there.
//
// Protocol: docs/protocol.md, "Receipts"; docs/server.md, "Storms".
// Threads:  its worker only; time is an argument.
// Owner:    SessionTable.
// Growth:   as many as are added; each goes when its user comes, or when its time is over.
#pragma once

#include "session/types.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flare::session {

class Expected {
public:
    // back: the moment that was named to the user's client. until: from then on the user is offline like anybody.
    // Of two devices of a user the one that comes first counts.
    void add(std::string user, TimePoint back, TimePoint until) {
        const auto [found, made] = users_.try_emplace(std::move(user), Times{back, until});
        if (made) return;
        found->second.back = std::min(found->second.back, back);
        found->second.until = std::max(found->second.until, until);
    }
    void came(std::string_view user) {
        if (!users_.empty()) users_.erase(std::string(user));
    }
    // After what time to ask again. Nothing: nobody of this name is expected (any more).
    std::optional<Duration> wait(std::string_view user, TimePoint now) const {
        if (users_.empty()) return std::nullopt;
        const auto found = users_.find(std::string(user));
        if (found == users_.end() || found->second.until <= now) return std::nullopt;
        return std::max<Duration>(found->second.back + kLate - now, kAgain);
    }
    void expire(TimePoint now) {
        boost::unordered::erase_if(users_, [&](const auto& each) { return each.second.until <= now; });
    }
    template <typename Each>
    void for_each(Each each) const {
        for (const auto& [user, times] : users_) each(user, times.back, times.until);
    }
    bool empty() const noexcept { return users_.empty(); }
    std::size_t size() const noexcept { return users_.size(); }

    static constexpr Duration kLate = std::chrono::milliseconds(500);    // a client is back so long after its moment
    static constexpr Duration kAgain = std::chrono::milliseconds(1000);  // it is late: ask so often

private:
    struct Times {
        TimePoint back;
        TimePoint until;
    };
    boost::unordered_flat_map<std::string, Times> users_;
};

}  // namespace flare::session
