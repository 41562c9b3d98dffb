#include "feeds_of_a_worker.hpp"

#include "unit/wire/allocations.hpp"

#include <algorithm>
#include <deque>
#include <string>

namespace flare::im::test {
namespace {

TEST_F(FeedsOfAWorker, GiveAtOnceWhatIsTold) {
    feed_of(ann, 11);
    feed_of(bob, 11, kBob);
    tell({block_of(11, 11), block_of(12, 14)});
    EXPECT_EQ(ann.given[1], (Given{{11, 11}, {12, 14}}));
    EXPECT_EQ(bob.given[1], ann.given[1]);
    EXPECT_TRUE(owner.pages.empty());
    EXPECT_FALSE(ann.wants);
}

TEST_F(FeedsOfAWorker, ReadWhatIsNotAtHandAndNoFurtherThanWasTold) {
    end = 200;
    feed_of(ann, 101);
    ASSERT_EQ(owner.pages.size(), 1u);
    EXPECT_EQ(owner.pages[0].from, 101u);
    EXPECT_EQ(owner.pages[0].last, 128u) << "at a multiple of 64, where others are met";
    EXPECT_EQ(owner.pages[0].conversation, 7u);
    read_page();
    EXPECT_EQ(owner.pages[0].last, 192u);
    read_page(32);
    EXPECT_EQ(owner.pages[0].last, 200u);
    read_page();
    EXPECT_EQ(ann.given[1], (Given{{101, 128}, {129, 160}, {161, 192}, {193, 200}}));
    EXPECT_TRUE(owner.pages.empty());
    tell({block_of(201, 201)});
    EXPECT_EQ(ann.given[1].back(), (std::pair<std::uint64_t, std::uint64_t>{201, 201})) << "it is live now";
}

TEST_F(FeedsOfAWorker, ReadWhatTheHomeTellsWithoutABlock) {
    feed_of(ann, 11);
    feed_of(bob, 11, kBob);
    const BlockPtr first[] = {block_of(11, 12)};
    feeds.told(kTea, 13, first);
    EXPECT_EQ(ann.given[1], (Given{{11, 12}}));
    ASSERT_EQ(owner.pages.size(), 1u) << "one page for both";
    EXPECT_EQ(owner.pages[0].from, 13u);
    EXPECT_EQ(owner.pages[0].last, 13u);
    read_page();
    EXPECT_EQ(ann.given[1], (Given{{11, 12}, {13, 13}}));
    EXPECT_EQ(bob.given[1], ann.given[1]);
}

TEST_F(FeedsOfAWorker, AreGivenNothingFromMemoryThatMayHaveWhatWasDeleted) {
    ann.most = 1;
    feed_of(ann, 11);
    feed_of(bob, 11, kBob);
    tell({block_of(11, 11)});
    tell({block_of(12, 12)});
    EXPECT_EQ(bob.given[1].size(), 2u);
    EXPECT_EQ(ann.given[1], (Given{{11, 11}})) << "it has no room for more";
    const BlockPtr removal[] = {block_of(13, 13)};
    feeds.told(kTea, 13, removal, true);
    EXPECT_TRUE(owner.pages.empty());
    ann.most = 16;
    feeds.room(ann);
    ASSERT_EQ(owner.pages.size(), 1u) << "12 was at hand, and is read anew";
    EXPECT_EQ(owner.pages[0].from, 12u);
    EXPECT_EQ(owner.pages[0].last, 12u) << "13 is at hand";
    read_page();
    EXPECT_EQ(ann.given[1], (Given{{11, 11}, {12, 12}, {13, 13}}));
}

TEST_F(FeedsOfAWorker, ReadAPageAgainThatWasAskedForBeforeAMessageWasDeleted) {
    end = 50;
    feed_of(ann, 11);
    ASSERT_EQ(owner.pages.size(), 1u);
    const BlockPtr removal[] = {block_of(51, 51)};
    feeds.told(kTea, 51, removal, true);
    feed_of(bob, 11, kBob);
    ASSERT_EQ(owner.pages.size(), 2u) << "what was asked for before is not for those who come later";
    read_page();
    EXPECT_TRUE(ann.given[1].empty()) << "it may have the text";
    while (!owner.pages.empty()) read_page();
    EXPECT_EQ(ann.given[1], (Given{{11, 50}, {51, 51}}));
    EXPECT_EQ(bob.given[1], ann.given[1]);
}

TEST_F(FeedsOfAWorker, AreGivenFromMemoryWhatWasToldAMomentAgo) {
    ann.most = 1;
    feed_of(ann, 11);
    for (std::uint64_t at = 11; at <= 15; ++at) tell({block_of(at, at)});
    EXPECT_EQ(ann.given[1], (Given{{11, 11}}));
    EXPECT_TRUE(ann.wants);
    ann.most = 16;
    feeds.room(ann);
    EXPECT_EQ(ann.given[1], (Given{{11, 11}, {12, 12}, {13, 13}, {14, 14}, {15, 15}}));
    EXPECT_TRUE(owner.pages.empty());
    EXPECT_FALSE(ann.wants);
}

// ---- large rooms ----

class FeedsOfACrowd : public FeedsOfAWorker {
protected:
    void gather(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) feed_of(crowd.emplace_back(100 + i), 11);
    }
    std::size_t having(std::size_t blocks) {
        return static_cast<std::size_t>(std::count_if(
            crowd.begin(), crowd.end(), [&](BenchSession& each) { return each.given[1].size() == blocks; }));
    }
    void TearDown() override {
        for (BenchSession& each : crowd) feeds.session_gone(each);
        FeedsOfAWorker::TearDown();
    }
    std::deque<BenchSession> crowd;
};

TEST_F(FeedsOfACrowd, GiveToTwoThousandInATurn) {
    gather(4500);
    tell({block_of(11, 11)});
    EXPECT_EQ(having(1), 2000u);
    EXPECT_EQ(owner.turns, 1);
    tell({block_of(12, 12)});
    EXPECT_EQ(having(1), 2000u) << "it is the same turn";
    feeds.go_on();
    EXPECT_EQ(having(0), 500u);
    EXPECT_EQ(having(2), 2000u) << "who has waited is given all of it";
    feeds.go_on();
    EXPECT_EQ(having(1), 500u) << "who came first is behind those who had nothing";
    EXPECT_EQ(having(2), 4000u);
    feeds.check_invariants();
    feeds.go_on();
    EXPECT_EQ(having(2), 4500u);
    EXPECT_EQ(owner.turns, 4);
    feeds.go_on();
    EXPECT_EQ(owner.turns, 4) << "nobody waits for one";
    tell({block_of(13, 13)});
    EXPECT_EQ(having(3), 2000u);
    for (BenchSession& each : crowd) EXPECT_TRUE(std::is_sorted(each.given[1].begin(), each.given[1].end()));
    EXPECT_TRUE(owner.pages.empty());
}

TEST_F(FeedsOfACrowd, EndWithTheMembershipWhileTheyWaitForATurn) {
    gather(2000);
    feed_of(bob, 11, kBob);
    tell({block_of(11, 11)});
    EXPECT_TRUE(bob.given[1].empty());
    feeds.removed(kTea, kBob, 12);
    EXPECT_EQ(bob.ends[1], 12u);
    feeds.go_on();
    EXPECT_TRUE(bob.given[1].empty());
    EXPECT_EQ(having(1), 2000u);
    feed_of(bob, 12, kBob);
    feeds.go_on();
    tell({block_of(12, 12)});
    feeds.session_gone(bob);
    feeds.go_on();
    EXPECT_TRUE(bob.given[2].empty());
}

TEST_F(FeedsOfACrowd, GiveAPageToTwoThousandInATurn) {
    gather(2500);
    feeds.told(kTea, 11, {});
    feeds.go_on();
    ASSERT_EQ(owner.pages.size(), 1u) << "one for all of them";
    read_page();
    EXPECT_EQ(having(1), 2000u);
    feeds.check_invariants();
    feeds.go_on();
    EXPECT_EQ(having(1), 2500u);
    EXPECT_TRUE(owner.pages.empty());
}

// 100 entries of 1 KiB were told: the newest 64 KiB are at hand.
TEST_F(FeedsOfAWorker, ReadUpToWhereMemoryBegins) {
    ann.attached = false;
    feed_of(ann, 11);
    for (std::uint64_t at = 11; at <= 110; ++at) tell({block_of(at, at, 0, 0, 1024)});
    EXPECT_EQ(feeds.kept_bytes(), 64u * 1024);
    ann.attached = true;
    ann.most = 1000;
    feeds.room(ann);
    ASSERT_EQ(owner.pages.size(), 1u);
    EXPECT_EQ(owner.pages[0].from, 11u);
    EXPECT_EQ(owner.pages[0].last, 46u);
    read_page();
    EXPECT_TRUE(owner.pages.empty());
    EXPECT_EQ(ann.given[1].size(), 65u);
    EXPECT_EQ(ann.given[1].back().second, 110u);
}

TEST_F(FeedsOfAWorker, PassOverWhatTheirSessionHasTheReceiptsOf) {
    feed_of(ann, 11);
    feed_of(bob, 11, kBob);
    tell({block_of(11, 12, ann.key()), block_of(13, 13)});
    EXPECT_EQ(ann.given[1], (Given{{13, 13}}));
    EXPECT_EQ(bob.given[1], (Given{{11, 12}, {13, 13}}));
}

// Its receipts came before the feed began, to a client that had no use for their offsets.
TEST_F(FeedsOfAWorker, GiveWhatTheirSessionSentBeforeTheyBegan) {
    feed_of(bob, 11, kBob);
    tell({block_of(11, 11, ann.key())});
    end = 11;
    feed_of(ann, 11);
    EXPECT_EQ(ann.given[1], (Given{{11, 11}}));
}

TEST_F(FeedsOfAWorker, ReadWhatIsPackedInAnotherWay) {
    BenchSession modern(30, 1, 2);
    feed_of(ann, 11);
    feed_of(modern, 11, kBob);
    tell({block_of(11, 11, 0, 2)});
    EXPECT_EQ(modern.given[1], (Given{{11, 11}}));
    EXPECT_TRUE(ann.given.empty());
    ASSERT_EQ(owner.pages.size(), 1u);
    EXPECT_EQ(owner.pages[0].encodings, 0u);
    read_page();
    EXPECT_EQ(ann.given[1], (Given{{11, 11}}));
    feeds.session_gone(modern);
}

TEST_F(FeedsOfAWorker, WhoBeginsInTheMiddleOfABlockMeetsTheOthersBehindIt) {
    feed_of(ann, 11);
    tell({block_of(11, 14), block_of(15, 16)});
    end = 16;
    feed_of(bob, 13, kBob);
    ASSERT_EQ(owner.pages.size(), 1u);
    EXPECT_EQ(owner.pages[0].last, 14u);
    read_page();
    EXPECT_EQ(bob.given[1], (Given{{13, 14}, {15, 16}}));
}

// The store shows more than the home has told.
TEST_F(FeedsOfAWorker, MayBeginAboveWhatWasTold) {
    feed_of(ann, 13);
    tell({block_of(11, 11)});
    tell({block_of(12, 12), block_of(13, 13)});
    EXPECT_EQ(ann.given[1], (Given{{13, 13}}));
}

TEST_F(FeedsOfAWorker, TakeTurnsInTheirLane) {
    ann.most = 1;
    ann.waiting[0] = 1;
    const auto other = model::ConversationKey::room("coffee");
    feed_of(ann, 11);
    feed_of(ann, 11, kAnn, 0, other);
    for (std::uint64_t at = 11; at <= 13; ++at) tell({block_of(at, at)});
    for (std::uint64_t at = 11; at <= 13; ++at) {
        const BlockPtr block[] = {block_of(at, at)};
        feeds.told(other, at, block);
    }
    for (std::size_t i = 1; i <= 6; ++i) {
        ann.waiting[0] = 0;
        feeds.room(ann);
        EXPECT_EQ(ann.given[1].size(), (i + 1) / 2);
        EXPECT_EQ(ann.given[2].size(), i / 2);
    }
    EXPECT_FALSE(ann.wants);
}

// While a page is read for a feed, the others leave it its place.
TEST_F(FeedsOfAWorker, AskForNoMorePagesThanTheirLaneHasRoomFor) {
    ann.most = 2;
    for (int i = 0; i < 5; ++i) feed_of(ann, 1, kAnn, 0, model::ConversationKey::room("room" + std::to_string(i)));
    EXPECT_EQ(owner.pages.size(), 2u);
    read_page();
    EXPECT_EQ(owner.pages.size(), 1u) << "that place is taken";
    ann.waiting[0] = 0;
    feeds.room(ann);
    EXPECT_EQ(owner.pages.size(), 2u);
}

TEST_F(FeedsOfAWorker, OfOtherLanesGoOn) {
    BenchSession wide(30, 2);
    wide.waiting[0] = 16;
    feed_of(wide, 11, kAnn, 0, model::ConversationKey::room("coffee"));
    feed_of(wide, 11, kAnn, 1);
    const BlockPtr block[] = {block_of(11, 11)};
    feeds.told(model::ConversationKey::room("coffee"), 11, block);
    feeds.told(kTea, 11, block);
    EXPECT_TRUE(wide.given[1].empty());
    EXPECT_EQ(wide.given[2], (Given{{11, 11}}));
    feeds.session_gone(wide);
}

TEST_F(FeedsOfAWorker, WithoutMemoryAreGivenItLater) {
    feed_of(ann, 11);
    ann.memory = false;
    tell({block_of(11, 11), block_of(12, 12)});
    EXPECT_TRUE(ann.given.empty());
    ann.memory = true;
    feeds.room(ann);
    EXPECT_EQ(ann.given[1], (Given{{11, 11}, {12, 12}}));
}

TEST_F(FeedsOfAWorker, ReadAgainWhatCouldNotBeRead) {
    feed_of(ann, 1);
    feeds.page_failed(owner.pages.front().ticket);
    EXPECT_TRUE(feeds.stuck());
    owner.pages.clear();
    feeds.room(ann);
    EXPECT_TRUE(owner.pages.empty());
    feeds.retry();
    EXPECT_FALSE(feeds.stuck());
    read_page();
    EXPECT_EQ(ann.given[1], (Given{{1, 10}}));
}

// ---- the end of a membership ----

TEST_F(FeedsOfAWorker, EndWithTheMembership) {
    feed_of(ann, 11);
    feed_of(bob, 11, kBob);
    tell({block_of(11, 11)});
    feeds.told(kTea, 12, {});
    feeds.removed(kTea, kBob, 12);
    EXPECT_EQ(bob.ends[1], 12u);
    tell({block_of(13, 13)});
    read_page();
    EXPECT_EQ(bob.given[1], (Given{{11, 11}}));
    EXPECT_EQ(ann.given[1], (Given{{11, 11}, {12, 12}, {13, 13}}));
}

TEST_F(FeedsOfAWorker, EndWhileAPageIsRead) {
    feed_of(bob, 1, kBob);
    feeds.told(kTea, 11, {});
    feeds.removed(kTea, kBob, 11);
    EXPECT_EQ(bob.ends[1], 11u);
    read_page();
    EXPECT_TRUE(bob.given.empty());
    EXPECT_EQ(owner.unwatched.size(), 1u);
}

// Bob had been removed with the entry 9, and was added again.
TEST_F(FeedsOfAWorker, OfALaterMembershipStay) {
    feed_of(bob, 11, kBob);
    feeds.removed(kTea, kBob, 9);
    feeds.removed(kTea, kAnn, 12);
    EXPECT_TRUE(bob.ends.empty());
}

TEST_F(FeedsOfAWorker, AreNotOpenedWhenTheMembershipHasEndedSinceItWasRead) {
    feed_of(ann, 11);
    Feed& feed = *feeds.subscribe(bob, kTea, 0);
    feeds.begin(feed);
    feeds.told(kTea, 12, {});
    feeds.removed(kTea, kBob, 12);
    EXPECT_FALSE(feeds.opened(feed, {.conversation = 7, .user = kBob, .as_of = 11, .next = 12}));
    EXPECT_TRUE(feeds.opened(feed, {.conversation = 7, .user = kBob, .as_of = 14, .next = 15})) << "he is back";
    EXPECT_TRUE(bob.ends.empty());
}

TEST_F(FeedsOfAWorker, EndWithTheConversation) {
    feed_of(ann, 1);
    Feed& opening = *feeds.subscribe(bob, kTea, 0);
    feeds.begin(opening);
    feeds.destroyed(kTea);
    EXPECT_EQ(ann.ends[1], 11u);
    read_page();
    EXPECT_TRUE(ann.given.empty());
    const Feeds::Opening old{.conversation = 7, .user = kBob, .as_of = 10, .next = 11};
    EXPECT_FALSE(feeds.opened(opening, old)) << "it may be of the log that is no more";
    EXPECT_TRUE(feeds.opened(opening, {.conversation = 8, .user = kBob, .as_of = 1, .next = 2}));
    tell({block_of(1, 2)});
    EXPECT_EQ(owner.pages.back().conversation, 8u);
    read_page();
    EXPECT_EQ(bob.given[1], (Given{{2, 2}}));
}

// ---- watching ----

TEST_F(FeedsOfAWorker, OfOneConversationWatchOnce) {
    feeds.begin(*feeds.subscribe(ann, kTea, 0));
    feeds.begin(*feeds.subscribe(bob, kTea, 0));
    ASSERT_EQ(owner.watches.size(), 1u);
    EXPECT_TRUE(owner.opens.empty());
    feeds.registered(kTea, owner.watches[0].second, 10, 7);
    EXPECT_EQ(owner.opens.size(), 2u);
    feeds.close(ann, kTea);
    EXPECT_TRUE(owner.unwatched.empty());
    feeds.close(bob, kTea);
    EXPECT_EQ(owner.unwatched.size(), 1u);
}

TEST_F(FeedsOfAWorker, DoNotBelieveTheAnswerToAWatchThatWasGivenUp) {
    feeds.begin(*feeds.subscribe(ann, kTea, 0));
    feeds.session_gone(ann);
    feeds.begin(*feeds.subscribe(ann, kTea, 0));
    ASSERT_EQ(owner.watches.size(), 2u);
    feeds.registered(kTea, owner.watches[0].second, 10, 7);
    feeds.removed(kTea, kAnn, 12);
    EXPECT_TRUE(owner.opens.empty());
    feeds.registered(kTea, owner.watches[1].second, 12, 7);
    EXPECT_EQ(owner.opens.size(), 1u);
}

TEST_F(FeedsOfAWorker, AreRefusedWhenTheHomeCannotTell) {
    feeds.begin(*feeds.subscribe(ann, kTea, 0));
    feeds.not_registered(kTea, owner.watches[0].second + 1, errc::busy);
    EXPECT_TRUE(owner.refused.empty());
    feeds.not_registered(kTea, owner.watches[0].second, errc::storage_failed);
    EXPECT_EQ(owner.refused[1], errc::storage_failed);
    EXPECT_EQ(feeds.size(), 0u);
}

// ---- bounds ----

TEST_F(FeedsOfAWorker, AreFiveHundredOfASession) {
    std::vector<Feed*> made;
    for (std::size_t i = 0; i < FeedSession::kMostFeeds; ++i)
        made.push_back(feeds.subscribe(ann, model::ConversationKey::room(std::to_string(i)), 0));
    EXPECT_NE(made.back(), nullptr);
    EXPECT_EQ(feeds.subscribe(ann, kTea, 0), nullptr);
    feeds.close(ann, made.front()->key());
    EXPECT_NE(feeds.subscribe(ann, kTea, 0), nullptr);
}

TEST_F(FeedsOfAWorker, ThatTakeNothingKeepNoPages) {
    feed_of(ann, 1);
    ann.attached = false;
    read_page();
    EXPECT_GT(feeds.kept_bytes(), 0u);
    feeds.session_gone(ann);
    EXPECT_EQ(feeds.kept_bytes(), 0u);
}

// That takes everything.
class GreedySession final : public FeedSession {
public:
    explicit GreedySession(SessionKey key) : FeedSession(key, 1, 0) {}
    std::size_t room(Lane) const override { return 1; }
    bool give(const FeedName&, const BlockPtr& block) override {
        last = block.get();
        ++given;
        return true;
    }
    void end(const FeedName&, std::uint64_t) override {}
    void want_room(bool) override {}

