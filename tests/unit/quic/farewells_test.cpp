#include "transport/quic/farewells.hpp"

#include <boost/asio/ip/address.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace flare::transport::quic::test {
namespace {

Cid cid_number(std::uint32_t number) {
    std::array<std::uint8_t, 8> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    return {bytes.data(), bytes.size()};
}

Address address_number(std::uint32_t number) {
    return Address::of(boost::asio::ip::udp::endpoint(boost::asio::ip::address_v4(0x7f000000 + number), 4010));
}

Farewells::Entry entry_number(std::uint32_t number, std::uint64_t until, std::size_t bytes = 100) {
    Farewells::Entry entry;
    entry.cids = {cid_number(number), cid_number(number + 0x80000000)};
    entry.words.packet.assign(bytes, 1);
    entry.words.peer = address_number(1);
    entry.until = until;
    entry.claims.handshake = true;
    entry.claims.peer = std::to_string(number);
    return entry;
}

class FarewellsTest : public ::testing::Test {
protected:
    std::vector<std::string> released;
    Farewells farewells{[this](const Claims& claims) { released.push_back(claims.peer); }};
};

TEST_F(FarewellsTest, AreFoundByEachIdUntilTheirTime) {
    EXPECT_EQ(farewells.next(), UINT64_MAX);
    farewells.keep(entry_number(1, 300));
    farewells.keep(entry_number(2, 200));
    EXPECT_NE(farewells.find(cid_number(1)), nullptr);
    EXPECT_EQ(farewells.find(cid_number(1)), farewells.find(cid_number(1 + 0x80000000)));
    EXPECT_EQ(farewells.find(cid_number(3)), nullptr);
    EXPECT_EQ(farewells.next(), 200u);

    farewells.expire(199);
    EXPECT_EQ(farewells.size(), 2u);
    farewells.expire(200);
    EXPECT_EQ(farewells.find(cid_number(2)), nullptr);
    EXPECT_EQ(released, std::vector<std::string>{"2"});
    farewells.expire(1000);
    EXPECT_EQ(farewells.size(), 0u);
    EXPECT_EQ(farewells.bytes(), 0u);
    EXPECT_EQ(released, (std::vector<std::string>{"2", "1"}));
}

TEST_F(FarewellsTest, AreBoundedInNumber) {
    for (std::uint32_t i = 0; i < 3 * Farewells::kMostKept; ++i) {
        farewells.keep(entry_number(i, 1000));
        EXPECT_LE(farewells.size(), Farewells::kMostKept);
        EXPECT_LE(farewells.bytes(), Farewells::kMostBytes);
    }
    EXPECT_GT(farewells.size(), Farewells::kMostKept / 2);
    EXPECT_EQ(released.size() + farewells.size(), 3 * Farewells::kMostKept);
    EXPECT_EQ(released.front(), "0") << "the oldest go first";
    EXPECT_EQ(farewells.find(cid_number(0)), nullptr);
    EXPECT_NE(farewells.find(cid_number(3 * Farewells::kMostKept - 1)), nullptr);
}

TEST_F(FarewellsTest, AreBoundedInBytes) {
    for (std::uint32_t i = 0; i < 4000; ++i) farewells.keep(entry_number(i, 1000, 1452));
    EXPECT_LE(farewells.bytes(), Farewells::kMostBytes);
    EXPECT_GT(farewells.size(), Farewells::kMostBytes / 3000);
    EXPECT_EQ(released.size() + farewells.size(), 4000u);
}

// An id that two have had belongs to the later one, and does not go with the first.
TEST_F(FarewellsTest, KeepAnIdThatWasUsedTwice) {
    farewells.keep(entry_number(1, 100));
    farewells.keep(entry_number(1, 200));
    farewells.expire(100);
    EXPECT_NE(farewells.find(cid_number(1)), nullptr);
    farewells.expire(200);
    EXPECT_EQ(farewells.find(cid_number(1)), nullptr);
}

// RFC 9000 section 10.2.1.
TEST_F(FarewellsTest, AreRepeatedEverMoreRarely) {
    LastWords words{std::vector<std::uint8_t>(100), address_number(1), true};
    std::vector<int> answered;
    for (int i = 1; i <= 40; ++i)
        if (words.answers(40, address_number(1))) answered.push_back(i);
    EXPECT_EQ(answered, (std::vector<int>{1, 2, 4, 8, 16, 32}));
}

TEST_F(FarewellsTest, AreForNobodyElse) {
    LastWords words{std::vector<std::uint8_t>(100), address_number(1), true};
    EXPECT_FALSE(words.answers(1200, address_number(2)));
    EXPECT_TRUE(words.answers(1200, address_number(1)));
    LastWords none{{}, address_number(1), true};
    EXPECT_FALSE(none.answers(1200, address_number(1))) << "the peer has closed: it is told nothing";
}

// RFC 9000 section 8.1: not more than three times what such an address sent.
TEST_F(FarewellsTest, DoNotAmplifyWhatAForgerSends) {
    LastWords words{std::vector<std::uint8_t>(100), address_number(1), false};
    EXPECT_FALSE(words.answers(33, address_number(1)));
    EXPECT_TRUE(words.answers(34, address_number(1)));
}

}  // namespace
}  // namespace flare::transport::quic::test
