#include "model/target.hpp"
#include "session/types.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace flare::session::test {
namespace {

using model::conversation_of;

TEST(ConversationLane, ARoomHasOneWhoeverSpeaks) {
    std::set<LaneIndex> lanes;
    for (int i = 0; i < 100; ++i) lanes.insert(lane_of(conversation_of("room:lunch", "user" + std::to_string(i)), 4));
    EXPECT_EQ(lanes.size(), 1u);
}

TEST(ConversationLane, OfTwoUsersIsTheSenders) {
    EXPECT_EQ(conversation_of("bob", "ann"), "ann");
    EXPECT_EQ(conversation_of("ann", "server"), "server");
}

TEST(ConversationLane, RoomsSpreadOverAllLanes) {
    std::set<LaneIndex> lanes;
    for (int i = 0; i < 100; ++i) {
        const std::string room = "room:" + std::to_string(i);
        lanes.insert(lane_of(conversation_of(room, "ann"), 4));
    }
    EXPECT_EQ(lanes.size(), 4u);
}

}  // namespace
}  // namespace flare::session::test
