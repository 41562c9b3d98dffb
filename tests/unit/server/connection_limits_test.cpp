#include "server/shared.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

TEST(ConnectionLimits, CountsAllAndEachAddress) {
    ConnectionLimits limits(3, 2);
    EXPECT_EQ(limits.admit("a"), errc::ok);
    EXPECT_EQ(limits.admit("a"), errc::ok);
    EXPECT_EQ(limits.admit("a"), errc::too_many_per_address);
    EXPECT_EQ(limits.admit("b"), errc::ok);
    EXPECT_EQ(limits.admit("c"), errc::too_many_connections);
    EXPECT_EQ(limits.open(), 3u);

    limits.release("a");
    EXPECT_EQ(limits.admit("c"), errc::ok);
    EXPECT_EQ(limits.open(), 3u);
}

TEST(ConnectionLimits, WithoutALimitPerAddressCountsOnlyAll) {
    ConnectionLimits limits(100, 0);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(limits.admit("a"), errc::ok);
    EXPECT_EQ(limits.admit("a"), errc::too_many_connections);
    for (int i = 0; i < 100; ++i) limits.release("a");
    EXPECT_EQ(limits.open(), 0u);
}

}  // namespace
}  // namespace flare::server::test
