// Peers that do not keep the rules: each gets its code, and nobody else notices.
#include "integration/harness.hpp"
#include "integration/raw_peer.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <thread>

namespace flare::test {
namespace {

std::uint64_t errors_of(Server& server, errc code) {
    const auto stats = server.stats();
    const auto found = stats->errors.find(code);
    return found == stats->errors.end() ? 0 : found->second;
}

wire::Body data(const std::string& payload, const std::string& to = "server") {
    wire::MessageView message;
    message.id = Uuid::v7();
    message.type = "n";
    message.payload = payload;
    message.to = to;
    wire::DataView view;
    view.message = message;
    return wire::encode(view);
}

wire::FrameHeader numbered(wire::Seq seq, wire::LaneIndex lane = 0) {
    wire::FrameHeader header;
    header.lane = lane;
    header.seq = seq;
    return header;
}

class Hostile : public ::testing::Test {
protected:
    // Whatever the peer did: an honest client beside it gets its answer.
    ~Hostile() override {
        EXPECT_TRUE(honest.send_text_message("server", "still there?").success);
        EXPECT_TRUE(events.all<event::Disconnected>().empty());
    }

    Server server = started(quiet_server().hello_timeout(300ms).slow_consumer_after(500ms));
    Events events;
    Client honest = connected(client_of(server.websocket_addr(), "honest", events));
};

// What an upgrade request of a page of this origin is answered with.
std::string status_for_page(const std::string& address, const std::string& origin) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::socket socket(context);
    const std::size_t colon = address.rfind(':');
    socket.connect({boost::asio::ip::make_address(address.substr(0, colon)),
                    static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))});
    boost::asio::write(socket,
                       boost::asio::buffer("GET / HTTP/1.1\r\nHost: " + address +
                                           "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: flare.v1.json\r\n"
                                           "Origin: " +
                                           origin + "\r\n\r\n"));
    std::string answer(12, ' ');
    boost::asio::read(socket, boost::asio::buffer(answer));
    return answer.substr(9);
}

TEST(WebPages, ConnectFromOriginsThatAreAllowed) {
    Server strict = started(quiet_server());
    EXPECT_EQ(status_for_page(strict.websocket_addr(), "http://" + strict.websocket_addr()), "101");
    EXPECT_EQ(status_for_page(strict.websocket_addr(), "https://app.example.com"), "403");
    Server open = started(quiet_server().allowed_origins({"https://app.example.com"}));
    EXPECT_EQ(status_for_page(open.websocket_addr(), "https://app.example.com"), "101");
    EXPECT_EQ(status_for_page(open.websocket_addr(), "https://evil.example"), "403");
    const auto nonsense = quiet_server().allowed_origins({"app.example.com"}).build();
    EXPECT_NE(nonsense.error().text.find("allowed_origins"), std::string::npos) << nonsense.error().text;
}

TEST_F(Hostile, SilenceInPlaceOfAHelloMeetsTheHelloTimeout) {
    RawPeer peer(server.websocket_addr());
    EXPECT_EQ(peer.closed_with(), errc::hello_timeout);
    EXPECT_EQ(errors_of(server, errc::hello_timeout), 1u);
}

TEST_F(Hostile, GarbageInPlaceOfAHelloIsMalformed) {
    RawPeer peer(server.websocket_addr());
    peer.send_frame("\xff\xff\xff\xff garbage");
    EXPECT_EQ(peer.closed_with(), errc::malformed_frame);
}

TEST_F(Hostile, AMessageBeforeTheHelloIsUnexpected) {
    RawPeer peer(server.websocket_addr());
    peer.send(numbered(1), data("x"));
    EXPECT_EQ(peer.closed_with(), errc::unexpected_frame);
}

TEST_F(Hostile, AnotherVersionIsRefusedByName) {
    RawPeer peer(server.websocket_addr());
    wire::Hello hello = RawPeer::hello_of("eve");
    hello.version = 7;
    EXPECT_EQ(peer.hello(hello), wire::FrameKind::refused);
    EXPECT_EQ(peer.refused->code, errc::unsupported_version);
    EXPECT_EQ(peer.closed_with(), errc::unsupported_version);
}

TEST_F(Hostile, AReservedNameIsRefused) {
    RawPeer peer(server.websocket_addr());
    EXPECT_EQ(peer.hello(RawPeer::hello_of("server")), wire::FrameKind::refused);
    EXPECT_EQ(peer.refused->code, errc::reserved_name);
}

