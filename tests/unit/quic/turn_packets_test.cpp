// Packets that go together at the end of an endpoint's turn, over real sockets.
#include "transport/quic/turn_packets.hpp"
#include "unit/quic/endpoints.hpp"
#include "unit/quic/sendmmsg_script.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace flare::transport::quic::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;

class TurnPacketsTest : public ::testing::Test {
protected:
    struct Peer {
        Peer() { EXPECT_EQ(socket.bind({asio::ip::address_v4::loopback(), 0}, false, PortUse::alone), 0); }
        std::vector<std::string> received() {
            std::vector<std::string> all;
            int error = 0;
            socket.receive(
                [&](const UdpSocket::Packet& packet) {
                    all.emplace_back(reinterpret_cast<const char*>(packet.bytes.data()), packet.bytes.size());
                },
                error);
            EXPECT_EQ(error, 0);
            return all;
        }
        UdpSocket socket;
    };
    bool add(const std::string& bytes, const Peer& to, std::size_t segment = 1200) {
        return packets.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, segment,
                           sender.socket.local(), to.socket.local());
    }
    Peer sender, a, b;
    TurnPackets packets;
};

TEST_F(TurnPacketsTest, GoToManyPeersWithOneCall) {
    const SendmmsgScript sends;
    add("one", a);
    add("two", b);
    add("three", a);
    EXPECT_THAT(a.received(), IsEmpty());
    EXPECT_TRUE(packets.flush(sender.socket));
    EXPECT_THAT(sends.offered, ElementsAre(3u));
    EXPECT_TRUE(packets.empty());
    EXPECT_THAT(a.received(), ElementsAre("one", "three"));
    EXPECT_THAT(b.received(), ElementsAre("two"));
}

TEST_F(TurnPacketsTest, KeepTheirSegments) {
    add("aaabbbcc", a, 3);
    EXPECT_TRUE(packets.flush(sender.socket));
    EXPECT_THAT(a.received(), ElementsAre("aaa", "bbb", "cc"));
}

TEST_F(TurnPacketsTest, WaitWhereTheSocketIsFull) {
    const SendmmsgScript sends({1, -EAGAIN, -EINTR});
    add("one", a);
    add("two", b);
    add("three", a);
    EXPECT_FALSE(packets.flush(sender.socket));
    EXPECT_THAT(a.received(), ElementsAre("one"));
    EXPECT_FALSE(packets.empty());
    EXPECT_TRUE(packets.flush(sender.socket));
    EXPECT_THAT(sends.offered, ElementsAre(3u, 2u, 2u, 2u));
    EXPECT_THAT(a.received(), ElementsAre("three"));
    EXPECT_THAT(b.received(), ElementsAre("two"));
}

TEST_F(TurnPacketsTest, DoNotWaitForOneThatTheKernelRefuses) {
    const SendmmsgScript sends({1, -EMSGSIZE});
    add("one", a);
    add("two", b);
    add("three", a);
    EXPECT_TRUE(packets.flush(sender.socket));
    EXPECT_THAT(a.received(), ElementsAre("one", "three"));
    EXPECT_THAT(b.received(), IsEmpty());
}

// What sendmmsg() answers to one packet was caused by another, which left before it.
TEST_F(TurnPacketsTest, GoOnWhereNobodyHasHeardThePacketBefore) {
    const SendmmsgScript sends({1, -ECONNREFUSED});
    EXPECT_FALSE(sender.socket.take_refusal());
    add("one", a);
    add("two", b);
    add("three", a);
    EXPECT_TRUE(packets.flush(sender.socket));
    EXPECT_THAT(a.received(), ElementsAre("one", "three"));
    EXPECT_THAT(b.received(), ElementsAre("two"));
    EXPECT_TRUE(sender.socket.take_refusal());
    EXPECT_FALSE(sender.socket.take_refusal()) << "it was told";
}

TEST_F(TurnPacketsTest, DoNotGoForEverWhereNobodyListens) {
    const SendmmsgScript sends(std::deque<int>(6, -ECONNREFUSED));
    add("one", a);
    add("two", b);
    add("three", a);
    EXPECT_TRUE(packets.flush(sender.socket));
    EXPECT_THAT(sends.offered, ElementsAre(3u, 3u, 2u, 2u, 1u, 1u));
}

TEST_F(TurnPacketsTest, AreNoMoreThanOneCallTakes) {
    EXPECT_FALSE(add(std::string(TurnPackets::kMostBytes + 1, 'x'), a));
    for (std::size_t i = 0; i < TurnPackets::kMostWrites; ++i) EXPECT_TRUE(add("x", a));
    EXPECT_FALSE(add("x", a));
    EXPECT_TRUE(packets.flush(sender.socket));
    EXPECT_TRUE(add("x", a));
    packets.clear();
    EXPECT_TRUE(packets.empty());
}

class TurnPacketsOfAnEndpoint : public Endpoints {
protected:
    void SetUp() override {
        listener = listen();
        for (auto& peer : peers) {
            peer = connect(listener->local_endpoint());
            ASSERT_NE(peer, nullptr) << error.text;
            expect_echo(*peer);
        }
    }
    void expect_echoes() {
        std::array<int, 2> before{peers[0]->batches, peers[1]->batches};
        for (const auto& peer : peers) peer->carrier->send(batch_of("hello"));
        EXPECT_TRUE(until([&] { return peers[0]->batches > before[0] && peers[1]->batches > before[1]; }));
    }
    std::unique_ptr<Listener> listener;
    std::array<std::unique_ptr<Echoer>, 2> peers;
};

TEST_F(TurnPacketsOfAnEndpoint, AnswerTwoPeersWithOneCall) {
    const SendmmsgScript sends;
    // What both have said is there when the server looks, unless the loop came by between them.
    for (int i = 0; i < 20 && std::ranges::find(sends.offered, 2u) == sends.offered.end(); ++i) expect_echoes();
    EXPECT_THAT(sends.offered, Contains(Ge(2u)));
}

TEST_F(TurnPacketsOfAnEndpoint, AreNotLostWhereTheSocketIsFull) {
    for (std::size_t calls = 0; calls < 6; ++calls) {
        std::deque<int> results(calls, 64);
        results.push_back(-EAGAIN);
        const SendmmsgScript sends(results);
        expect_echoes();
        EXPECT_GT(sends.offered.size(), calls);
    }
}

}  // namespace
}  // namespace flare::transport::quic::test
