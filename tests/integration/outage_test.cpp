// A server that stays away for long: what waits, what is told, what comes when it is back.
#include "integration/harness.hpp"

#include <atomic>

namespace flare::test {
namespace {

struct Outage : ::testing::Test {
    // The same address again, as another process of the server would have it.
    void start() {
        server = std::make_unique<Server>(started(quiet_server().websocket_addr(address).with_message_handler(
            [this](const SessionInfo&, const Message& message) -> HandlerResult {
                const std::lock_guard lock(mutex);
                handled.push_back(message.type);
                return {};
            })));
        address = server->websocket_addr();
    }
    // It tells no client when to come back, and takes no connection.
    void stop() { server.reset(); }
    ClientBuilder builder() { return client_of(address, "ann", events).reconnect_delay(20ms); }
    std::vector<std::string> types() {
        const std::lock_guard lock(mutex);
        return handled;
    }

    Events events;
    std::string address = "127.0.0.1:0";
    std::unique_ptr<Server> server;
    std::mutex mutex;
    std::vector<std::string> handled;
};

TEST_F(Outage, ACallThatWaitsIsToldAndItsMessageNeverComes) {
    start();
    Client client = connected(builder().send_timeout(200ms));
    stop();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    const SendResult result = client.send_message("server", Message("withdrawn", {}));
    EXPECT_FALSE(result.success);
    EXPECT_EQ(result.error, errc::not_connected);
    EXPECT_NE(result.error_message.find("200 ms"), std::string::npos) << result.error_message;
    EXPECT_EQ(client.get_status(), ClientStatus::reconnecting);
    EXPECT_EQ(client.get_message_queue_length(), 0u);
    start();
    ASSERT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_TRUE(client.send_message("server", Message("after", {})).success);
    EXPECT_EQ(types(), (std::vector<std::string>{"after"}));
}

TEST_F(Outage, WhatWasPostedIsSentWhenTheServerIsBack) {
    start();
    Client client = connected(builder().send_timeout(1ms));
    stop();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    const auto posted = client.post_message("server", Message("posted", {}));
    ASSERT_TRUE(posted);
    // More attempts than the limit that there once was: it goes on for ever.
    ASSERT_TRUE(events.wait_for<event::Reconnecting>(7));
    EXPECT_EQ(client.send_message("server", Message("withdrawn", {})).error, errc::not_connected);
    start();
    ASSERT_TRUE(events.wait_for<event::MessageSent>());
    EXPECT_EQ(events.all<event::MessageSent>()[0].message_id, *posted);
    EXPECT_EQ(types(), (std::vector<std::string>{"posted"}));
    EXPECT_TRUE(events.all<event::ReconnectFailed>().empty());
}

TEST_F(Outage, WithoutAttemptsTheClientGivesUpAtOnce) {
    start();
    Client client = connected(builder().max_reconnect_attempts(0));
    stop();
    ASSERT_TRUE(events.wait_for<event::ReconnectFailed>());
    EXPECT_TRUE(events.all<event::Reconnecting>().empty());
    EXPECT_EQ(client.get_status(), ClientStatus::failed);
}

TEST_F(Outage, TheFirstConnectAndReconnectAnswerAfterOneRound) {
    start();
    Client client = connected(builder());
    stop();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    EXPECT_EQ(client.reconnect().error().code, errc::connection_refused);
    EXPECT_EQ(client.get_status(), ClientStatus::reconnecting) << "it goes on";
    Events others;
    auto second = client_of(address, "bob", others).build();
    EXPECT_EQ(second->connect().error().code, errc::connection_refused);
    EXPECT_EQ(second->get_status(), ClientStatus::failed);
}

TEST_F(Outage, AProviderThatFailsOrGivesAnOldTokenIsAskedAgain) {
    const auto auth = static_token_auth({{"first", {"ann"}}});
    auto first = std::make_unique<Server>(started(quiet_server().with_auth_handler(auth)));
    address = first->websocket_addr();
    std::atomic<int> asked{0};
    Client client = connected(builder().token([&]() -> std::string {
        switch (++asked) {
            case 1: return "first";
            case 2: throw std::runtime_error("no network");
            case 3: return "first";
            default: return "second";
        }
    }));
    first.reset();
    Server second =
        started(quiet_server().websocket_addr(address).with_auth_handler(static_token_auth({{"second", {"ann"}}})));
    ASSERT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_TRUE(events.all<event::ReconnectFailed>().empty());
}

TEST_F(Outage, AProviderThatHasNoOtherTokenEndsIt) {
    auto first =
        std::make_unique<Server>(started(quiet_server().with_auth_handler(static_token_auth({{"first", {"ann"}}}))));
    address = first->websocket_addr();
    Client client = connected(builder().token([]() -> std::string { return "first"; }));
    first.reset();
    Server second =
        started(quiet_server().websocket_addr(address).with_auth_handler(static_token_auth({{"second", {"ann"}}})));
    ASSERT_TRUE(events.wait_for<event::ReconnectFailed>());
    EXPECT_EQ(client.get_status(), ClientStatus::failed);
}

TEST(OutageBuilder, ANegativeSendTimeoutIsRefused) {
    Events events;
    const auto client = client_of("127.0.0.1:1", "ann", events).send_timeout(-5ms).build();
    ASSERT_FALSE(client);
    EXPECT_NE(client.error().text.find("send_timeout"), std::string::npos) << client.error().text;
    EXPECT_TRUE(client_of("127.0.0.1:1", "ann", events).send_timeout(std::chrono::milliseconds::max()).build());
}

}  // namespace
}  // namespace flare::test
