// The subscriptions of a client: asked for by the application, or named by a sync of its list of conversations; asked
// for again in each new session, and what the server tells of them, as events in the order of each log.
//
// A feed that a sync names begins without a call, if what the page has of the log reaches back to where the client
// stands; else it is asked for from there. The application may subscribe to the same conversation with its own options:
// then it is one subscription, which lasts until both have ended it.
//
// A subscription lasts until the application ends it, the server does, or the client is destroyed; a feed is what the
// server has of it in one session. Of one conversation one request at a time is with the server, because it answers
// those that read in any order. A subscription whose feed may have been replaced by a request that failed is asked for
// again from where it stands, so that nothing is missing.
//
// Protocol: docs/protocol.md, "Feeds"; docs/client.md, "Live entries".
// Threads:  its client's I/O thread; what it gives to tell_later() runs on the event thread.
// Owner:    ClientLoop.
#pragma once

#include "client/im/bodies.hpp"
#include "client/im/feed_cursor.hpp"
#include "client/im/feed_events.hpp"
#include "client/im/feed_note.hpp"
#include "client/im/feed_shown.hpp"
#include "client/im/keeping.hpp"
#include "session/types.hpp"
#include "wire/feeds.hpp"

#include <flare/events.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::client {

using SubscribeDone = std::function<void(Checked<Subscription>)>;
using UnsubscribeDone = std::function<void(Checked<>)>;

class Feeds {
public:
    static constexpr std::size_t kMostCalls = 64;  // of the application, that wait; beyond it outbox_full
    static constexpr std::size_t kMostAgain = 4;   // requests at a time by which subscriptions are renewed
    static constexpr session::Duration kFirstDelay = std::chrono::seconds(1);  // of one that the server puts off
    static constexpr session::Duration kLongestDelay = std::chrono::seconds(30);

    // What subscriptions need of their client.
    class Owner {
    public:
        // `done` is called once, perhaps within the call.
        virtual void ask(const Call& call, AnswerDone done) = 0;
        // There is a session, and the client wants one.
        virtual bool in_session() const = 0;
        virtual session::TimePoint now() const = 0;
        // A message of this sender has been told without a subscription.
        virtual bool has_seen(std::string_view from, const Uuid& id) const = 0;
        // An own message to this conversation is in the log. If its receipt is still to come, it is told as sent now.
        // False: it is none of this client's messages that wait for a receipt.
        virtual bool settle(const Uuid& id, std::string_view conversation, const StoredAt& stored) = 0;
        // A message of somebody else is told next.
        virtual void count_message() = 0;
        virtual void tell(Event event) = 0;
        // The event is made when its turn has come; nothing: there is none.
        virtual void tell_later(std::function<std::optional<Event>()> make) = 0;

    protected:
        ~Owner() = default;
    };
    // What follows all that is told: the list of conversations.
    class Follower {
    public:
        // An entry is told, or is a message of this client.
        virtual void on_entry(const std::string& conversation, std::uint64_t epoch, const wire::im::Entry& entry,
                              wire::Encodings encodings) = 0;
        // The user is a member, and a feed has begun.
        virtual void on_member(const std::string& conversation, const Subscribed& begun) = 0;
        // Entries up to this one are not told. `messages`: of the log up to there, if that is known.
        virtual void on_skipped(const std::string& conversation, const Position& upto,
                                std::optional<std::uint64_t> messages = std::nullopt) = 0;
        // Own messages, whose receipts have come.
        virtual void on_own_passed(const std::string& conversation, const FeedCursor::Passed& own) = 0;
        // An own message, whose receipt has come, is there; `counts`: it is not silent. Nothing is told of the
        // conversation.
        virtual void on_own_at(const std::string& conversation, const Position& at, bool counts) = 0;
        // The server says that the user is no member.
        virtual void on_no_member(const std::string& conversation) = 0;
        // What the user has cleared of a log of this epoch; 0: nothing.
        virtual std::uint64_t cleared_to(const std::string& conversation, std::uint64_t epoch) const = 0;

    protected:
        ~Follower() = default;
    };
    // `user`: whose messages are own ones. `keeper`: where a subscription without a position begins, and what keeps how
    // far the application has been told; null: none. `record`: what happens to subscriptions is noted there, if
    // anywhere. `follower`: null: none.
    Feeds(std::string user, Owner& owner, std::shared_ptr<Keeper> keeper = nullptr, FeedRecord* record = nullptr,
          Follower* follower = nullptr)
        : user_(std::move(user)), owner_(owner), keeper_(std::move(keeper)), record_(record), follower_(follower) {}

    // ---- from the application ----
    void subscribe(const std::string& conversation, const SubscribeOptions& options, SubscribeDone done);
    void unsubscribe(const std::string& conversation, UnsubscribeDone done);
    // Every call that waits completes with client_closed.
    void close();

