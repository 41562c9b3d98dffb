// Servers and clients of QUIC over real sockets: what strangers send, what networks do.
#include "support/udp_relay.hpp"
#include "unit/quic/endpoints.hpp"
#include "unit/quic/sendmmsg_script.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <random>

namespace flare::transport::quic::test {
namespace {

TEST_F(Endpoints, ShrugOffGarbageOfEveryLength) {
    const auto listener = listen();
    std::mt19937 random(7);
    udp::socket socket(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    for (std::size_t size = 0; size < 1500; size += 3) {
        std::string datagram(size, '\0');
        for (char& byte : datagram) byte = static_cast<char>(random());
        socket.send_to(asio::buffer(datagram), listener->local_endpoint());
        if (size % 300 == 0) io.poll();
    }
    const auto peer = connect(listener->local_endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*peer);
    EXPECT_EQ(accepted.size(), 1u);
}

TEST_F(Endpoints, AnswerAnotherVersionWithTheirsButOnlyToWholePackets) {
    const auto listener = listen();
    // A long header (RFC 9000 section 17.2) of a version that nobody has.
    std::string packet(
        "\xc0\x1a\x2a\x3a\x4a\x08"
        "12345678"
        "\x08"
        "abcdefgh",
        23);
    EXPECT_EQ(probe(listener->local_endpoint(), packet), "") << "an answer would be larger than the question";
    packet.resize(1200, '\0');
    const std::string answer = probe(listener->local_endpoint(), packet);
    ASSERT_GE(answer.size(), 27u);
    EXPECT_EQ(answer.substr(1, 4), std::string(4, '\0'));  // section 17.2.1: version negotiation
    EXPECT_EQ(answer.substr(5, 9),
              "\x08"
              "abcdefgh");
    EXPECT_EQ(answer.substr(answer.size() - 4), std::string("\0\0\0\1", 4));
    EXPECT_EQ(begun, 0);
}

// RFC 9000 section 10.3: browsers send packets of 32 to 39 bytes.
TEST_F(Endpoints, ResetWhatTheyDoNotKnowWithOneByteLessThanTheyGot) {
    const auto listener = listen();
    const std::string packet = "\x40" + std::string(1499, '5');  // a short header
    std::string token;
    for (const std::size_t size : {22u, 23u, 32u, 39u, 42u, 43u, 44u, 100u, 1200u}) {
        const std::string answer = probe(listener->local_endpoint(), packet.substr(0, size));
        ASSERT_EQ(answer.size(), size - 1) << "to a packet of " << size;
        EXPECT_EQ(static_cast<unsigned char>(answer[0]) & 0xc0u, 0x40u) << "it looks like a short header";
        if (token.empty()) token = answer.substr(answer.size() - 16);
        EXPECT_EQ(answer.substr(answer.size() - 16), token) << "the same id, the same token";
    }
    EXPECT_EQ(probe(listener->local_endpoint(), packet).size(), 1200u) << "never longer than any path allows";
    for (const std::size_t size : {1u, 8u, 9u, 20u, 21u})
        EXPECT_EQ(probe(listener->local_endpoint(), packet.substr(0, size)), "") << "to a packet of " << size;
}

// A reset answers a short header, and only that: anything else might go back and forth for ever.
TEST_F(Endpoints, NeverResetALongHeader) {
    const auto listener = listen();
    for (const std::size_t size : {22u, 32u, 43u, 100u, 1200u}) {
        for (const int first : {0x80, 0xc0, 0xd0, 0xe0, 0xf0, 0xff}) {
            for (const char version : {'\0', '\1'}) {  // none: version negotiation (section 17.2.1)
                std::string packet(size, 'x');
                packet[0] = static_cast<char>(first);
                packet.replace(1, 4, std::string("\0\0\0", 3) + version);
                packet[5] = 8;
                if (size > 14) packet[14] = 0;
                EXPECT_EQ(probe(listener->local_endpoint(), packet), "")
                    << "first byte " << first << ", version " << int{version} << ", " << size << " bytes";
            }
        }
    }
}

// A server that answers each reset with a reset would never stop, were they not shorter each time.
TEST_F(Endpoints, SoonFallSilentOverEachOthersResets) {
    const auto listener = listen();
    std::string packet = "\x40" + std::string(59, '5');
    int answers = 0;
    while (!packet.empty() && answers < 100) {
        packet = probe(listener->local_endpoint(), packet);
        answers += packet.empty() ? 0 : 1;
    }
    EXPECT_EQ(answers, 60 - 21);
}

TEST_F(Endpoints, ValidateAddressesByRetryWhenHandshakesPileUp) {
    Options options;
    options.retry_above = 0;
    const auto listener = listen(options);
    const auto peer = connect(listener->local_endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*peer);
    EXPECT_EQ(begun, 1) << "what came before the Retry cost nothing";
    EXPECT_EQ(accepted_validated, 1);
}

// A handshake that fails at once leaves its ids and last words, and these count until they are forgotten: against the
// limit of connections, and for Retry.
TEST_F(Endpoints, KeepOnlyTheLastWordsOfAHandshakeThatFails) {
    Options options;
    options.retry_above = 3;
    const auto listener = listen(options);
    alpn = {"h3"};
    for (int i = 1; i <= 3; ++i) {
        EXPECT_EQ(connect(listener->local_endpoint()), nullptr);
        EXPECT_EQ(error.code, errc::tls_failed) << error.text;
        const ListenerLoad load = listener->load();
        EXPECT_EQ(load.connections, 0u);
        EXPECT_EQ(load.farewells, static_cast<std::size_t>(i));
        EXPECT_EQ(load.handshakes, static_cast<std::size_t>(i));
        EXPECT_LT(load.farewell_bytes, 1024u * static_cast<std::size_t>(i));
        EXPECT_EQ(gone, 0);
    }
    flare::test::UdpRelay relay(io, listener->local_endpoint());
    alpn = {kAlpn};
    const auto peer = connect(relay.endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    EXPECT_EQ(static_cast<unsigned char>(relay.from_server.at(0)[0]) & 0xf0u, 0xf0u) << "a Retry packet";
    expect_echo(*peer);
    EXPECT_EQ(accepted_validated, 1);
    EXPECT_TRUE(until([&] { return gone == 3; })) << "after three probe time-outs they count no more";
    EXPECT_EQ(gone_validated, 0);
    EXPECT_EQ(listener->load().handshakes, 0u);
    EXPECT_EQ(listener->load().farewells, 0u);
}

// Nobody is owed an answer to what is no handshake; it counts for Retry, since it costs as much as the beginning of
// one.
TEST_F(Endpoints, KeepNothingOfInitialsThatHoldNoHandshake) {
    Options options;
    options.retry_above = 5;
    const auto listener = listen(options);
    std::string packet(1200, 'g');
    const std::string header("\xc0\0\0\0\1\x08", 6);
    for (char i = 0; i < 5; ++i) {
        packet.replace(0, 6, header);
        packet[6] = i;
        packet[14] = 8;
        packet.replace(23, 3, std::string("\0\x44\x90", 3));  // no token; the length of the rest
        EXPECT_EQ(probe(listener->local_endpoint(), packet), "");
    }
    EXPECT_EQ(begun, 5);
    EXPECT_EQ(gone, 5) << "their places are free";
    EXPECT_EQ(listener->load().connections, 0u);
    EXPECT_EQ(listener->load().handshakes, 5u);
    packet[6] = 5;
    EXPECT_EQ(static_cast<unsigned char>(probe(listener->local_endpoint(), packet).at(0)) & 0xf0u, 0xf0u) << "a Retry";
    EXPECT_EQ(begun, 5);
}

// What an owner may say of somebody whose address anybody could have written.
TEST_F(Endpoints, ValidateAnAddressWhenTheirOwnerWantsIt) {
    const auto listener = listen();
    demands_proof = true;
    const auto peer = connect(listener->local_endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*peer);
    EXPECT_EQ(begun, 2);
    EXPECT_EQ(accepted_validated, 1);
}

// RFC 9000 section 10.2: late packets of a connection that has ended are no stray ones.
TEST_F(Endpoints, AnswerLatePacketsWithTheCloseAgainEverMoreRarely) {
    const auto listener = listen();
    flare::test::UdpRelay relay(io, listener->local_endpoint());
    const auto peer = connect(relay.endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*peer);
    relay.mute_server = true;
    accepted.at(0)->carrier->close(errc::shutting_down, "the end", 0ms);
    ASSERT_TRUE(until([&] { return listener->load().farewells == 1; }));
    EXPECT_EQ(listener->load().connections, 0u);
    flare::test::run_for(io, 20ms);  // the close itself is lost
    relay.mute_server = false;
    relay.from_server.clear();
    const std::string late = relay.from_clients.back();
    for (int i = 0; i < 60; ++i) relay.repeat(late);
    ASSERT_TRUE(until([&] { return peer->closed.has_value(); }));
    EXPECT_EQ(peer->closed->code, errc::shutting_down);
    flare::test::run_for(io, 50ms);
    EXPECT_LE(relay.from_server.size(), 7u) << "at most to the 1st, 2nd, 4th ... 64th";
}

// Debian's ngtcp2-client speaks HTTP/3 alone: it can shake hands, and then we and it have nothing to say to each other.
TEST_F(Endpoints, ShakeHandsAfterARetryWithNgtcp2sOwnClient) {
    if (std::system("command -v gtlsclient >/dev/null") != 0) GTEST_SKIP() << "no gtlsclient: install ngtcp2-client";
    Options options;
    options.retry_above = 0;
    options.unidirectional_streams = 3;
    std::string text;
    auto opened = Listener::open(io, "127.0.0.1:0", keys.server({"h3"}), options, *this, &text);
    ASSERT_TRUE(opened) << text;
    const auto listener = std::move(*opened);
    const auto port = std::to_string(listener->local_endpoint().port());
    auto output = std::async(std::launch::async, [&] {
        std::string said;
        std::FILE* const pipe =
            ::popen(("timeout 20 gtlsclient --timeout=1s 127.0.0.1 " + port + " 2>&1").c_str(), "r");
        std::array<char, 4096> part;
        while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe)) said.append(part.data(), got);
        ::pclose(pipe);
        return said;
    });
    EXPECT_TRUE(until([&] { return output.wait_for(0s) == std::future_status::ready; }));
    const std::string said = output.get();
    EXPECT_NE(said.find("type=Retry"), std::string::npos) << said;
    EXPECT_NE(said.find("QUIC handshake has completed"), std::string::npos) << said;
    EXPECT_NE(said.find("QUIC handshake has been confirmed"), std::string::npos) << said;
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(accepted.size(), 1u);
}

// RFC 9000 section 20.1, CONNECTION_REFUSED: the client need not wait for its time-out.
TEST_F(Endpoints, RefuseWhomTheirOwnerDoesNotAdmit) {
    const auto listener = listen();
    admits = false;
    EXPECT_EQ(connect(listener->local_endpoint()), nullptr);
    EXPECT_EQ(error.code, errc::busy) << error.text;
    EXPECT_TRUE(accepted.empty());
}

TEST_F(Endpoints, TellAClientAtOnceThatNobodyListens) {
    udp::socket unused(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const udp::endpoint endpoint = unused.local_endpoint();
    unused.close();
    EXPECT_EQ(connect(endpoint), nullptr);
    EXPECT_EQ(error.code, errc::connection_refused) << error.text;
}

// One ICMP message ends no connection (RFC 8085 section 5.2): its carrier is told, and whoever has that asks.
TEST_F(Endpoints, TellAConnectedClientThatNobodyListensAnyMoreAndGoOn) {
    const auto listener = listen();
    auto relay = std::make_unique<flare::test::UdpRelay>(io, listener->local_endpoint());
    const udp::endpoint front = relay->endpoint();
    const auto peer = connect(front);
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*peer);
    relay.reset();
    peer->carrier->send(batch_of("hello"));
    EXPECT_TRUE(until([&] { return peer->unreachable > 0; }));
    EXPECT_FALSE(peer->closed);
}

// The packet that hears of it goes all the same.
TEST_F(Endpoints, TellAConnectedClientOfWhatItsSocketSaysWhenItSends) {
    const auto listener = listen();
    const auto peer = connect(listener->local_endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*peer);
    for (int i = 0; i < 20 && peer->unreachable == 0; ++i) {  // the server may send, and take it
        const SendmmsgScript sends({-ECONNREFUSED});
        expect_echo(*peer);
    }
    EXPECT_GT(peer->unreachable, 0);
    expect_echo(*peer);
    EXPECT_FALSE(peer->closed);
}

TEST_F(Endpoints, GiveUpOnASilentServer) {
    const udp::socket silent(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    Options options;
    options.handshake_timeout = 200ms;
    EXPECT_EQ(connect(silent.local_endpoint(), options), nullptr);
    EXPECT_EQ(error.code, errc::connect_timeout) << error.text;
}

TEST_F(Endpoints, RefuseACertificateOfAnotherName) {
    const auto listener = listen();
    EXPECT_EQ(connect(listener->local_endpoint(), {}, "example.org"), nullptr);
    EXPECT_EQ(error.code, errc::certificate_rejected) << error.text;
    EXPECT_NE(connect(listener->local_endpoint(), {}, "127.0.0.1"), nullptr) << error.text;
}

class CancelledEndpoints : public Endpoints, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(, CancelledEndpoints, ::testing::Bool(),
                         [](const auto& instance) { return instance.param ? "WithASharedSocket" : "EachWithItsOwn"; });

TEST_P(CancelledEndpoints, CancelAtAnyStep) {
    const auto listener = listen();
    shares = GetParam();
    const auto other = connect(listener->local_endpoint());
    ASSERT_NE(other, nullptr) << error.text;
    for (int steps = 0; steps < 12; ++steps) {
        ConnectTarget target;
        target.endpoint = listener->local_endpoint();
        target.server_name = "localhost";
        target.share_socket = shares;
        auto attempt =
            quic::connect(io, target, keys.client(), {}, [](std::unique_ptr<Carrier>, const ConnectError&) {});
        io.restart();
        for (int i = 0; i < steps; ++i) io.poll_one();
        attempt.reset();
        io.restart();
        io.poll();
    }
    const auto peer = connect(listener->local_endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    expect_echo(*other);
}

TEST_F(Endpoints, FollowAClientToAnotherPort) {
    const auto listener = listen();
    const auto peer = connect(listener->local_endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    for (int i = 0; i < 5; ++i) {
        expect_echo(*peer);
        ASSERT_TRUE(migrate(*peer->carrier));
    }
    expect_echo(*peer);
    EXPECT_EQ(accepted.size(), 1u) << "one connection, all the time";
    EXPECT_FALSE(peer->closed);
}

// It has no id of the peer's yet to move with: the peer takes it for a NAT that chose another port.
TEST_F(Endpoints, FollowAClientThatMovesAsSoonAsItIsConnected) {
    const auto listener = listen();
    for (int i = 0; i < 5; ++i) {
        const auto peer = connect(listener->local_endpoint());
        ASSERT_NE(peer, nullptr) << error.text;
        ASSERT_TRUE(migrate(*peer->carrier));
        expect_echo(*peer);
        ASSERT_TRUE(migrate(*peer->carrier));
        expect_echo(*peer);
    }
}

TEST_F(Endpoints, ShareTheirPortWithNobodyElse) {
    for (const std::string mine : {"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0", ":0"}) {
        for (const PortUse first : {PortUse::alone, PortUse::first}) {
            Options options;
            options.port_use = first;
            const auto listener = listen(options, mine);
            ASSERT_NE(listener, nullptr) << mine;
            const std::string port = ":" + std::to_string(listener->local_endpoint().port());
            const bool v4 = mine.find('[') == mine.npos;
            const bool v6 = mine.front() == '[' || mine == ":0";
            for (const std::string theirs : {"127.0.0.1", "0.0.0.0", "[::1]", "[::]", ""}) {
                for (const PortUse use : {PortUse::alone, PortUse::first, PortUse::sibling}) {
                    if (use == PortUse::sibling && first == PortUse::first) continue;  // one of its own
                    if (!(theirs.empty() || (theirs.front() == '[' ? v6 : v4))) continue;
                    options.port_use = use;
                    std::string text;
                    const auto other = Listener::open(io, theirs + port, keys.server(), options, *this, &text);
                    ASSERT_FALSE(other) << mine << " and " << theirs;
                    EXPECT_EQ(other.error(), errc::address_in_use) << text;
                }
            }
        }
    }
}

// One of several listeners on a port: who comes to it.
struct AtWorker final : ListenerHandler {
    Answer on_handshake(const std::string&, bool) override { return Answer::admit; }
    void on_handshake_gone(const std::string&, bool) override {}
    void on_carrier(std::unique_ptr<Carrier> carrier, bool) override {
        accepted.push_back(std::make_unique<Echoer>(std::move(carrier), true));
    }
    std::vector<std::unique_ptr<Echoer>> accepted;
    std::size_t expected = 0;
};

class ManyWorkers : public Endpoints, public ::testing::WithParamInterface<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(, ManyWorkers, ::testing::Values(2u, 3u, 61u, 300u));

TEST_P(ManyWorkers, KeepConnectionsWithTheirWorkerWhereverPacketsComeFrom) {
    Options options;
    options.workers = GetParam();
    options.secret.fill(1);
    std::vector<AtWorker> workers(options.workers);
    std::vector<std::unique_ptr<Listener>> listeners;
    std::string address = "127.0.0.1:0";
    for (options.worker = 0; options.worker < options.workers; ++options.worker) {
        options.port_use = options.worker == 0 ? PortUse::first : PortUse::sibling;
        std::string text;
        auto opened = Listener::open(io, address, keys.server(), options, workers[options.worker], &text);
        ASSERT_TRUE(opened) << text;
        listeners.push_back(std::move(*opened));
        address = "127.0.0.1:" + std::to_string(listeners[0]->local_endpoint().port());
    }
    std::vector<std::unique_ptr<Echoer>> peers;
    for (std::uint32_t i = 0; i < 16; ++i) {
        place = static_cast<base::Place>(i * 4369);  // 0 and 65535 among them
        peers.push_back(connect(listeners[0]->local_endpoint()));
        ASSERT_NE(peers.back(), nullptr) << error.text;
        ++workers[base::worker_of(*place, options.workers)].expected;
    }
    EXPECT_TRUE(until([&] {
        return std::all_of(workers.begin(), workers.end(),
                           [](const AtWorker& worker) { return worker.accepted.size() == worker.expected; });
    })) << "each came to the worker of its place";
    for (int round = 0; round < 3; ++round) {
        for (const auto& peer : peers) {
            ASSERT_TRUE(migrate(*peer->carrier));
            expect_echo(*peer);
        }
    }
    for (const auto& listener : listeners) EXPECT_EQ(listener->misrouted(), 0u);
    for (const auto& peer : peers) EXPECT_FALSE(peer->closed) << name(peer->closed->code) << ": " << peer->closed->text;
}

TEST_F(Endpoints, KeepLanesApart) {
    const auto listener = listen();
    const auto peer = connect(listener->local_endpoint());
    ASSERT_NE(peer, nullptr) << error.text;
    for (wire::LaneIndex lane = 0; lane < 16; ++lane) peer->carrier->send(batch_of(std::string(3000, 'x'), lane));
    EXPECT_TRUE(until([&] { return accepted.size() == 1 && accepted[0]->batches == 16 && peer->batches == 16; }));
}

}  // namespace
}  // namespace flare::transport::quic::test
