// Bad networks: cut, stalled, swallowed, with a proxy between client and server.
#include "integration/harness.hpp"
#include "integration/proxy.hpp"

#include <atomic>
#include <set>
#include <thread>

namespace flare::test {
namespace {

// What the server's handler has seen, in order.
class Seen {
public:
    MessageHandler handler() {
        return [this](const SessionInfo&, const Message& message) -> HandlerResult {
            {
                const std::lock_guard lock(mutex_);
                texts_.push_back(message.payload.str());
            }
            return Message("echo", message.payload);
        };
    }
    std::vector<std::string> texts() {
        const std::lock_guard lock(mutex_);
        return texts_;
    }

private:
    std::mutex mutex_;
    std::vector<std::string> texts_;
};

std::vector<std::string> numbers(int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) all.push_back(std::to_string(i));
    return all;
}

std::vector<std::string> texts_of(Events& events) {
    std::vector<std::string> all;
    for (const auto& received : events.all<event::MessageReceived>()) all.push_back(received.message.payload.str());
    return all;
}

TEST(Network, ThousandMessagesEachWaySurviveResetsAtAnyByte) {
    Seen seen;
    Server server = started(quiet_server().with_message_handler(seen.handler(), Execution::worker));
    Proxy proxy(server.websocket_addr());
    Events events;
    Client client =
        connected(client_of(proxy.address(), "ann", events).reconnect_delay(20ms).max_reconnect_attempts(50));
    constexpr int kMessages = 1000;
    for (int i = 0; i < kMessages; ++i) {
        if (i % 100 == 50) proxy.reset_after(static_cast<std::size_t>(200 + 3 * i));
        ASSERT_TRUE(client.post_message("server", Message("n", Bytes(std::to_string(i)))));
        if (i % 10 == 0) std::this_thread::sleep_for(2ms);
    }
    ASSERT_TRUE(events.wait_for<event::MessageSent>(kMessages));
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(kMessages));
    EXPECT_GT(proxy.resets(), 2);
    EXPECT_EQ(seen.texts(), numbers(kMessages));
    EXPECT_EQ(texts_of(events), numbers(kMessages));
    EXPECT_EQ(server.stats()->sessions_created, 1u);
    EXPECT_TRUE(events.all<event::Gap>().empty());
}

TEST(Network, AStalledConnectionIsReplacedAfterTheRetryDelay) {
    Seen seen;
    Server server = started(quiet_server().with_message_handler(seen.handler()));
    Proxy proxy(server.websocket_addr());
    Events events;
    Client client = connected(client_of(proxy.address(), "ann", events).message_retry(3, 200ms));
    ASSERT_TRUE(client.send_text_message("server", "0").success);

    proxy.stall();  // nobody is told
    const SendResult result = client.send_text_message("server", "1");
    EXPECT_TRUE(result.success) << result.error_message;
    EXPECT_GE(result.retry_count, 1u);
    EXPECT_EQ(seen.texts(), numbers(2));
    EXPECT_EQ(proxy.accepted(), 2);
    EXPECT_TRUE(events.all<event::Disconnected>().empty()) << "the session never was without a connection";
    EXPECT_EQ(server.stats()->sessions_created, 1u);
}

TEST(Network, AMessageThatNobodyAcknowledgesFailsWithAnUnknownOutcome) {
    Seen seen;
    Server server = started(quiet_server().with_message_handler(seen.handler()));
    Proxy proxy(server.websocket_addr());
    Events events;
    Client client = connected(client_of(proxy.address(), "ann", events)
                                  .message_retry(0, 100ms)
                                  .heartbeat_interval(200ms)
                                  .heartbeat_timeout(60s)
                                  .connection_timeout(500ms));
    ASSERT_TRUE(client.send_text_message("server", "0").success);
    proxy.swallow_new(true);
    proxy.stall();
    const SendResult result = client.send_text_message("server", "1");
    EXPECT_FALSE(result.success);
    EXPECT_EQ(result.error, errc::outcome_unknown);
}

