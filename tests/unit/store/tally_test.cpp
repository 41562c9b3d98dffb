#include "store/tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::store {
namespace {

using ::testing::ElementsAre;

Write outcome(decltype(Write::what) what, errc code, bool repeat = false) {
    Write write{std::move(what)};
    write.outcome.code = code;
    write.outcome.repeat = repeat;
    return write;
}

TEST(Tally, CountsWhatBecameOfEachWrite) {
    WriteBatch one;
    one.writes = {outcome(NewEntry{}, errc::ok), outcome(NewEntry{}, errc::ok, true), outcome(Change{}, errc::ok)};
    WriteBatch two;
    two.writes = {outcome(NewEntry{}, errc::too_old), outcome(NewEntry{}, errc::too_old),
                  outcome(NewEntry{}, errc::duplicate_message_id, true), outcome(NewUser{}, errc::ok),
                  outcome(NewEntry{}, errc::ok)};
    WriteBatch* const group[] = {&one, &two};
    Tally tally;
    tally.committed(Tally::count(group), 8, std::chrono::microseconds(130));
    EXPECT_EQ(tally.appends(), 2u);
    EXPECT_EQ(tally.changes(), 2u);
    EXPECT_EQ(tally.repeats(), 1u);
    EXPECT_EQ(tally.refused().of(errc::too_old), 2u);
    EXPECT_EQ(tally.refused().of(errc::duplicate_message_id), 1u);
    EXPECT_EQ(tally.refused().of(errc::busy), 0u);
    tally.turned_away(errc::busy, 5);
    EXPECT_EQ(tally.appends(), 2u);
    EXPECT_EQ(tally.refused().of(errc::busy), 5u);
    EXPECT_EQ(tally.refused().of(errc::too_old), 2u);
}

TEST(Refusals, LoseNoneBeyondTheCodesThatTheyTellApart) {
    Refusals refusals;
    for (int code = 1; code <= 40; ++code) refusals.add(static_cast<errc>(code), 1);
    refusals.add(static_cast<errc>(3), 4);
    EXPECT_EQ(refusals.of(static_cast<errc>(3)), 5u);
    std::uint64_t all = 0;
    for (const auto& [code, count] : refusals) all += count;
    EXPECT_EQ(all, 44u);
}

TEST(PowerHistogram, PutsEachValueIntoTheFirstBucketThatHasRoomForIt) {
    PowerHistogram<128, 3> times;  // 128, 256, 512, beyond
    for (const std::uint64_t value : {0u, 128u, 129u, 256u, 257u, 512u, 513u, 1'000'000u}) times.add(value);
    EXPECT_THAT(times.counts(), ElementsAre(2u, 2u, 2u, 2u));
    EXPECT_EQ(times.sum(), 0u + 128 + 129 + 256 + 257 + 512 + 513 + 1'000'000);
    EXPECT_EQ((PowerHistogram<128, 3>::upto(2)), 512u);
}

}  // namespace
}  // namespace flare::store
