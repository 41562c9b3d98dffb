// How far others have come: told to the sessions of this worker that have a feed of the conversation, by states.
//
// What the home tells goes to each of them at once. To a session that takes nothing at present it is owed, and so it is
// to one whose feed is just beginning, or that has been given a list: of each conversation the marks are read from the
// store when they can be told. So nothing waits in line, and what is told is the newest.
//
// Protocol: docs/protocol.md, "States".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "base/keyed_hash.hpp"
#include "server/conversations/feed_session.hpp"
#include "server/conversations/moved_marks.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/executor.hpp"
#include "session/session_table.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

namespace flare::server {

class ConversationFeeds;

class OthersMarks {
public:
    static constexpr std::size_t kMostReading = 4;  // sessions whose marks are read at a time; others wait their turn
    static constexpr std::size_t kMostAtOnce = 64;  // conversations of a read
    // Conversations of a list, the newest, of which a session is told once its feeds have begun. Of others it is told
    // what moves, and what is there when it subscribes.
    static constexpr std::size_t kOfList = 20;

    struct Parts {
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        ConversationFeeds& feeds;
    };
    explicit OthersMarks(const Parts& parts) : parts_(parts) {}

    // From the home of a conversation.
    void take(const MarkNews& news);
    // The session is told what the store has in a second, if it has a feed of the conversation by then. `told`:
    // reading::sum_of() what it has been told already.
    void owe(const Uuid& session, const model::ConversationKey& key, std::uint64_t told = 0);
    // Its lanes may take more than before. Not from inside SessionTableListener::on_room().
    void room(const Uuid& session) { serve(session); }
    void session_ended(const session::ServerSession& session) { debtors_.erase(session.id().value); }

    session::TimePoint next_deadline() const noexcept { return again_at_; }
    void on_time();
    std::size_t size() const noexcept { return debtors_.size(); }

private:
    struct Owed {
        model::ConversationKey key;
        std::uint64_t told = 0;
        std::uint64_t version = 0;  // counts what has moved since it is owed
    };
    struct Debtor {
        std::vector<Owed> owed{};  // at most as many as the session has feeds, once it has been served
        bool busy = false;         // it is being read, or waits for its turn
    };
    struct Reading;
    using ReadingPtr = std::shared_ptr<Reading>;

    static Owed* find(Debtor& debtor, const model::ConversationKey& key);
    void add(const Uuid& session, const model::ConversationKey& key, std::uint64_t told = 0);
    void tell(FeedSubscriber& who, const MarkNews& news, wire::Body& shared);
    // False: the session has no room, or no memory, for it at present.
    bool send(session::ServerSession& session, std::string_view name, wire::Body body);
    void serve(const Uuid& session);
    void serve_later(const Uuid& session);
    void read(const Uuid& session, Debtor& debtor);
    void read_done(Reading& job, errc code);
    void read_next();
    void settle(const Uuid& session);
    void try_again_later();

    Parts parts_;
    boost::unordered_flat_map<Uuid, Debtor, base::IdHash> debtors_;  // by session
    std::deque<Uuid> waiting_;
    std::size_t reading_ = 0;
    session::TimePoint again_at_ = session::kNever;
};

}  // namespace flare::server
