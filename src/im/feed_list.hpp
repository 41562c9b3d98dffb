// The feeds of one conversation, on one worker. What is told goes through all of them: they lie side by side.
//
// Threads: one at a time.
// Owner:   FedConversation.
#pragma once

#include "im/feed_session.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace flare::im {

// A feed. At rest, this is all there is of it.
class FeedRecord {
public:
    explicit FeedRecord(Feed& opening)
        : feed_(&opening), number_(opening.number), lane_(static_cast<std::uint8_t>(opening.lane)), rests_(false) {}

    // Null: it is at rest.
    Feed* feed() const noexcept { return rests_ ? nullptr : feed_; }
    FeedSession& session() const noexcept { return rests_ ? *session_ : *feed_->session; }
    // Without the place.
    FeedName name() const noexcept { return {number_, lane_}; }
    bool opening() const noexcept { return !rests_ && feed_->opening(); }

    std::uint64_t as_of = 0;  // the user was a member when the log ended here

private:
    friend class FeedList;
    union {
        FeedSession* session_;  // while it is at rest
        Feed* feed_;            // else; the list's
    };
    std::uint32_t number_;
    std::uint8_t lane_;
    bool rests_;

public:
    bool unheard = false;  // while it is at rest: its client may not have heard of it (FeedCursor::kUnheard)
};

class FeedList {
public:
    explicit FeedList(FedConversation& conversation) : conversation_(conversation) {}
    ~FeedList();
    FeedList(const FeedList&) = delete;
    FeedList& operator=(const FeedList&) = delete;

    // An opening one.
    Feed& add(FeedSession& session, Lane lane);
    // Precondition: it has one, and nothing but the list knows its Feed.
    void remove(FeedSession& session);
    // The feed goes on from `cursor`.
    Feed& wake(FeedRecord& record, const FeedCursor& cursor);
    // The opposite: from here on the feed has nothing but its record.
    void rest(Feed& feed);

    // Null: the session has none.
    FeedRecord* find(const FeedSession& session);

    std::size_t size() const noexcept { return records_.size(); }
    bool empty() const noexcept { return records_.empty(); }
    FeedRecord& operator[](std::size_t at) { return records_[at]; }
    auto begin() noexcept { return records_.begin(); }
    auto end() noexcept { return records_.end(); }
    void check_invariants() const;

private:
    FedConversation& conversation_;
    std::vector<FeedRecord> records_;
};

}  // namespace flare::im
