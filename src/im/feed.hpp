// The place of a session in the log of a conversation.
//
// A feed that was given all that was told is at rest: it is a FeedRecord in the list of its conversation, and nothing
// else. While it opens, is behind or is ahead of what was told, there is a Feed, too.
//
// Protocol: docs/conversations.md, "Feeds".
// Threads:  one at a time.
// Owner:    FedConversation.
#pragma once

#include "base/pool.hpp"
#include "im/blocks.hpp"
#include "model/conversation.hpp"

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

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

// What its session knows it by.
struct FeedName {
    std::uint32_t number = 0;  // of its session; not 0, not used again
    Lane lane = 0;
    std::uint32_t place = 0;  // FedConversation::index
};

struct FeedCursor {
    // Of own_after: its client may not have heard of the feed yet.
    static constexpr std::uint64_t kUnheard = UINT64_MAX;

    std::uint64_t next = 0;       // the first offset that it has not been given
    std::uint64_t own_after = 0;  // receipts of what the session itself sent above this come behind its beginning
};

// A feed that is not at rest. Of a large room, thousands are behind for a moment with each message.
struct Feed : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
              base::Pooled,
              FeedName,
              FeedCursor {
    enum class State : std::uint8_t {
        opening,  // it is not known yet whether the user is a member, and where it begins
        current,  // it was given all that was told: it has just come so far, or is ahead of it
        due,      // behind: waits for a turn of the loop, as too many others have been given something in this one
        queued,   // behind: waits for its turn in its lane
        reading,  // behind: a page is being read, and a place in the lane is kept for it
        stuck,    // behind: the page could not be read
    };

    State state = State::opening;
    bool unsure = false;                         // what was read about it may be of a conversation that is no more
    std::unique_ptr<const FeedOpening> known{};  // while it is opening: what was read before it was asked for
    FeedSession* session = nullptr;
    FedConversation* conversation = nullptr;

    bool opening() const noexcept { return state == State::opening; }
    const model::ConversationKey& key() const noexcept;
};

}  // namespace flare::im
