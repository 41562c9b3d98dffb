// Where the feeds of a session are: by conversation, the place in its list.
//
// Threads: one at a time.
// Owner:   FeedSession.
#pragma once

#include "base/tight.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace flare::im {

class HeldFeeds {
public:
    struct Held {
        std::uint32_t conversation;  // FedConversation::index
        std::uint32_t at;            // in FedConversation::feeds
    };

    // Null: the session has no feed of it. Valid until the next change.
    const Held* find(std::uint32_t conversation) const noexcept {
        const auto found = std::ranges::lower_bound(held_, conversation, {}, &Held::conversation);
        return found == held_.end() || found->conversation != conversation ? nullptr : &*found;
    }
    // Precondition: there is none of this conversation.
    void add(const Held& held) {
        base::make_room_tightly(held_);
        held_.insert(std::ranges::lower_bound(held_, held.conversation, {}, &Held::conversation), held);
    }
    // Precondition of both: there is one.
    void move(const Held& to) { std::ranges::lower_bound(held_, to.conversation, {}, &Held::conversation)->at = to.at; }
    void erase(std::uint32_t conversation) {
        held_.erase(std::ranges::lower_bound(held_, conversation, {}, &Held::conversation));
        base::shrink_tightly(held_);
    }

    std::size_t size() const noexcept { return held_.size(); }
    auto begin() const noexcept { return held_.begin(); }
    auto end() const noexcept { return held_.end(); }

private:
    // Ascending by conversation. Most sessions that hold any hold one.
    boost::container::small_vector<Held, 1> held_;
};

}  // namespace flare::im
