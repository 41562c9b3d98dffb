#include "base/aead.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::base {
namespace {

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return bytes;
}

// Test case 16 of "The Galois/Counter Mode of Operation" (McGrew and Viega), appendix B.
struct Aead : ::testing::Test {
    std::string key = from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    std::string nonce = from_hex("cafebabefacedbaddecaf888");
    std::string associated = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    std::string plain = from_hex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de6"
        "57ba637b39");
    std::string sealed = from_hex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a"
        "0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
};

TEST_F(Aead, SealsAsItsAuthorsDo) {
    EXPECT_EQ(aes256_gcm_seal(key, nonce, associated, plain), sealed);
    EXPECT_EQ(aes256_gcm_open(key, nonce, associated, sealed), plain);
}

TEST_F(Aead, OpensNothingThatIsNotBitForBitTheSame) {
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        std::string other = sealed;
        other[i] ^= 1;
        EXPECT_FALSE(aes256_gcm_open(key, nonce, associated, other)) << i;
    }
    EXPECT_FALSE(aes256_gcm_open(key, nonce, associated, sealed.substr(0, sealed.size() - 1)));
    EXPECT_FALSE(aes256_gcm_open(key, nonce, associated + "x", sealed));
    EXPECT_FALSE(aes256_gcm_open(key, std::string(12, 'n'), associated, sealed));
    EXPECT_FALSE(aes256_gcm_open(std::string(32, 'k'), nonce, associated, sealed));
    EXPECT_FALSE(aes256_gcm_open(key, nonce, associated, "short"));
    EXPECT_FALSE(aes256_gcm_open(key, nonce, associated, ""));
}

TEST_F(Aead, TakesNothingAtAll) {
    const std::string nothing = aes256_gcm_seal(key, nonce, "", "");
    EXPECT_EQ(nothing.size(), kAeadTagBytes);
    EXPECT_EQ(aes256_gcm_open(key, nonce, "", nothing), "");
}

}  // namespace
}  // namespace flare::base