TEST_F(Hostile, AMadeUpTicketMakesNothing) {
    RawPeer peer(server.websocket_addr());
    wire::Hello hello = RawPeer::hello_of("honest");
    hello.resume =
        wire::Resume{std::string(48, 't'), std::string(wire::kNonceBytes, 'n'), std::string(wire::kMacBytes, 'm')};
    EXPECT_EQ(peer.hello(hello), wire::FrameKind::refused);
    EXPECT_EQ(server.sessions("honest")->size(), 1u);
}

TEST_F(Hostile, NumbersThatDoNotFitCloseTheConnectionAndKeepTheSession) {
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    peer.send(numbered(5), data("x"));
    EXPECT_EQ(peer.closed_with(), errc::sequence_gap);
    EXPECT_EQ(server.presence("eve").value(), UserPresence::detached);
}

TEST_F(Hostile, ALaneThatWasNotAgreedOnIsRefused) {
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    peer.send(numbered(1, 9), data("x"));
    EXPECT_EQ(peer.closed_with(), errc::unknown_lane);
}

TEST_F(Hostile, AnAcknowledgementOfWhatWasNeverSentIsRefused) {
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    wire::FrameHeader header = numbered(1);
    header.acks.push_back({0, 1000, 0, 0});
    peer.send(header, data("x"));
    EXPECT_EQ(peer.closed_with(), errc::bad_ack);
}

TEST_F(Hostile, ASecondHelloIsUnexpected) {
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    peer.send({}, wire::encode(RawPeer::hello_of("eve")));
    EXPECT_EQ(peer.closed_with(), errc::unexpected_frame);
}

TEST_F(Hostile, AMessageOfAnImpossibleAgeIsTooOldAndHarmless) {
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    peer.send({}, wire::encode(wire::Activate{2}));
    wire::MessageView message;
    message.id = Uuid::v7();
    message.type = "n";
    message.to = "server";
    wire::DataView view;
    view.message = message;
    view.first_sent_ms_ago = UINT64_MAX;
    peer.send(numbered(1), wire::encode(view));
    EXPECT_TRUE(peer.wait([&] { return peer.batches.size() > 1; }));
    EXPECT_FALSE(peer.closed);
}

TEST_F(Hostile, APeerThatStopsReadingEndsAsSlowConsumerAndHoldsBoundedMemory) {
    RawPeer peer(server.websocket_addr());
    wire::Hello hello = RawPeer::hello_of("eve");
    for (wire::LaneIndex lane = 0; lane < 4; ++lane) hello.received.push_back({lane, 0, 10, 64 * 1024});
    ASSERT_EQ(peer.hello(hello), wire::FrameKind::welcome);
    peer.send({}, wire::encode(wire::Activate{2}));
    peer.carrier()->pause_reading(true);
    std::size_t taken = 0;
    errc last = errc::ok;
    for (int i = 0; i < 10'000; ++i) {
        const auto sent = server.send("eve", Message("n", Bytes(std::string(16 * 1024, 'x'))));
        if (sent) {
            taken += 16 * 1024;
            continue;
        }
        last = sent.error().code;
        break;
    }
    EXPECT_TRUE(last == errc::recipient_busy || last == errc::user_offline) << name(last);
    EXPECT_LT(taken, 64u << 20);
    EXPECT_TRUE(peer.wait([&] { return errors_of(server, errc::slow_consumer) == 1; }));
    EXPECT_EQ(server.presence("eve").value(), UserPresence::offline);
}

TEST(Limits, OneAddressHasOnlySoManyConnections) {
    Server server = started(quiet_server().max_connections_per_address(2));
    Events events;
    Client first = connected(client_of(server.websocket_addr(), "ann", events));
    {
        Client second = connected(client_of(server.websocket_addr(), "bob", events));
        auto third = client_of(server.websocket_addr(), "eve", events).build();
        EXPECT_FALSE(third->connect());
        EXPECT_GE(server.stats()->connections_refused, 1u);
        second.disconnect();
    }
    auto fourth = client_of(server.websocket_addr(), "joe", events).build();
    bool connected_now = false;
    for (int i = 0; i < 100 && !connected_now; ++i) {
        connected_now = static_cast<bool>(fourth->connect());
        if (!connected_now) std::this_thread::sleep_for(20ms);
    }
    EXPECT_TRUE(connected_now) << "the place of the one that left is free again";
}

TEST(Limits, TheServerHoldsOnlySoManyConnections) {
    Server server = started(quiet_server().max_connections(1));
    EXPECT_EQ(server.stats()->capacity, 1u);
    Events events;
    Client first = connected(client_of(server.websocket_addr(), "ann", events));
    auto second = client_of(server.websocket_addr(), "bob", events).build();
    EXPECT_FALSE(second->connect());
    EXPECT_TRUE(first.send_text_message("server", "x").success);
}

}  // namespace
}  // namespace flare::test
