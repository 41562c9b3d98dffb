// What a client announces is kept by the server, over real sockets: docs/protocol.md, "Limits". And what counts as life
// on a WebSocket: docs/wire.md, "WebSocket".
#include "integration/quic_harness.hpp"
#include "integration/raw_peer.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <thread>

namespace flare::test {
namespace {

constexpr std::uint64_t kSmallest = 100'000;
const std::string kFits(kSmallest, 'f');
const std::string kTooLarge(150'000, 'x');

// A peer in the bytes or in the text of the protocol that takes so much, with what came to it.
struct Limited {
    Limited(const std::string& address, const std::string& user, std::uint64_t takes,
            transport::WireFormat format = transport::WireFormat::protobuf)
        : peer(address, format) {
        wire::Hello hello = RawPeer::hello_of(user);
        hello.max_message_bytes = takes;
        EXPECT_EQ(peer.hello(hello), wire::FrameKind::welcome);
        wire::Activate activate;
        activate.epoch = 2;
        peer.send({}, wire::encode(activate));
    }
    // Bytes of numbered frames until one has this text.
    bool hears(const std::string& text) {
        return peer.wait([&] {
            return peer.closed || std::any_of(peer.batches.begin(), peer.batches.end(), [&](const std::string& batch) {
                       return batch.find(text) != std::string::npos;
                   });
        });
    }
    RawPeer peer;
};

TEST(Announced, AMessageThatItsRecipientDoesNotTakeIsRefusedToTheSenderInBytesAndInJson) {
    for (const auto format : {transport::WireFormat::protobuf, transport::WireFormat::json}) {
        Server server = started(quiet_server());
        Limited bob(server.websocket_addr(), "bob", kSmallest, format);
        Events events;
        Client ann = connected(client_of(server.websocket_addr(), "ann", events));
        const SendResult refused = ann.send_text_message("bob", kTooLarge);
        EXPECT_EQ(refused.error, errc::message_too_large);
        EXPECT_NE(refused.error_message.find("100000"), std::string::npos) << refused.error_message;
        EXPECT_TRUE(ann.send_text_message("bob", "and after").success);
        EXPECT_TRUE(bob.hears("and after"));
        EXPECT_FALSE(bob.peer.closed);
        EXPECT_EQ(server.presence("bob").value(), UserPresence::attached);
    }
}

TEST(Announced, WhatTheServerSendsTellsForHowManyItWasTooLarge) {
    Server server = started(quiet_server());
    Limited phone(server.websocket_addr(), "bob", kSmallest);
    Limited other(server.websocket_addr(), "carl", kSmallest);
    Events events;
    Client laptop = connected(client_of(server.websocket_addr(), "bob", events).device_id("laptop"));
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));

    const auto everybody = server.broadcast(Message("news", Bytes(kTooLarge)));
    ASSERT_TRUE(everybody);
    EXPECT_EQ(everybody->reached, 2u);
    EXPECT_EQ(everybody->too_large, 2u);
    const auto some = server.send_to_many({"ann", "bob", "carl", "nobody"}, Message("news", Bytes(kTooLarge)));
    ASSERT_TRUE(some);
    EXPECT_EQ(some->reached, 2u);
    EXPECT_EQ(some->too_large, 1u) << "carl: bob's laptop took it";
    const auto bob = server.send("bob", Message("news", Bytes(kTooLarge)));
    ASSERT_TRUE(bob);
    EXPECT_EQ(bob->delivery, Delivery::delivered);
    EXPECT_EQ(bob->too_large, 1u);
    EXPECT_EQ(server.send("carl", Message("news", Bytes(kTooLarge))).error().code, errc::message_too_large);
    EXPECT_EQ(server.broadcast(Message("news", "small"))->reached, 4u);