    // ---- from a sync ----
    // What a page says of a conversation, with its newest entries, and the number of a feed that begins behind
    // `end`; 0: none does.
    struct Named {
        std::string name;
        std::uint32_t number = 0;
        Position end{};
        std::uint64_t visible_from = 0;
        const std::vector<wire::im::Entry>& entries;
        Position start{};  // behind which entries are told, if nothing of the conversation has been told yet
        Uuid start_id{};   // of the entry there, if it is known
        // The feed that tells it: it is its first frame, and only that has the entries up to `end`. Without `number` it
        // is the last one, too. 0: a page tells it.
        std::uint32_t began = 0;
        std::uint64_t cleared_to = 0;
    };
    // `taken` as for on_feed().
    void adopt(const Named& named, wire::Encodings encodings, const std::shared_ptr<void>& taken);
    // Nothing more will be named: what has waited for it is asked for. If the sync was complete, what it has not named
    // is no member's any more, or is not live.
    void on_sync_over(bool complete);
    // The user has cleared it: nothing of that is told any more, and nothing is kept.
    void clear(const std::string& name, const Position& upto);
    // The user is no member any more. Not `certain`: as a page says. False: there is a feed, or one is being asked for
    // again, and that tells when it is so.
    bool drop(const std::string& name, bool certain = true);
    bool knows(std::uint32_t number) const { return by_number_.contains(number); }
    // A message of this user has come as Data, and the subscription that a sync has begun will tell it, or has told it:
    // it need not be told.
    bool leaves_to_feed(const std::string& from, const Uuid& id);

    // ---- from the session ----
    // There is a new one, which has no feeds. `sync`: one begins, and what it may name is not asked for before
    // on_sync_over() says so.
    void begin_session(bool sync = false);
    // The same one can be used again: what waits for that is asked.
    void go_on();
    // `taken` is released when the application is done with what is in it.
    void on_feed(std::uint32_t number, const wire::im::Feed& frame, const Bytes& whole, wire::Encodings encodings,
                 const std::shared_ptr<void>& taken);
    // There was no memory for what came of this feed, and nothing of it can be told any more.
    void on_feed_refused(std::uint32_t number);
    // The receipt of an own message has come. Returns how far the application has been told the conversation when it
    // has been told that, if that goes as far as this message.
    std::optional<ToldUpto> on_stored(const std::string& conversation, const StoredAt& stored, const Uuid& id,
                                      bool counts = true);

    // The connection ends: the record is told how far each subscription has come.
    void note_places();

    // ---- time ----
    session::TimePoint next_deadline() const noexcept { return due_; }
    void on_time();

private:
    // What is to be asked about a conversation, one after the other: subscribe(), unsubscribe(), or neither, if the
    // server is to forget a feed that is not wanted.
    struct Asked {
        SubscribeOptions options{};
        SubscribeDone subscribed{};
        UnsubscribeDone unsubscribed{};
        FeedCursor cursor{};     // of subscribe(): the receipts since the call
        bool continues = false;  // of subscribe(): the position is the keeper's

        bool is_call() const noexcept { return subscribed || unsubscribed; }
    };
    // Of a conversation, for leaves_to_feed().
    static constexpr std::size_t kMostLeft = 256;
    static constexpr std::size_t kMostTold = 64;
    static constexpr std::size_t kMostUnfollowed = 64;  // conversations without a feed whose own messages are known

    // A conversation that is subscribed to, or about which something is asked.
    struct Feed {
        bool asked_for = false;  // by the application
        bool synced = false;     // named by a sync
        bool awaits = false;     // a sync that has begun may name it
        bool complete = false;
        FeedCursor cursor{};
        std::uint64_t own_upto = 0;  // the last receipt of this session
        std::uint32_t number = 0;    // in this session; 0: it has no feed, or one that is not listened to
        // Shared with the events that wait for their turn.
        std::shared_ptr<FeedShown> shown = std::make_shared<FeedShown>();
        std::deque<Asked> asked{};
        // leaves_to_feed(): ids that are still to be told, and the last ones that were told, in a ring.
        std::set<Uuid> left{};
        std::vector<Uuid> told{};
        std::size_t told_at = 0;
        bool busy = false;    // a request is with the server: the first of `asked`, or one that renews
        bool queued = false;  // in to_renew_
        session::TimePoint again_at = session::kNever;  // the server has put it off: it is renewed then
        session::Duration delay = kFirstDelay;          // of the next time that it is put off
        // For the record.
        std::uint64_t delivered = 0;  // entries, since it was told of this subscription
        std::uint32_t renewals = 0;   // in a row, without an entry between

