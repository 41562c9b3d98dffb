#include "im/direct_budget.hpp"

#include <gtest/gtest.h>

namespace flare::im {
namespace {

using namespace std::chrono_literals;

constexpr DirectBudget::TimePoint kBudgetStart{std::chrono::hours(100)};

TEST(DirectBudget, LetsFiftyBeginAnHour) {
    DirectBudget budget;
    for (Row other = 2; other < 52; ++other) EXPECT_FALSE(budget.begin(1, other, kBudgetStart + 1s * other));
    const Refused refused = budget.begin(1, 52, kBudgetStart + 100s);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::too_many_conversations);
    EXPECT_EQ(refused->retry_after_ms, (3600u + 2 - 100) * 1000);
    EXPECT_TRUE(budget.begin(1, 52, kBudgetStart + 3602s - 1ms));
    EXPECT_FALSE(budget.begin(1, 52, kBudgetStart + 3602s));
    EXPECT_TRUE(budget.begin(1, 53, kBudgetStart + 3602s)) << "the second counts still";
    budget.check_invariants();
}

TEST(DirectBudget, IsEachUsersOwn) {
    DirectBudget budget({.most = 1});
    EXPECT_FALSE(budget.begin(1, 2, kBudgetStart));
    EXPECT_FALSE(budget.begin(2, 3, kBudgetStart));
    EXPECT_TRUE(budget.begin(1, 3, kBudgetStart));
}

TEST(DirectBudget, NoLongerCountsWhatTheOtherHasAnswered) {
    DirectBudget budget({.most = 1});
    EXPECT_FALSE(budget.begin(1, 2, kBudgetStart));
    budget.answered(1, 2);
    EXPECT_TRUE(budget.begin(1, 3, kBudgetStart)) << "its starter writes again: that is no answer";
    budget.answered(2, 1);
    EXPECT_FALSE(budget.begin(1, 3, kBudgetStart));
    budget.answered(3, 1);
    EXPECT_FALSE(budget.begin(1, 4, kBudgetStart));
    EXPECT_EQ(budget.size(), 1u);
    budget.check_invariants();
}

TEST(DirectBudget, CostsNothingForTheSameOtherOneselfAndTheServer) {
    DirectBudget budget({.most = 1});
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(budget.begin(1, 2, kBudgetStart));
        EXPECT_FALSE(budget.begin(1, 1, kBudgetStart));
        EXPECT_FALSE(budget.begin(1, 0, kBudgetStart));
        EXPECT_FALSE(budget.begin(0, static_cast<Row>(5 + i), kBudgetStart));
    }
    EXPECT_EQ(budget.size(), 1u);
}

TEST(DirectBudget, IsBounded) {
    DirectBudget budget({.most = 2, .remembered = 64});
    for (Row user = 1; user < 1000; ++user) {
        budget.begin(user, 5000, kBudgetStart);
        budget.begin(user, 5001, kBudgetStart);
        ASSERT_LE(budget.size(), 64u);
        budget.check_invariants();
    }
    budget.expire(kBudgetStart + 1h);
    EXPECT_EQ(budget.size(), 0u);
}

}  // namespace
}  // namespace flare::im
