#include "session/budget.hpp"

#include <gtest/gtest.h>

namespace flare::session {
namespace {

TEST(Budget, GivesNoMoreThanTheProcessHas) {
    SharedBudget shared(1000);
    Budget budget(shared, 100);

    EXPECT_TRUE(budget.take(600));
    EXPECT_TRUE(budget.take(400));
    EXPECT_FALSE(budget.take(1));
    EXPECT_EQ(budget.used(), 1000u);  // the refused byte left no trace
}

TEST(Budget, SharesTheProcessBetweenWorkers) {
    SharedBudget shared(1000);
    Budget first(shared, 100);
    Budget second(shared, 100);

    ASSERT_TRUE(first.take(700));
    EXPECT_FALSE(second.take(400));
    EXPECT_TRUE(second.take(300));
    EXPECT_TRUE(first.exhausted());
}

TEST(Budget, TakesTheLastBytesWhenNoWholeGrainIsLeft) {
    SharedBudget shared(150);
    Budget budget(shared, 100);

    ASSERT_TRUE(budget.take(80));
    EXPECT_TRUE(budget.take(60));
    EXPECT_FALSE(budget.take(20));
}

TEST(Budget, GoesPastTheLimitForWhatWasPromised) {
    SharedBudget shared(100);
    Budget budget(shared, 10);

    budget.take_anyway(150);
    EXPECT_EQ(budget.used(), 150u);
    EXPECT_TRUE(budget.exhausted());
    EXPECT_FALSE(budget.take(1));

    budget.give(150);
    EXPECT_TRUE(budget.take(50));
}

TEST(Budget, KeepsASixteenthForWhoIsThereAndIsRelievedAtSevenEighths) {
    SharedBudget shared(1600);
    Budget budget(shared, 1);

    ASSERT_TRUE(budget.take(1499));
    EXPECT_FALSE(budget.exhausted());
    ASSERT_TRUE(budget.take(1));
    EXPECT_TRUE(budget.exhausted());
    EXPECT_FALSE(budget.relieved());
    budget.give(99);
    EXPECT_FALSE(budget.relieved());
    budget.give(10);
    EXPECT_TRUE(budget.relieved());
}

TEST(Budget, ReturnsAllButASlackWhenItIsUsedNoLonger) {
    SharedBudget shared(10'000);
    Budget budget(shared, 100);

    ASSERT_TRUE(budget.take(5'000));
    budget.give(5'000);

    EXPECT_EQ(budget.used(), 0u);
    EXPECT_LE(shared.leased(), 200u);  // two grains
}

TEST(Budget, ReturnsEverythingWhenItGoes) {
    SharedBudget shared(10'000);
    {
        Budget budget(shared, 100);
        ASSERT_TRUE(budget.take(5'000));
    }
    EXPECT_EQ(shared.leased(), 0u);
}

TEST(Budget, TouchesTheSharedCounterInGrainsOnly) {
    SharedBudget shared(10'000);
    Budget budget(shared, 1'000);

    ASSERT_TRUE(budget.take(1));
    EXPECT_EQ(shared.leased(), 1'000u);
    ASSERT_TRUE(budget.take(999));
    EXPECT_EQ(shared.leased(), 1'000u);
}

}  // namespace
}  // namespace flare::session
