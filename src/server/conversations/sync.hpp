// The list of a user's conversations, and the marks of what is read in them: the requests sync and read.mark.
//
// Protocol: docs/protocol.md, "Sync".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "server/conversations/feeds.hpp"
#include "server/conversations/store_access.hpp"
#include "server/conversations/sync_reading.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "wire/sync.hpp"

#include <memory>
#include <string_view>

namespace flare::server {

class ConversationSync {
public:
    struct Parts {
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        ConversationFeeds& feeds;
        Counters& counters;
    };
    explicit ConversationSync(const Parts& parts) : parts_(parts) {}

    // Each request is answered. `key`: the session's in ConversationSends.
    void sync(session::ServerSession& session, im::SessionKey key, const session::PendingRequest& pending,
              const wire::im::Sync& body);
    void mark(const session::ServerSession& session, const session::PendingRequest& pending,
              const model::ConversationKey& conversation, const wire::im::MarkRead& body);

private:
    // A mark on its way into the store and back.
    struct Marking;
    using MarkingPtr = std::shared_ptr<Marking>;

    void page_read(const session::PendingRequest& pending, bool feeds, const reading::SyncFound& page);
    void write(const MarkingPtr& marking);
    void count(const MarkingPtr& marking);
    Result<void> respond(const session::PendingRequest& pending, std::string_view body);
    void refuse(const session::PendingRequest& pending, errc code, std::string_view text = {});

    Parts parts_;
};

}  // namespace flare::server
