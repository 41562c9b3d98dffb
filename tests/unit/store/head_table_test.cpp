#include "store/sqlite/head_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    std::vector<HeadTable::Ahead> ahead;
    many.ahead_of(rows, ahead);
    ASSERT_EQ(ahead.size(), 233u);
    for (std::size_t i = 0; i < ahead.size(); ++i) {
        EXPECT_EQ(ahead[i].row, 3 * i + 2);
        EXPECT_EQ(ahead[i].head.stamp, ahead[i].row);
    }
}

}  // namespace
}  // namespace flare::store::sqlite
