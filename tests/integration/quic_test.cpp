// The same sessions over QUIC, and between the protocols.
#include "integration/harness.hpp"
#include "support/certificates.hpp"

#include <thread>

namespace flare::test {
namespace {

class Quic : public ::testing::Test {
protected:
    ServerBuilder builder() {
        return quiet_server()
            .both_protocols()
            .quic_addr("127.0.0.1:0")
            .quic_tls(identity.certificate_file, identity.key_file);
    }
    ClientBuilder client_for(const Server& server, const std::string& user, Events& heard,
                             ProtocolSelection mode = ProtocolSelection::quic) {
        ClientBuilder made(user);
        made.server_addresses(ServerAddresses()
                                  .with_quic_url("quic://" + server.quic_addr())
                                  .with_websocket_url("ws://" + server.websocket_addr()))
            .protocol_selection_mode(mode)
            .ca_file(authority.certificate_file)
            .with_event_callback(std::ref(heard));
        return made;
    }

    Certificates certificates;
    Certificates::Identity authority = certificates.authority("ca");
    Certificates::Identity stranger = certificates.authority("stranger");
    Certificates::Identity identity = certificates.make("server", {.common_name = "flare"}, &authority);
    Events events;
};

TEST_F(Quic, CarriesTheSameMessages) {
    Server server = started(builder());
    Client client = connected(client_for(server, "ann", events));
    EXPECT_EQ(client.get_current_protocol(), Protocol::quic);
    EXPECT_TRUE(client.send_message("server", Message("chat", Bytes("hi"))).success);
    EXPECT_TRUE(client.send_binary_message("server", Bytes(std::string(300'000, 'x'))).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(2));
    EXPECT_EQ(events.all<event::MessageReceived>()[0].message.payload, "收到聊天消息: hi");
    EXPECT_EQ(events.all<event::MessageReceived>()[1].message.payload.size(), 300'000u);
    EXPECT_EQ(server.stats()->connections[Protocol::quic], 1u);
    client.disconnect();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    EXPECT_EQ(events.turns(), "Connected Disconnected ");
}

TEST_F(Quic, ArrivesAtTheHomeWorkerOfEachUser) {
    Server server = started(builder());
    for (int i = 0; i < 20; ++i) {
        Events heard;
        Client client = connected(client_for(server, "user" + std::to_string(i), heard));
        EXPECT_TRUE(client.send_text_message("server", "x").success);
        client.disconnect();
    }
    EXPECT_EQ(server.stats()->quic_misrouted, 0u);
    EXPECT_EQ(server.stats()->sessions_created, 20u);
}

TEST_F(Quic, ResumesTheSessionOnANewConnection) {
    Server server = started(builder());
    Client client = connected(client_for(server, "ann", events));
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(client.reconnect());
        ASSERT_TRUE(client.send_text_message("server", std::to_string(i)).success);
    }
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(5));
    EXPECT_EQ(server.stats()->sessions_created, 1u);
    EXPECT_TRUE(events.all<event::Gap>().empty());
}

TEST_F(Quic, AConversationMovesBetweenTheProtocols) {
    Server server = started(builder().with_message_handler(
        [](const SessionInfo&, const Message& message) { return Message("echo", message.payload); },
        Execution::worker));
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::auto_racing));
    constexpr int kMessages = 2000;
    for (int i = 0; i < kMessages; ++i) {
        ASSERT_TRUE(client.post_message("server", Message("n", Bytes(std::to_string(i)))));
        if (i % 400 != 200) continue;
        const Protocol other = client.get_current_protocol() == Protocol::quic ? Protocol::websocket : Protocol::quic;
        const auto moved = client.switch_protocol(other);
        ASSERT_TRUE(moved) << moved.error().text;
        EXPECT_EQ(client.get_current_protocol(), other);
    }
    ASSERT_TRUE(events.wait_for<event::MessageSent>(kMessages));
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(kMessages));
    const auto received = events.all<event::MessageReceived>();
    ASSERT_EQ(received.size(), static_cast<std::size_t>(kMessages));
    for (int i = 0; i < kMessages; ++i)
        ASSERT_EQ(received[static_cast<std::size_t>(i)].message.payload.str(), std::to_string(i));
    EXPECT_EQ(events.all<event::ProtocolSwitched>().size(), 5u);
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
    EXPECT_EQ(server.stats()->sessions_created, 1u);
}

TEST_F(Quic, VerifiesTheServer) {
    Server server = started(builder());
    const auto refusal = [&](const ClientBuilder& made) {
        auto client = made.build();
        const auto result = client->connect();
        return result ? errc::ok : result.error().code;
    };
    EXPECT_EQ(refusal(client_for(server, "ann", events)), errc::ok);
    EXPECT_EQ(refusal(client_for(server, "ann", events).ca_file(stranger.certificate_file)),
              errc::certificate_rejected);
    EXPECT_EQ(refusal(client_for(server, "ann", events).server_name("example.org")), errc::certificate_rejected);
}

TEST_F(Quic, AnotherApplicationProtocolIsRefusedByName) {
    Server server = started(builder().quic_alpn({"something-else"}));
    auto client = client_for(server, "ann", events).build();
    const auto result = client->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::tls_failed);
    EXPECT_NE(result.error().text.find("ALPN"), std::string::npos) << result.error().text;
}

TEST_F(Quic, NobodyListensIsToldAtOnce) {
    std::string address;
    {
        const Server gone = started(builder());
        address = gone.quic_addr();
    }
    ClientBuilder made("ann");
    made.server_addresses(ServerAddresses().with_quic_url("quic://" + address)).ca_file(authority.certificate_file);
    auto client = made.build();
    const auto result = client->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::connection_refused) << result.error().text;
    EXPECT_NE(result.error().text.find(address), std::string::npos) << result.error().text;
}

TEST_F(Quic, AServerThatStartsAgainResetsItsOldConnectionsAtOnce) {
    ServerBuilder made = builder().quic_secret("kept for the next start");
    auto server = std::make_unique<Server>(started(made));
    Client client = connected(client_for(*server, "ann", events).heartbeat_interval(200ms).reconnect_delay(100ms));
    ASSERT_TRUE(client.send_text_message("server", "before").success);
    const std::string address = server->quic_addr();
    // A child holds nothing of it: the old process is as good as killed, without a goodbye.
    server->stop();
    server.reset();
    EXPECT_TRUE(events.wait_for<event::Disconnected>());
    server = std::make_unique<Server>(started(made.quic_addr(address)));
    EXPECT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_TRUE(client.send_text_message("server", "after").success);
}

}  // namespace
}  // namespace flare::test