    const Block* last = nullptr;
    std::size_t given = 0;
};

TEST_F(FeedsOfAWorker, TakeNothingFromTheHeapForARecipient) {
    constexpr std::uint64_t kTold = 300;
    std::deque<GreedySession> sessions;
    for (SessionKey key = 100; key < 1100; ++key) {
        Feed& feed = *feeds.subscribe(sessions.emplace_back(key), kTea, 0);
        feeds.begin(feed);
        if (key == 100) feeds.registered(kTea, owner.watches.back().second, end, 7);
        ASSERT_TRUE(feeds.opened(feed, {.conversation = 7, .user = key, .as_of = end, .next = end + 1}));
        feeds.start(feed);
    }
    std::vector<BlockPtr> blocks;
    for (std::uint64_t at = 1; at <= 2 * kTold; ++at) blocks.push_back(block_of(end + at, end + at));
    const auto tell = [&](std::size_t first) {
        const std::size_t before = wire::test::allocations();
        for (std::size_t i = first; i < first + kTold; ++i) feeds.told(kTea, blocks[i]->last, std::span(&blocks[i], 1));
        return wire::test::allocations() - before;
    };
    EXPECT_GT(tell(0), 0u) << "this test counts nothing";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    EXPECT_LE(tell(kTold), kTold) << "the pool's memory is the heap's there: a piece for each block, whoever gets it";
#else
    EXPECT_EQ(tell(kTold), 0u);
#endif
    for (GreedySession& session : sessions) {
        EXPECT_EQ(session.given, 2 * kTold);
        EXPECT_EQ(session.last, blocks.back().get()) << "all have the same bytes";
        feeds.session_gone(session);
    }
}

}  // namespace
}  // namespace flare::im::test
