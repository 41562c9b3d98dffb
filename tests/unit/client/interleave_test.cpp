#include "client/connect/interleave.hpp"

#include <gtest/gtest.h>

namespace flare::client::test {
namespace {

using boost::asio::ip::make_address;
using boost::asio::ip::tcp;

std::string order_of(const std::vector<const char*>& addresses) {
    std::vector<tcp::endpoint> endpoints;
    for (const char* address : addresses) endpoints.emplace_back(make_address(address), 1);
    std::string text;
    for (const tcp::endpoint& endpoint : interleave(endpoints)) text += endpoint.address().to_string() + " ";
    return text;
}

// RFC 8305 section 4.
TEST(Interleave, BeginsWithIpv6AndTakesTheFamiliesInTurn) {
    EXPECT_EQ(order_of({"10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"}), "fd00::1 10.0.0.1 fd00::2 10.0.0.2 ");
}

TEST(Interleave, LosesNothingWhenOneFamilyIsShorterOrMissing) {
    EXPECT_EQ(order_of({"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1"}), "fd00::1 10.0.0.1 10.0.0.2 10.0.0.3 ");
    EXPECT_EQ(order_of({"10.0.0.1", "10.0.0.2"}), "10.0.0.1 10.0.0.2 ");
    EXPECT_EQ(order_of({}), "");
}

}  // namespace
}  // namespace flare::client::test
