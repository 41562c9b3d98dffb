#include "racing/plan.hpp"

#include <gtest/gtest.h>

namespace flare::racing {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuic = Protocol::quic;
constexpr auto kWebsocket = Protocol::websocket;

struct Expected {
    std::size_t entrant;
    std::chrono::milliseconds after;
};

void expect_plan(const std::vector<Entrant>& entrants, const std::vector<Expected>& expected) {
    const std::vector<Start> starts = plan(entrants);
    ASSERT_EQ(starts.size(), expected.size());
    for (std::size_t i = 0; i < starts.size(); ++i) {
        EXPECT_EQ(starts[i].entrant, expected[i].entrant) << i;
        EXPECT_EQ(starts[i].after, expected[i].after) << i;
    }
}

TEST(Plan, GivesTheHeavierAHeadStartThatGrowsWithTheDifference) {
    expect_plan({{kQuic, 0.7}, {kWebsocket, 0.3}}, {{0, 0ms}, {1, 250ms}});
    expect_plan({{kQuic, 0.2}, {kWebsocket, 0.9}}, {{1, 0ms}, {0, 250ms}});
    expect_plan({{kQuic, 0.6}, {kWebsocket, 0.4}}, {{0, 0ms}, {1, 125ms}});
    expect_plan({{kQuic, 0.5}, {kWebsocket, 0.5}}, {{0, 0ms}, {1, 0ms}});
}

TEST(Plan, BeginsWithTheLastWinner) {
    expect_plan({{kQuic, 0.7}, {kWebsocket, 0.3, true}}, {{1, 0ms}, {0, 250ms}});
    expect_plan({{kQuic, 0.5, true}, {kWebsocket, 0.5}}, {{0, 0ms}, {1, 250ms}});
}

TEST(Plan, EndsWithWhatHasFailed) {
    expect_plan({{kQuic, 1.0, false, true}, {kWebsocket, 0.0}}, {{1, 0ms}, {0, 250ms}});
    expect_plan({{kQuic, 0.7, false, true}, {kWebsocket, 0.3, false, true}}, {{0, 0ms}, {1, 250ms}});
}

TEST(Plan, TriesTheAddressesOfOneProtocolInTheirOrder) {
    expect_plan({{kQuic, 0.7}, {kWebsocket, 0.3}, {kWebsocket, 0.3}}, {{0, 0ms}, {1, 250ms}, {2, 500ms}});
    expect_plan({}, {});
}

}  // namespace
}  // namespace flare::racing
