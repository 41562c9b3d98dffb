// Of what users were told by a push and have not read since, at the home of each user: so nobody is told twice, and
// reading clears what was told.
//
// Protocol: docs/conversations.md, "Push".
// Threads:  its worker's. Pure state.
// Owner:    ConversationPush.
#pragma once

#include "base/keyed_hash.hpp"
#include "model/conversation.hpp"
#include "store/engine.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

namespace flare::server {

class PushTold {
public:
    // Conversations of users; beyond: what was told first is forgotten, and will not be cleared.
    static constexpr std::size_t kMost = 65'536;

    explicit PushTold(std::size_t most = kMost) : most_(most) {}
    PushTold(const PushTold&) = delete;
    PushTold& operator=(const PushTold&) = delete;

    // Whether the user was told of that message, or of a later one.
    bool has(std::string_view user, const model::ConversationKey& key, store::Row conversation,
             std::uint64_t offset) const;
    // False: something was forgotten for it.
    bool tell(std::string_view user, const model::ConversationKey& key, store::Row conversation, std::uint64_t offset);
    // The user has read everything up to there. True: all that was told, and it is forgotten.
    bool read(std::string_view user, const model::ConversationKey& key, std::uint64_t upto);

    bool empty() const noexcept { return all_.empty(); }
    std::size_t size() const noexcept { return all_.size(); }

private:
    struct Told {
        std::string name;  // of the user and the conversation
        store::Row conversation = 0;
        std::uint64_t offset = 0;
    };
    using Place = std::list<Told>::iterator;
    static std::string name_of(std::string_view user, const model::ConversationKey& key);

    const std::size_t most_;
    std::list<Told> all_;  // what was told first is first
    boost::unordered_flat_map<std::string_view, Place, base::NameHash> by_name_;
};

}  // namespace flare::server
