// Thousands of steps of a room whose store is slow, full, broken and crashes, against what really happened: world.hpp.
// FLARE_IM_SEEDS=N lives through N worlds in place of the few of every run; FLARE_IM_TRACE=SEED prints one.
#include "im/planted.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace flare::im::test {
namespace {

constexpr int kSteps = 3000;

std::uint64_t seeds_of_a_run() {
    const char* const more = std::getenv("FLARE_IM_SEEDS");
    return more == nullptr ? 40 : std::strtoull(more, nullptr, 10);
}

TEST(RandomRoom, KeepsItsPromises) {
    if (const char* const seed = std::getenv("FLARE_IM_TRACE")) {
        ASSERT_EQ(World(std::strtoull(seed, nullptr, 10), true).live(kSteps), "");
        return;
    }
    World::Counts counts;
    for (std::uint64_t seed = 1; seed <= seeds_of_a_run(); ++seed) {
        World world(seed);
        ASSERT_EQ(world.live(kSteps), "") << "seed " << seed;
        counts += world.counts();
    }
    // All that may go wrong did.
    for (const auto& [what, count] :
         {std::pair("stored", counts.stored), std::pair("refused", counts.refused),
          std::pair("put off", counts.put_off), std::pair("repeats", counts.repeats),
          std::pair("joined", counts.joined), std::pair("crashes", counts.crashes),
          std::pair("unknown outcomes", counts.unknown), std::pair("changes", counts.changes),
          std::pair("held back", counts.held), std::pair("invitations", counts.invited),
          std::pair("accepted ones", counts.accepted), std::pair("others that have ended", counts.ended)}) {
        EXPECT_GT(count, 20u) << what;
        RecordProperty(what, std::to_string(count));
    }
}

class PlantedFault : public testing::TestWithParam<std::pair<Fault, const char*>> {};

TEST_P(PlantedFault, IsNoticed) {
    struct Planted {
        explicit Planted(Fault fault) { planted_fault = fault; }
        ~Planted() { planted_fault = Fault::none; }
    };
    const Planted planted(GetParam().first);
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        World world(seed);
        const std::string violation = world.live(kSteps);
        if (violation.empty()) continue;
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), violation.c_str());
        return;
    }
    ADD_FAILURE() << "400 worlds, and nobody noticed";
}

constexpr auto kFaults = std::to_array<std::pair<Fault, const char*>>({
    {Fault::repeat_not_looked_up, "RepeatNotLookedUp"},
    {Fault::repeat_not_joined, "RepeatNotJoined"},
    {Fault::content_not_compared, "ContentNotCompared"},
    {Fault::put_off_in_flight, "PutOffInFlight"},
    {Fault::answered_before_commit, "AnsweredBeforeCommit"},
    {Fault::later_forgotten, "LaterForgotten"},
    {Fault::waiting_not_held, "WaitingNotHeld"},
    {Fault::change_does_not_wait, "ChangeDoesNotWait"},
    {Fault::change_not_applied, "ChangeNotApplied"},
    {Fault::group_not_waited_for, "GroupNotWaitedFor"},
    {Fault::rate_not_counted, "RateNotCounted"},
    {Fault::join_without_invitation, "JoinWithoutInvitation"},
    {Fault::invited_in_spite_of_block, "InvitedInSpiteOfBlock"},
    {Fault::invitation_outlives_ban, "InvitationOutlivesBan"},
});
INSTANTIATE_TEST_SUITE_P(Append, PlantedFault, testing::ValuesIn(kFaults),
                         [](const auto& each) { return each.param.second; });

}  // namespace
}  // namespace flare::im::test
