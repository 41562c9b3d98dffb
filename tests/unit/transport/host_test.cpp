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

TEST(Host, AZoneIsAnInterfaceOfThisMachineOrHasToBeResolved) {
    const auto known = known_addresses("fe80::1%lo");
    ASSERT_EQ(known.size(), 1u);
    EXPECT_NE(known[0].to_v6().scope_id(), 0u);
    EXPECT_TRUE(known_addresses("fe80::1%nosuchinterface").empty());
}

TEST(Host, ACertificateNamesNoDotAtTheEndAndNoZone) {
    EXPECT_EQ(certificate_name("chat.example."), "chat.example");
    EXPECT_EQ(certificate_name("chat.example"), "chat.example");
    EXPECT_EQ(certificate_name("fe80::1%eth0"), "fe80::1");
    EXPECT_EQ(certificate_name("192.0.2.7"), "192.0.2.7");
}

}  // namespace
}  // namespace flare::transport::test
