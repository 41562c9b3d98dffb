// How far a subscription has come: what is told, once and in order, and what is missing.
#include "client/im/feed_cursor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace flare::client {
namespace {

class Cursor : public ::testing::Test {
protected:
    static Uuid id(std::uint64_t number) {
        Uuid made;
        made.bytes[0] = 1;
        for (std::size_t i = 0; i < 8; ++i) made.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
        return made;
    }
    bool fresh(std::uint64_t offset) { return cursor.take(offset, id(offset)).fresh; }
    void own(std::uint64_t offset, std::uint64_t epoch = 7) { cursor.note_own({epoch, offset}, id(offset)); }

    FeedCursor cursor;
};

TEST_F(Cursor, TakesEachEntryOnceAndNeverGoesBack) {
    cursor.begin({7, 10}, id(10));
    EXPECT_FALSE(fresh(9));
    EXPECT_FALSE(fresh(10));
    EXPECT_TRUE(fresh(11));
    EXPECT_FALSE(fresh(11));
    EXPECT_FALSE(fresh(0));
    EXPECT_FALSE(cursor.skip_to(11));
    EXPECT_FALSE(cursor.skip_to(3));
    EXPECT_EQ(cursor.position(), (Position{7, 11}));
    EXPECT_EQ(cursor.id(), id(11));
    EXPECT_TRUE(cursor.skip_to(20));
    EXPECT_EQ(cursor.position(), (Position{7, 20}));
    EXPECT_TRUE(cursor.id().is_nil()) << "nothing is known of the entry there";
}

TEST_F(Cursor, KnowsWhichOwnMessagesAreSilent) {
    using testing::ElementsAre;
    cursor.begin({7, 10}, id(10));
    for (const std::uint64_t offset : {12u, 14u, 15u, 16u}) cursor.note_own({7, offset}, id(offset), offset == 14);
    EXPECT_THAT(cursor.own_passed().uncounted, ElementsAre());
    EXPECT_TRUE(fresh(11));
    EXPECT_THAT(cursor.own_passed().uncounted, ElementsAre(12));
    EXPECT_TRUE(cursor.own_above({7, 12}).front().counts);
    EXPECT_FALSE(cursor.own_above({7, 12}).back().counts);
    EXPECT_FALSE(fresh(15)) << "it is told all the same";
    EXPECT_THAT(cursor.own_passed().uncounted, ElementsAre(15, 16));
    for (std::uint64_t offset = 17; offset < 17 + 3 * FeedCursor::kMostOwn; ++offset)
        cursor.note_own({7, offset}, id(offset), false);
    EXPECT_LE(cursor.own_passed().uncounted.size(), FeedCursor::kMostOwn);
    EXPECT_EQ(cursor.own_passed().uncounted.back(), cursor.position().offset);
    EXPECT_TRUE(std::ranges::is_sorted(cursor.own_passed().uncounted));
}

TEST_F(Cursor, PassesOwnMessagesWhoseReceiptsHaveCome) {
    cursor.begin({7, 10}, id(10));
    own(11);
    EXPECT_EQ(cursor.position(), (Position{7, 11}));
    EXPECT_EQ(cursor.id(), id(11));
    own(13);
    own(14);
    EXPECT_EQ(cursor.position(), (Position{7, 11}));
    const auto next = cursor.take(12, id(12));
    EXPECT_TRUE(next.fresh);
    EXPECT_FALSE(next.missing);
    EXPECT_EQ(cursor.position(), (Position{7, 14}));
    EXPECT_EQ(cursor.id(), id(14));
    EXPECT_EQ(cursor.own_passed().after, (Position{7, 12}));
    EXPECT_FALSE(fresh(13)) << "the server tells it all the same";
    own(16);
    EXPECT_FALSE(fresh(16));
    EXPECT_EQ(cursor.own_passed().after, (Position{7, 15})) << "it is an own message all the same";
}

TEST_F(Cursor, AnOwnMessageThatTheServerTellsIsNotFresh) {
    cursor.begin({7, 10}, id(10));
    own(12);
    EXPECT_TRUE(fresh(11));
    EXPECT_FALSE(fresh(12));
    EXPECT_TRUE(fresh(13));
}

TEST_F(Cursor, NamesTheHoleThatOwnMessagesDoNotFill) {
    cursor.begin({7, 10}, id(10));
    own(12);
    own(15);
    const auto taken = cursor.take(16, id(16));
    EXPECT_TRUE(taken.fresh);
    ASSERT_TRUE(taken.missing);
    EXPECT_EQ(*taken.missing, (std::pair<std::uint64_t, std::uint64_t>(11, 14)));
    EXPECT_EQ(cursor.position(), (Position{7, 16}));
}

TEST_F(Cursor, KeepsReceiptsThatComeBeforeItBegins) {
    own(5, 6);
    own(11);
    own(9);
    own(13);
    cursor.begin({7, 10}, id(10));
    EXPECT_EQ(cursor.position(), (Position{7, 11}));
    EXPECT_TRUE(fresh(12));
    EXPECT_EQ(cursor.position(), (Position{7, 13}));
}

TEST_F(Cursor, ReceiptsOfAnotherEpochMeanNothing) {
    own(11, 6);
    cursor.begin({7, 10}, id(10));
    own(12, 6);
    EXPECT_EQ(cursor.position(), (Position{7, 10}));
    EXPECT_TRUE(fresh(11));
    EXPECT_TRUE(fresh(12));
    cursor.begin({8, 2}, Uuid());
    EXPECT_EQ(cursor.position(), (Position{8, 2})) << "begin() alone goes back";
    EXPECT_TRUE(fresh(3));
}

// After a restore: the session is new, and its subscription has not been renewed yet.
TEST_F(Cursor, ReceiptsOfANewEpochCountWhenItBeginsThere) {
    cursor.begin({7, 10}, id(10));
    own(4, 8);
    own(5, 8);
    EXPECT_EQ(cursor.position(), (Position{7, 10}));
    cursor.begin({8, 3}, Uuid());
    EXPECT_EQ(cursor.position(), (Position{8, 5}));
    EXPECT_TRUE(fresh(6));
}

TEST_F(Cursor, ForgetsOwnMessagesBeyondItsBound) {
    cursor.begin({7, 10}, id(10));
    for (std::uint64_t i = 0; i < 2 * FeedCursor::kMostOwn; ++i) own(12 + i);
    EXPECT_TRUE(fresh(11));
    EXPECT_EQ(cursor.position().offset, 11 + FeedCursor::kMostOwn);
    const auto next = cursor.take(11 + 2 * FeedCursor::kMostOwn + 1, Uuid());
    ASSERT_TRUE(next.missing) << "what it has forgotten is missing, rather than lost without a word";
    EXPECT_EQ(next.missing->first, 12 + FeedCursor::kMostOwn);
}

TEST_F(Cursor, StaysUntilAFeedHasBegunInANewSession) {
    cursor.begin({7, 10}, id(10));
    cursor.pause();
    own(11);
    own(12);
    EXPECT_EQ(cursor.position().offset, 10u);
    EXPECT_EQ(cursor.id(), id(10));
    EXPECT_TRUE(cursor.go_on());
    EXPECT_EQ(cursor.position().offset, 12u);
    EXPECT_FALSE(cursor.go_on());
    own(13);
    EXPECT_EQ(cursor.position().offset, 13u);
}

TEST_F(Cursor, OffsetsAtTheEndOfTheWorldDoNotWrap) {
    cursor.begin({7, UINT64_MAX - 1}, Uuid());
    EXPECT_TRUE(fresh(UINT64_MAX));
    EXPECT_FALSE(fresh(UINT64_MAX));
    EXPECT_FALSE(fresh(0));
    own(UINT64_MAX);
    own(0);
    EXPECT_EQ(cursor.position().offset, UINT64_MAX);
}

// Whatever comes, in whatever order: every offset below the position was told, was an own message, or was missing.
TEST_F(Cursor, AccountsForEveryOffset) {
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        cursor = FeedCursor();
        cursor.begin({7, 0}, Uuid());
        std::set<std::uint64_t> told;
        std::set<std::uint64_t> known;
        std::set<std::uint64_t> missing;
        std::uint64_t before = 0;
        for (int step = 0; step < 200; ++step) {
            const std::uint64_t offset = cursor.position().offset + random() % 6;
            if (random() % 3 == 0) {
                own(offset);
                known.insert(offset);
            } else {
                const auto taken = cursor.take(offset, id(offset));
                if (taken.fresh) {
                    EXPECT_TRUE(told.insert(offset).second) << offset << " is told twice";
                    EXPECT_FALSE(known.contains(offset)) << offset;
                }
                if (taken.missing) {
                    for (auto each = taken.missing->first; each <= taken.missing->second; ++each) missing.insert(each);
                }
            }
            EXPECT_GE(cursor.position().offset, before);
            before = cursor.position().offset;
        }
        for (std::uint64_t offset = 1; offset <= before; ++offset)
            EXPECT_TRUE(told.contains(offset) || known.contains(offset) || missing.contains(offset)) << offset;
    }
}

}  // namespace
}  // namespace flare::client
