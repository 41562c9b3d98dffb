#include "server/admin/health.hpp"

#include <gtest/gtest.h>

namespace flare::server {
namespace {

using namespace std::chrono_literals;
const Health::Clock::time_point kBegin{1h};

TEST(Health, WhereNobodyHasBeenAskedAllIsWell) { EXPECT_EQ(Health(3).trouble(kBegin), ""); }

TEST(Health, ALoopThatAnswersIsWell) {
    Health health(1);
    EXPECT_TRUE(health.ask(0, kBegin));
    health.answered(0);
    EXPECT_EQ(health.trouble(kBegin + 1h), "");
    EXPECT_TRUE(health.ask(0, kBegin + 1h));
}

TEST(Health, ALoopMayTakeItsTime) {
    Health health(1);
    health.ask(0, kBegin);
    EXPECT_EQ(health.trouble(kBegin + Health::kPatience), "");
}

TEST(Health, LoopsThatDoNotAnswerAreNamed) {
    Health health(4);
    health.ask(1, kBegin);
    health.ask(3, kBegin + 500ms);
    EXPECT_EQ(health.trouble(kBegin + 2s),
              "worker 1 has not answered for 2000 ms, worker 3 has not answered for 1500 ms");
    EXPECT_EQ(health.trouble(kBegin + 2s, 1), "worker 3 has not answered for 1500 ms");
}

TEST(Health, AQuestionThatWaitsKeepsItsTime) {
    Health health(1);
    EXPECT_TRUE(health.ask(0, kBegin));
    EXPECT_FALSE(health.ask(0, kBegin + 5s));
    EXPECT_EQ(health.silent_for(0, kBegin + 6s), 6s);
}

}  // namespace
}  // namespace flare::server
