// Marks that have moved, at the home of their conversation: told to the workers on which somebody has a feed of it, of
// each conversation at most once a second, the newest of each user.
//
// Of a conversation of which nobody has a feed nothing is kept: whoever begins one reads what is there.
//
// Protocol: docs/protocol.md, "States"; docs/conversations.md, "Marks of others".
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/limits.hpp"
#include "model/conversation.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

class Watched;

// How far members of a conversation have come, who were not so far before.
struct MarkNews {
    struct Moved {
        im::Row user = 0;
        std::string name{};
        std::uint64_t read = 0;
        std::uint64_t delivered = 0;  // never below `read`
    };
    model::ConversationKey key{};
    std::uint64_t epoch = 0;
    std::vector<Moved> marks{};

    // The newest of each user. Marks of another epoch take the place of all.
    void add(const MarkNews& newer);
};
using MarkNewsPtr = std::shared_ptr<const MarkNews>;

// Tells the homes of the conversations, each with one task. Any worker.
void tell_homes(Router& router, std::vector<MarkNews> news);

class MovedMarks {
public:
    static constexpr session::Duration kInterval = std::chrono::seconds(1);
    // Conversations of which marks wait, or were told within the last second. Of more, nothing is told: whoever opens
    // one reads it.
    static constexpr std::size_t kMost = 16'384;

    struct Parts {
        Router& router;
        Executor& executor;
        Watched& watched;  // of the home on this worker
    };
    explicit MovedMarks(const Parts& parts) : parts_(parts) {}

    void take(MarkNews news);

    session::TimePoint next_deadline() const noexcept { return due_at_; }
    void on_time();
    std::size_t size() const noexcept { return by_key_.size(); }

private:
    struct Waiting {
        MarkNews news{};
        session::TimePoint told_at{};
    };
    bool is_watched(const model::ConversationKey& key);
    void leave_out_strangers(MarkNews& news) const;
    void tell(Waiting& waiting);

    Parts parts_;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<Waiting>, base::NameHash> by_key_;
    session::TimePoint due_at_ = session::kNever;  // the first of them may be told again, or forgotten
};

}  // namespace flare::server
