#include "server/reception/connection_limits.hpp"

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

TEST(ConnectionLimits, MemoryOfConnectionsIsCountedAndHasAShare) {
    session::SharedBudget budget(4u << 20);
    ConnectionLimits limits(10'000, 10'000, 0, {}, &budget);
    std::size_t handshakes = 0;
    while (handshakes < 1000 && limits.admit("a", Protocol::websocket) == errc::ok) ++handshakes;
    EXPECT_GT(handshakes, 50u);
    EXPECT_LT(handshakes, 200u);
    EXPECT_LE(budget.leased(), budget.limit() / 2);
    EXPECT_EQ(limits.admit("a", Protocol::quic), errc::busy);
    EXPECT_EQ(limits.admit_stranger(), errc::busy);

    // A handshake takes more than the connection that it makes.
    const std::size_t before = budget.leased();
    for (std::size_t i = 0; i < handshakes; ++i) limits.begun(Protocol::websocket);
    EXPECT_LT(budget.leased(), before / 4);
    EXPECT_EQ(limits.admit_stranger(), errc::ok);
    limits.begun(Protocol::quic);
    limits.release_stranger(ConnectionLimits::Stage::carrier);
    for (std::size_t i = 0; i < handshakes; ++i)
        limits.release("a", Protocol::websocket, ConnectionLimits::Stage::carrier);
    EXPECT_EQ(limits.admit("a", Protocol::quic), errc::ok);
    limits.release("a", Protocol::quic);
    EXPECT_EQ(budget.leased(), 0u);
    EXPECT_EQ(limits.open(), 0u);
}

TEST(ConnectionLimits, SomeConnectionsGetInWhateverElseIsInMemory) {
    session::SharedBudget budget(4u << 20);
    budget.lease_anyway(budget.limit());
    ConnectionLimits limits(10'000, 10'000, 0, {}, &budget, true);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok) << "it hears why nothing more can be had";
    limits.release("a", Protocol::websocket);
    EXPECT_EQ(budget.leased(), budget.limit());
}

TEST(ConnectionLimits, AnIpv6NetworkIsOneAddress) {
    ConnectionLimits limits(100, 100, 2);
    EXPECT_EQ(limits.admit("2001:db8:1:2::1", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.admit("2001:db8:1:2:ffff:ffff:ffff:ffff", Protocol::quic), errc::ok);
    EXPECT_EQ(limits.admit("2001:db8:1:2:8000::", Protocol::websocket), errc::too_many_per_address);
    EXPECT_EQ(limits.admit_stranger(), errc::ok);
    EXPECT_EQ(limits.claim("2001:db8:1:2::7"), errc::too_many_per_address);
    EXPECT_EQ(limits.claim("2001:db8:1:3::7"), errc::ok);
    limits.release("2001:db8:1:2::1", Protocol::websocket);
    EXPECT_EQ(limits.admit("2001:db8:1:2::9", Protocol::websocket), errc::ok);
    for (const char* alone : {"192.0.2.1", "192.0.2.2", "fe80::1%eth0", "fe80::2", "::ffff:192.0.2.3", "nonsense"})
        EXPECT_EQ(ConnectionLimits::source_of(alone), alone);
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

// Whoever writes somebody's address into a packet must not use up what that address may have.
TEST(ConnectionLimits, HoldsAgainstAnAddressOnlyWhatIsItsOwn) {
    ConnectionLimits limits(100, 100, 2);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(limits.admit_stranger(), errc::ok);
    EXPECT_EQ(limits.open(), 10u);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    EXPECT_EQ(limits.claim("a"), errc::ok) << "the handshake of one is complete: it was no forgery";
    EXPECT_EQ(limits.claim("a"), errc::too_many_per_address);
    EXPECT_EQ(limits.admit("a", Protocol::quic), errc::too_many_per_address);
    EXPECT_EQ(limits.claim("b"), errc::ok);
    EXPECT_EQ(limits.open(), 11u) << "whoever claims its address was counted before";

    for (int i = 0; i < 8; ++i) limits.release_stranger();
    limits.release("a", Protocol::quic);
    EXPECT_EQ(limits.admit("a", Protocol::websocket), errc::ok);
    limits.release("a", Protocol::websocket);
    limits.release("a", Protocol::websocket);
    limits.release("b", Protocol::quic);
    EXPECT_EQ(limits.open(), 0u);
}

// All of these together keep nobody out whose address is known: they have to validate theirs first.
TEST(ConnectionLimits, LeavesStrangersAQuarterOfAllConnections) {
    ConnectionLimits limits(40, 100, 0);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(limits.admit_stranger(), errc::ok);
    EXPECT_EQ(limits.admit_stranger(), std::nullopt);
    EXPECT_EQ(limits.open(), 10u);
    EXPECT_EQ(limits.claim("a"), errc::ok);
    EXPECT_EQ(limits.admit_stranger(), errc::ok) << "one of them is no stranger any more";
    for (int i = 0; i < 29; ++i) EXPECT_EQ(limits.admit("b", Protocol::quic), errc::ok);
    EXPECT_EQ(limits.admit_stranger(), errc::too_many_connections);
    EXPECT_EQ(limits.open(), 40u);

    ConnectionLimits one(1, 100, 0);
    EXPECT_EQ(one.admit_stranger(), errc::ok) << "a quarter is at least one";
}

TEST(ConnectionLimits, LeavesStrangersAQuarterOfTheRate) {
    using namespace std::chrono_literals;
    const session::TimePoint start{1h};
    ConnectionLimits limits(1000, 1000, 0, {8, 8});
    EXPECT_EQ(limits.admit_stranger(start), errc::ok);
    EXPECT_EQ(limits.admit_stranger(start), errc::ok);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(limits.admit_stranger(start), std::nullopt);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(limits.admit("a", Protocol::websocket, start), errc::ok);
    EXPECT_EQ(limits.admit("a", Protocol::websocket, start), errc::rate_limited);
    EXPECT_EQ(limits.open(), 8u);
    EXPECT_EQ(limits.admit_stranger(start + 10s), errc::ok);
}

}  // namespace
}  // namespace flare::server::test
