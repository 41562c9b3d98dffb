// Sealed batches: what was sealed comes out, and nothing else does.
#include "support.hpp"

#include "wire/seal.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

namespace flare::wire::test {
namespace {

Key key(unsigned first) { return base::key_of(counting(32, first)).value(); }

// What a transport with a stream for each channel makes of a batch: a part for each run.
std::vector<std::string> parts_of(const Batch& batch) {
    std::vector<std::string> parts;
    const std::string all = batch.str();
    std::size_t at = 0;
    const Batch::Mark* before = nullptr;
    for (const Batch::Mark& mark : batch.marks()) {
        const bool same = before != nullptr && before->numbered == mark.numbered && before->lane == mark.lane;
        if (!same) parts.emplace_back();
        parts.back() += all.substr(at, mark.bytes);
        at += mark.bytes;
        before = &mark;
    }
    return parts;
}

void add_message(Batch& batch, Seq seq, LaneIndex lane, std::size_t size) {
    const std::string payload(size, static_cast<char>('a' + lane));
    MessageView message;
    message.id = uuid("01910a3e-5c00-7b1a-8d5e-0123456789ab");
    message.payload = payload;
    DataView data;
    data.message = message;
    batch.add(numbered(seq, lane), encode(data));
}

Batch batch_of(Seq seq, LaneIndex lane = 0, std::size_t size = 20) {
    Batch batch;
    add_message(batch, seq, lane, size);
    return batch;
}

Batch hello_batch() {
    Batch batch;
    Hello hello;
    hello.user = "ada";
    hello.token = "secret token";
    batch.add({}, encode(hello));
    add_message(batch, 1, 3, 10);
    return batch;
}

class Sealing : public ::testing::Test {
protected:
    std::string sealed(Sealer& by, const Batch& plain) {
        Batch out;
        by.seal(plain, out);
        return out.str();
    }
    std::string opened(Opener& by, const std::string& batch) {
        std::string plain;
        const auto result = by.open(batch, plain);
        EXPECT_EQ(result.has_value() || plain.empty(), true);
        return result ? plain : "broken";
    }
    Sealer sealer{key(1), false};
    Opener opener{key(1)};
};

TEST_F(Sealing, GivesBackTheBatch) {
    for (const std::size_t size : {0u, 1u, 20u, 2'048u, 2'049u, 65'000u}) {
        const Batch plain = batch_of(7, 1, size);
        const std::string wire = sealed(sealer, plain);
        EXPECT_EQ(wire.find(std::string(10, 'b')), wire.npos);
        EXPECT_EQ(opened(opener, wire), plain.str());
    }
}

TEST_F(Sealing, OneTagIsEnoughForABatchOfManyFrames) {
    Batch plain;
    for (Seq seq = 1; seq <= 100; ++seq) add_message(plain, seq, static_cast<LaneIndex>(seq % 4), 50);
    const std::string wire = sealed(sealer, plain);
    EXPECT_LE(wire.size(), plain.bytes() + 16 + 12);
    EXPECT_EQ(opened(opener, wire), plain.str());
}

TEST_F(Sealing, LongBatchesGoInPiecesThatNoiseAllows) {
    Batch plain;
    for (Seq seq = 1; seq <= 9; ++seq) add_message(plain, seq, 0, 60'000);
    const std::string wire = sealed(sealer, plain);
    BatchReader reader(wire);
    FrameView frame;
    std::size_t pieces = 0;
    for (; !reader.done(); ++pieces) {
        ASSERT_TRUE(reader.next(frame));
        EXPECT_LE(decode_sealed(frame.body)->ciphertext.size(), kMaxSealedBytes);
    }
    EXPECT_GE(pieces, 9u);
    EXPECT_EQ(opened(opener, wire), plain.str());
}

TEST_F(Sealing, APieceWithoutItsOthersIsBroken) {
    Batch plain;
    add_message(plain, 1, 0, 60'000);
    add_message(plain, 2, 0, 60'000);
    const std::string wire = sealed(sealer, plain);
    BatchReader reader(wire);
    FrameView frame;
    ASSERT_TRUE(reader.next(frame));
    const std::size_t first = wire.size() - reader.rest().size();
    EXPECT_EQ(opened(opener, wire.substr(0, first)), "broken");
    Opener other{key(1)};
    EXPECT_EQ(opened(other, wire.substr(first)), "broken");
}

TEST_F(Sealing, AnyBitThatIsFlippedIsNoticed) {
    const std::string wire = sealed(sealer, batch_of(1, 2, 40));
    for (std::size_t bit = 0; bit < wire.size() * 8; ++bit) {
        std::string changed = wire;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        Opener fresh{key(1)};
        EXPECT_EQ(opened(fresh, changed), "broken") << "bit " << bit;
    }
    EXPECT_NE(opened(opener, wire), "broken");
}

TEST_F(Sealing, CutsAndAdditionsAreNoticed) {
    const std::string wire = sealed(sealer, batch_of(1));
    for (std::size_t size = 1; size < wire.size(); ++size) {
        Opener fresh{key(1)};
        EXPECT_EQ(opened(fresh, wire.substr(0, size)), "broken") << size;
    }
    Opener fresh{key(1)};
    EXPECT_EQ(opened(fresh, wire + wire), "broken");
    Opener again{key(1)};
    EXPECT_EQ(opened(again, wire + batch_of(2).str()), "broken");
}

TEST_F(Sealing, RepeatsGapsAndSwapsAreNoticed) {
    std::vector<std::string> wire;
    for (Seq seq = 1; seq <= 4; ++seq) wire.push_back(sealed(sealer, batch_of(seq)));
    Opener repeated{key(1)};
    EXPECT_NE(opened(repeated, wire[0]), "broken");
    EXPECT_EQ(opened(repeated, wire[0]), "broken");
    Opener dropped{key(1)};
    EXPECT_NE(opened(dropped, wire[0]), "broken");
    EXPECT_EQ(opened(dropped, wire[2]), "broken");
    Opener swapped{key(1)};
    EXPECT_EQ(opened(swapped, wire[1]), "broken");
}

TEST_F(Sealing, DirectionsCarriersAndSessionsDoNotMix) {
    // A client and a server as after a handshake, twice: two carriers, of one session or of two.
    const auto keys_of = [](unsigned carrier) {
        const KeyPair server = KeyPair::of(key(1));
        NoiseNk one = NoiseNk::client(kSealPrologue, server.known, KeyPair::of(key(50 + carrier)));
        NoiseNk two = NoiseNk::server(kSealPrologue, server, KeyPair::of(key(90 + carrier)));
        EXPECT_TRUE(two.read(*one.write({})));
        EXPECT_TRUE(one.read(*two.write({})));
        return std::pair(one.keys(), two.keys());
    };
    const auto [client, server] = keys_of(1);
    const auto [other_client, other_server] = keys_of(2);
    Sealer up(client.send, false);
    const std::string wire = sealed(up, batch_of(1));
    Opener back(client.receive);
    EXPECT_EQ(opened(back, wire), "broken") << "reflected to its sender";
    Opener elsewhere(other_server.receive);
    EXPECT_EQ(opened(elsewhere, wire), "broken") << "spliced into another carrier";
    Opener right(server.receive);
    EXPECT_NE(opened(right, wire), "broken");
}

TEST_F(Sealing, LanesAreChannelsOfTheirOwnWhereTheyTravelApart) {
    Sealer apart{key(1), true};
    Batch plain = hello_batch();
    Batch first;
    apart.seal(plain, first);
    ASSERT_EQ(parts_of(first).size(), 1u) << "nothing overtakes what the carrier begins with";
    EXPECT_FALSE(first.marks().front().numbered);
    EXPECT_EQ(opened(opener, first.str()), plain.str());

    Batch mixed;
    add_message(mixed, 2, 3, 10);
    add_message(mixed, 1, 0, 10);
    add_message(mixed, 2, 0, 10);
    mixed.add({}, encode(Activate{2}));
    Batch out;
    apart.seal(mixed, out);
    const auto plain_parts = parts_of(mixed);
    const auto parts = parts_of(out);
    ASSERT_EQ(parts.size(), 3u);
    ASSERT_EQ(out.marks().size(), 3u);
    EXPECT_EQ(out.marks()[0].lane, 3u);
    EXPECT_EQ(out.marks()[1].lane, 0u);
    EXPECT_TRUE(out.marks()[1].numbered);
    EXPECT_FALSE(out.marks()[2].numbered);
    // In whatever order the channels come.
    EXPECT_EQ(opened(opener, parts[2]), plain_parts[2]);
    EXPECT_EQ(opened(opener, parts[0]), plain_parts[0]);
    EXPECT_EQ(opened(opener, parts[1]), plain_parts[1]);
}

TEST_F(Sealing, WhatBelongsToOneLaneDoesNotPassForAnother) {
    Sealer apart{key(1), true};
    Batch out;
    apart.seal(batch_of(1, 0), out);
    std::string wire = out.str();
    BatchReader reader(wire);
    FrameView frame;
    ASSERT_TRUE(reader.next(frame));
    const SealedView sealed = decode_sealed(frame.body).value();
    ASSERT_EQ(sealed.nonce, 1u) << "channel 1, number 0";
    for (std::uint64_t nonce = 0; nonce < 200; ++nonce) {
        Batch moved;
        char* const at = moved.add_sealed(0, false, nonce, sealed.ciphertext.size());
        sealed.ciphertext.copy(at, sealed.ciphertext.size());
        Opener fresh{key(1)};
        EXPECT_EQ(opened(fresh, moved.str()) == "broken", nonce != 1) << nonce;
    }
}

TEST_F(Sealing, FramesThatAreNotSealedAreRefused) {
    EXPECT_EQ(opened(opener, batch_of(1).str()), "broken");
    EXPECT_EQ(opened(opener, frame_of(encode_ping({1, {}}))), "broken");
    EXPECT_EQ(opened(opener, frame_of(Body{})), "broken");
    EXPECT_EQ(opened(opener, std::string()), "") << "an empty batch means nothing";
}

TEST_F(Sealing, RandomTrafficComesThroughAndOneChangeIsNoticed) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Sealer apart{key(1), true};
    std::vector<std::string> sent;
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        Batch plain;
        for (auto n = 1 + random() % 5; n > 0; --n) {
            if (random() % 4 == 0) {
                plain.add({}, encode_ping({random(), {}}));
            } else {
                add_message(plain, 1 + random() % 1000, random() % 4, random() % (random() % 20 == 0 ? 70'000 : 300));
            }
        }
        Batch out;
        apart.seal(plain, out);
        for (const std::string& part : parts_of(out)) sent.push_back(part);
        expected += plain.str();
    }
    std::string got;
    for (const std::string& part : sent) got += opened(opener, part);
    EXPECT_EQ(got, expected);

    Opener victim{key(1)};
    const std::size_t bad = random() % sent.size();
    for (std::size_t i = 0; i <= bad; ++i) {
        std::string part = sent[i];
        if (i == bad) part[random() % part.size()] ^= static_cast<char>(1 + random() % 255);
        EXPECT_EQ(opened(victim, part) == "broken", i == bad);
    }
}

// ---- for implementations in other languages ----

TEST_F(Sealing, AWholeBeginningIsAGoldenFile) {
    const KeyPair server = KeyPair::of(key(0x40));
    NoiseNk one = NoiseNk::client(kSealPrologue, server.known, KeyPair::of(key(0x80)));
    NoiseNk two = NoiseNk::server(kSealPrologue, server, KeyPair::of(key(0xa0)));
    Seal first;
    first.handshake = one.write({}).value();
    ASSERT_TRUE(two.read(first.handshake));
    Seal second;
    second.handshake = two.write({}).value();
    ASSERT_TRUE(one.read(second.handshake));
    Sealer up(one.keys().send, true);
    Sealer down(two.keys().send, true);
    Batch lane;
    add_message(lane, 1, 2, 12);
    const auto line = [](const std::string& what, const std::string& bytes) {
        return what + ": " + to_hex(bytes) + "\n";
    };
    std::string text = "about: a carrier with lanes apart is sealed, and the first batches of both sides; prologue: " +
                       std::string(kSealPrologue) + "\n";
    text += line("server-secret", std::string(base::view(server.secret)));
    text += line("server-public", std::string(base::view(server.known)));
    text += line("client-ephemeral", counting(32, 0x80));
    text += line("server-ephemeral", counting(32, 0xa0));
    text += line("client-says", frame_of(encode(first)));
    text += line("server-says", frame_of(encode(second)));
    text += line("hash", std::string(base::view(one.hash())));
    text += line("client-plain", hello_batch().str()) + line("client-sealed", sealed(up, hello_batch()));
    text += line("client-plain", lane.str()) + line("client-sealed", sealed(up, lane));
    text += line("server-plain", lane.str()) + line("server-sealed", sealed(down, lane));
    const std::string path = FLARE_SOURCE_DIR "/docs/vectors/noise/flare.txt";
    if (std::getenv("FLARE_WRITE_VECTORS") != nullptr) std::ofstream(path) << text;
    EXPECT_EQ(read_file(path), text);
}

TEST(SealFrame, IsReadOnlyAlone) {
    Seal seal;
    seal.nonce = counting(kSealNonceBytes);
    Batch batch;
    add_seal(batch, seal);
    EXPECT_TRUE(begins_with_seal(batch.str()));
    EXPECT_EQ(read_seal(batch.str())->nonce, seal.nonce);
    batch.add({}, encode_ping({1, {}}));
    EXPECT_EQ(read_seal(batch.str()).error(), errc::unexpected_frame);
    EXPECT_EQ(read_seal({}).error(), errc::unexpected_frame);
    EXPECT_FALSE(begins_with_seal(frame_of(encode_ping({1, {}}))));
}

}  // namespace
}  // namespace flare::wire::test
