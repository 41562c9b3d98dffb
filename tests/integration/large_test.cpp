// Large messages: what their way depends on, and on what not.
#include "integration/harness.hpp"
#include "integration/raw_peer.hpp"

namespace flare::test {
namespace {

// Several writes of the server's, and less than what may be unacknowledged.
constexpr std::size_t kLarge = 3u << 20;

TEST(LargeMessages, GoDownAsFarAsTheCreditGoesWithoutAWordFromTheReader) {
    Server server = started(quiet_server().on_message_type(
        "ask", [](const SessionInfo&, const Message&) { return Message("large", std::string(kLarge, 'x')); }));
    RawPeer peer(server.websocket_addr());
    wire::Hello hello = RawPeer::hello_of("ann");
    for (wire::LaneIndex lane = 0; lane < 4; ++lane) hello.received.push_back({lane, 0, 10'000, 64u << 20});
    ASSERT_EQ(peer.hello(hello), wire::FrameKind::welcome);
    peer.send({}, wire::encode(wire::Activate{2}));
    wire::MessageView message;
    message.id = Uuid::v7();
    message.type = "ask";
    message.to = "server";
    wire::DataView ask;
    ask.message = message;
    wire::FrameHeader header;
    header.seq = 1;
    peer.send(header, wire::encode(ask));

    // From here on the peer only reads: nothing that it says wakes the server.
    const auto arrived = [&] {
        std::size_t bytes = 0;
        for (const std::string& batch : peer.batches) bytes += batch.size();
        return bytes;
    };
    EXPECT_TRUE(peer.wait([&] { return arrived() > kLarge; })) << arrived() << " bytes have arrived";
}

}  // namespace
}  // namespace flare::test
