// What the machine of feeds has around it: sessions whose lanes take some frames, and an owner that remembers what it
// was asked.
#pragma once

#include "im/feeds.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace flare::im::test {

inline BlockPtr block_of(std::uint64_t first, std::uint64_t last, SessionKey sole_sender = 0, EncodingSet encodings = 0,
                         std::size_t bytes = 100) {
    auto block = std::make_shared<Block>();
    block->first = first;
    block->last = last;
    block->sole_sender = sole_sender;
    block->encodings = encodings;
    block->bytes = bytes;
    return block;
}

class BenchSession final : public FeedSession {
public:
    explicit BenchSession(SessionKey key, Lane lanes = 1, EncodingSet encodings = 0)
        : FeedSession(key, lanes, encodings), waiting(lanes) {}

    std::size_t room(Lane lane) const override { return attached && waiting[lane] < most ? most - waiting[lane] : 0; }
    bool give(const FeedName& feed, const BlockPtr& block) override {
        if (!memory) return false;
        EXPECT_LT(waiting[feed.lane], most);
        ++waiting[feed.lane];
        given[feed.number].emplace_back(block->first, block->last);
        if (on_give) on_give(feed, *block);
        return true;
    }
    void end(const FeedName& feed, std::uint64_t offset) override {
        EXPECT_FALSE(ends.contains(feed.number));
        ends[feed.number] = offset;
    }
    void want_room(bool wanted) override {
        EXPECT_NE(wants, wanted);
        wants = wanted;
    }
    bool has_heard() override { return heard; }

    using Given = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
    std::size_t most = 16;
    bool attached = true;
    bool memory = true;
    bool wants = false;
    bool heard = true;
    std::vector<std::size_t> waiting;      // frames of each lane
    std::map<std::uint32_t, Given> given;  // by feed
    std::map<std::uint32_t, std::uint64_t> ends;
    std::function<void(const FeedName&, const Block&)> on_give;
};

struct BenchOwner final : FeedsOwner {
    void watch(const model::ConversationKey& key, std::uint64_t generation) override {
        watches.emplace_back(key, generation);
    }
    void unwatch(const model::ConversationKey& key) override { unwatched.push_back(key); }
    void open(const Feed& feed) override { opens.emplace_back(feed.session, feed.number); }
    void began(const Feed& feed) override {
        EXPECT_EQ(feed.state, Feed::State::current);
        begun.push_back(feed.number);
    }
    void refuse(const Feed& feed, errc code) override { refused[feed.number] = code; }
    void read(const PageWanted& wanted) override { pages.push_back(wanted); }
    void want_turn() override { ++turns; }

    std::vector<std::pair<model::ConversationKey, std::uint64_t>> watches;
    std::vector<model::ConversationKey> unwatched;
    std::vector<std::pair<FeedSession*, std::uint32_t>> opens;
    std::vector<std::uint32_t> begun;
    std::map<std::uint32_t, errc> refused;
    std::vector<PageWanted> pages;
    int turns = 0;  // that were asked for
};

}  // namespace flare::im::test
