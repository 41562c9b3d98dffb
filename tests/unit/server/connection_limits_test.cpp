#include "server/shared.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

TEST(ConnectionLimits, CountsAllAndEachAddress) {
    ConnectionLimits limits(3, 100, 2);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::too_many_per_address);
    EXPECT_EQ(limits.admit("b", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.admit("c", Protocol::websocket), errc::too_many_connections);
    EXPECT_EQ(limits.open(), 3u);

    limits.release("a", Protocol::websocket);
    EXPECT_EQ(limits.admit("c", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.open(), 3u);
}

TEST(ConnectionLimits, WithoutALimitPerAddressCountsOnlyAll) {
    ConnectionLimits limits(100, 100, 0);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::too_many_connections);
    for (int i = 0; i < 100; ++i) limits.release("a", Protocol::websocket);
    EXPECT_EQ(limits.open(), 0u);
}

TEST(ConnectionLimits, FilesLimitOnlyWhatTakesOne) {
    ConnectionLimits limits(10, 2, 0);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::too_many_connections);
    for (int i = 0; i < 8; ++i) EXPECT_EQ(limits.admit("a", Protocol::quic), errc::ok);
    EXPECT_EQ(limits.admit("a", Protocol::quic), errc::too_many_connections);
    limits.release("a", Protocol::quic);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::too_many_connections);
    limits.release("a", Protocol::websocket);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.open(), 9u);
}

TEST(ConnectionLimits, LetsSoManyBeginInASecondAndWhoIsRefusedTakesNothing) {
    using namespace std::chrono_literals;
    const session::TimePoint start{1h};
    ConnectionLimits limits(100, 100, 2, {4, 4});
    for (const char* address : {"a", "a", "b", "b"}) EXPECT_EQ(limits.admit(address, Protocol::quic, start), errc::ok);
    EXPECT_EQ(limits.admit("c", Protocol::websocket, start), errc::rate_limited);
    EXPECT_EQ(limits.admit("c", Protocol::quic, start + 249ms), errc::rate_limited);
    EXPECT_EQ(limits.open(), 4u);

    // Its address has all that it may have: the room is for somebody else.
    EXPECT_EQ(limits.admit("a", Protocol::quic, start + 250ms), errc::too_many_per_address);
    EXPECT_EQ(limits.admit("c", Protocol::quic, start + 250ms), errc::ok);
    EXPECT_EQ(limits.admit("c", Protocol::quic, start + 250ms), errc::rate_limited);
}

}  // namespace
}  // namespace flare::server::test
