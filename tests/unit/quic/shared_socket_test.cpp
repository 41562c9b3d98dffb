// Clients of one server that share a UDP socket: docs/quic.md.
#include "support/udp_relay.hpp"
#include "unit/quic/endpoints.hpp"

namespace flare::transport::quic::test {
namespace {

class SharedSocket : public Endpoints {
protected:
    SharedSocket() { shares = true; }
    std::vector<std::unique_ptr<Echoer>> many(const udp::endpoint& to, int count, const Options& options = {}) {
        std::vector<std::unique_ptr<Echoer>> made;
        for (int i = 0; i < count; ++i) {
            made.push_back(connect(to, options));
            EXPECT_NE(made.back(), nullptr) << error.text;
        }
        return made;
    }
    static std::uint16_t port_of(const Echoer& peer) { return peer.carrier->info().local_port; }
};

TEST_F(SharedSocket, HasConnectionsOfOneServerAndTheSameOptions) {
    const auto listener = listen(), another = listen();
    const auto peers = many(listener->local_endpoint(), 10);
    for (const auto& peer : peers) {
        expect_echo(*peer);
        EXPECT_EQ(port_of(*peer), port_of(*peers.front()));
    }
    EXPECT_EQ(accepted.size(), peers.size());
    Options other;
    other.congestion = QuicCongestion::bbr;
    EXPECT_NE(port_of(*many(listener->local_endpoint(), 1, other).front()), port_of(*peers.front()));
    EXPECT_NE(port_of(*many(another->local_endpoint(), 1).front()), port_of(*peers.front()));
    shares = false;
    EXPECT_NE(port_of(*many(listener->local_endpoint(), 1).front()), port_of(*peers.front()));
}

// Their replies must fit its buffer.
TEST_F(SharedSocket, IsJoinedByAnotherWhenItHasMany) {
    const auto listener = listen();
    const auto peers = many(listener->local_endpoint(), 257);
    EXPECT_EQ(port_of(*peers[255]), port_of(*peers[0]));
    EXPECT_NE(port_of(*peers[256]), port_of(*peers[0]));
}

TEST_F(SharedSocket, ClosesWithItsLastConnection) {
    const auto listener = listen();
    auto peers = many(listener->local_endpoint(), 2);
    const std::uint16_t first = port_of(*peers.front());
    peers.erase(peers.begin());
    expect_echo(*peers.front());
    peers.clear();
    EXPECT_NE(port_of(*many(listener->local_endpoint(), 1).front()), first);
}

TEST_F(SharedSocket, MovesWithAllItsConnections) {
    const auto listener = listen();
    const auto peers = many(listener->local_endpoint(), 5);
    const std::uint16_t before = port_of(*peers.front());
    for (const auto& peer : peers) expect_echo(*peer);
    for (const auto& peer : peers) ASSERT_TRUE(migrate(*peer->carrier)) << "all are told of a change, at once";
    for (const auto& peer : peers) expect_echo(*peer);
    EXPECT_TRUE(until([&] { return port_of(*peers.back()) != before; }));
    for (const auto& peer : peers) {
        EXPECT_EQ(port_of(*peer), port_of(*peers.front())) << "they moved together, once";
        EXPECT_EQ(peer->carrier->stats().migrations, 1u);
        EXPECT_FALSE(peer->closed);
    }
    ASSERT_TRUE(migrate(*peers[3]->carrier)) << "and again, later";
    expect_echo(*peers[3]);
    EXPECT_TRUE(until([&] { return peers[3]->carrier->stats().migrations == 2; }));
}

// A handshake cannot move: whoever waits for it is told at once, and may begin anew.
TEST_F(SharedSocket, EndsHandshakesWhenItMoves) {
    const auto listener = listen();
    flare::test::UdpRelay relay(io, listener->local_endpoint());
    const auto peer = connect(relay.endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*peer);
    relay.deaf = true;
    ConnectTarget target{relay.endpoint(), "localhost", {}, true, {}};
    errc failed = errc::ok;
    const auto attempt = quic::connect(io, target, keys.client(), {},
                                       [&](std::unique_ptr<Carrier>, const ConnectError& told) { failed = told.code; });
    flare::test::run_for(io, 20ms);
    ASSERT_TRUE(migrate(*peer->carrier));
    EXPECT_TRUE(until([&] { return failed != errc::ok; }));
    EXPECT_EQ(failed, errc::network_unreachable);
    relay.deaf = false;
    expect_echo(*peer);
}

TEST_F(SharedSocket, TellsAllThatNobodyListens) {
    udp::socket unused(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const ConnectTarget target{unused.local_endpoint(), "localhost", {}, true, {}};
    unused.close();
    std::vector<errc> told;
    std::vector<std::unique_ptr<ConnectAttempt>> attempts;
    for (int i = 0; i < 3; ++i) {
        attempts.push_back(
            quic::connect(io, target, keys.client(), {},
                          [&](std::unique_ptr<Carrier>, const ConnectError& failed) { told.push_back(failed.code); }));
    }
    EXPECT_TRUE(until([&] { return told.size() == 3; }));
    EXPECT_EQ(told, std::vector<errc>(3, errc::connection_refused));
}

// RFC 9000 section 10.3: a server that was started again knows none of them, and each is told by its own token.
TEST_F(SharedSocket, BringsEachConnectionItsReset) {
    Options options;
    options.secret.fill(7);
    auto listener = listen(options);
    const udp::endpoint at = listener->local_endpoint();
    flare::test::UdpRelay relay(io, at);
    const auto peers = many(relay.endpoint(), 3);
    for (const auto& peer : peers) expect_echo(*peer);
    relay.mute_server = true;  // it goes without a word
    accepted.clear();
    listener.reset();
    flare::test::run_for(io, 20ms);
    listener = listen(options, "127.0.0.1:" + std::to_string(at.port()));
    ASSERT_NE(listener, nullptr);
    relay.mute_server = false;
    relay.cut_to = 22;  // the least that is answered: 21 bytes reset a connection, too
    peers[1]->carrier->send(batch_of("hello"));
    ASSERT_TRUE(until([&] { return peers[1]->closed.has_value(); }));
    relay.cut_to = 0;
    EXPECT_EQ(peers[1]->closed->ending, Ending::stateless_reset);
    EXPECT_FALSE(peers[0]->closed || peers[2]->closed);
    peers[0]->carrier->send(batch_of("hello"));
    peers[2]->carrier->send(batch_of("hello"));
    EXPECT_TRUE(until([&] { return peers[0]->closed && peers[2]->closed; }));
}

}  // namespace
}  // namespace flare::transport::quic::test