    const SendResult sent = ann.send_text_message("bob", kTooLarge);
    EXPECT_TRUE(sent.success);
    EXPECT_EQ(sent.partly, errc::message_too_large);
    EXPECT_FALSE(phone.peer.closed);
}

TEST_F(QuicHarness, AClientOverQuicIsSentNothingThatItDoesNotTakeAndGoesOn) {
    Server server = started(builder().compression(true).with_message_handler(
        [](const SessionInfo&, const Message&) -> HandlerResult { return Message("reply", Bytes(kTooLarge)); }));
    Client bob = connected(client_for(server, "bob", events).max_message_bytes(kSmallest).compression(true));
    EXPECT_EQ(server.send("bob", Message("news", Bytes(kTooLarge))).error().code, errc::message_too_large)
        << "before compression";
    EXPECT_EQ(bob.send_text_message("server", "ask").error, errc::message_too_large) << "the handler's reply";
    EXPECT_TRUE(server.send("bob", Message("news", Bytes(kFits))));
    ASSERT_TRUE(events.wait_for<event::MessageReceived>());
    EXPECT_EQ(events.all<event::MessageReceived>()[0].message.payload.view(), kFits);
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
}

// ---- what a client that types its WebSocket frames by hand may do ----

class ByHand {
public:
    explicit ByHand(const std::string& address) : socket_(context_) {
        const std::size_t colon = address.rfind(':');
        socket_.connect({boost::asio::ip::make_address(address.substr(0, colon)),
                         static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))});
        write("GET / HTTP/1.1\r\nHost: " + address +
              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: flare.v1.json\r\n\r\n");
    }
    // Masked with zeros; less than 126 bytes. 1: text, 9: ping, 10: pong.
    bool frame(int opcode, const std::string& payload = {}) {
        std::string bytes{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0};
        return write(bytes + payload);
    }
    bool hello(const std::string& user) {
        return frame(1, R"({"hello":{"version":1,"user":")" + user + R"("}})") &&
               frame(1, R"({"activate":{"epoch":"2"}})");
    }

private:
    bool write(const std::string& bytes) {
        boost::system::error_code error;
        boost::asio::write(socket_, boost::asio::buffer(bytes), error);
        return !error;
    }
    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
};

// One that is silent is given up in the same time in which the others are not.
TEST(Alive, IsWhoSendsWebSocketPingsOrPongs) {
    Server server = started(quiet_server().heartbeat_timeout(3s));
    ByHand pings(server.websocket_addr());
    ByHand pongs(server.websocket_addr());
    ASSERT_TRUE(pings.hello("pings"));
    ASSERT_TRUE(pongs.hello("pongs"));
    const auto attached = [&](const char* user) { return server.presence(user).value() == UserPresence::attached; };
    const auto alive = [&](const std::function<bool()>& done) {
        for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
            EXPECT_TRUE(pings.frame(9, "still here"));
            EXPECT_TRUE(pongs.frame(10));
            if (done()) return true;
            std::this_thread::sleep_for(50ms);
        }
        return false;
    };
    ASSERT_TRUE(alive([&] { return attached("pings") && attached("pongs"); }));
    ByHand silent(server.websocket_addr());
    ASSERT_TRUE(silent.hello("silent"));
    ASSERT_TRUE(alive([&] { return attached("silent"); }));
    ASSERT_TRUE(alive([&] { return !attached("silent"); })) << "it is given up";
    EXPECT_TRUE(attached("pings"));
    EXPECT_TRUE(attached("pongs"));
}

TEST(Alive, BeforeHelloPingsBuyNoTime) {
    Server server = started(quiet_server().hello_timeout(300ms));
    ByHand pings(server.websocket_addr());
    bool closed = false;
    for (const auto end = std::chrono::steady_clock::now() + 30s; !closed && std::chrono::steady_clock::now() < end;) {
        pings.frame(9, "let me stay");
        const auto stats = server.stats();
        const auto found = stats->errors.find(errc::hello_timeout);
        closed = found != stats->errors.end();
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace flare::test
