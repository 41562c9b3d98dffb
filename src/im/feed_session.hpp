// A session as its feeds see it.
//
// Protocol: docs/conversations.md, "Feeds".
// Threads:  one at a time.
// Owner:    whoever drives Feeds makes it with the first feed of the session.
#pragma once

#include "base/pool.hpp"
#include "im/feed.hpp"
#include "im/held_feeds.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace flare::im {

class FeedSession {
public:
    static constexpr std::size_t kMostFeeds = 500;

    FeedSession(SessionKey key, Lane lanes, EncodingSet encodings)
        : key_(key), lane_count_(lanes), encodings_(encodings) {}
    FeedSession(const FeedSession&) = delete;
    FeedSession& operator=(const FeedSession&) = delete;

    // How many frames more that lane takes at present.
    virtual std::size_t room(Lane lane) const = 0;
    // False: it was not taken. Feeds::room() is to follow when it may be.
    virtual bool give(const FeedName& feed, const BlockPtr& block) = 0;
    // The membership ended with the entry `offset`, and with it the feed.
    virtual void end(const FeedName& feed, std::uint64_t offset) = 0;
    // Whether Feeds::room() is to be called when a lane may have more room.
    virtual void want_room(bool wanted) = 0;
    // Its client has heard of all feeds of which it was told in another lane.
    virtual bool has_heard() { return true; }

    SessionKey key() const noexcept { return key_; }
    Row user() const noexcept { return user_; }  // 0: no feed has opened yet
    EncodingSet encodings() const noexcept { return encodings_; }
    // The number of its next feed, or of one that is never to be.
    std::uint32_t take_number() noexcept { return ++last_number_; }
    std::size_t feeds() const noexcept { return held_.size(); }

protected:
    ~FeedSession() { drop_lanes(); }

private:
    friend class Feeds;
    friend class FeedList;
    struct Queue {
        boost::intrusive::list<Feed, boost::intrusive::constant_time_size<false>> feeds;  // that wait for their turn
        std::size_t kept = 0;  // places for those that read a page
    };
    // Its feeds wait there, or are to.
    Queue& lane(Lane lane) {
        if (lanes_ == nullptr) {
            lanes_ = static_cast<Queue*>(base::take(lane_count_ * sizeof(Queue)));
            std::uninitialized_value_construct_n(lanes_, lane_count_);
        }
        return lanes_[lane];
    }
    std::span<Queue> lanes() const noexcept { return {lanes_, lanes_ == nullptr ? 0 : lane_count_}; }
    void drop_lanes() noexcept {
        if (lanes_ == nullptr) return;
        std::destroy_n(lanes_, lane_count_);
        base::give(std::exchange(lanes_, nullptr), lane_count_ * sizeof(Queue));
    }
    // Whether one waits in a lane. Queues that nobody is in, or has a place in, go.
    bool tidy_lanes() {
        bool waits = false;
        bool used = false;
        for (const Queue& each : lanes()) {
            waits = waits || !each.feeds.empty();
            used = used || each.kept != 0;
        }
        if (!waits && !used) drop_lanes();
        return waits;
    }
    // Beside the places that are kept.
    bool has_room(Lane lane) const { return room(lane) > (lanes_ == nullptr ? 0 : lanes_[lane].kept); }
    // The feed is given it, or does not need it, as the session has all of it by receipts.
    bool take(const FeedName& feed, FeedCursor& cursor, const BlockPtr& block) {
        if ((block->encodings & ~encodings_) != 0) return false;
        const bool own = block->sole_sender == key_ && block->first > cursor.own_after;
        if (!own && (!has_room(feed.lane) || !give(feed, block))) return false;
        cursor.next = block->last + 1;
        return true;
    }
    void queue(Feed& feed) {
        feed.state = Feed::State::queued;
        lane(feed.lane).feeds.push_back(feed);
    }

    // A server has one of these for each session that listens: its parts are chosen to be few bytes.
    const SessionKey key_;
    Row user_ = 0;            // its user's; 0: no feed has opened yet
    Queue* lanes_ = nullptr;  // of the pool, lane_count_ of them; null: nothing waits, as in most sessions
    HeldFeeds held_;
    std::uint32_t last_number_ = 0;
    const Lane lane_count_;
    const EncodingSet encodings_;
    bool wants_room_ = false;
};

}  // namespace flare::im
