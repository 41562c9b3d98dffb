// The feeds of a worker's sessions: what the machine of im/feeds.hpp wants of homes, of the store and of sessions.
//
// Protocol: docs/protocol.md, "Feeds"; docs/conversations.md, "Feeds".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "im/feeds.hpp"
#include "server/conversations/feed_reading.hpp"
#include "server/conversations/feed_session.hpp"
#include "server/conversations/states.hpp"
#include "server/conversations/store_access.hpp"
#include "server/conversations/sync_reading.hpp"
#include "server/conversations/watched.hpp"
#include "server/conversations/watching.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace flare::server {

class OthersMarks;

class ConversationFeeds final : private im::FeedsOwner {
public:
    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        Watched& watched;  // of the home on this worker
        ConversationStates& states;
        OthersMarks& others;
        Counters& counters;
        const im::Limits& limits;
    };
    ConversationFeeds(const Parts& parts, std::uint32_t index)
        : parts_(parts),
          of_subscribers_{parts.executor, parts.table, parts.counters, [this] { try_again_later(); }},
          watching_(parts.router, parts.executor, parts.watched, index, Watcher::feeds) {}

    // ---- requests: each is answered, in the order in which a session makes them of one conversation ----

    // `key`: the session's in ConversationSends. The feed takes the lane of the request, as its answer does.
    void subscribe(session::ServerSession& session, im::SessionKey key, const session::PendingRequest& pending,
                   const model::ConversationKey& conversation, const reading::FeedPlace& place);
    void unsubscribe(session::ServerSession& session, const session::PendingRequest& pending,
                     const model::ConversationKey& conversation);

    // ---- feeds that a session has not asked for one by one ----

    // It follows its user's list from now on: it hears of conversations that are new in it.
    void follow_list(session::ServerSession& session, im::SessionKey key);
    // For a session that follows its list: the number of its feed of that conversation, or of one that is to be; 0: it
    // has as many as it may have, or the conversation is not live.
    std::uint32_t promise(session::ServerSession& session, const reading::Synced& conversation);
    // What was promised begins, as the session has been told in this lane; or it does not, and nobody was told. The
    // session may have ended.
    void keep_promises(const session::SessionId& session, session::LaneIndex told_in);
    void break_promises(const session::SessionId& session);
    // These users are members of the conversation now, by a change with this stamp.
    void joined(const model::ConversationKey& conversation, std::uint64_t stamp, std::span<const std::string> users);

    // ---- sessions ----

    void session_ended(const session::ServerSession& session);
    // As SessionTableListener::on_room().
    void on_room(const session::ServerSession& session);
    // It will be given the entry `offset`, of which the home tells now: it need not get it in another way.
    bool gives(const session::ServerSession& session, const model::ConversationKey& conversation, std::uint64_t offset);

    // Sessions that have a feed of it: each(session).
    template <typename Each>
    friend void for_each_follower(const ConversationFeeds& feeds, const model::ConversationKey& conversation,
                                  const Each& each) {
        for_each_feed(feeds.feeds_, conversation, [&](im::FeedSession& follower) {
            session::ServerSession* const session = static_cast<FeedSubscriber&>(follower).target();
            if (session != nullptr) each(*session);
        });
    }

    // From the home of a conversation, in its order.
    void take(const FeedNews& news);

    session::TimePoint next_deadline() const noexcept { return again_at_; }
    void on_time();

    const im::Feeds& machine() const noexcept { return feeds_; }
    // Null: it has had no feed yet.
    FeedSubscriber* find(const Uuid& session);
    std::size_t size() const noexcept { return feeds_.size(); }

private:
    // FeedsOwner
    void watch(const model::ConversationKey& key, std::uint64_t generation) override;
    void unwatch(const model::ConversationKey& key) override;
    void open(const im::Feed& feed) override;
    void began(const im::Feed& feed) override;
    void refuse(const im::Feed& feed, errc code) override;
    void read(const im::PageWanted& wanted) override;
    void want_turn() override;

    using Opening = FeedSubscriber::Opening;

    FeedSubscriber& subscriber_of(session::ServerSession& session, im::SessionKey key);
    // The conversation is new in the list of the session's user.
    void tell_news(FeedSubscriber& who, const model::ConversationKey& conversation, std::uint64_t stamp);
    void tell_without_feed(FeedSubscriber& who, const model::ConversationKey& conversation, std::uint64_t stamp);
    // Tells the session of a feed that has opened. False: it is not to be, and if there is a code, tell_failed() is to
    // follow.
    bool tell_opened(FeedSubscriber& who, const im::Feed& feed, Opening& opening, reading::FeedBeginning& found);
    void tell_failed(FeedSubscriber& who, const im::Feed& feed, const Opening& opening, errc code);
    void opened(const Uuid& session, const model::ConversationKey& key, std::uint32_t number,
                reading::FeedBeginning found);
    Result<void> respond(const session::PendingRequest& pending, std::string_view body);
    void respond_refused(const session::PendingRequest& pending, errc code);
    // What its session has asked for meanwhile.
    void go_on(const Uuid& session, const model::ConversationKey& key, std::vector<FeedSubscriber::Asked> asked);
    void use_room();
    // What found no memory, or could not be read, is tried again.
    void try_again_later();

    Parts parts_;
    const FeedSubscriber::Parts of_subscribers_;
    Watching watching_;
    im::Feeds feeds_{*this};
    boost::unordered_flat_map<Uuid, std::unique_ptr<FeedSubscriber>, base::IdHash> subscribers_;  // by session
    struct Promise {
        model::ConversationKey key;
        im::FeedOpening opening;
    };
    std::vector<Promise> promises_;  // of one session, while it is being told
    std::vector<Uuid> roomy_;        // sessions whose lanes take more than before
    bool room_comes_ = false;        // use_room() will be called
    session::TimePoint again_at_ = session::kNever;
};

}  // namespace flare::server
