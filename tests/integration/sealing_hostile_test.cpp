// Peers of a sealing server that do not keep the rules.
#include "integration/raw_peer.hpp"
#include "integration/sealing_harness.hpp"
#include "wire/reader.hpp"
#include "wire/seal.hpp"

namespace flare::test {
namespace {

class SealingPeer : public SealingHarness {
protected:
    Server server = started(builder().sealing_key(key.file));
    const wire::KeyPair ephemeral = wire::KeyPair::of(*base::key_of(std::string(32, 'e')));

    static wire::Seal message(std::string bytes) {
        wire::Seal seal;
        seal.handshake = std::move(bytes);
        return seal;
    }
    static wire::Seal question() {
        wire::Seal seal;
        seal.nonce = std::string(wire::kSealNonceBytes, 'n');
        return seal;
    }
    // What the server answered last.
    static wire::FrameView answer(RawPeer& peer, std::size_t count = 1) {
        wire::FrameView frame;
        if (!peer.wait([&] { return peer.batches.size() >= count || peer.closed; }) || peer.batches.size() < count)
            return frame;
        wire::BatchReader reader(peer.batches[count - 1]);
        EXPECT_TRUE(reader.next(frame));
        return frame;
    }
    // Shakes hands as a client does.
    std::optional<wire::SealKeys> shake_hands(RawPeer& peer) {
        wire::NoiseNk noise = wire::NoiseNk::client(wire::kSealPrologue, key.pair.known, ephemeral);
        peer.send({}, wire::encode(message(noise.write({}).value())));
        const wire::FrameView frame = answer(peer);
        if (frame.kind != wire::FrameKind::seal || !noise.read(wire::decode_seal(frame.body)->handshake))
            return std::nullopt;
        return noise.keys();
    }
    void expect_refused(RawPeer& peer, errc code, std::size_t count = 1) {
        const wire::FrameView frame = answer(peer, count);
        ASSERT_EQ(frame.kind, wire::FrameKind::refused);
        EXPECT_EQ(wire::decode_refused(frame.body)->code, code);
        EXPECT_EQ(peer.closed_with(), code);
    }
    static wire::Batch hello() {
        wire::Batch batch;
        batch.add({}, wire::encode(RawPeer::hello_of("ann")));
        return batch;
    }
    static void send_sealed(RawPeer& peer, wire::Sealer& sealer, const wire::Batch& plain) {
        wire::Batch sealed;
        sealer.seal(plain, sealed);
        peer.carrier()->send(sealed);
    }
};

TEST_F(SealingPeer, SpeaksByTheDocumentsAlone) {
    RawPeer peer(server.websocket_addr());
    const auto keys = shake_hands(peer);
    ASSERT_TRUE(keys);
    wire::Sealer sealer(keys->send, false);
    send_sealed(peer, sealer, hello());
    ASSERT_TRUE(peer.wait([&] { return peer.batches.size() == 2; }));
    wire::Opener opener(keys->receive);
    std::string plain;
    ASSERT_TRUE(opener.open(peer.batches[1], plain));
    wire::BatchReader reader(plain);
    wire::FrameView frame;
    ASSERT_TRUE(reader.next(frame));
    EXPECT_EQ(frame.kind, wire::FrameKind::welcome);
}

TEST_F(SealingPeer, IsToldTheKeyOnce) {
    RawPeer peer(server.websocket_addr());
    peer.send({}, wire::encode(question()));
    const wire::FrameView frame = answer(peer);
    ASSERT_EQ(frame.kind, wire::FrameKind::seal);
    EXPECT_EQ(wire::decode_seal(frame.body)->key, base::view(key.pair.known));
    peer.send({}, wire::encode(question()));
    expect_refused(peer, errc::unexpected_frame, 2);
}

TEST_F(SealingPeer, IsRefusedWithBrokenHandshakes) {
    for (const std::string& bytes : {std::string(), std::string(47, 'x')}) {
        RawPeer peer(server.websocket_addr());
        peer.send({}, wire::encode(message(bytes)));
        expect_refused(peer, errc::malformed_frame);
    }
    for (const char fill : {'x', '\0'}) {
        RawPeer peer(server.websocket_addr());
        peer.send({}, wire::encode(message(std::string(48, fill))));
        expect_refused(peer, errc::server_key_mismatch);
    }
    RawPeer peer(server.websocket_addr());
    wire::Seal seal;
    seal.nonce = "short";
    peer.send({}, wire::encode(seal));
    expect_refused(peer, errc::malformed_frame);
    EXPECT_EQ(server.stats()->sessions_created, 0u);
}

TEST_F(SealingPeer, CannotSealJson) {
    RawPeer peer(server.websocket_addr(), transport::WireFormat::json);
    peer.send({}, wire::encode(question()));
    expect_refused(peer, errc::encryption_unavailable);
}

TEST_F(SealingPeer, CannotSealTwiceOrSpeakInTheClearAfterwards) {
    {
        RawPeer peer(server.websocket_addr());
        const auto keys = shake_hands(peer);
        ASSERT_TRUE(keys);
        wire::Sealer sealer(keys->send, false);
        wire::Batch again;
        wire::add_seal(again, question());
        send_sealed(peer, sealer, again);
        EXPECT_EQ(peer.closed_with(), errc::unexpected_frame);
    }
    RawPeer peer(server.websocket_addr());
    ASSERT_TRUE(shake_hands(peer));
    peer.send({}, wire::encode(RawPeer::hello_of("ann")));
    EXPECT_EQ(peer.closed_with(), errc::seal_broken);
    EXPECT_EQ(server.stats()->sessions_created, 0u);
}

TEST_F(SealingPeer, WhoPlaysARecordingGetsNowhere) {
    std::vector<std::string> recording;
    {
        RawPeer peer(server.websocket_addr());
        wire::NoiseNk noise = wire::NoiseNk::client(wire::kSealPrologue, key.pair.known, ephemeral);
        wire::Batch first;
        wire::add_seal(first, message(noise.write({}).value()));
        recording.push_back(first.str());
        peer.carrier()->send(first);
        ASSERT_TRUE(noise.read(wire::decode_seal(answer(peer).body)->handshake));
        wire::Sealer sealer(noise.keys().send, false);
        wire::Batch sealed;
        sealer.seal(hello(), sealed);
        recording.push_back(sealed.str());
        peer.carrier()->send(sealed);
        ASSERT_TRUE(peer.wait([&] { return peer.batches.size() == 2; }));
    }
    ASSERT_EQ(server.stats()->sessions_created, 1u);
    RawPeer thief(server.websocket_addr());
    for (const std::string& batch : recording) {
        wire::Reader reader(batch);
        std::string_view frame;
        ASSERT_TRUE(reader.take_prefixed(frame));
        thief.send_frame(frame);
        if (&batch == &recording[0]) {
            EXPECT_EQ(answer(thief).kind, wire::FrameKind::seal);
        }
    }
    EXPECT_EQ(thief.closed_with(), errc::seal_broken);
    EXPECT_EQ(server.stats()->sessions_created, 1u);
    EXPECT_EQ(server.stats()->sessions_resumed, 0u);
}

}  // namespace
}  // namespace flare::test
