// What waits for targets that have no room: docs/conversations.md, "Later".
#include "session/held_targets.hpp"

#include "support.hpp"

namespace flare::session::test {
namespace {

using Taken = std::vector<HeldTargets::Token>;
using End = HeldTargets::End;

constexpr TimePoint kAgain = kStart + 1s;

struct Held : ::testing::Test {
    ~Held() override { held.check_invariants(); }
    Taken go(TimePoint now) {
        const Taken taken = held.take("tea", now);
        held.check_invariants();
        return taken;
    }
    HeldTargets held;
};

TEST_F(Held, NothingGoesBeforeItsTime) {
    EXPECT_TRUE(held.put_off("tea", 1, kStart, kAgain, true));
    held.add("tea", 2);
    EXPECT_TRUE(held.holds("tea"));
    EXPECT_FALSE(held.holds("soup"));
    EXPECT_EQ(held.next_deadline(), kAgain);
    EXPECT_EQ(held.take_due(kAgain - 1ms), Taken());
    EXPECT_EQ(go(kAgain - 1ms), Taken());
    EXPECT_EQ(go(kAgain), Taken{1});
    EXPECT_EQ(go(kAgain), Taken()) << "the first has no answer yet";
}

TEST_F(Held, TheLatestTimeThatTheServerNamesCounts) {
    EXPECT_TRUE(held.put_off("tea", 1, kStart, kAgain, true));
    EXPECT_FALSE(held.put_off("tea", 2, kStart, kAgain + 2s, true));
    EXPECT_FALSE(held.put_off("tea", 3, kStart, kAgain + 1s, true));
    EXPECT_EQ(go(kAgain + 1s), Taken());
    EXPECT_EQ(go(kAgain + 2s), Taken{1});
}

TEST_F(Held, MoreGoAtOnceWithEachThatIsAnsweredUntilTheNextLater) {
    held.put_off("tea", 1, kStart, kAgain, true);
    for (HeldTargets::Token token = 2; token <= 20; ++token) held.add("tea", token);
    std::vector<std::size_t> sizes;
    for (int round = 0; round < 5; ++round) {
        const Taken taken = go(kAgain);
        sizes.push_back(taken.size());
        for (std::size_t i = 0; i < taken.size(); ++i) held.forget_under_way("tea", End::answered);
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1, 2, 2, 4}));
    const Taken eight = go(kAgain);
    EXPECT_EQ(eight, (Taken{11, 12, 13, 14}));
    for (const HeldTargets::Token token : eight) {
        held.put_off("tea", token, kStart, kAgain + 1s, true);
        held.forget_under_way("tea", End::put_off);
    }
    EXPECT_EQ(go(kAgain), Taken());
    EXPECT_EQ(go(kAgain + 1s), Taken{11}) << "those that were put off go first, and one at a time";
}

TEST_F(Held, WhatGoesIntoNoLogGoesAllAtOnceAndIsForgotten) {
    held.put_off("tea", 1, kStart, kAgain, false);
    held.add("tea", 2);
    held.add("tea", 3);
    EXPECT_EQ(held.take_due(kAgain), (Taken{1, 2, 3}));
    EXPECT_TRUE(held.empty());
}

TEST_F(Held, OneTargetDoesNotWaitForAnother) {
    held.put_off("tea", 1, kStart, kAgain + 5s, true);
    held.put_off("soup", 2, kStart, kAgain, true);
    EXPECT_EQ(held.next_deadline(), kAgain);
    EXPECT_EQ(held.take_due(kAgain), Taken{2});
    EXPECT_EQ(held.next_deadline(), kAgain + 5s);
    EXPECT_TRUE(held.holds("soup")) << "until its answer comes";
    held.forget_under_way("soup", End::answered);
    EXPECT_FALSE(held.holds("soup"));
}

TEST_F(Held, NothingGoesWhileTheServerOwesAnAnswer) {
    held.put_off("tea", 1, kStart, kAgain, true);
    held.note_under_way("tea");
    held.note_under_way("tea");
    held.forget_under_way("tea", End::answered);
    EXPECT_EQ(go(kAgain + 1s), Taken());
    held.put_off("tea", 2, kStart, kAgain, true);
    held.forget_under_way("tea", End::put_off);
    EXPECT_EQ(go(kAgain + 1s), Taken{1});
}

TEST_F(Held, AfterALaterNothingGoesBeforeAllThatIsUnderWayIsAnswered) {
    held.put_off("tea", 1, kStart, kAgain, true);
    for (HeldTargets::Token token = 2; token <= 12; ++token) held.add("tea", token);
    for (int round = 0; round < 4; ++round) {
        for (const HeldTargets::Token token : go(kAgain)) {
            (void)token;
            held.forget_under_way("tea", End::answered);
        }
    }
    ASSERT_EQ(go(kAgain), (Taken{7, 8, 9, 10}));
    held.forget_under_way("tea", End::answered);
    held.put_off("tea", 8, kAgain, kAgain + 1s, true);
    held.forget_under_way("tea", End::put_off);
    EXPECT_EQ(go(kAgain + 2s), Taken()) << "there is room for two, and the answers to 9 and 10 are to come";
    held.forget_under_way("tea", End::answered);
    EXPECT_EQ(go(kAgain + 2s), Taken());
    held.forget_under_way("tea", End::answered);
    EXPECT_EQ(go(kAgain + 2s), (Taken{8, 11}));
}

TEST_F(Held, AMessageThatIsPutOffForTheLastTimeIsALater) {
    held.put_off("tea", 1, kStart, kAgain, true);
    held.add("tea", 2);
    held.note_under_way("tea");
    held.note_under_way("tea");
    held.forget_under_way("tea", End::put_off);
    EXPECT_EQ(go(kAgain), Taken()) << "the other one has no answer yet";
    held.forget_under_way("tea", End::put_off);
    EXPECT_EQ(go(kAgain), Taken{1});
}

