// What one connection may do in one turn of its event loop.
#include "integration/harness.hpp"
#include "integration/raw_peer.hpp"

#include <atomic>
#include <future>

namespace flare::test {
namespace {

// One batch of thousands of messages, on the way to a handler that runs on the event loop: somebody else's message,
// which arrives while the first is handled, has its turn before they are through.
TEST(ManyFrames, OfOneBatchLetOthersHaveTheirTurns) {
    constexpr int kFrames = 5'000;
    std::promise<void> begun, other_sent;
    std::shared_future<void> go_on = other_sent.get_future().share();
    std::atomic<int> handled{0};
    std::atomic<int> before_other{-1};
    Server server = started(quiet_server()
                                .worker_threads(1)
                                .on_message_type(
                                    "many",
                                    [&, go_on](const SessionInfo&, const Message&) {
                                        if (handled++ == 0) {
                                            begun.set_value();
                                            go_on.wait();
                                        }
                                        return HandlerResult();
                                    },
                                    Execution::worker)
                                .on_message_type(
                                    "other",
                                    [&](const SessionInfo&, const Message&) {
                                        before_other = handled.load();
                                        return HandlerResult();
                                    },
                                    Execution::worker));
    const auto message_of = [](const std::string& type) {
        wire::MessageView message;
        message.id = Uuid::v7();
        message.type = type;
        message.to = "server";
        wire::DataView data;
        data.message = message;
        return wire::encode(data);
    };
    const auto attached = [](RawPeer& peer, const std::string& user) {
        EXPECT_EQ(peer.hello(RawPeer::hello_of(user)), wire::FrameKind::welcome);
        peer.send({}, wire::encode(wire::Activate{2}));
    };
    RawPeer many(server.websocket_addr());
    attached(many, "many");
    RawPeer other(server.websocket_addr());
    attached(other, "other");

    wire::Batch batch;
    wire::FrameHeader header;
    for (int i = 0; i < kFrames; ++i) {
        header.lane = static_cast<wire::LaneIndex>(i % 4);
        header.seq = static_cast<wire::Seq>(i / 4 + 1);
        batch.add(header, message_of("many"));
    }
    many.carrier()->send(batch);
    const auto first = begun.get_future();
    ASSERT_TRUE(many.wait([&] { return first.wait_for(0s) == std::future_status::ready; }));
    header.lane = 0;
    header.seq = 1;
    other.send(header, message_of("other"));
    other_sent.set_value();
    EXPECT_TRUE(many.wait([&] { return handled == kFrames; })) << handled << " were handled";
    EXPECT_TRUE(other.wait([&] { return before_other >= 0; }));
    EXPECT_LT(before_other, kFrames / 2);
}

}  // namespace
}  // namespace flare::test
