#include "store/sqlite/head_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace flare::store::sqlite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HeadTableTest : public ::testing::Test {
protected:
    // What an append does, as a transaction of its own or a part of one.
    void change(Row row) {
        LogState* state = table.work(row);
        if (state == nullptr) state = &table.load(row, LogState());
        state->head.last.offset += 1;
        table.changed(row);
    }
    void commit(std::uint64_t stamp, std::initializer_list<Row> rows) {
        table.begin(stamp);
        for (const Row row : rows) change(row);
        table.publish();
    }
    void write(Row row) {
        table.work(row);
        table.written(row);
    }
    std::vector<Row> overdue(std::uint64_t upto, std::size_t most = 100) {
        std::vector<Row> rows;
        table.overdue(upto, most, rows);
        return rows;
    }
    std::uint64_t last_of(Row row) { return table.snapshot(row)->head.last.offset; }

    HeadTable table{4};
};

TEST_F(HeadTableTest, ShowsWhatIsPublishedOnly) {
    table.begin(1);
    EXPECT_EQ(table.work(7), nullptr);
    change(7);
    EXPECT_FALSE(table.snapshot(7));  // its rows are as they were
    table.publish();
    EXPECT_EQ(last_of(7), 1u);
    table.begin(2);
    change(7);
    EXPECT_EQ(last_of(7), 1u);
    table.publish();
    EXPECT_EQ(last_of(7), 2u);
}

TEST_F(HeadTableTest, IsAsItWasAfterATransactionThatFails) {
    commit(1, {7});
    table.begin(2);
    change(7);
    change(8);
    write(7);
    table.discard();
    EXPECT_EQ(last_of(7), 1u);
    EXPECT_EQ(table.unwritten_since(), 1u);
    EXPECT_EQ(table.size(), 1u);  // what was loaded meanwhile may never have been
    EXPECT_EQ(table.work(8), nullptr);
}

TEST_F(HeadTableTest, KnowsSinceWhenSomethingIsUnwritten) {
    EXPECT_EQ(table.unwritten_since(), 0u);
    commit(10, {1, 2});
    commit(20, {3});
    commit(30, {1});  // still since 10
    EXPECT_EQ(table.unwritten_since(), 10u);
    EXPECT_THAT(overdue(9), IsEmpty());
    EXPECT_THAT(overdue(10), ElementsAre(1, 2));
    EXPECT_THAT(overdue(25), ElementsAre(1, 2, 3));
    EXPECT_THAT(overdue(25, 2), ElementsAre(1, 2));
    table.begin(40);
    write(1);
    EXPECT_THAT(overdue(25), ElementsAre(2, 3));  // what this transaction has written already is not named again
    write(2);
    change(2);
    table.publish();
    EXPECT_EQ(table.unwritten_since(), 20u);
    EXPECT_THAT(overdue(40), ElementsAre(3, 2));
}

TEST_F(HeadTableTest, KeepsItsSizeAndNeverDropsWhatIsUnwritten) {
    commit(10, {1, 2, 3, 4, 5, 6});
    EXPECT_EQ(table.size(), 6u);  // all are unwritten
    table.begin(20);
    const std::vector<Row> named = overdue(0);
    EXPECT_EQ(named.size(), 2u);
    for (const Row row : named) write(row);
    table.publish();
    EXPECT_EQ(table.size(), 4u);
    for (Row row = 1; row <= 6; ++row) {
        const bool written = std::find(named.begin(), named.end(), row) != named.end();
        EXPECT_TRUE(written || table.snapshot(row)) << row;
    }
}

TEST_F(HeadTableTest, StaysNearItsSizeUnderManyConversations) {
    for (Row row = 1; row <= 1000; ++row) {
        table.begin(row);
        change(row);
        change(row / 2 + 1);
        for (const Row each : overdue(0)) write(each);
        table.publish();
        ASSERT_LE(table.size(), 6u) << row;  // what two changes of the last transaction have brought is unwritten
    }
}

