// Where logs end of which sessions have no feed: told to sessions that follow their list, of each conversation the
// newest end, at most once a second.
//
// It is asked of the homes of conversations as feeds are. Nobody is told the end of a log of which it is not known that
// its user is a member: what a page has read holds if the home has told nothing above it, else the membership is read
// again; an end of a membership comes from the home in one order with the log. A session that takes nothing is told
// when it does; what it was not told is not kept, as the end is known here.
//
// Who is named by a message is told at once, and of which one; of a message that names all, everybody with the end.
//
// A summary costs a record of 24 bytes and a place of 16 in its session.
//
// Protocol: docs/protocol.md, "States".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    ConversationStates.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/feeds.hpp"
#include "server/conversations/list_follower.hpp"
#include "server/conversations/recent_mentions.hpp"
#include "server/conversations/store_access.hpp"
#include "server/conversations/watched.hpp"
#include "server/conversations/watching.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace flare::server {

// What a session that follows its list has been told of the end of a log.
struct Summary {
    ListFollower* who = nullptr;
    // The user was a member when the log ended here, and the session knows of this end, or is owed it.
    std::uint64_t told = 0;
    std::uint32_t place = 0;  // in ListFollower::places
    bool unsure = false;      // the membership is to be read again
    bool owed = false;
};

// A log that somebody here is told the end of.
struct SummedUp {
    struct Removal {
        im::Row user;
        std::uint64_t offset;
    };

    explicit SummedUp(const model::ConversationKey& of) : key(of) {}

    const model::ConversationKey key;
    std::uint64_t generation = 0;  // of this watch; 0: it has not begun
    bool registered = false;
    bool checking = false;            // memberships are being read
    bool due = false;                 // in Summaries::due_
    std::size_t unsure = 0;           // of the summaries
    std::size_t turn = 0;             // the one whose turn is next
    im::Row row = 0;                  // as the home says, or a page before it does; 0: there is none
    std::uint64_t last = 0;           // as the home says
    LogEnd end{};                     // likewise
    session::TimePoint due_at{};      // if it is due
    session::TimePoint told_at{};     // for the last time
    std::vector<Removal> removals{};  // while memberships are read
    RecentMentions mentions{};
    std::vector<Summary> summaries{};
};

class Summaries {
public:
    static constexpr std::size_t kMostOfSession = 500;  // with one more, that is not told
    static constexpr std::size_t kMostAtOnce = 1'000;   // sessions of a conversation that are told in a second
    static constexpr session::Duration kInterval = std::chrono::seconds(1);

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        Watched& watched;  // of the home on this worker
        // Of a session, by its id: null, if it does not follow its list any more.
        std::function<ListFollower*(const Uuid& session)> follower;
        // A feed tells it where this log ends.
        std::function<bool(const session::ServerSession& session, const model::ConversationKey& key)> has_feed;
    };
    Summaries(Parts parts, std::uint32_t index);
    ~Summaries();
    Summaries(const Summaries&) = delete;
    Summaries& operator=(const Summaries&) = delete;

    // ---- sessions ----

    // It has been told of the conversation as it was read.
    void follow(ListFollower& who, const model::ConversationKey& key, const im::FeedOpening& opening);
    void session_gone(ListFollower& who);
    // A feed of it, which had what it was told there, has ended: it may not have heard that.
    void feed_ended(ListFollower& who, const model::ConversationKey& key);
    // It takes more than before.
    void room(ListFollower& who);

    // ---- from the homes of conversations ----
    void take(const FeedNews& news);

    session::TimePoint next_deadline() const noexcept { return due_at_; }
    void on_time();

    std::size_t size() const noexcept { return size_; }
    void check_invariants() const;

private:
    struct Check;

    SummedUp* find(const model::ConversationKey& key);
    // What the session is told there; null: nothing.
    static Summary* find(const ListFollower& who, SummedUp& log);
    void watch(SummedUp& log);
    void forget_if_unused(SummedUp& log);
    void be_unsure(SummedUp& log, Summary& summary);
    // Of the session, too. The last one takes its place.
    void remove(SummedUp& log, std::size_t at);
    void remove_gone(SummedUp& log, std::size_t at, std::uint64_t epoch, std::uint64_t offset);
    void removed(SummedUp& log, im::Row user, std::uint64_t offset);
    void destroyed(SummedUp& log, std::uint64_t offset);
    // Its end is to be told, or somebody's membership to be read, but not before `at`.
    void become_due(SummedUp& log, session::TimePoint at);
    void become_due(SummedUp& log) { become_due(log, log.told_at + kInterval); }
    static bool is_owed(const SummedUp& log, const Summary& summary) noexcept {
        return !summary.unsure && summary.told <= log.last && (summary.owed || summary.told < log.last);
    }
    void serve(SummedUp& log);
    struct Telling;
    void tell_mentioned(SummedUp& log, std::span<const Mention> mentions);
    void tell_mentioned(SummedUp& log, const std::vector<im::Row>& users);
    // False: there are more than a second has room for.
    bool tell(SummedUp& log);
    // False: the session takes nothing.
    bool tell(const SummedUp& log, Summary& summary, Telling& telling) const;
    void check(SummedUp& log);
    void checked(const Check& check, errc code);

    const Parts parts_;
    Watching watching_;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<SummedUp>, base::NameHash> by_key_;
    std::vector<SummedUp*> due_;
    session::TimePoint due_at_ = session::kNever;  // the earliest of them
    bool turn_comes_ = false;                      // on_time() will be called
    std::uint64_t last_generation_ = 0;
    std::size_t size_ = 0;
};

}  // namespace flare::server
