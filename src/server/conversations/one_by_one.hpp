// What a user's sessions change of their own state of a conversation: one thing at a time, in the order in which it was
// asked for. So what was read last is told last, and is true.
//
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "model/conversation.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace flare::server {

class OneByOne {
public:
    static std::string place(std::string_view user, const model::ConversationKey& conversation) {
        std::string place(user);
        place += '\0';
        place += conversation.text();
        return place;
    }

    // `begin` is called now, or when what came before it at this place is done.
    void add(const std::string& place, std::function<void()> begin) {
        auto& same = waiting_[place];
        same.push_back(std::move(begin));
        if (same.size() == 1) std::function<void()>(same.front())();
    }
    void done(const std::string& place) {
        const auto found = waiting_.find(place);
        found->second.pop_front();
        if (found->second.empty()) {
            waiting_.erase(found);
        } else {
            std::function<void()>(found->second.front())();
        }
    }

private:
    boost::unordered_flat_map<std::string, std::deque<std::function<void()>>> waiting_;  // the first is under way
};

}  // namespace flare::server
