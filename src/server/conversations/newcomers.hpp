// Tells the workers of users that they are members of a conversation now, or that an invitation of theirs has come or
// gone, for those of their sessions that follow the user's list.
//
// Protocol: docs/protocol.md, "Conversations that are new in the list", "Invitations".
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
    // They are invited now, or no longer.
    void tell_invited(const model::ConversationKey& room, const std::vector<im::Row>& users);
    // The room, which was this one in the store, has ended, and with it all of its invitations, of which it has at most
    // so many.
    void tell_uninvited(const model::ConversationKey& room, im::Row row, std::uint32_t most);
    // The names of some could not be read: try_again() is to be called in a while.
    bool waiting() const noexcept { return !unread_.empty(); }
    void try_again();

private:
    struct Change {
        model::ConversationKey conversation;
        std::vector<im::Row> users;
        std::uint64_t stamp = 0;
        bool invitations = false;
        im::Row ended = 0;  // not 0: `users` are those who are invited to it, `most` of them
        std::uint32_t most = 0;
    };
    // `users`: their names.
    using Names = std::vector<std::string>;
    static errc read_names(store::Reader& reader, const Change& change, Names& names);
    void read_and_tell(Change change);
    void tell_names(const Change& change, Names users);

    Router& router_;
    StoreAccess& store_;
    Executor& executor_;
    std::vector<Change> unread_;
};

}  // namespace flare::server
