// Hashes of what peers choose.
#include "base/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

namespace flare::base::test {
namespace {

// From the paper, appendix A, and the reference implementation's table of vectors.
TEST(KeyedHash, IsSipHash) {
    const HashKey key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    std::string text;
    const auto next = [&] {
        const std::uint64_t hash = sip_hash<2, 4>(key, text);
        text.push_back(static_cast<char>(text.size()));
        return hash;
    };
    EXPECT_EQ(next(), 0x726fdb47dd0e0e31u);
    EXPECT_EQ(next(), 0x74f839c593dc67fdu);
    EXPECT_EQ(next(), 0x0d6c8009d9a94f5au);
    while (text.size() < 15) next();
    EXPECT_EQ(next(), 0xa129ca6149be45e5u);
}

TEST(KeyedHash, DependsOnEveryBitOfTheKeyAndOfTheName) {
    const std::string name = "somebody@example.com";
    const HashKey key{1, 2};
    std::set<std::uint64_t> hashes{sip_hash<1, 3>(key, name)};
    for (int bit = 0; bit < 64; ++bit) {
        hashes.insert(sip_hash<1, 3>({key.low ^ 1ull << bit, key.high}, name));
        hashes.insert(sip_hash<1, 3>({key.low, key.high ^ 1ull << bit}, name));
    }
    for (std::size_t i = 0; i < name.size() * 8; ++i) {
        std::string other = name;
        other[i / 8] = static_cast<char>(other[i / 8] ^ 1 << i % 8);
        hashes.insert(sip_hash<1, 3>(key, other));
    }
    EXPECT_EQ(hashes.size(), 1 + 128 + name.size() * 8);
    EXPECT_NE((sip_hash<1, 3>(key, std::string_view("\0", 1))), (sip_hash<1, 3>(key, "")));
}

// std::hash<Uuid> is public: anybody can compute ids that have the same one.
TEST(KeyedHash, OfIdsThatWereMadeToCollideIsNotTheSame) {
    std::set<std::size_t> known, keyed;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        Uuid id;
        const std::uint64_t second = i * 0x9E3779B97F4A7C15ull;  // what the first half adds
        std::memcpy(id.bytes.data(), &i, sizeof i);
        std::memcpy(id.bytes.data() + 8, &second, sizeof second);
        known.insert(std::hash<Uuid>{}(id));
        keyed.insert(IdHash{}(id));
    }
    EXPECT_EQ(known.size(), 1u);
    EXPECT_EQ(keyed.size(), 10'000u);
}

}  // namespace
}  // namespace flare::base::test
