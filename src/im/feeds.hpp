// The cursors of one worker's sessions on conversations: each is given the log from its place on, in order, each entry
// once. A state machine: inputs are calls; what it wants of others it asks of FeedSession and FeedsOwner, which must
// not call it from inside.
//
// A feed that has come to the end of what its conversation's home has told gets what is told next, if its lane has
// room. Every other feed is behind: it waits for room in its lane, where feeds take turns, and then reads on, from the
// blocks that are kept or a page from the store, which all feeds share that stand at the same place. So the log is the
// queue: a session that takes nothing costs its cursors.
//
// What is told of a conversation meets most of its feeds at rest, each a record in a list; only one that has to wait,
// or is opening, has memory of its own.
//
// Nothing is given above what the home has told. What the home tells comes in one order with the ends of memberships:
// who was removed is given nothing above that, and in fact nothing from then on.
//
// Protocol: docs/conversations.md, "Feeds".
// Threads:  one at a time.
// Owner:    ConversationFeeds, of each worker.
#pragma once

#include "im/fed_conversation.hpp"

#include <flare/error.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flare::im {

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
    // Feeds::go_on() is to be called in the next turn of the loop.
    virtual void want_turn() = 0;

protected:
    ~FeedsOwner() = default;
};

class Feeds {
public:
    static constexpr std::uint64_t kPageEntries = 64;
    // Feeds of a conversation that are given something in a turn of the loop; the others are in turns that follow. So a
    // large room does not keep other sessions waiting.
    static constexpr std::size_t kMostInTurn = 2000;

    explicit Feeds(FeedsOwner& owner, std::size_t most_kept = KeptBlocks::kMostBytes,
                   std::size_t most_in_turn = kMostInTurn);
    ~Feeds();
    Feeds(const Feeds&) = delete;
    Feeds& operator=(const Feeds&) = delete;

    // ---- sessions ----

    // A new feed, in this lane: begin() is to follow. Precondition: the session has none of this conversation. Null: it
    // has FeedSession::kMostFeeds.
    Feed* subscribe(FeedSession& session, const model::ConversationKey& key, Lane lane);
    void begin(Feed& feed);
    // A feed of which this was read before it was asked for, and of which the session was told. It opens with that, and
    // starts, unless the home has told more by now: then it is read again.
    using Opening = FeedOpening;
    void begin(Feed& feed, const Opening& known);

    // False: the membership may have ended since it was read; read it again, and call this again. True: start() is to
    // follow, when the session has been told; after that it may be at rest, and `feed` is not to be used.
    bool opened(Feed& feed, const Opening& opening);
    void start(Feed& feed);
    // The feed, if there is one, goes without a word.
    void close(FeedSession& session, const model::ConversationKey& key);
    // All of them do. The session may go then.
    void session_gone(FeedSession& session);
    // Its lanes may take more than before.
    void room(FeedSession& session);

    // ---- from the home of a conversation, in its order ----

    // `told`: what the home has told of it so far, to whomever; `row`: of this conversation. 0 for both: there is none.
    void registered(const model::ConversationKey& key, std::uint64_t generation, std::uint64_t told, Row row);
    void not_registered(const model::ConversationKey& key, std::uint64_t generation, errc code);
    // The log ends at `last` now. `blocks`: of what is new, as much as the home has at hand. `deleted`: a message was:
    // nothing that is kept from before tells its text again.
    void told(const model::ConversationKey& key, std::uint64_t last, std::span<const BlockPtr> blocks,
              bool deleted = false);
    // The entry `offset` ended a membership.
    void removed(const model::ConversationKey& key, Row user, std::uint64_t offset);
    // The conversation is no more.
    void destroyed(const model::ConversationKey& key);

    // The next turn of the loop: who has waited for it is given what was told.
    void go_on();

    // ---- from the store ----

    // Ascending, without holes, from PageWanted::from on; at least one.
    void page_read(std::uint64_t ticket, std::span<const BlockPtr> blocks);
    void page_failed(std::uint64_t ticket);
    // Some pages could not be read: retry() is to be called in a while.
    bool stuck() const noexcept { return !stuck_.empty(); }
    void retry();

    // ---- look-ups ----

    // Null: the session has no feed of it. Valid until the next call that is not const.
    const FeedRecord* find(const FeedSession& session, const model::ConversationKey& key) const;
    const FedConversations& conversations() const noexcept { return conversations_; }
    // The session will be given the entry `offset`, which was not told yet.
    bool gives(const FeedSession& session, const model::ConversationKey& key, std::uint64_t offset) const;
    // Sessions with a feed of it that has opened: each(session).
    template <typename Each>
    friend void for_each_feed(const Feeds& feeds, const model::ConversationKey& key, const Each& each) {
        FedConversation* const conversation = feeds.conversations_.find(key);
        if (conversation == nullptr) return;
        for (const FeedRecord& record : conversation->feeds) {
            if (!record.opening()) each(record.session());
        }
    }
    std::size_t size() const noexcept { return size_; }
    std::size_t kept_bytes() const noexcept { return kept_.bytes(); }
    void check_invariants() const;

private:
    // Conversations of which more feeds wait than one turn of the loop has room for.
    struct Turns {
        FeedsOwner& owner;
        std::vector<FedConversation*> of{};  // FedConversation::in_turns
        bool wanted = false;                 // go_on() will be called

        // It is behind, and goes on in a later turn.
        void wait(Feed& feed);
        void want();
    };

    void forget(FedConversation& conversation);
    void open(Feed& feed);

    // What was told comes to one that was given everything before.
    void tell(FedConversation& conversation, FeedRecord& record, std::span<const BlockPtr> blocks, FeedCursor& cursor,
              std::size_t& given);
    // The first of its lane goes on. False: it cannot.
    bool step(Feed& feed);
    void serve(FeedSession& session, Lane lane);
    void serve(std::span<Feed* const> feeds);
    void read(Feed& feed);
    // Those for whom that page was read, or was to be.
    FedConversation::Page take_page(std::uint64_t ticket);
    // Takes it out of whatever it waits in.
    void detach(Feed& feed);
    void close(FedConversation& conversation, FeedSession& session);

    FeedsOwner& owner_;
    KeptBlocks kept_;
    const std::size_t most_in_turn_;
    FedConversations conversations_;
    boost::unordered_flat_map<std::uint64_t, FedConversation*> reading_;  // by ticket
    std::vector<Feed*> stuck_;
    Turns turns_;
    std::uint64_t last_ticket_ = 0;
    std::uint64_t last_generation_ = 0;
    std::size_t size_ = 0;
};

}  // namespace flare::im
