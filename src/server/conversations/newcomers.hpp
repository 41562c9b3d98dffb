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
#include "server/worker/router.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace flare::server {

class Newcomers {
public:
    Newcomers(Router& router, StoreAccess& store) : router_(router), store_(store) {}

    // `users` have become members by a change with this stamp; 0: it is not known. If their names cannot be read, nobody is told: the next
    // sync of each of them tells.
    void tell(const model::ConversationKey& conversation, const std::vector<im::Row>& users, std::uint64_t stamp);

private:
    void tell(const model::ConversationKey& conversation, std::vector<std::string> users, std::uint64_t stamp);

    Router& router_;
    StoreAccess& store_;
};

}  // namespace flare::server