TEST_F(Held, KnowsSinceWhenNothingWasTaken) {
    EXPECT_EQ(held.stuck_since("tea"), TimePoint::min());
    held.put_off("tea", 1, kStart, kAgain, true);
    held.add("tea", 2);
    EXPECT_EQ(held.stuck_since("tea"), kStart);
    ASSERT_EQ(go(kAgain), Taken{1});
    held.put_off("tea", 1, kAgain, kAgain + 1s, true);
    held.forget_under_way("tea", End::put_off);
    EXPECT_EQ(held.stuck_since("tea"), kStart);
    ASSERT_EQ(go(kAgain + 1s), Taken{1});
    held.note_success("tea", kAgain + 1s);
    held.forget_under_way("tea", End::answered);
    EXPECT_EQ(held.stuck_since("tea"), kAgain + 1s);
    held.put_off("soup", 3, kStart, kAgain, false);
    EXPECT_EQ(held.stuck_since("soup"), TimePoint::min()) << "its messages go together, each on its own";
}

// ---- behind a change ----

TEST_F(Held, WhatIsYoungerThanAChangeWaitsForIt) {
    held.keep_behind("tea", 2);
    EXPECT_TRUE(held.holds("tea"));
    EXPECT_FALSE(held.watches("tea")) << "the server has put nothing off";
    for (HeldTargets::Token token = 1; token <= 5; ++token) held.add("tea", token);
    EXPECT_EQ(held.take_due(kStart), (Taken{1, 2}));
    EXPECT_EQ(held.next_deadline(), kNever);
    held.keep_behind("tea", 4);
    EXPECT_EQ(held.take_due(kStart), (Taken{3, 4}));
    held.keep_behind("tea", HeldTargets::kEverything);
    EXPECT_EQ(held.take_due(kStart), Taken{5});
    EXPECT_TRUE(held.empty());
}

TEST_F(Held, AChangeThatWaitsForNothingLeavesNoTrace) {
    held.keep_behind("tea", HeldTargets::kEverything);
    EXPECT_TRUE(held.empty());
    held.keep_behind("tea", 3);
    EXPECT_EQ(held.kept_behind("tea"), 3u);
    held.keep_behind("tea", HeldTargets::kEverything);
    EXPECT_TRUE(held.empty());
}

TEST_F(Held, WhatIsPutOffAndYoungerThanAChangeWaitsForBoth) {
    held.keep_behind("tea", 1);
    EXPECT_TRUE(held.put_off("tea", 1, kStart, kAgain, true)) << "nothing was put off before";
    EXPECT_FALSE(held.put_off("tea", 2, kStart, kAgain, true));
    EXPECT_EQ(go(kStart), Taken());
    EXPECT_EQ(go(kAgain), Taken{1});
    EXPECT_TRUE(held.watches("tea"));
    held.forget_under_way("tea", End::answered);
    EXPECT_EQ(go(kAgain), Taken());
    held.keep_behind("tea", HeldTargets::kEverything);
    EXPECT_EQ(go(kAgain), Taken{2});
    held.forget_under_way("tea", End::answered);
    EXPECT_TRUE(held.empty());
}

TEST_F(Held, WhenAllThatWasPutOffIsAnsweredTheRestWaitsForTheChangeAlone) {
    held.keep_behind("tea", 1);
    held.put_off("tea", 1, kStart, kAgain, true);
    ASSERT_EQ(go(kAgain), Taken{1});
    held.forget_under_way("tea", End::answered);
    EXPECT_FALSE(held.watches("tea"));
    held.add("tea", 2);
    held.add("tea", 3);
    held.keep_behind("tea", HeldTargets::kEverything);
    EXPECT_EQ(held.take_due(kStart), (Taken{2, 3}));
}

TEST_F(Held, WhatIsGivenUpMakesRoomForOthersAndIsNoSignOfIt) {
    held.put_off("tea", 1, kStart, kAgain, true);
    for (HeldTargets::Token token = 2; token <= 4; ++token) held.add("tea", token);
    ASSERT_EQ(go(kAgain), Taken{1});
    held.forget_waiting("tea", 2);
    held.forget_under_way("tea", End::given_up);
    EXPECT_LE(held.next_deadline(), kAgain) << "somebody looks";
    EXPECT_EQ(go(kAgain), Taken{3});
    held.forget_under_way("tea", End::given_up);
    EXPECT_EQ(go(kAgain), Taken{4}) << "still one at a time";
    held.forget_under_way("tea", End::answered);
    EXPECT_TRUE(held.empty());
}

TEST_F(Held, ANewSessionHasNothingUnderWay) {
    held.put_off("tea", 1, kStart, kAgain, true);
    held.add("tea", 2);
    ASSERT_EQ(go(kAgain), Taken{1});
    held.begin_session();
    held.add("tea", 1);
    EXPECT_EQ(held.take_due(kAgain), Taken{1});
}

TEST_F(Held, KnowsWhatWaitsBeforeAnother) {
    held.put_off("tea", 5, kStart, kAgain, true);
    EXPECT_FALSE(held.waits_before("tea", 4));
    EXPECT_TRUE(held.waits_before("tea", 5));
    EXPECT_FALSE(held.waits_before("soup", 9));
    ASSERT_EQ(go(kAgain), Taken{5});
    EXPECT_FALSE(held.waits_before("tea", 9)) << "it has gone";
}

}  // namespace
}  // namespace flare::session::test