TEST_F(HeadTableTest, DropsWhatWasNotUsedLately) {
    for (Row row = 1; row <= 4; ++row) {
        table.begin(row);
        change(row);
        write(row);
        table.publish();
    }
    table.begin(10);
    table.work(1);
    change(5);
    write(5);
    table.publish();
    EXPECT_EQ(table.size(), 4u);
    EXPECT_TRUE(table.snapshot(1));
    EXPECT_FALSE(table.snapshot(2));
    EXPECT_TRUE(table.snapshot(5));
}

TEST_F(HeadTableTest, NamesTheHeadsThatAreAheadOfTheirRows) {
    HeadTable many(1000);
    std::vector<Row> rows;
    for (Row row = 1; row <= 700; ++row) {
        rows.push_back(row);
        if (row % 3 == 0) continue;  // not in memory
        many.begin(row);
        many.load(row, LogState()).head.stamp = row;
        many.changed(row);
        if (row % 3 == 1) many.written(row);
        many.publish();
    }
    many.begin(701);
    many.work(2)->head.stamp = 701;  // is not committed
    many.load(701, LogState());
    many.changed(701);
    rows.push_back(701);
    std::vector<HeadTable::Known> known;
    many.known(rows, known);
    ASSERT_EQ(known.size(), rows.size());
    for (std::size_t i = 0; i < known.size(); ++i) {
        EXPECT_EQ(known[i].conversation, nullptr) << rows[i];
        ASSERT_EQ(known[i].ahead.has_value(), rows[i] % 3 == 2 && rows[i] <= 700) << rows[i];
        if (!known[i].ahead) continue;
        EXPECT_EQ(known[i].ahead->stamp, rows[i]);
    }
}

// What a reader finds in a row between looking for it in memory and saying so.
class KnownConversationsTest : public HeadTableTest {
protected:
    HeadTable::Known known(Row row) {
        std::vector<HeadTable::Known> all;
        table.known(std::array{row}, all);
        return all.at(0);
    }
    void learn(Row row, std::uint64_t ticket, std::string title, std::uint64_t last = 0) {
        Conversation read;
        read.row = row;
        read.config.title = std::move(title);
        read.head.last.offset = last;
        table.learn(row, ticket, std::make_shared<const Conversation>(read));
    }
    void reshape(Row row) {
        table.begin(1);
        change(row);
        table.reshaped(row);
        table.publish();
    }
};

TEST_F(KnownConversationsTest, AreThereOnceSomebodyHasReadThem) {
    const HeadTable::Known before = known(7);
    EXPECT_EQ(before.conversation, nullptr);
    EXPECT_FALSE(table.head(7));
    EXPECT_EQ(known(7).conversation, nullptr);
    learn(7, before.ticket, "tea", 3);
    ASSERT_NE(known(7).conversation, nullptr);
    EXPECT_EQ(known(7).conversation->config.title, "tea");
    EXPECT_EQ(known(7).head.last.offset, 3u);
    EXPECT_EQ(table.head(7)->last.offset, 3u);
    EXPECT_EQ(known(8).conversation, nullptr);
}

TEST_F(KnownConversationsTest, HaveTheHeadThatIsPublished) {
    commit(1, {7});
    learn(7, known(7).ticket, "tea", last_of(7));
    commit(2, {7});
    ASSERT_NE(known(7).conversation, nullptr);
    EXPECT_EQ(known(7).head.last.offset, 2u);
    table.begin(3);
    change(7);
    EXPECT_EQ(known(7).head.last.offset, 2u) << "it is not committed";
    table.discard();
    EXPECT_EQ(known(7).head.last.offset, 2u);
}

TEST_F(KnownConversationsTest, AreNotWhatWasReadBeforeACommit) {
    const std::uint64_t ticket = known(7).ticket;
    commit(1, {7});
    learn(7, ticket, "tea");
    const HeadTable::Known after = known(7);
    EXPECT_EQ(after.conversation, nullptr);
    EXPECT_NE(after.ticket, ticket);
    learn(7, ticket, "tea");
    EXPECT_EQ(known(7).conversation, nullptr);
    learn(7, after.ticket, "tea", 1);
    EXPECT_NE(known(7).conversation, nullptr);
}

