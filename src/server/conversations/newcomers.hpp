// Tells the workers of users that they are members of a conversation now, for those of their sessions that follow the
// user's list.
//
// Protocol: docs/protocol.md, "Conversations that are new in the list".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    ConversationHome.
#pragma once

#include "im/limits.hpp"
#include "model/conversation.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flare::server {

class Newcomers {
public:
    // Changes whose users could not be read and are read again; of more, the next sync of each user tells.
    static constexpr std::size_t kMostUnread = 1024;

    Newcomers(Router& router, StoreAccess& store, Executor& executor)
        : router_(router), store_(store), executor_(executor) {}

    // `users` have become members by a change with this stamp; 0: it is not known.
    void tell(const model::ConversationKey& conversation, const std::vector<im::Row>& users, std::uint64_t stamp);
    // The names of some could not be read: try_again() is to be called in a while.
    bool waiting() const noexcept { return !unread_.empty(); }
    void try_again();

private:
    struct Change {
        model::ConversationKey conversation;
        std::vector<im::Row> users;
        std::uint64_t stamp;
    };
    void tell(const model::ConversationKey& conversation, std::vector<std::string> users, std::uint64_t stamp);

    Router& router_;
    StoreAccess& store_;
    Executor& executor_;
    std::vector<Change> unread_;
};

}  // namespace flare::server
