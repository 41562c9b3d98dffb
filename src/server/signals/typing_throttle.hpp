// How often a user may say that they are typing: once every three seconds in a conversation, on all devices together,
// and once between that they have stopped. Each takes 24 bytes for six seconds, after which it is over at whoever was
// told.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  one at a time; time is an argument.
// Owner:    TypingSignals, of each worker.
#pragma once

#include "base/keyed_hash.hpp"
#include "session/types.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace flare::server {

class TypingThrottle {
public:
    static constexpr session::Duration kEvery = std::chrono::seconds(3);
    static constexpr session::Duration kLasts = std::chrono::seconds(6);
    // Users who type, on a worker; of more nobody is told.
    static constexpr std::size_t kMost = 65'536;

    // Whether this is to be told.
    bool allows(std::string_view user, std::string_view conversation, bool on, session::TimePoint now) {
        forget(now);
        const std::uint64_t key = key_of(user, conversation);
        const auto found = said_.find(key);
        if (!on) return found != said_.end() && std::exchange(found->second.on, false);
        if (found == said_.end()) {
            if (said_.size() == kMost) return false;
            said_.emplace(key, Said{now, true});
            order_.emplace_back(now + kLasts, key);
            return true;
        }
        if (now < found->second.at + kEvery) return false;
        found->second = {now, true};
        return true;
    }
    std::size_t size() const noexcept { return said_.size(); }

private:
    struct Said {
        session::TimePoint at;  // that they type
        bool on;                // and have not stopped
    };
    static std::uint64_t key_of(std::string_view user, std::string_view conversation) {
        std::string both(user);
        both += '\0';
        both += conversation;
        return base::NameHash{}(both);
    }
    // Each is in the order once, and goes to its end if it was said again.
    void forget(session::TimePoint now) {
        while (!order_.empty() && order_.front().first <= now) {
            const std::uint64_t key = order_.front().second;
            order_.pop_front();
            const auto found = said_.find(key);
            if (found->second.at + kLasts > now) {
                order_.emplace_back(now + kLasts, key);
            } else {
                said_.erase(found);
            }
        }
    }

    boost::unordered_flat_map<std::uint64_t, Said> said_;  // by the keyed hash of user and conversation
    std::deque<std::pair<session::TimePoint, std::uint64_t>> order_;
};

}  // namespace flare::server
