// Feeds that a page of a list has named before they begin.
#include "feeds_of_a_worker.hpp"

namespace flare::im::test {
namespace {

TEST_F(FeedsOfAWorker, OfAListBeginWithoutReading) {
    EXPECT_EQ(feed_of_list(ann, 10, 10), nullptr);
    EXPECT_TRUE(owner.opens.empty());
    EXPECT_EQ(owner.begun, (std::vector<std::uint32_t>{feeds.find(ann, kTea)->name().number}));
    tell({block_of(11, 11), block_of(12, 12)});
    EXPECT_EQ(ann.given[1], (Given{{11, 11}, {12, 12}}));
}

TEST_F(FeedsOfAWorker, OfAListThatKnowsMoreThanWasToldBeginBehindIt) {
    feed_of_list(ann, 12, 10);
    EXPECT_EQ(owner.begun.size(), 1u);
    tell({block_of(11, 11), block_of(12, 12)});
    tell({block_of(13, 13)});
    EXPECT_EQ(ann.given[1], (Given{{13, 13}}));
}

TEST_F(FeedsOfAWorker, OfAListAreReadAgainWhenMoreWasTold) {
    Feed* const feed = feed_of_list(ann, 10, 11);
    EXPECT_TRUE(owner.begun.empty());
    ASSERT_EQ(owner.opens.size(), 1u) << "entry 11 may have ended the membership";
    ASSERT_NE(feed, nullptr);
    EXPECT_TRUE(feeds.opened(*feed, {.conversation = 7, .user = kAnn, .as_of = 11, .next = 11}));
    feeds.start(*feed);
    read_page();
    EXPECT_EQ(ann.given[1], (Given{{11, 11}}));
}

TEST_F(FeedsOfAWorker, OfAListAreReadAgainWhenTheConversationIsAnotherOne) {
    EXPECT_NE(feed_of_list(ann, 10, 3, 8), nullptr);
    EXPECT_TRUE(owner.begun.empty());
    EXPECT_EQ(owner.opens.size(), 1u) << "of the same name";
}

TEST_F(FeedsOfAWorker, OfAListAreReadAgainWhenTheConversationIsNoMore) {
    feed_of(bob, 11, kBob);
    Feed& opening = *feeds.subscribe(bob2, kTea, 0);
    feeds.begin(opening);
    feeds.destroyed(kTea);
    EXPECT_EQ(owner.opens.size(), 1u);
    feed_of_list(ann, 10, 10);
    EXPECT_TRUE(owner.begun.empty());
    EXPECT_EQ(owner.opens.size(), 2u);
    feeds.session_gone(bob2);
}

TEST_F(FeedsOfAWorker, OfAListEndWithTheMembership) {
    feed_of_list(ann, 10, 10);
    feeds.told(kTea, 11, {});
    feeds.removed(kTea, kAnn, 11);
    EXPECT_EQ(ann.ends, (std::map<std::uint32_t, std::uint64_t>{{1, 11}}));
}

// Its receipts may come before it has heard of the feed, and are not known to be entries.
TEST_F(FeedsOfAWorker, OfAListGiveOwnMessagesUntilTheSessionHasHeardOfThem) {
    ann.heard = false;
    feed_of_list(ann, 10, 10);
    tell({block_of(11, 11, 10)});
    EXPECT_EQ(ann.given[1], (Given{{11, 11}}));
    ann.attached = false;
    tell({block_of(12, 12, 10)});
    ann.heard = true;
    tell({block_of(13, 13, 10)});
    ann.attached = true;
    feeds.room(ann);
    EXPECT_EQ(ann.given[1], (Given{{11, 11}, {12, 12}})) << "from where it had heard on, receipts are the entries";
    tell({block_of(14, 14, 20)});
    EXPECT_EQ(ann.given[1].back(), (std::pair<std::uint64_t, std::uint64_t>{14, 14}));
}

}  // namespace
}  // namespace flare::im::test
