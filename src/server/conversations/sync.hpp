// The list of a user's conversations: the request sync.
//
// Protocol: docs/protocol.md, "Sync".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "server/conversations/deliveries.hpp"
#include "server/conversations/feeds.hpp"
#include "server/conversations/others_marks.hpp"
#include "server/conversations/store_access.hpp"
#include "server/conversations/sync_reading.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "wire/sync.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <string_view>

namespace flare::server {

// When many users come back at once, most wait here, in the order in which they have asked, and neither in the store,
// where messages that are being sent wait for what is read, nor as pages, which are large.
class ConversationSync {
public:
    // Pages that are being read, or are read and not told: enough for the store's readers to have work.
    static constexpr std::size_t kMostReading = 8;
    // Questions that wait; `busy` beyond that. 250 bytes each.
    static constexpr std::size_t kMostWaiting = 16 * 1024;

    struct Parts {
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        ConversationFeeds& feeds;
        Deliveries& deliveries;
        OthersMarks& others;
        Counters& counters;
        const im::Limits& limits;
        reading::NewestEntriesPtr newest;
    };
    explicit ConversationSync(const Parts& parts) : parts_(parts) {}

    // It is answered. `key`: the session's in ConversationSends.
    void sync(session::ServerSession& session, im::SessionKey key, const session::PendingRequest& pending,
              const wire::im::Sync& body);

private:
    struct Asked {
        session::PendingRequest pending;
        bool feeds = false;
        reading::SyncQuestion question{};
    };
    struct Read {
        session::PendingRequest pending;
        bool feeds = false;
        errc code = errc::ok;
        std::shared_ptr<const reading::SyncFound> page{};
    };

    void read_next();
    void read(Asked asked);
    // One page in a turn of the loop: its feeds may be hundreds.
    void tell_later(Read read);
    void tell_next();
    void tell(const Read& read);
    // Of what the page brings, its client has everything when it has acknowledged it.
    std::uint64_t token_of(const session::PendingRequest& pending, const reading::SyncFound& page);
    void owe_marks(const session::PendingRequest& pending, const reading::SyncFound& page);
    Result<void> respond(const session::PendingRequest& pending, std::string_view body, std::uint64_t token);
    void refuse(const session::PendingRequest& pending, errc code, std::string_view text = {});

    Parts parts_;
    std::deque<Asked> asked_;
    std::deque<Read> read_;
    std::size_t reading_ = 0;  // with read_
};

}  // namespace flare::server
