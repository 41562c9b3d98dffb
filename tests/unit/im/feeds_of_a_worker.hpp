// Feeds of one worker, with the end of a log that its home has told.
#pragma once

#include "feed_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace flare::im::test {

inline constexpr Row kAnn = 1;
inline constexpr Row kBob = 2;
using Given = BenchSession::Given;

class FeedsOfAWorker : public testing::Test {
protected:
    // The home has told of everything up to `end`, which is the end of the log.
    void feed_of(BenchSession& session, std::uint64_t next, Row user = kAnn, Lane lane = 0,
                 const model::ConversationKey& key = kTea) {
        Feed& feed = *feeds.subscribe(session, key, lane);
        feeds.begin(feed);
        if (!owner.watches.empty()) {
            feeds.registered(key, owner.watches.back().second, end, 7);
            owner.watches.clear();
        }
        EXPECT_EQ(owner.opens.size(), 1u);
        owner.opens.clear();
        EXPECT_TRUE(feeds.opened(feed, {.conversation = 7, .user = user, .as_of = end, .next = next}));
        feeds.start(feed);
    }
    // Of a list that was read when the log ended at `as_of`. The home has told up to `told`, of this conversation.
    // Null: it has begun.
    Feed* feed_of_list(BenchSession& session, std::uint64_t as_of, std::uint64_t told, Row row = 7) {
        Feed& feed = *feeds.subscribe(session, kTea, 0);
        feeds.begin(feed, {.conversation = 7, .user = kAnn, .as_of = as_of, .next = as_of + 1, .apart = true});
        if (!owner.watches.empty()) feeds.registered(kTea, owner.watches.back().second, told, row);
        owner.watches.clear();
        return feeds.find(session, kTea)->feed();
    }
    void tell(std::vector<BlockPtr> blocks) { feeds.told(kTea, blocks.back()->last, blocks); }
    // Answers the oldest page, with blocks of `each` entries.
    void read_page(std::uint64_t each = 64) {
        ASSERT_FALSE(owner.pages.empty());
        const PageWanted wanted = owner.pages.front();
        owner.pages.erase(owner.pages.begin());
        std::vector<BlockPtr> blocks;
        for (std::uint64_t at = wanted.from; at <= wanted.last; at += each)
            blocks.push_back(block_of(at, std::min(at + each - 1, wanted.last)));
        feeds.page_read(wanted.ticket, blocks);
    }
    void TearDown() override {
        feeds.check_invariants();
        for (BenchSession* const session : {&ann, &bob}) feeds.session_gone(*session);
        feeds.check_invariants();
        EXPECT_EQ(feeds.size(), 0u);
        EXPECT_EQ(feeds.kept_bytes(), 0u);
    }

    static inline const model::ConversationKey kTea = model::ConversationKey::room("tea");
    std::uint64_t end = 10;
    BenchOwner owner;
    Feeds feeds{owner};
    BenchSession ann{10};
    BenchSession bob{20};
    BenchSession bob2{21};
};

}  // namespace flare::im::test
