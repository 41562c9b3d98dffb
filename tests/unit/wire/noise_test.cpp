// The handshake against vectors of others, and what must not pass.
#include "support.hpp"

#include "base/aead.hpp"
#include "wire/noise.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <vector>

namespace flare::wire::test {
namespace {

using base::Aead;

Key key(std::string_view hex) { return base::key_of(from_hex(hex)).value(); }
KeyPair pair_of(unsigned first) { return KeyPair::of(base::key_of(counting(32, first)).value()); }

struct Vectors {
    std::map<std::string, std::string> values;
    std::vector<std::pair<std::string, std::string>> messages;  // payload, message

    explicit Vectors(const std::string& name) {
        std::istringstream in(read_file(FLARE_SOURCE_DIR "/docs/vectors/noise/" + name + ".txt"));
        for (std::string line; std::getline(in, line);) {
            const auto colon = line.find(": ");
            const std::string what = line.substr(0, colon);
            const std::string value = line.substr(colon + 2);
            if (what == "payload") {
                messages.emplace_back(from_hex(value), "");
            } else if (what == "message") {
                messages.back().second = from_hex(value);
            } else {
                values[what] = value;
            }
        }
    }
    NoiseNk client() const {
        return NoiseNk::client(from_hex(values.at("prologue")), key(values.at("server-public")),
                               KeyPair::of(key(values.at("client-ephemeral"))));
    }
    NoiseNk server() const {
        return NoiseNk::server(from_hex(values.at("prologue")), KeyPair::of(key(values.at("server-secret"))),
                               KeyPair::of(key(values.at("server-ephemeral"))));
    }
};

std::string seal(const Key& with, std::uint64_t number, std::string_view plain) {
    std::string out(plain.size() + base::kAeadTagBytes, '\0');
    Aead aead(Aead::Direction::seal, with, number);
    aead.update(plain, out.data());
    aead.finish(out.data() + plain.size());
    return out;
}

class Noise : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(PublishedVectors, Noise, ::testing::Values("cacophony", "snow"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(Noise, HandshakeAndMessagesAreThoseOfThePublishedVectors) {
    const Vectors vectors(GetParam());
    ASSERT_EQ(vectors.values.at("protocol"), "Noise_NK_25519_ChaChaPoly_SHA256");
    ASSERT_GE(vectors.messages.size(), 4u);
    NoiseNk client = vectors.client();
    NoiseNk server = vectors.server();
    EXPECT_EQ(to_hex(*client.write(vectors.messages[0].first)), to_hex(vectors.messages[0].second));
    EXPECT_EQ(*server.read(vectors.messages[0].second), vectors.messages[0].first);
    EXPECT_EQ(to_hex(*server.write(vectors.messages[1].first)), to_hex(vectors.messages[1].second));
    EXPECT_EQ(*client.read(vectors.messages[1].second), vectors.messages[1].first);
    ASSERT_TRUE(client.done() && server.done());
    EXPECT_EQ(client.hash(), server.hash());
    if (vectors.values.contains("hash")) {
        EXPECT_EQ(to_hex(base::view(client.hash())), vectors.values.at("hash"));
    }
    // The messages behind the handshake are the client's and the server's in turn, each with numbers of its own.
    for (std::size_t i = 2; i < vectors.messages.size(); ++i) {
        const auto& [plain, sealed] = vectors.messages[i];
        const bool by_client = i % 2 == 0;
        EXPECT_EQ(to_hex(seal(by_client ? client.keys().send : server.keys().send, i / 2 - 1, plain)), to_hex(sealed));
        EXPECT_EQ(to_hex(seal(by_client ? server.keys().receive : client.keys().receive, i / 2 - 1, plain)),
                  to_hex(sealed));
    }
}

TEST_P(Noise, AMessageWithAnyBitFlippedIsRefused) {
    const Vectors vectors(GetParam());
    for (std::size_t bit = 0; bit < vectors.messages[0].second.size() * 8; ++bit) {
        // The highest bit of an X25519 key means nothing to its arithmetic, but it is in the hash.
        std::string changed = vectors.messages[0].second;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        NoiseNk server = vectors.server();
        EXPECT_FALSE(server.read(changed)) << bit;
        EXPECT_FALSE(server.write({})) << bit;
    }
    for (std::size_t bit = 0; bit < vectors.messages[1].second.size() * 8; ++bit) {
        std::string changed = vectors.messages[1].second;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        NoiseNk client = vectors.client();
        ASSERT_TRUE(client.write(vectors.messages[0].first));
        EXPECT_FALSE(client.read(changed)) << bit;
        EXPECT_FALSE(client.done());
    }
}

TEST(NoiseNk, AnotherServerKeyOrPrologueEndsAtTheFirstMessage) {
    const KeyPair server = pair_of(1);
    NoiseNk other_key = NoiseNk::client("p", pair_of(2).known, pair_of(3));
    EXPECT_EQ(NoiseNk::server("p", server, pair_of(4)).read(*other_key.write({})).error(), errc::seal_broken);
    NoiseNk other_prologue = NoiseNk::client("q", server.known, pair_of(3));
    EXPECT_EQ(NoiseNk::server("p", server, pair_of(4)).read(*other_prologue.write({})).error(), errc::seal_broken);
    NoiseNk same = NoiseNk::client("p", server.known, pair_of(3));
    EXPECT_TRUE(NoiseNk::server("p", server, pair_of(4)).read(*same.write({})));
}

TEST(NoiseNk, ShortMessagesAreRefusedAtEveryLength) {
    const KeyPair server = pair_of(1);
    NoiseNk client = NoiseNk::client("p", server.known, pair_of(3));
    const std::string message = client.write({}).value();
    ASSERT_EQ(message.size(), kSealHandshakeBytes);
    for (std::size_t size = 0; size < message.size(); ++size)
        EXPECT_FALSE(NoiseNk::server("p", server, pair_of(4)).read(message.substr(0, size))) << size;
}

TEST(NoiseNk, KeysThatLeadToZeroAreRefused) {
    const Key zero{};
    EXPECT_FALSE(NoiseNk::client("p", zero, pair_of(3)).write({}));
    EXPECT_FALSE(NoiseNk::server("p", pair_of(1), pair_of(4)).read(std::string(kSealHandshakeBytes, '\0')));
}

TEST(NoiseNk, StepsInAnotherOrderAreRefused) {
    NoiseNk client = NoiseNk::client("p", pair_of(1).known, pair_of(3));
    EXPECT_EQ(client.read("x").error(), errc::internal);
    EXPECT_TRUE(client.write({}));
    EXPECT_EQ(client.write({}).error(), errc::internal);
    EXPECT_EQ(NoiseNk::server("p", pair_of(1), pair_of(4)).write({}).error(), errc::internal);
}

TEST(NoiseNk, EachHandshakeHasKeysOfItsOwn) {
    const KeyPair server = pair_of(1);
    std::vector<Key> seen;
    for (unsigned i = 0; i < 3; ++i) {
        NoiseNk client = NoiseNk::client("p", server.known, pair_of(10 + i));
        NoiseNk other = NoiseNk::server("p", server, pair_of(20 + i));
        ASSERT_TRUE(other.read(*client.write({})));
        ASSERT_TRUE(client.read(*other.write({})));
        EXPECT_EQ(client.keys().send, other.keys().receive);
        EXPECT_EQ(client.keys().receive, other.keys().send);
        for (const Key& each : {client.keys().send, client.keys().receive}) {
            EXPECT_EQ(std::count(seen.begin(), seen.end(), each), 0);
            seen.push_back(each);
        }
    }
}

}  // namespace
}  // namespace flare::wire::test