TEST_F(KnownConversationsTest, AreForgottenWhenMoreThanTheirHeadHasChanged) {
    learn(7, known(7).ticket, "tea");
    table.begin(1);
    change(7);
    table.reshaped(7);
    EXPECT_NE(known(7).conversation, nullptr) << "it is not committed";
    table.discard();
    ASSERT_NE(known(7).conversation, nullptr);
    reshape(8);
    ASSERT_NE(known(7).conversation, nullptr);
    reshape(7);
    EXPECT_EQ(known(7).conversation, nullptr);
    EXPECT_EQ(table.head(7)->last.offset, 1u);
}

TEST_F(KnownConversationsTest, AreOnlySoMany) {
    const Row other = 7 + KnownConversations::kMost;
    learn(7, known(7).ticket, "tea");
    const std::uint64_t ticket = known(other).ticket;
    EXPECT_EQ(known(7).conversation, nullptr);
    learn(other, ticket, "coffee");
    EXPECT_EQ(known(other).conversation, nullptr) << "another one has the place by now";
}

class LogStampsTest : public HeadTableTest {
protected:
    // "-" if it is not known.
    std::string stamp_of(Row row) {
        std::vector<LogStamp> stamps;
        table.stamps_of(std::array{row}, stamps);
        const LogStamp& stamp = stamps.at(0);
        return stamp.known() ? std::to_string(stamp.stamp()) + (stamp.removed() ? " removed" : "") : "-";
    }
    void put(Row row, std::uint64_t stamp, bool removed = false) {
        LogState* state = table.work(row);
        if (state == nullptr) state = &table.load(row, LogState());
        state->head.stamp = stamp;
        state->removed = removed;
        table.changed(row);
    }
};

TEST_F(LogStampsTest, AreWhatIsPublished) {
    table.begin(1);
    put(7, 1);
    EXPECT_EQ(stamp_of(7), "-") << "of a transaction that is under way";
    table.publish();
    EXPECT_EQ(stamp_of(7), "1");
    table.begin(2);
    put(7, 2);
    EXPECT_EQ(stamp_of(7), "1");
    table.discard();
    EXPECT_EQ(stamp_of(7), "1");
    table.begin(2);
    put(7, 2, true);
    table.publish();
    EXPECT_EQ(stamp_of(7), "2 removed");
}

TEST_F(LogStampsTest, StayWhenTheStateGoes) {
    EXPECT_EQ(stamp_of(3), "-");
    for (Row row = 1; row <= 8; ++row) {
        table.begin(row);
        put(row, row);
        write(row);
        table.publish();
    }
    EXPECT_FALSE(table.snapshot(3));
    EXPECT_EQ(stamp_of(3), "3");
}

TEST_F(LogStampsTest, AreLearntUnlessSomethingNewerIsKnown) {
    EXPECT_EQ(stamp_of(3), "-");
    table.learn(3, {0, false});
    EXPECT_EQ(stamp_of(3), "0") << "of a log without entries";
    table.begin(5);
    put(3, 5);
    put(4, 5);
    table.publish();
    table.learn(3, {2, false});
    table.learn(4, {2, false});  // its reader has asked before
    EXPECT_EQ(stamp_of(3), "5");
    EXPECT_EQ(stamp_of(4), "5");
}

TEST_F(LogStampsTest, HaveRoomForSixteenMillionConversations) {
    EXPECT_EQ(stamp_of(LogStamps::kMost - 1), "-");
    EXPECT_EQ(stamp_of(LogStamps::kMost), "-");
    table.learn(LogStamps::kMost - 1, {9, false});
    table.learn(LogStamps::kMost, {9, false});
    EXPECT_EQ(stamp_of(LogStamps::kMost - 1), "9");
    EXPECT_EQ(stamp_of(LogStamps::kMost), "-");
}

}  // namespace
}  // namespace flare::store::sqlite
