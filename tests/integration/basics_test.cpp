// Clients and a server over real sockets: messages, users, handlers, the ends of sessions.
#include "integration/harness.hpp"

#include <atomic>
#include <thread>

namespace flare::test {
namespace {

TEST(Basics, EachMessageTypeGetsTheDefaultHandlersAnswer) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));

    EXPECT_TRUE(client.send_message("server", Message("chat", Bytes("hi"))).success);
    EXPECT_TRUE(client.send_binary_message("server", Bytes(std::string_view("\0\1\2", 3))).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(2));

    const auto received = events.all<event::MessageReceived>();
    EXPECT_EQ(received[0].message.type, "chat_response");
    EXPECT_EQ(received[0].message.payload, "收到聊天消息: hi");
    EXPECT_EQ(received[0].message.from, "server");
    EXPECT_EQ(received[1].message.type, "echo");
    EXPECT_EQ(received[1].message.payload.view(), std::string_view("\0\1\2", 3));
}

TEST(Basics, ABigMessageTravelsInChunksBothWays) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    std::string big(3'000'000, 'x');
    for (std::size_t i = 0; i < big.size(); i += 1000) big[i] = static_cast<char>('a' + i / 1000 % 26);

    EXPECT_TRUE(client.send_binary_message("server", Bytes(big)).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>());
    EXPECT_EQ(events.all<event::MessageReceived>()[0].message.payload.view(), big);
}

TEST(Basics, AMessageReachesAllDevicesOfAUserOnAnotherWorker) {
    Server server = started(quiet_server());
    Events phone;
    Events laptop;
    Events sender;
    Client first = connected(client_of(server.websocket_addr(), "bob", phone).device_id("phone"));
    Client second = connected(client_of(server.websocket_addr(), "bob", laptop).device_id("laptop"));
    // Of these names some live on each of the two workers.
    for (const char* name : {"ann", "eve", "joe", "kim"}) {
        Client client = connected(client_of(server.websocket_addr(), name, sender));
        const SendResult result = client.send_text_message("bob", std::string("from ") + name);
        EXPECT_TRUE(result.success) << result.error_message;
        client.disconnect();
    }
    ASSERT_TRUE(phone.wait_for<event::MessageReceived>(4));
    ASSERT_TRUE(laptop.wait_for<event::MessageReceived>(4));
    EXPECT_EQ(phone.all<event::MessageReceived>()[3].message.from, "kim");
    // The kernel chooses who accepts: with some more connections one comes to the wrong worker.
    for (int i = 0; i < 100 && server.stats()->hand_overs == 0; ++i) {
        (void)connected(client_of(server.websocket_addr(), "joe", sender));
    }
    EXPECT_GT(server.stats()->hand_overs, 0u);
}

TEST(Basics, AUserWhoIsNotThereIsOffline) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    const SendResult result = client.send_text_message("nobody", "hello?");
    EXPECT_FALSE(result.success);
    EXPECT_EQ(result.error, errc::user_offline);
    EXPECT_EQ(client.send_text_message("room:hall", "hello?").error, errc::not_supported);
}

TEST(Basics, AThrowingHandlerFailsOneMessageAndDisturbsNobody) {
    Server server = started(
        quiet_server()
            .on_message_type(
                "bad", [](const SessionInfo&, const Message&) -> HandlerResult { throw std::runtime_error("no"); })
            .on_message_type("co", [](SessionInfo session, Message) -> Task<HandlerResult> {
                Message reply("who", Bytes(session.user));
                co_return reply;
            }));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    EXPECT_EQ(client.send_message("server", Message("bad", {})).error, errc::handler_failed);
    EXPECT_TRUE(client.send_message("server", Message("co", {})).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>());
    EXPECT_EQ(events.all<event::MessageReceived>()[0].message.payload, "ann");
}

