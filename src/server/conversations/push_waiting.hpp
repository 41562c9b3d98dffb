// Messages of which somebody may have to be told by a push, until it is time to look who that is: at the home of their
// conversation, and by conversation, so that a message costs the same however many members there are.
//
// Messages of about the same time wait together as one step. A step is looked at `delay` after its first message; who
// is told then waits for a step's width more (push_batches.hpp), so that every message was there for `delay`.
//
// Protocol: docs/conversations.md, "Push".
// Threads:  its worker's. Pure state: time is an argument.
// Owner:    ConversationPush.
#pragma once

#include "base/keyed_hash.hpp"
#include "model/conversation.hpp"
#include "session/types.hpp"
#include "store/engine.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string_view>
#include <vector>

namespace flare::server {

// Times of pushes.
struct PushTimes {
    session::Duration delay = std::chrono::seconds(5);  // in which a message may be read, or its reader come back

    // Of a step, and what a batch waits for others.
    session::Duration width() const noexcept { return delay / 5; }
};

class PushWaiting {
public:
    static constexpr std::size_t kMost = 16'384;  // steps; beyond: nobody is told of a message, and it is counted

    struct Message {
        const model::ConversationKey& key;
        store::Row conversation = 0;
        std::uint64_t offset = 0;
        bool large = false;                         // the conversation: only who is mentioned is told
        std::span<const store::Row> mentions = {};  // users
    };
    // Messages of a conversation from `first` to `last`, each of them; what is between them may be anything.
    struct Step {
        model::ConversationKey key;
        store::Row conversation = 0;
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        bool large = false;
        std::vector<store::Row> mentions{};  // of a large one: who may be told
        session::TimePoint due{};
    };

    explicit PushWaiting(const PushTimes& times, std::size_t most = kMost) : times_(times), most_(most) {}
    PushWaiting(const PushWaiting&) = delete;
    PushWaiting& operator=(const PushWaiting&) = delete;

    // It was committed. False: there is no room.
    bool add(const Message& message, session::TimePoint now);
    // Those whose time has come, in order; at most `most`.
    std::vector<Step> take_due(session::TimePoint now, std::size_t most);
    session::TimePoint next_deadline() const noexcept { return steps_.empty() ? session::kNever : steps_.front().due; }
    std::size_t size() const noexcept { return steps_.size(); }

private:
    const PushTimes times_;
    const std::size_t most_;
    std::list<Step> steps_;  // in the order of their time
    // The newest step of each conversation, by the key in it.
    boost::unordered_flat_map<std::string_view, Step*, base::NameHash> newest_;
};

}  // namespace flare::server
