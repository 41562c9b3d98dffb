// Feeds that were given all that was told: a record each, and nothing else.
#include "base/tight.hpp"
#include "feed_bench.hpp"

#include <deque>
#include <string>

namespace flare::im::test {
namespace {

class RestingFeeds : public testing::Test {
protected:
    static inline const model::ConversationKey kTea = model::ConversationKey::room("tea");

    // The home has told of everything up to 10.
    void subscribe(BenchSession& session, std::uint64_t next, const model::ConversationKey& key = kTea) {
        Feed& feed = *feeds.subscribe(session, key, 0);
        feeds.begin(feed);
        for (const auto& [watched, generation] : owner.watches) feeds.registered(watched, generation, 10, 7);
        owner.watches.clear();
        ASSERT_TRUE(feeds.opened(feed, {.conversation = 7, .user = session.key(), .as_of = 10, .next = next}));
        feeds.start(feed);
    }
    bool rests(const BenchSession& session) const { return feeds.find(session, kTea)->feed() == nullptr; }
    void tell(std::uint64_t first, std::uint64_t last) {
        const BlockPtr block[] = {block_of(first, last)};
        feeds.told(kTea, last, block);
        feeds.check_invariants();
    }
    void TearDown() override {
        feeds.check_invariants();
        for (BenchSession& each : sessions) feeds.session_gone(each);
        feeds.check_invariants();
        EXPECT_EQ(feeds.size(), 0u);
    }

    BenchOwner owner;
    Feeds feeds{owner};
    std::deque<BenchSession> sessions;
};

TEST_F(RestingFeeds, HaveACursorOnlyWhileTheyAreBehind) {
    BenchSession& ann = sessions.emplace_back(1);
    subscribe(ann, 11);
    EXPECT_TRUE(rests(ann));
    tell(11, 12);
    EXPECT_TRUE(rests(ann)) << "it was given all of it at once";
    ann.attached = false;
    tell(13, 13);
    EXPECT_FALSE(rests(ann));
    tell(14, 14);
    ann.attached = true;
    feeds.room(ann);
    EXPECT_TRUE(rests(ann));
    tell(15, 15);
    EXPECT_EQ(ann.given[1], (BenchSession::Given{{11, 12}, {13, 13}, {14, 14}, {15, 15}}));
}

TEST_F(RestingFeeds, HaveACursorWhileTheyReadAPage) {
    BenchSession& ann = sessions.emplace_back(1);
    subscribe(ann, 5);
    EXPECT_FALSE(rests(ann));
    const BlockPtr page[] = {block_of(5, 10)};
    feeds.page_read(owner.pages.at(0).ticket, page);
    EXPECT_TRUE(rests(ann));
}

TEST_F(RestingFeeds, HaveACursorWhileTheyAreAheadOfWhatWasTold) {
    BenchSession& ann = sessions.emplace_back(1);
    subscribe(ann, 13);
    EXPECT_FALSE(rests(ann));
    tell(11, 11);
    EXPECT_FALSE(rests(ann));
    tell(12, 12);
    EXPECT_TRUE(rests(ann));
    EXPECT_TRUE(ann.given.empty());
}

// What the first of them lacked is at hand now, and what the second lacked, too: one look at their lane serves both.
TEST_F(RestingFeeds, MayComeToRestBeforeTheirTurnToTryAgain) {
    const auto coffee = model::ConversationKey::room("coffee");
    BenchSession& ann = sessions.emplace_back(1);
    BenchSession& bob = sessions.emplace_back(2);
    subscribe(ann, 5);
    subscribe(ann, 5, coffee);
    ASSERT_EQ(owner.pages.size(), 2u);
    for (const PageWanted& each : owner.pages) feeds.page_failed(each.ticket);
    owner.pages.clear();
    subscribe(bob, 5);
    subscribe(bob, 5, coffee);
    const BlockPtr page[] = {block_of(5, 10)};
    for (const PageWanted& each : owner.pages) feeds.page_read(each.ticket, page);
    EXPECT_FALSE(rests(ann));
    feeds.retry();
    EXPECT_TRUE(rests(ann));
    EXPECT_EQ(feeds.find(ann, coffee)->feed(), nullptr);
    EXPECT_EQ(ann.given, (std::map<std::uint32_t, BenchSession::Given>{{1, {{5, 10}}}, {2, {{5, 10}}}}));
}

TEST_F(RestingFeeds, EndWithTheirMembershipAlone) {
    for (SessionKey key = 1; key <= 3; ++key) subscribe(sessions.emplace_back(key), 11);
    feeds.told(kTea, 11, {});
    feeds.removed(kTea, 2, 10);
    EXPECT_NE(feeds.find(sessions[1], kTea), nullptr) << "of an earlier membership";
    feeds.removed(kTea, 2, 11);
    EXPECT_EQ(feeds.find(sessions[1], kTea), nullptr);
    EXPECT_EQ(sessions[1].ends, (std::map<std::uint32_t, std::uint64_t>{{1, 11}}));
    EXPECT_NE(feeds.find(sessions[0], kTea), nullptr);
    EXPECT_NE(feeds.find(sessions[2], kTea), nullptr);
}

TEST_F(RestingFeeds, AreFoundWhateverOtherFeedsHaveGone) {
    const auto room = [](std::size_t at) { return model::ConversationKey::room("room" + std::to_string(at)); };
    constexpr std::size_t kMany = 20;
    for (SessionKey key = 1; key <= kMany; ++key) {
        BenchSession& session = sessions.emplace_back(key);
        for (std::size_t at = 0; at < kMany; ++at) subscribe(session, 11, room(at));
    }
    for (std::size_t i = 0; i < kMany * kMany; i += 3) {
        feeds.close(sessions[i / kMany], room(i % kMany));
        feeds.check_invariants();
    }
    for (std::size_t i = 0; i < kMany * kMany; ++i) {
        const FeedRecord* const record = feeds.find(sessions[i / kMany], room(i % kMany));
        ASSERT_EQ(record == nullptr, i % 3 == 0);
        if (record == nullptr) continue;
        EXPECT_EQ(record->name().number, i % kMany + 1);
        EXPECT_EQ(&record->session(), &sessions[i / kMany]);
    }
}

// A place in the table of conversations is used again.
TEST_F(RestingFeeds, OfAConversationThatWasForgottenAreGone) {
    BenchSession& ann = sessions.emplace_back(1);
    BenchSession& bob = sessions.emplace_back(2);
    subscribe(ann, 11);
    feeds.close(ann, kTea);
    subscribe(bob, 11, model::ConversationKey::room("coffee"));
    EXPECT_EQ(ann.feeds(), 0u);
    EXPECT_EQ(feeds.find(ann, model::ConversationKey::room("coffee")), nullptr);
    EXPECT_NE(feeds.find(bob, model::ConversationKey::room("coffee")), nullptr);
}

TEST(TightVector, HasNeverMuchMoreRoomThanItUses) {
    std::vector<int> numbers;
    for (int i = 0; i < 10'000; ++i) {
        base::make_room_tightly(numbers);
        numbers.push_back(i);
        ASSERT_LE(numbers.capacity(), numbers.size() + numbers.size() / 8 + 2);
    }
    while (!numbers.empty()) {
        numbers.pop_back();
        base::shrink_tightly(numbers);
        ASSERT_LE(numbers.capacity(), numbers.size() + numbers.size() / 4 + 4);
    }
}

}  // namespace
}  // namespace flare::im::test
