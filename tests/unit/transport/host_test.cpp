#include "transport/host.hpp"

#include <gtest/gtest.h>

namespace flare::transport::test {
namespace {

using boost::asio::ip::make_address;
using Addresses = std::vector<boost::asio::ip::address>;

TEST(Host, AnAddressIsItself) {
    EXPECT_EQ(known_addresses("192.0.2.7"), Addresses{make_address("192.0.2.7")});
    EXPECT_EQ(known_addresses("2001:db8::1"), Addresses{make_address("2001:db8::1")});
}

TEST(Host, LocalhostIsThisMachineAndNobodyIsAsked) {
    const Addresses both{make_address("::1"), make_address("127.0.0.1")};
    for (const char* name : {"localhost", "LocalHost", "localhost.", "chat.localhost", "a.b.localhost."})
        EXPECT_EQ(known_addresses(name), both) << name;
}

TEST(Host, OtherNamesHaveToBeResolved) {
    for (const char* name : {"", ".", "example.org", "localhost.example.org", "notlocalhost", "localhost..", "1.2.3"})
        EXPECT_TRUE(known_addresses(name).empty()) << name;
}

}  // namespace
}  // namespace flare::transport::test
