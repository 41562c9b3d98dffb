// What a worker's feeds, or its states, want to be told by the homes of conversations: those of one turn go to each
// home as one task, in order.
//
// Threads: its worker's.
// Owner:   ConversationFeeds, Summaries.
#pragma once

#include "server/conversations/watched.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <cstdint>
#include <vector>

namespace flare::server {

class Watching {
public:
    // `watched`: of the home on this worker, `index`.
    Watching(Router& router, Executor& executor, Watched& watched, std::uint32_t index, Watcher who)
        : router_(router),
          executor_(executor),
          watched_(watched),
          index_(index),
          who_(who),
          to_homes_(router.workers()) {}

    // Reaches Watched of the home of the conversation.
    void watch(const model::ConversationKey& key, std::uint64_t generation) { tell({key, generation}); }
    void unwatch(const model::ConversationKey& key) { tell({key, 0}); }

private:
    struct Word {
        model::ConversationKey key;
        std::uint64_t generation;  // 0: nobody watches any more
    };
    void tell(Word word);
    void end_turn();

    Router& router_;
    Executor& executor_;
    Watched& watched_;
    const std::uint32_t index_;
    const Watcher who_;
    std::vector<std::vector<Word>> to_homes_;  // of this turn, by worker
    bool turn_ends_ = false;                   // end_turn() will come
};

}  // namespace flare::server