        // It is asked for again in each session.
        bool wanted() const noexcept { return asked_for || synced; }
        // True: it was not told so far.
        bool clear(const Position& upto);
        void drop_untold();
        // No sync names it any more. Returns what was told and is known of it, if it is not wanted now.
        FeedCursor let_go(FeedRecord* record, const std::string& name);
        // This message of another user is told now. True: it has come as Data, and was left to this feed.
        bool takes_over(const Uuid& id);
        // Nothing is missing between what has been told and the beginning of that feed, but for what the page has.
        bool reaches_back(const Named& named) const;
        // The server may have a feed that nobody wants.
        void tidy_up() { asked.emplace_front(); }
        // What is left out; nothing: what has been told already.
        std::optional<HistoryGap> apply(const std::string& name, const wire::im::FeedReset& reset,
                                        std::uint64_t visible_from);
        // It has begun in a log that is the one which was told: own messages that come next need not be.
        void pass_own(const std::string& name, Owner& owner, const std::shared_ptr<Keeper>& keeper);
        // `more`: what is to be said beside the place.
        void note(FeedRecord* record, FeedNote::What what, const std::string& name, FeedNote more = {});
        // `last`: the newest entry; `gap`: one is told next.
        void note_renewed(FeedRecord* record, const std::string& name, std::uint64_t last, bool gap);
    };
    using All = std::map<std::string, Feed, std::less<>>;
    // Of conversations without a feed, what a client that syncs has been told, and its own messages: a page may have
    // them.
    struct Unfollowed {
        FeedCursor& of(const std::string& name);
        const FeedCursor* find(const std::string& name) const;
        void clear(const std::string& name, const Position& upto);
        // It was followed until now.
        void keep(const std::string& name, FeedCursor left);
        std::optional<FeedCursor> take(const std::string& name);

        std::map<std::string, FeedCursor> all{};
    };

    // Feeds that are over, or may be, as an answer or a last frame says. What names such a feed, a page or the frame
    // with which it begins, may come later, as it comes in another lane: then nobody knows if the feed is there, and it
    // is asked for.
    class ClosedFeeds {
    public:
        static constexpr std::size_t kMost = 1024;  // far more than can be on the way; the last ones

        // `upto`: its number, and those of the ones before it; without it nobody knows which.
        void add(const std::string& name, std::uint32_t upto = UINT32_MAX);
        // A feed of this number is named: true: it may be over, and is asked for. So are those before it, which may be
        // named late.
        bool take(const std::string& name, std::uint32_t number);
        void clear() { all_.clear(); }

    private:
        std::deque<std::pair<std::string, std::uint32_t>>::iterator find(const std::string& name);

        std::deque<std::pair<std::string, std::uint32_t>> all_;
    };

    // ---- what is asked ----
    void add(const std::string& name, Asked asked);
    void go_on(const std::string& name);
    void ask_first(const std::string& name, Feed& feed);
    void renew(const std::string& name, Feed& feed);
    void renew_soon(const std::string& name, Feed& feed);
    void renew_later(Feed& feed, std::uint32_t retry_after_ms);
    void renew_next();

    // ---- what is answered ----
    void on_subscribed(const std::string& name, const Answer& answer);
    void on_unsubscribed(const std::string& name, const Answer& answer);
    void on_renewed(const std::string& name, const Answer& answer);
    Asked take_first(Feed& feed);
    Checked<Subscribed> read(const std::string& name, const Answer& answer) const;
    std::optional<HistoryGap> begin(const std::string& name, Feed& feed, const Subscribed& begun);

    // ---- what is told ----
    void tell_entry(Feed& feed, const wire::im::Entry& entry, const Bytes& whole,
                    const std::shared_ptr<const FeedOrigin>& origin, const std::shared_ptr<void>& taken);
    void tell_gap(Feed& feed, HistoryGap gap);
    void listen(Feed& feed, const std::string& name, std::uint32_t number);
    void end(const std::string& name, Feed& feed, Failure reason, std::uint64_t offset);
    void forget_number(Feed& feed);

    const std::string user_;
    Owner& owner_;
    const std::shared_ptr<Keeper> keeper_;
    FeedRecord* const record_;
    Follower* const follower_;
    All all_;
    boost::unordered_flat_map<std::uint32_t, std::string> by_number_;  // those that are listened to
    Unfollowed unfollowed_;
    ClosedFeeds closed_feeds_;
    bool syncs_ = false;                        // in this session
    std::size_t calls_ = 0;                     // in all `asked`
    std::deque<std::string> to_renew_;          // now, in this order
    std::size_t renewing_ = 0;                  // requests that renew
    bool filling_ = false;                      // renew_next() is at work
    session::TimePoint due_ = session::kNever;  // the first again_at, or earlier
    bool closed_ = false;
};

}  // namespace flare::client
