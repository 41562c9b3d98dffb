// The limits of a server, at their edges, over real sockets: docs/server.md, "Limits".
#include "integration/proxy.hpp"
#include "integration/quic_harness.hpp"
#include "integration/raw_peer.hpp"

#include <numeric>
#include <thread>

namespace flare::test {
namespace {

TEST(Handshakes, OverTheRateAreClosedAtOnceAndCounted) {
    Server server = started(quiet_server().max_handshakes_per_second(1));
    RawPeer first(server.websocket_addr());
    RawPeer second(server.websocket_addr());
    EXPECT_NE(first.carrier(), nullptr);
    EXPECT_EQ(second.carrier(), nullptr);
    const auto stats = server.stats();
    EXPECT_EQ(stats->errors.at(errc::rate_limited), 1u);
    EXPECT_EQ(stats->connections_refused, 1u);
    EXPECT_EQ(stats->connections_accepted, 1u);
}

TEST_F(QuicHarness, AHandshakeOverTheRateIsRefusedWithoutATimeOut) {
    Server server = started(builder().max_handshakes_per_second(1));
    Client first = connected(client_for(server, "ann", events));
    auto second = client_for(server, "bob", events).auto_reconnect(false).connection_timeout(20s).build();
    const auto began = std::chrono::steady_clock::now();
    const auto result = second->connect();
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text.find("takes no more connections"), std::string::npos) << result.error().text;
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
    EXPECT_GE(server.stats()->errors.at(errc::rate_limited), 1u);
}

TEST(Rates, ASenderIsToldWhenThereIsRoomAndThenThereIs) {
    Server server = started(quiet_server().max_messages_per_second(1, 2));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    EXPECT_TRUE(client.send_text_message("server", "1").success);
    EXPECT_TRUE(client.send_text_message("server", "2").success);
    const SendResult refused = client.send_text_message("server", "3");
    ASSERT_EQ(refused.error, errc::rate_limited);
    EXPECT_GT(refused.retry_after, 0ms);
    EXPECT_LE(refused.retry_after, 1000ms);
    EXPECT_NE(refused.error_message.find("again in " + std::to_string(refused.retry_after.count()) + " ms"),
              std::string::npos)
        << refused.error_message;
    ASSERT_TRUE(events.wait_for<event::MessageFailed>());
    EXPECT_EQ(events.all<event::MessageFailed>()[0].error.text, refused.error_message);
    const auto stats = server.stats();
    EXPECT_EQ(stats->messages_refused, 1u);
    EXPECT_EQ(stats->errors.at(errc::rate_limited), 1u);

    std::this_thread::sleep_for(refused.retry_after);
    EXPECT_TRUE(client.send_text_message("server", "3").success);
}

TEST(Rates, ManyBytesAreRefusedWhereAFewAreNot) {
    Server server = started(quiet_server().max_message_bytes(100'000).max_bytes_per_second(1, 100'000));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    EXPECT_TRUE(client.send_text_message("server", std::string(99'000, 'x')).success);  // in chunks
    EXPECT_TRUE(client.send_text_message("server", std::string(1'000, 'x')).success);
    EXPECT_EQ(client.send_text_message("server", std::string(1'000, 'x')).error, errc::rate_limited);
}

TEST(Sizes, ABatchIsTakenUpToItsLimit) {
    constexpr std::uint32_t kLimit = 135'168;
    Server server = started(quiet_server().max_batch_bytes(kLimit));
    const auto batch_of = [](std::size_t empty_frames) {
        wire::Batch batch;
        for (std::size_t i = 0; i < empty_frames; ++i) batch.add({});
        EXPECT_EQ(batch.bytes(), empty_frames);
        return batch;
    };
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("ann")), wire::FrameKind::welcome);
    EXPECT_EQ(peer.welcome->limits.max_batch_bytes, kLimit);
    peer.carrier()->send(batch_of(kLimit));
    wire::Ping ping;
    ping.id = 5;
    ASSERT_TRUE(peer.wait([&] { return peer.carrier()->writable(); }));
    peer.send({}, wire::encode_ping(ping));
    EXPECT_TRUE(peer.wait([&] { return peer.batches.size() > 1 || peer.closed; }));
    EXPECT_FALSE(peer.closed) << "it goes on";
    peer.carrier()->send(batch_of(kLimit + 1));
    EXPECT_EQ(peer.closed_with(), errc::batch_too_large);
}

TEST(Sizes, OneMoreThanMayWaitIsRefusedToWhoSendsIt) {
    Server server = started(quiet_server().max_unacked(64, 65'536).max_message_bytes(1000).max_queued(16, 2'000'000));
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("ann")), wire::FrameKind::welcome);
    peer.send({}, wire::encode(wire::Activate{2}));
    ASSERT_TRUE(eventually([&] { return server.presence("ann").value() == UserPresence::attached; }));
    wire::Ping ping;
    ping.id = 5;
    peer.send({}, wire::encode_ping(ping));  // answered behind the Activate
    ASSERT_TRUE(peer.wait([&] { return peer.batches.size() > 1; }));
    // 64 go out, and no more without an acknowledgement.
    for (int i = 0; i < 64; ++i) {
        ASSERT_TRUE(server.send("ann", Message("n", "x"))) << i;
        if (i % 8 == 7) {
            ASSERT_TRUE(server.stats());  // the event loop has turned, and written them
        }
    }
    std::size_t arrived = 0;
    ASSERT_TRUE(peer.wait([&] {
        arrived = 0;
        for (const std::string& batch : peer.batches) {
            wire::BatchReader reader(batch);
            for (wire::FrameView frame; !reader.done() && reader.next(frame);) arrived += frame.seq != 0 ? 1 : 0;
        }
        return arrived == 64;
    }));
    for (int i = 0; i < 16; ++i) ASSERT_TRUE(server.send("ann", Message("n", "x"))) << i;
    const auto refused = server.send("ann", Message("n", "x"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::recipient_busy);
}

// ---- who takes nothing ----

std::uint64_t sum_of(const event::Gap& gap, std::uint64_t event::Gap::Lane::*which) {
    return std::accumulate(gap.lanes.begin(), gap.lanes.end(), std::uint64_t{0},
                           [&](std::uint64_t sum, const auto& lane) { return sum + lane.*which; });
}

TEST(SlowConsumer, CostsABoundedAmountHarmsNobodyAndLearnsExactlyWhatItMissed) {
    Server server = started(quiet_server()
                                .max_message_bytes(16'384)
                                .max_unacked(64, 65'536)
                                .max_queued(100, 65'536)
                                .slow_consumer_after(500ms));
    Proxy proxy(server.websocket_addr());
    Events ann_heard;
    Events bob_heard;
    Client ann = connected(client_of(proxy.address(), "ann", ann_heard).reconnect_delay(50ms));
    Client bob = connected(client_of(server.websocket_addr(), "bob", bob_heard));
    ASSERT_TRUE(server.send("ann", Message("n", "first")));
    ASSERT_TRUE(ann_heard.wait_for<event::MessageReceived>());
    proxy.hold();

    std::uint64_t accepted = 1;
    std::uint64_t most = 0;
    const std::string payload(512, 'x');
    std::size_t to_bob = 0;
    const bool ended = eventually([&] {
        for (int i = 0; i < 4; ++i) accepted += server.send("ann", Message("n", payload)) ? 1 : 0;
        to_bob += server.send("bob", Message("n", payload)) ? 1 : 0;
        const auto stats = server.stats();
        most = std::max(most, stats->memory_bytes);
        return stats->errors.contains(errc::slow_consumer);
    });
    ASSERT_TRUE(ended);
    EXPECT_LE(most, 2 * (65'536u + 65'536u)) << "of one session, bookkeeping included";
    EXPECT_EQ(server.presence("ann").value(), UserPresence::offline);
    ASSERT_TRUE(bob_heard.wait_for<event::MessageReceived>(to_bob));
    EXPECT_TRUE(eventually([&] { return server.stats()->memory_bytes < 20'000u; }));
    // Its connection goes too, though nobody reads what it was told.
    EXPECT_TRUE(eventually([&] { return server.stats()->connections.at(Protocol::websocket) == 1; }));

    proxy.let_go();
    ASSERT_TRUE(ann_heard.wait_for<event::Gap>());
    const event::Gap gap = ann_heard.all<event::Gap>()[0];
    // By the goodbye, if it got through, or by the answer to the resume.
    EXPECT_TRUE(gap.reason.code == errc::slow_consumer || gap.reason.text.starts_with("slow_consumer: "))
        << gap.reason.text;
    for (const auto& lane : gap.lanes) EXPECT_TRUE(lane.tail_known);
    EXPECT_EQ(sum_of(gap, &event::Gap::Lane::server_sent), accepted);
    EXPECT_EQ(sum_of(gap, &event::Gap::Lane::received), ann_heard.all<event::MessageReceived>().size());
    ASSERT_TRUE(ann_heard.wait_for<event::Reconnected>());
    EXPECT_TRUE(ann.send_text_message("server", "here again").success);
}

// ---- memory ----

class Ends final : public EventHandler {
public:
    void on_user_disconnected(const SessionInfo& session, const Failure& reason) override {
        const std::lock_guard lock(mutex_);
        told_ += (told_.empty() ? "" : " ") + session.user + ":" + std::string(name(reason.code));
    }
    std::string told() {
        const std::lock_guard lock(mutex_);
        return told_;
    }

private:
    std::mutex mutex_;
    std::string told_;
};

TEST(Memory, IsMadeInTheOrderThatIsWritten) {
    auto ends = std::make_shared<Ends>();
    Server server = started(quiet_server().worker_threads(1).max_memory_bytes(1 << 20).with_event_handler(ends));
    Events events;
    Client healthy = connected(client_of(server.websocket_addr(), "healthy", events));
    const auto fill = [&](const char* user, int messages) {
        for (int i = 0; i < messages; ++i) {
            const auto sent = server.send(user, Message("n", Bytes(std::string(16'384, 'x'))));
            ASSERT_TRUE(sent) << user << " " << i << ": " << sent.error().text;
        }
    };
    for (const char* user : {"small", "large"}) {
        RawPeer peer(server.websocket_addr());
        ASSERT_EQ(peer.hello(RawPeer::hello_of(user)), wire::FrameKind::welcome);
    }
    for (const char* user : {"small", "large"})
        ASSERT_TRUE(eventually([&] { return server.presence(user).value() == UserPresence::detached; }));
    fill("small", 6);
    fill("large", 12);
    RawPeer stalled(server.websocket_addr());
    ASSERT_EQ(stalled.hello(RawPeer::hello_of("stalled")), wire::FrameKind::welcome);
    stalled.send({}, wire::encode(wire::Activate{2}));
    stalled.carrier()->pause_reading(true);

    std::optional<wire::Refused> newcomer;
    const bool all = eventually([&] {
        const auto sent = server.send("stalled", Message("n", Bytes(std::string(16'384, 'x'))));
        const auto stats = server.stats();
        if (!sent && sent.error().code == errc::busy && stats->sessions_shed_detached == 2 && !newcomer) {
            RawPeer late(server.websocket_addr());
            if (late.hello(RawPeer::hello_of("late")) == wire::FrameKind::refused) newcomer = late.refused;
        }
        EXPECT_TRUE(healthy.send_text_message("server", "x").success);
        return stats->sessions_shed_stalled == 1;
    });
    ASSERT_TRUE(all) << ends->told();
    ASSERT_TRUE(eventually([&] { return ends->told().find("stalled") != std::string::npos; }));
    const std::string told = ends->told();
    EXPECT_EQ(told.find("large:busy small:busy"), 0u) << told;
    EXPECT_NE(told.find("stalled:slow_consumer"), std::string::npos) << told;
    EXPECT_EQ(told.find("healthy"), std::string::npos) << told;
    ASSERT_TRUE(newcomer);
    EXPECT_EQ(newcomer->code, errc::busy);
    EXPECT_GT(newcomer->retry_after_ms, 0u);
    EXPECT_GE(server.stats()->sessions_refused_busy, 1u);

    EXPECT_TRUE(eventually([&] { return server.stats()->memory_bytes < 20'000u; })) << "a session, and what is left";
    Events other;
    Client welcome = connected(client_of(server.websocket_addr(), "welcome", other));
    EXPECT_TRUE(welcome.send_text_message("server", "x").success);
}

}  // namespace
}  // namespace flare::test
