#include "base/rfc3339.hpp"

#include <gtest/gtest.h>

namespace flare::base {
namespace {

using std::chrono::milliseconds;
using TimePoint = std::chrono::system_clock::time_point;

std::string again(std::string_view text) {
    const auto time = from_rfc3339(text);
    return time ? to_rfc3339(*time) : "none";
}

TEST(Rfc3339, WritesMillisecondsInUtc) {
    EXPECT_EQ(to_rfc3339(TimePoint()), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_rfc3339(TimePoint(milliseconds(1'798'232'400'123))), "2026-12-25T21:00:00.123Z");
    EXPECT_EQ(to_rfc3339(TimePoint(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, ReadsEveryFormOfOne) {
    EXPECT_EQ(again("2026-12-25T21:00:00Z"), "2026-12-25T21:00:00.000Z");
    EXPECT_EQ(again("2026-12-25t21:00:00z"), "2026-12-25T21:00:00.000Z");
    EXPECT_EQ(again("2026-12-25T21:00:00.5Z"), "2026-12-25T21:00:00.500Z");
    EXPECT_EQ(again("2026-12-25T21:00:00.1239999Z"), "2026-12-25T21:00:00.123Z");
    EXPECT_EQ(again("2026-12-25T23:30:00+02:30"), "2026-12-25T21:00:00.000Z");
    EXPECT_EQ(again("2026-12-25T16:00:00-05:00"), "2026-12-25T21:00:00.000Z");
    EXPECT_EQ(again("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000Z");
    EXPECT_EQ(again("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00.000Z");
    EXPECT_EQ(again("2262-04-11T00:00:00Z"), "2262-04-11T00:00:00.000Z");
    EXPECT_EQ(again("1678-01-01T00:00:00Z"), "1678-01-01T00:00:00.000Z");
}

TEST(Rfc3339, TakesNothingElse) {
    for (const char* const text : {"",
                                   "2026",
                                   "2026-12-25",
                                   "2026-12-25T21:00:00",
                                   "2026-12-25 21:00:00Z",
                                   "2026-12-25T21:00Z",
                                   "2026-13-25T21:00:00Z",
                                   "2026-00-25T21:00:00Z",
                                   "2025-02-29T00:00:00Z",
                                   "2026-12-25T24:00:00Z",
                                   "2026-12-25T21:60:00Z",
                                   "2026-12-25T21:00:61Z",
                                   "2026-12-25T21:00:00.Z",
                                   "2026-12-25T21:00:00+0200",
                                   "2026-12-25T21:00:00+24:00",
                                   "2026-12-25T21:00:00+02:60",
                                   "2026-12-25T21:00:00Zx",
                                   "26-12-25T21:00:00Z",
                                   "+026-12-25T21:00:00Z",
                                   "2026-1a-25T21:00:00Z",
                                   "2262-04-12T00:00:00Z",
                                   "2600-01-01T00:00:00Z",
                                   "9999-12-31T23:59:59Z",
                                   "0001-01-01T00:00:00Z"})
        EXPECT_FALSE(from_rfc3339(text)) << text;
}

}  // namespace
}  // namespace flare::base
