// A session with feeds: the way of its blocks into its lanes.
//
// Protocol: docs/protocol.md, "Feeds".
// Threads:  its worker's.
// Owner:    ConversationFeeds.
#pragma once

#include "base/pool.hpp"
#include "im/feeds.hpp"
#include "server/conversations/feed_reading.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "session/session_table.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace flare::server {

class FeedSubscriber final : public im::FeedSession {
public:
    // Frames of a lane without a number; with so many, its feeds wait.
    static constexpr std::size_t kMostWaiting = 16;

    struct Parts {
        Executor& executor;
        session::SessionTable& table;
        Counters& counters;
        std::function<void()> memory_short;  // something was not taken, and is to be offered again in a while
    };
    // `parts` must outlive it.
    FeedSubscriber(const Parts& parts, session::ServerSession& session, im::SessionKey key)
        : FeedSession(key, session.lanes(), session.agreed().encodings),
          parts_(parts),
          id_(session.id().value),
          session_(&session) {}

    // Frames of feeds that this lane of a session takes at present.
    static std::size_t room_of(session::ServerSession& session, im::Lane lane);

    std::size_t room(im::Lane lane) const override { return session_ == nullptr ? 0 : room_of(*session_, lane); }
    bool give(const im::FeedName& feed, const im::BlockPtr& block) override;
    void end(const im::FeedName& feed, std::uint64_t offset) override;
    void want_room(bool wanted) override;
    bool has_heard() override;

    const Uuid& id() const noexcept { return id_; }
    // Null: it has ended.
    session::ServerSession* target() const noexcept { return session_; }
    void session_ended() noexcept { session_ = nullptr; }
    // What it was not told for want of memory.
    void say_again();
    // A feed of which it was told is not to be.
    void fail(std::uint32_t feed, im::Lane lane, errc code) { say_or_keep({feed, lane, 0, code}); }
    // It was told of feeds in this lane, which is not theirs.
    void told_apart(im::Lane lane) noexcept { apart_ |= 1u << lane; }

    // What was asked of a conversation while its feed was opening, or what is to be told of it. Neither: to
    // unsubscribe.
    struct Asked {
        std::optional<session::PendingRequest> pending{};
        std::optional<reading::FeedPlace> place{};
        std::optional<std::uint64_t> news{};  // the stamp of what has made the user a member
    };
    struct Opening {
        Asked asked;             // of a feed of a sync: no request, and where it is to begin
        std::uint64_t next = 0;  // of a feed of a sync: as it was told
        bool promised = false;   // a sync has told its number
        bool apart = false;      // in another lane than the feed's
        std::vector<Asked> then{};
    };
    void add_opening(std::uint32_t number, Opening opening);
    // Precondition of both: the feed with this number is opening.
    Opening& opening(std::uint32_t number) { return unfinished_->openings.at(number); }
    const Opening& opening(std::uint32_t number) const { return unfinished_->openings.at(number); }
    Opening take_opening(std::uint32_t number);

    // A conversation that is new in the list, and could not be told: with the stamp.
    using Untold = std::pair<model::ConversationKey, std::uint64_t>;
    void keep_untold(const model::ConversationKey& conversation, std::uint64_t stamp);
    std::vector<Untold> take_untold();

    // It has asked for a list with feeds: it is told of conversations that are new in it.
    bool follows_list = false;

private:
    static_assert(wire::kMaxLanes <= 32);
    struct Ended {
        std::uint32_t feed;
        im::Lane lane;
        std::uint64_t offset;    // with which the membership ended; 0: it has not
        errc failed = errc::ok;  // else why there is no feed
    };
    bool say(const Ended& ended);
    void say_or_keep(const Ended& ended);
    // While feeds open, and while something could not be told for want of memory.
    struct Unfinished : base::Pooled {
        boost::unordered_flat_map<std::uint32_t, Opening> openings{};  // by number of the feed
        std::vector<Untold> untold{};
        std::vector<Ended> unsaid{};
    };
    Unfinished& unfinished();
    void drop_if_finished() noexcept;

    // First: it takes no room of its own behind the small parts of a FeedSession.
    std::uint32_t apart_ = 0;  // bits of lanes in which it was told of feeds, until all that was sent there arrived
    const Parts& parts_;
    const Uuid id_;
    session::ServerSession* session_;
    std::unique_ptr<Unfinished> unfinished_;  // null: nothing is
};

}  // namespace flare::server
