// What goes wrong, and how it is told.
#include "integration/harness.hpp"
#include "integration/server_process.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <cstdlib>
#include <thread>

namespace flare::test {
namespace {

Failure refused(const ClientBuilder& builder) {
    const auto client = builder.build();
    return client ? Failure(errc::ok, "") : client.error();
}

TEST(Failure, TheClientBuilderNamesTheFieldAtFault) {
    const ServerAddresses ws = ServerAddresses().with_websocket_url("ws://127.0.0.1:4000");
    const auto with = [&] { return ClientBuilder("ann").server_addresses(ws); };
    EXPECT_NE(refused(ClientBuilder("").server_addresses(ws)).text.find("user_id"), std::string::npos);
    EXPECT_NE(refused(ClientBuilder("server").server_addresses(ws)).text.find("user_id"), std::string::npos);
    EXPECT_NE(refused(ClientBuilder("ann")).text.find("server_addresses"), std::string::npos);
    EXPECT_NE(refused(ClientBuilder("ann").server_addresses(ServerAddresses().with_websocket_url("http://x")))
                  .text.find("ws://"),
              std::string::npos);
    EXPECT_NE(refused(with().connection_timeout(0ms)).text.find("connection_timeout"), std::string::npos);
    EXPECT_NE(refused(with().heartbeat_interval(0ms)).text.find("heartbeat_interval"), std::string::npos);
    for (const char* name : {".example.com", "*.example.com", "a..b", "h:4000", "[::1]", "a b", "a/b"})
        EXPECT_NE(refused(with().server_name(name)).text.find("server_name"), std::string::npos) << name;
    for (const char* name : {"example.com", "example.com.", "10.0.0.1", "::1"})
        EXPECT_TRUE(with().server_name(name).build()) << name;
    EXPECT_NE(refused(with().buffer_size(0)).text.find("buffer_size"), std::string::npos);
    EXPECT_NE(refused(with().encryption(true)).text.find("encryption"), std::string::npos);
    EXPECT_EQ(
        refused(ClientBuilder("ann").server_addresses(ServerAddresses().with_websocket_tls_url("wss://x")).tls(false))
            .code,
        errc::invalid_config);
    ProtocolRacingConfig racing;
    racing.protocol_weights[Protocol::quic] = 1.5;
    EXPECT_NE(refused(with().protocol_racing(racing)).text.find("protocol_weights"), std::string::npos);
    EXPECT_EQ(refused(with()).code, errc::ok);
}

TEST(Failure, AServerSaysWhyItCannotStart) {
    Server first = started(quiet_server());
    auto second = quiet_server().websocket_addr(first.websocket_addr()).build();
    const auto in_use = second->start();
    ASSERT_FALSE(in_use);
    EXPECT_EQ(in_use.error().code, errc::address_in_use);
    EXPECT_NE(in_use.error().text.find(first.websocket_addr()), std::string::npos) << in_use.error().text;

    auto secure = quiet_server().websocket_tls("/nowhere/server.crt", "/nowhere/server.key").build();
    const auto missing = secure->start();
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, errc::file_not_found);
    EXPECT_NE(missing.error().text.find("/nowhere/server.crt"), std::string::npos) << missing.error().text;

    auto quic = ServerBuilder().quic_only().quic_tls("/nowhere/quic.crt", "/nowhere/quic.key").log_level(LogLevel::off);
    const auto no_certificate = quic.build()->start();
    ASSERT_FALSE(no_certificate);
    EXPECT_EQ(no_certificate.error().code, errc::file_not_found);
    EXPECT_NE(no_certificate.error().text.find("/nowhere/quic.crt"), std::string::npos) << no_certificate.error().text;
}

TEST(Failure, NobodyListensIsToldWithAHint) {
    Events events;
    auto client = client_of("127.0.0.1:1", "ann", events).build();
    const auto result = client->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::connection_refused);
    EXPECT_NE(result.error().text.find("127.0.0.1:1"), std::string::npos) << result.error().text;
    EXPECT_EQ(client->get_status(), ClientStatus::failed);
}

// RFC 6761 section 6.3. No name server and no /etc/hosts knows this name.
TEST(Failure, ANameOfThisMachineNeedsNoNameServer) {
    Events events;
    Server server = started(quiet_server());
    const std::string address = server.websocket_addr();
    Client client = connected(client_of("chat.localhost" + address.substr(address.rfind(':')), "alice", events));
    EXPECT_TRUE(client.send_text_message("alice", "hello").success);
}

