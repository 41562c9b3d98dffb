// The cursors of one worker's sessions on conversations: each is given the log from its place on, in order, each entry
// once. A state machine: inputs are calls; what it wants of others it asks of FeedSession and FeedsOwner, which must
// not call it from inside.
//
// A feed that has come to the end of what its conversation's home has told gets what is told next, if its lane has
// room. Every other feed is behind: it waits for room in its lane, where feeds take turns, and then reads on, from the
// blocks that are kept or a page from the store, which all feeds share that stand at the same place. So the log is the
// queue: a session that takes nothing costs its cursors.
//
// Nothing is given above what the home has told. What the home tells comes in one order with the ends of memberships:
// who was removed is given nothing above that, and in fact nothing from then on.
//
// Protocol: docs/conversations.md, "Feeds".
// Threads:  one at a time.
// Owner:    ConversationFeeds, of each worker.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/blocks.hpp"
#include "model/conversation.hpp"

#include <flare/error.hpp>

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::im {

using Lane = std::uint32_t;

class FeedSession;
struct FedConversation;

// A membership, and where a feed begins, as they were read.
struct FeedOpening {
    Row conversation = 0;
    Row user = 0;
    std::uint64_t as_of = 0;  // the end of the log, read before the membership was
    std::uint64_t next = 0;
    bool apart = false;  // the session is told of the feed in another lane: receipts in this one may overtake that
};

// The place of a session in the log of a conversation.
struct Feed : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    enum class State : std::uint8_t {
        opening,  // it is not known yet whether the user is a member, and where it begins
        current,  // it was given all that was told
        queued,   // behind: waits for its turn in its lane
        reading,  // behind: a page is being read, and a place in the lane is kept for it
        stuck,    // behind: the page could not be read
    };

    std::uint32_t number = 0;  // of its session; not 0, not used again
    Lane lane = 0;
    State state = State::opening;
    bool unsure = false;  // what was read about it may be of a conversation that is no more
    Row user = 0;
    std::uint64_t next = 0;       // the first offset that it has not been given
    std::uint64_t as_of = 0;      // the user was a member when the log ended here
    std::uint64_t own_after = 0;  // receipts of what the session itself sent above this come behind its beginning
    std::size_t at = 0;           // in FedConversation::feeds
    std::unique_ptr<const FeedOpening> known;  // while it is opening: what was read before it was asked for
    FeedSession* session = nullptr;
    FedConversation* conversation = nullptr;

    bool opening() const noexcept { return state == State::opening; }
    const model::ConversationKey& key() const noexcept;
};

// A session as its feeds see it. The owner makes it with the first of them.
class FeedSession {
public:
    static constexpr std::size_t kMostFeeds = 500;

    FeedSession(SessionKey key, Lane lanes, EncodingSet encodings) : key_(key), encodings_(encodings), lanes_(lanes) {}
    FeedSession(const FeedSession&) = delete;
    FeedSession& operator=(const FeedSession&) = delete;

    // How many frames more that lane takes at present.
    virtual std::size_t room(Lane lane) const = 0;
    // False: it was not taken. Feeds::room() is to follow when it may be.
    virtual bool give(const Feed& feed, const BlockPtr& block) = 0;
    // The membership ended with the entry `offset`, and with it the feed.
    virtual void end(const Feed& feed, std::uint64_t offset) = 0;
    // Whether Feeds::room() is to be called when a lane may have more room.
    virtual void want_room(bool wanted) = 0;
    // Its client has heard of all feeds of which it was told in another lane.
    virtual bool has_heard() { return true; }

    SessionKey key() const noexcept { return key_; }
    EncodingSet encodings() const noexcept { return encodings_; }
    // The number of its next feed, or of one that is never to be.
    std::uint32_t take_number() noexcept { return ++last_number_; }
    std::size_t feeds() const noexcept { return feeds_.size(); }

protected:
    ~FeedSession() = default;

private:
    friend class Feeds;
    struct Queue {
        boost::intrusive::list<Feed, boost::intrusive::constant_time_size<false>> feeds;  // that wait for their turn
        std::size_t kept = 0;  // places for those that read a page
    };

    const SessionKey key_;
    const EncodingSet encodings_;
    std::vector<Queue> lanes_;
    boost::unordered_flat_map<const FedConversation*, std::unique_ptr<Feed>> feeds_;
    std::uint32_t last_number_ = 0;
    bool wants_room_ = false;
};

// What a page is to hold: at most `last - from + 1` entries, and fewer if they are large.
struct PageWanted {
    std::uint64_t ticket = 0;
    Row conversation = 0;
    std::uint64_t from = 0;
    std::uint64_t last = 0;
    EncodingSet encodings = 0;  // of those who read it
};