TEST(Network, WhatIsSentWhileOfflineGoesOutInOrderWhenTheConnectionIsBack) {
    Seen seen;
    Server server = started(quiet_server().with_message_handler(seen.handler(), Execution::worker));
    Proxy proxy(server.websocket_addr());
    Events events;
    Client client =
        connected(client_of(proxy.address(), "ann", events).reconnect_delay(400ms).max_reconnect_attempts(20));
    proxy.reset();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(client.post_message("server", Message("n", Bytes(std::to_string(i)))));
    ASSERT_TRUE(events.wait_for<event::MessageSent>(50));
    EXPECT_EQ(seen.texts(), numbers(50));
    EXPECT_EQ(client.get_message_queue_length(), 0u);
    EXPECT_EQ(events.turns(), "Connected Disconnected Reconnecting Reconnected ");
}

TEST(Network, UrgentMessagesOvertakeWhatHasNoNumberYet) {
    Seen seen;
    Server server = started(quiet_server().with_message_handler(seen.handler(), Execution::worker));
    Proxy proxy(server.websocket_addr());
    Events events;
    Client client =
        connected(client_of(proxy.address(), "ann", events).reconnect_delay(400ms).max_reconnect_attempts(20));
    proxy.reset();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    const auto post = [&](const std::string& text, Priority priority) {
        Message message("n", Bytes(text));
        message.priority = priority;
        ASSERT_TRUE(client.post_message("server", message));
    };
    post("low", Priority::low);
    post("normal 1", Priority::normal);
    post("high", Priority::high);
    post("urgent", Priority::urgent);
    post("normal 2", Priority::normal);
    ASSERT_TRUE(events.wait_for<event::MessageSent>(5));
    EXPECT_EQ(seen.texts(), (std::vector<std::string>{"urgent", "high", "normal 1", "normal 2", "low"}));
}

TEST(Network, ASessionThatStaysAwayTooLongIsReportedAsExactGap) {
    Seen seen;
    Server server = started(quiet_server().with_message_handler(seen.handler(), Execution::worker).session_life(100ms));
    Proxy proxy(server.websocket_addr());
    Events events;
    Client client =
        connected(client_of(proxy.address(), "ann", events).reconnect_delay(4000ms).max_reconnect_attempts(20));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.send_text_message("server", std::to_string(i)).success);
    proxy.reset();
    ASSERT_TRUE(events.wait_for<event::Gap>());
    const event::Gap gap = events.all<event::Gap>()[0];
    EXPECT_EQ(gap.reason.code, errc::session_expired);
    std::uint64_t sent = 0;
    for (const auto& lane : gap.lanes) {
        EXPECT_TRUE(lane.tail_known);
        EXPECT_EQ(lane.server_received, lane.sent);
        sent += lane.sent;
    }
    EXPECT_EQ(sent, 3u);
    EXPECT_TRUE(client.send_text_message("server", "3").success);
    EXPECT_EQ(seen.texts(), numbers(4));
}

TEST(Network, AServerThatNeverAnswersTheHelloIsTimedOut) {
    Server server = started(quiet_server());
    Proxy proxy(server.websocket_addr());
    proxy.swallow_new(true);
    Events events;
    auto client = client_of(proxy.address(), "ann", events).connection_timeout(300ms).build();
    const auto result = client->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::connect_timeout) << result.error().text;
    EXPECT_NE(result.error().text.find(proxy.address()), std::string::npos) << result.error().text;
}

// Destroyed in the middle of everything that may take long.
TEST(Network, AClientMayBeDestroyedInAnyState) {
    Server server = started(quiet_server());
    Proxy proxy(server.websocket_addr());
    Events events;
    {
        proxy.swallow_new(true);
        auto client = client_of(proxy.address(), "ann", events).build();
        std::thread waiting([&] { EXPECT_EQ(client->connect().error().code, errc::client_closed); });
        while (proxy.accepted() == 0) std::this_thread::sleep_for(1ms);
        { const Client gone = std::move(*client); }  // while connecting
        waiting.join();
        proxy.swallow_new(false);
    }
    {
        Client client = connected(client_of(proxy.address(), "bob", events).reconnect_delay(10s));
        proxy.reset();
        ASSERT_TRUE(events.wait_for<event::Reconnecting>());
        ASSERT_TRUE(client.post_message("server", Message("n", Bytes("1"))));
    }  // while reconnecting, with a message queued
    {
        Client client = connected(client_of(proxy.address(), "joe", events));
        proxy.stall();
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.post_message("server", Message("n", Bytes("1"))));
        std::thread leaving([&] { client.disconnect(); });
        std::this_thread::sleep_for(20ms);
        leaving.join();
    }  // after a goodbye that nobody answered
}

}  // namespace
}  // namespace flare::test