TEST(Failure, AFullOutboxRefusesAndAClearedOneCancels) {
    Server server =
        started(quiet_server().with_message_handler([](const SessionInfo&, const Message&) -> HandlerResult {
            std::this_thread::sleep_for(300ms);
            return {};
        }));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).outbox_limit(3, 1 << 20));
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(client.post_message("server", Message("slow", {})));
    ASSERT_TRUE(events.wait_for<event::MessageFailed>());
    EXPECT_EQ(events.all<event::MessageFailed>()[0].error.code, errc::outbox_full);
    ASSERT_TRUE(events.wait_for<event::MessageSent>(3));
}

TEST(Failure, ATooLargeMessageIsRefusedBeforeItIsSent) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).max_message_bytes(1000));
    EXPECT_EQ(client.send_binary_message("server", Bytes(std::string(1001, 'x'))).error, errc::message_too_large);
    EXPECT_TRUE(client.send_binary_message("server", Bytes(std::string(1000, 'x'))).success);
}

TEST(Failure, ABlockingCallOnTheLoopItWaitsForIsRefused) {
    Server server = started(quiet_server());
    Events events;
    boost::asio::io_context loop;
    {
        auto client = client_of(server.websocket_addr(), "ann", events).io_context(loop).build();
        boost::asio::post(loop, [&] { EXPECT_EQ(client->connect().error().code, errc::would_deadlock); });
        loop.run_for(50ms);
    }
    loop.restart();
    loop.run_for(200ms);  // the loop takes leave of the client
}

TEST(Failure, AClientMayBeDestroyedInItsCallbackAndWhileConnecting) {
    Server server = started(quiet_server());
    for (int i = 0; i < 30; ++i) {
        std::mutex mutex;
        std::condition_variable gone;
        bool done = false;
        std::unique_ptr<Client> client;
        auto built = ClientBuilder("ann")
                         .server_addresses(ServerAddresses().with_websocket_url("ws://" + server.websocket_addr()))
                         .with_event_callback([&](const Event& event) {
                             if (!std::holds_alternative<event::Connected>(event)) return;
                             const std::lock_guard lock(mutex);
                             client.reset();
                             done = true;
                             gone.notify_all();
                         })
                         .build();
        {
            const std::lock_guard lock(mutex);
            client = std::make_unique<Client>(std::move(*built));
        }
        Client* raw = client.get();
        std::thread connecting([raw] { (void)raw->async_connect(); });
        connecting.join();
        if (i % 2 == 0) {
            const std::lock_guard lock(mutex);
            client.reset();  // before anything has happened
            continue;
        }
        (void)raw->connect();  // completes before the callback that destroys the client begins, or with client_closed
        std::unique_lock lock(mutex);
        EXPECT_TRUE(gone.wait_for(lock, 30s, [&] { return done; }));
    }
}

TEST(Failure, AKilledServerLeavesAGapAndMessagesAreSentAgain) {
    std::string address;
    {
        const Server probe = started(quiet_server());  // a port that was free a moment ago
        address = probe.websocket_addr();
    }
    auto server = std::make_unique<ServerProcess>(std::vector<std::string>{"--websocket-addr", address, "--no-quic"});
    Events events;
    auto client = client_of(address, "ann", events).max_reconnect_attempts(20).reconnect_delay(100ms).build();
    for (int i = 0; i < 100 && !client->connect(); ++i) std::this_thread::sleep_for(100ms);
    ASSERT_EQ(client->get_status(), ClientStatus::connected);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(client->send_text_message("server", std::to_string(i)).success);

    server->kill();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    for (int i = 20; i < 40; ++i)
        ASSERT_TRUE(client->post_message("server", Message("text", Bytes(std::to_string(i)))));
    server = std::make_unique<ServerProcess>(std::vector<std::string>{"--websocket-addr", address, "--no-quic"});

    ASSERT_TRUE(events.wait_for<event::Gap>());
    ASSERT_TRUE(events.wait_for<event::MessageSent>(40));
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(40));
    const event::Gap gap = events.all<event::Gap>()[0];
    EXPECT_EQ(gap.reason.code, errc::session_unknown);
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t received = 0;
    for (const auto& lane : gap.lanes) {
        sent += lane.sent;
        acknowledged += lane.acknowledged;
        EXPECT_GE(lane.sent, lane.acknowledged);
        received += lane.received;
        EXPECT_FALSE(lane.tail_known) << "a server that was killed knows nothing of the end";
    }
    EXPECT_EQ(acknowledged, 20u);  // exact, client to server
    EXPECT_LE(sent - acknowledged, gap.resent.size()) << "a number that went with the refused hello is sent again";
    EXPECT_EQ(received, 20u);  // complete up to here, server to client: the replies
    EXPECT_FALSE(events.all<event::Reconnected>().at(0).resumed);
}

}  // namespace
}  // namespace flare::test