// What the machine asks of the rest of the worker.
class FeedsOwner {
public:
    // The home is to tell what happens in the conversation, from now on: registered() or not_registered() follows.
    virtual void watch(const model::ConversationKey& key, std::uint64_t generation) = 0;
    // Nobody here wants to know any more.
    virtual void unwatch(const model::ConversationKey& key) = 0;
    // The home tells what happens: whether the user is a member, and where the feed begins, may be read. opened() or
    // close() follows.
    virtual void open(const Feed& feed) = 0;
    // It has opened with what was known of it.
    virtual void began(const Feed& feed) = 0;
    // The home cannot tell. The feed goes when this returns.
    virtual void refuse(const Feed& feed, errc code) = 0;
    // page_read() or page_failed() follows.
    virtual void read(const PageWanted& wanted) = 0;

protected:
    ~FeedsOwner() = default;
};

class Feeds {
public:
    static constexpr std::uint64_t kPageEntries = 64;

    explicit Feeds(FeedsOwner& owner, std::size_t most_kept = KeptBlocks::kMostBytes);
    ~Feeds();
    Feeds(const Feeds&) = delete;
    Feeds& operator=(const Feeds&) = delete;

    // ---- sessions ----

    // A new feed, in this lane: begin() is to follow. Precondition: the session has none of this conversation. Null: it
    // has FeedSession::kMostFeeds.
    Feed* subscribe(FeedSession& session, const model::ConversationKey& key, Lane lane);
    void begin(Feed& feed);
    Feed* find(const FeedSession& session, const model::ConversationKey& key);
    // A feed of which this was read before it was asked for, and of which the session was told. It opens with that, and
    // starts, unless the home has told more by now: then it is read again.
    using Opening = FeedOpening;
    void begin(Feed& feed, const Opening& known);

    // False: the membership may have ended since it was read; read it again, and call this again. True: start() is to
    // follow, when the session has been told.
    bool opened(Feed& feed, const Opening& opening);
    void start(Feed& feed);
    // The feed goes without a word.
    void close(Feed& feed);
    // All of them do. The session may go then.
    void session_gone(FeedSession& session);
    // Its lanes may take more than before.
    void room(FeedSession& session);

    // ---- from the home of a conversation, in its order ----

    // `told`: what the home has told of it so far, to whomever; `row`: of this conversation. 0 for both: there is none.
    void registered(const model::ConversationKey& key, std::uint64_t generation, std::uint64_t told, Row row);
    void not_registered(const model::ConversationKey& key, std::uint64_t generation, errc code);
    // The log ends at `last` now. `blocks`: of what is new, as much as the home has at hand.
    void told(const model::ConversationKey& key, std::uint64_t last, std::span<const BlockPtr> blocks);
    // The entry `offset` ended a membership.
    void removed(const model::ConversationKey& key, Row user, std::uint64_t offset);
    // The conversation is no more.
    void destroyed(const model::ConversationKey& key);

    // ---- from the store ----

    // Ascending, without holes, from PageWanted::from on; at least one.
    void page_read(std::uint64_t ticket, std::span<const BlockPtr> blocks);
    void page_failed(std::uint64_t ticket);
    // Some pages could not be read: retry() is to be called in a while.
    bool stuck() const noexcept { return !stuck_.empty(); }
    void retry();

    // ---- look-ups ----

    // The session will be given the entry `offset`, which was not told yet.
    bool gives(const FeedSession& session, const model::ConversationKey& key, std::uint64_t offset);
    std::size_t size() const noexcept { return size_; }
    std::size_t kept_bytes() const noexcept { return kept_.bytes(); }
    void check_invariants() const;

private:
    FedConversation* find(const model::ConversationKey& key);
    // What is told before registered() was meant for somebody who has gone.
    FedConversation* registered(const model::ConversationKey& key);
    void forget(FedConversation& conversation);
    void open(Feed& feed);

    bool has_room(const FeedSession& session, Lane lane) const;
    // The feed is given it, or does not need it, as its session has all of it by receipts.
    bool give(Feed& feed, const BlockPtr& block);
    void fall_behind(Feed& feed);
    // The first of its lane goes on. False: it cannot.
    bool step(Feed& feed);
    void serve(FeedSession& session, Lane lane);
    void read(Feed& feed);
    // Those for whom that page was read, or was to be.
    std::vector<Feed*> take_page(std::uint64_t ticket);
    // Takes it out of whatever it waits in.
    void detach(Feed& feed);

    FeedsOwner& owner_;
    KeptBlocks kept_;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<FedConversation>, base::NameHash> conversations_;
    boost::unordered_flat_map<std::uint64_t, FedConversation*> reading_;  // by ticket
    std::vector<Feed*> stuck_;
    std::uint64_t last_ticket_ = 0;
    std::uint64_t last_generation_ = 0;
    std::size_t size_ = 0;
};

}  // namespace flare::im
