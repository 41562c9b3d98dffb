#include "base/crypto.hpp"
#include "base/aead.hpp"
#include "base/random.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace flare::base::test {
namespace {

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        constexpr char kDigits[] = "0123456789abcdef";
        out += kDigits[static_cast<unsigned char>(c) >> 4];
        out += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

TEST(Sha256, IsThatOfFips180) {
    EXPECT_EQ(hex(view(sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(view(sha256(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hmac, AgreesWithRfc4231) {
    EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesEmptyKeysAndData) {
    EXPECT_EQ(hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

Key key(std::string_view digits) {
    Key made{};
    for (std::size_t i = 0; i < made.size(); ++i)
        made[i] = static_cast<std::uint8_t>(std::stoi(std::string(digits.substr(2 * i, 2)), nullptr, 16));
    return made;
}

TEST(X25519, AgreesWithRfc7748) {
    const Key alice = key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const Key bob = key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    EXPECT_EQ(hex(view(x25519_public(alice))), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    EXPECT_EQ(hex(view(x25519_public(bob))), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    const auto shared = x25519(alice, x25519_public(bob));
    ASSERT_TRUE(shared);
    EXPECT_EQ(hex(view(*shared)), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    EXPECT_EQ(x25519(bob, x25519_public(alice)), shared);
}

TEST(X25519, RefusesKeysThatLeadToZero) {
    EXPECT_FALSE(x25519(key(std::string(64, '7')), Key{}));
    EXPECT_FALSE(x25519(key(std::string(64, '7')), Key{1}));
}

TEST(Aead, GivesTheSameInOnePieceAndInMany) {
    const Key with = key(std::string(64, '5'));
    std::string plain(1000, '\0');
    for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<char>(i);
    const auto sealed = [&](std::size_t piece) {
        std::string out(plain.size() + kAeadTagBytes, '\0');
        Aead aead(Aead::Direction::seal, with, 7, "with this");
        for (std::size_t at = 0; at < plain.size(); at += piece)
            aead.update(std::string_view(plain).substr(at, piece), out.data() + at);
        aead.finish(out.data() + plain.size());
        return out;
    };
    const std::string whole = sealed(plain.size());
    for (const std::size_t piece : {1u, 16u, 63u, 64u, 65u, 333u}) EXPECT_EQ(sealed(piece), whole) << piece;

    const auto opens = [&](std::string bytes, std::uint64_t number, std::string_view associated) {
        Aead aead(Aead::Direction::open, with, number, associated);
        aead.update(std::string_view(bytes).substr(0, plain.size()), bytes.data());
        const bool good = aead.finish(std::string_view(bytes).substr(plain.size()));
        return good && bytes.substr(0, plain.size()) == plain;
    };
    EXPECT_TRUE(opens(whole, 7, "with this"));
    EXPECT_FALSE(opens(whole, 8, "with this"));
    EXPECT_FALSE(opens(whole, 7, "with that"));
    EXPECT_FALSE(opens(whole, 7, {}));
    std::string changed = whole;
    changed[500] ^= 1;
    EXPECT_FALSE(opens(changed, 7, "with this"));
    EXPECT_TRUE(opens(whole, 7, "with this")) << "a failure leaves nothing behind";
}

TEST(EqualConstantTime, ComparesBytesAndLengths) {
    EXPECT_TRUE(equal_constant_time("", ""));
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "ab"));
    EXPECT_FALSE(equal_constant_time("abc", {}));
}

// Counts up, to see what the helpers of Random do with the bytes.
class Counting final : public Random {
public:
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& each : out) each = next_++;
    }

private:
    std::uint8_t next_ = 1;
};

TEST(Random, HelpersUseTheBytesOfTheSource) {
    Counting source;
    EXPECT_EQ(source.bytes(3), "\x01\x02\x03");
    EXPECT_EQ(source.uuid().bytes[0], 4);
    EXPECT_EQ(source.next_u64() & 0xff, 20u);
    EXPECT_EQ(source.bytes(0), "");
}

TEST(SystemRandom, DoesNotRepeatItself) {
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(system_random().bytes(8)).second);
    EXPECT_NE(system_random().bytes(100'000), system_random().bytes(100'000));
}

TEST(SystemRandom, FillsAllOfWhatItIsGiven) {
    for (const std::size_t size : {1u, 255u, 256u, 257u, 5'000u, 2'100'000u}) {
        // A byte that is never written stays 0 in both.
        const std::string first = system_random().bytes(size);
        const std::string second = system_random().bytes(size);
        std::size_t zeros = 0;
        for (std::size_t i = 0; i < size; ++i) zeros += first[i] == '\0' && second[i] == '\0' ? 1u : 0u;
        EXPECT_LE(zeros, size / 1'000 + 1);
    }
}

TEST(SystemRandom, GivesEachThreadBytesOfItsOwn) {
    Random& random = system_random();  // taken here, used there
    std::string here = random.bytes(32);
    std::string there;
    std::thread([&] { there = random.bytes(32); }).join();
    EXPECT_NE(here, there);
}

TEST(SystemRandom, DoesNotGiveAChildItsParentsBytesAfterAFork) {
    system_random().bytes(1);  // the buffer is filled
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_NE(child, -1);
    if (child == 0) {
        const std::string bytes = system_random().bytes(16);
        const auto written = write(ends[1], bytes.data(), bytes.size());
        _exit(written == 16 ? 0 : 1);
    }
    const std::string ours = system_random().bytes(16);
    std::string theirs(16, '\0');
    EXPECT_EQ(read(ends[0], theirs.data(), theirs.size()), 16);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_NE(ours, theirs);
    close(ends[0]);
    close(ends[1]);
}

}  // namespace
}  // namespace flare::base::test
