#include "server/conversations/recent_mentions.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace flare::server {
namespace {

using namespace std::chrono_literals;
using Users = std::vector<im::Row>;

class RecentlyMentioned : public ::testing::Test {
protected:
    Users add(std::vector<Mention> mentions) { return recent.add(mentions, now, 1s); }
    RecentMentions recent;
    session::TimePoint now{100h};
};

TEST_F(RecentlyMentioned, AreToldAtOnceOnceAnInterval) {
    EXPECT_EQ(add({{7, 1, 10}, {3, 1, 10}, {1, 1, 10}, {0, 1, 10}}), (Users{3, 7})) << "neither who says it, nor all";
    EXPECT_EQ(add({{3, 1, 11}, {5, 1, 11}}), Users{5});
    EXPECT_EQ(add({{3, 2, 12}}), Users{}) << "whoever says it";
    now += 1s;
    EXPECT_EQ(add({{3, 1, 13}}), Users{3});
}

TEST_F(RecentlyMentioned, AreFoundByTheNewestOfOthersThatTheyWereNotTold) {
    add({{3, 1, 10}, {0, 2, 12}, {5, 1, 14}});
    EXPECT_EQ(recent.newest_for(3, 9), 12u);
    EXPECT_EQ(recent.newest_for(3, 12), 0u);
    EXPECT_EQ(recent.newest_for(2, 9), 0u) << "who names all is not meant";
    EXPECT_EQ(recent.newest_for(5, 9), 14u);
    add({{0, 1, 20}});
    EXPECT_EQ(recent.newest_for(2, 9), 20u);
    EXPECT_EQ(recent.newest_for(1, 9), 12u);
}

TEST_F(RecentlyMentioned, AreForgottenWhenAllHaveHeard) {
    add({{3, 1, 10}, {0, 1, 10}});
    recent.all_told(now - 1s);
    EXPECT_FALSE(recent.empty()) << "who was told at once is not told so again";
    EXPECT_EQ(add({{3, 1, 11}}), Users{});
    now += 1s;
    recent.all_told(now - 1s);
    EXPECT_TRUE(recent.empty());
}

TEST_F(RecentlyMentioned, AreBounded) {
    for (im::Row user = 1; user <= RecentMentions::kMost + 10; ++user) add({{user, 1000, user}});
    EXPECT_EQ(recent.newest_for(10, 0), 0u) << "the oldest are forgotten";
    EXPECT_EQ(recent.newest_for(11, 0), 11u);
    EXPECT_EQ(recent.newest_for(RecentMentions::kMost + 10, 0), RecentMentions::kMost + 10);
}

}  // namespace
}  // namespace flare::server