TEST(Basics, HandlersOfOneSessionRunInOrderOneAtATime) {
    std::atomic<int> running{0};
    std::atomic<bool> overlapped{false};
    std::vector<int> seen;
    Server server =
        started(quiet_server().with_message_handler([&](const SessionInfo&, const Message& message) -> HandlerResult {
            if (++running != 1) overlapped = true;
            seen.push_back(std::stoi(message.payload.str()));
            --running;
            return {};
        }));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(client.post_message("server", Message("n", Bytes(std::to_string(i)))));
    ASSERT_TRUE(events.wait_for<event::MessageSent>(200));
    EXPECT_FALSE(overlapped);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(Basics, TheServerSendsBroadcastsAndThrowsOut) {
    Server server = started(quiet_server());
    Events ann;
    Events bob;
    Client first = connected(client_of(server.websocket_addr(), "ann", ann));
    Client second = connected(client_of(server.websocket_addr(), "bob", bob));

    EXPECT_EQ(server.send("ann", Message("note", Bytes("1"))).value(), Delivery::delivered);
    EXPECT_EQ(server.broadcast(Message("all", Bytes("2"))).value(), 2u);
    EXPECT_EQ(server.send("nobody", Message("note", {})).error().code, errc::user_offline);
    ASSERT_TRUE(ann.wait_for<event::MessageReceived>(2));
    ASSERT_TRUE(bob.wait_for<event::MessageReceived>(1));
    EXPECT_EQ(server.presence("ann").value(), UserPresence::attached);

    EXPECT_EQ(server.disconnect_user("ann", "out").value(), 1u);
    ASSERT_TRUE(ann.wait_for<event::Disconnected>());
    EXPECT_EQ(ann.all<event::Disconnected>()[0].reason.code, errc::kicked);
    EXPECT_EQ(first.get_status(), ClientStatus::disconnected);
}

TEST(Basics, AGracefulStopIsToldAsDraining) {
    Events events;
    auto server = std::make_unique<Server>(started(quiet_server()));
    Client client =
        connected(client_of(server->websocket_addr(), "ann", events).max_reconnect_attempts(1).reconnect_delay(10ms));
    server->stop();
    ASSERT_TRUE(events.wait_for<event::Draining>());
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    EXPECT_EQ(events.all<event::Disconnected>()[0].reason.code, errc::shutting_down);
    ASSERT_TRUE(events.wait_for<event::ReconnectFailed>());
    EXPECT_EQ(client.get_status(), ClientStatus::failed);
    EXPECT_EQ(client.send_text_message("server", "x").error, errc::not_connected);
}

TEST(Basics, TokensDecideWhoSpeaks) {
    Server server = started(quiet_server().with_auth_handler(
        static_token_auth({{"good", {"ann"}}, {"old", {"ann", std::chrono::system_clock::now() - 1s}}})));
    const auto refusal = [&](const std::string& user, const std::string& token) {
        Events events;
        auto client = client_of(server.websocket_addr(), user, events).token(token).build();
        const auto result = client->connect();
        return result ? errc::ok : result.error().code;
    };
    EXPECT_EQ(refusal("ann", "good"), errc::ok);
    EXPECT_EQ(refusal("ann", "wrong"), errc::unauthenticated);
    EXPECT_EQ(refusal("ann", "old"), errc::token_expired);
    EXPECT_EQ(refusal("bob", "good"), errc::user_mismatch);
}

TEST(Basics, AnotherTokenTakesThePlaceOfOneThatExpires) {
    const auto now = std::chrono::system_clock::now();
    Server server = started(quiet_server().with_auth_handler(
        static_token_auth({{"short", {"ann", now + 5s}}, {"long", {"ann", now + 1h}}, {"bob's", {"bob"}}})));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).token("short"));
    const std::string session = client.get_session_id();
    EXPECT_EQ(client.refresh_token("wrong").error().code, errc::unauthenticated);
    EXPECT_EQ(client.refresh_token("bob's").error().code, errc::user_mismatch);
    EXPECT_TRUE(client.refresh_token("long"));
    std::this_thread::sleep_until(std::chrono::steady_clock::now() + 5s);  // the first one is over by then
    EXPECT_TRUE(client.send_text_message("server", "still here").success);
    EXPECT_EQ(client.get_session_id(), session);
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
    EXPECT_TRUE(events.all<event::TokenExpiring>().empty());
    client.disconnect();
    EXPECT_EQ(client.refresh_token("long").error().code, errc::not_connected);
}

TEST(Basics, ATokenProviderIsAskedInTime) {
    const auto now = std::chrono::system_clock::now();
    Server server = started(
        quiet_server().with_auth_handler(static_token_auth({{"1", {"ann", now + 8s}}, {"2", {"ann", now + 1h}}})));
    Events events;
    std::atomic<int> asked{0};
    Client client = connected(
        client_of(server.websocket_addr(), "ann", events).token([&] { return std::to_string(std::min(++asked, 2)); }));
    ASSERT_TRUE(events.wait_for<event::TokenExpiring>());
    EXPECT_GT(events.all<event::TokenExpiring>()[0].left, 0ms);
    std::this_thread::sleep_until(std::chrono::steady_clock::now() + 3s);  // the first one is over by then
    EXPECT_TRUE(client.send_text_message("server", "still here").success);
    EXPECT_EQ(asked, 2);
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
}

TEST(Basics, ATokenThatExpiresEndsTheSession) {
    Server server = started(quiet_server().with_auth_handler(
        static_token_auth({{"short", {"ann", std::chrono::system_clock::now() + 1s}}})));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).token("short"));
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    EXPECT_EQ(events.all<event::Disconnected>()[0].reason.code, errc::token_expired);
    EXPECT_EQ(events.turns(), "Connected TokenExpiring Disconnected ");
    EXPECT_EQ(client.get_status(), ClientStatus::disconnected);
}

TEST(Basics, ReconnectResumesTheSession) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    const std::string id = client.get_session_id();
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(client.reconnect());
        ASSERT_TRUE(client.send_text_message("server", std::to_string(i)).success);
    }
    EXPECT_EQ(client.get_session_id(), id);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(5));
    EXPECT_EQ(events.turns().substr(0, 50), "Connected Disconnected Reconnecting Reconnected Di");
    EXPECT_EQ(server.stats()->sessions_created, 1u);
}

}  // namespace
}  // namespace flare::test
