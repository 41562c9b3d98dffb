#include "base/assert.hpp"

#include <gtest/gtest.h>

namespace flare::base {
namespace {

TEST(Invariant, OneThatIsBrokenSaysWhatAndWhere) {
    EXPECT_DEATH(invariant_broken("lane.cpp", 12, "next == 3", "numbers have a gap"),
                 "lane.cpp:12: an invariant is broken: numbers have a gap .next == 3.");
}

#ifdef FLARE_INVARIANTS

TEST(Invariant, IsLookedAt) {
    int looks = 0;
    FLARE_INVARIANT(++looks == 1, "it is looked at once");
    EXPECT_EQ(looks, 1);
    EXPECT_DEATH(FLARE_INVARIANT(looks == 2, "looks are counted"),
                 "assert_test.cpp:[0-9]+: an invariant is broken: looks are counted .looks == 2.");
}

#else

TEST(Invariant, IsNotLookedAtHere) {
    int looks = 0;
    FLARE_INVARIANT(++looks == 2, "never evaluated");
    EXPECT_EQ(looks, 0);
}

#endif

}  // namespace
}  // namespace flare::base
