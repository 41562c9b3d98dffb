// Messages in the first packets of a resumed session (0-RTT), and copies of these packets.
#include "integration/quic_harness.hpp"

#include <atomic>
#include <optional>
#include <thread>

namespace flare::test {
namespace {

class EarlyMessages : public QuicHarness {
protected:
    ServerBuilder counting() {
        return builder().with_message_handler([this](const SessionInfo&, const Message&) {
            ++handled;
            return HandlerResult();
        });
    }
    void begin(
        ServerBuilder made, const std::function<void(ClientBuilder&)>& adjust = [](ClientBuilder&) {}) {
        server.emplace(started(std::move(made)));
        path.emplace(udp_endpoint(server->quic_addr()));
        ClientBuilder mine = client_for(*server, "ann", events, ProtocolSelection::quic, path->address());
        adjust(mine);
        client.emplace(connected(mine));
        ASSERT_TRUE(client->send_text_message("server", "before").success);
    }
    // Posts a message that gets lost on its way, then resumes the session: the message goes with the first packets.
    void resume_with_a_message() {
        path->with([](UdpRelay& relay) { relay.deaf = true; });
        ASSERT_TRUE(client->post_message("server", Message("text", Bytes("in the first flight"))));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        path->with([](UdpRelay& relay) {
            relay.deaf = false;
            relay.from_clients.clear();
        });
        const auto resumed = client->reconnect();
        ASSERT_TRUE(resumed) << resumed.error().text;
    }

    std::atomic<int> handled{0};
    std::optional<Server> server;
    std::optional<RelayThread> path;
    std::optional<Client> client;
};

TEST_F(EarlyMessages, AreTakenAndAnswered) {
    begin(counting());
    resume_with_a_message();
    ASSERT_TRUE(events.wait_for<event::MessageSent>(2));
    EXPECT_EQ(handled, 2);
    EXPECT_EQ(client->get_protocol_metrics(Protocol::quic).early_data_accepted, 1u);
    EXPECT_EQ(server->stats()->quic_early_data, 1u);
    EXPECT_EQ(server->stats()->sessions_created, 1u);
    EXPECT_TRUE(events.all<event::Gap>().empty());
}

TEST_F(EarlyMessages, AreActedOnBeforeTheServerHasSaidAWord) {
    begin(counting());
    path->with([](UdpRelay& relay) { relay.deaf = true; });
    ASSERT_TRUE(client->post_message("server", Message("text", Bytes("in the first flight"))));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    path->with([](UdpRelay& relay) {
        relay.deaf = false;
        relay.only_handshakes = relay.mute_server = true;
    });
    std::thread resuming([&] { EXPECT_TRUE(client->reconnect()); });
    for (int i = 0; i < 400 && handled < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(handled, 2);
    EXPECT_EQ(client->get_status(), ClientStatus::reconnecting);
    path->with([](UdpRelay& relay) { relay.only_handshakes = relay.mute_server = false; });
    resuming.join();
    ASSERT_TRUE(events.wait_for<event::MessageSent>(2));
    EXPECT_EQ(handled, 2);
}

TEST_F(EarlyMessages, ActOnceHoweverOftenTheirPacketsAreCopied) {
    begin(counting());
    resume_with_a_message();
    ASSERT_TRUE(events.wait_for<event::MessageSent>(2));
    const auto captured = path->with([](UdpRelay& relay) { return relay.from_clients; });
    ASSERT_FALSE(captured.empty());
    for (int i = 0; i < 100; ++i) {
        path->with([&](UdpRelay& relay) { relay.send(captured); });
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(client->send_text_message("server", "after").success);
    EXPECT_EQ(handled, 12);
    EXPECT_EQ(events.turns(), "Connected Disconnected Reconnecting Reconnected ") << "the live session was disturbed";
    EXPECT_EQ(server->stats()->sessions_created, 1u);
    EXPECT_EQ(server->stats()->sessions_resumed, 1u);
}

TEST_F(EarlyMessages, GoAfterTheHandshakeWhereAServerTakesNone) {
    begin(counting().enable_quic_0rtt(false));
    resume_with_a_message();
    ASSERT_TRUE(events.wait_for<event::MessageSent>(2));
    EXPECT_EQ(handled, 2);
    EXPECT_EQ(client->get_protocol_metrics(Protocol::quic).early_data_accepted, 0u);
    EXPECT_EQ(server->stats()->quic_early_data, 0u);
}

TEST_F(EarlyMessages, AreOffWhereTheClientWantsNone) {
    begin(counting(), [](ClientBuilder& mine) { mine.enable_quic_0rtt(false); });
    ASSERT_TRUE(client->reconnect());
    ASSERT_TRUE(client->send_text_message("server", "after").success);
    EXPECT_EQ(server->stats()->quic_early_data, 0u);
}

TEST_F(EarlyMessages, NeverTakeAnAuthenticationTokenAlong) {
    std::atomic<int> asked{0};
    begin(counting().with_auth_handler([&](const AuthRequest& request) -> Checked<Identity> {
        ++asked;
        if (request.token != "secret") return Failure(errc::unauthenticated, "no");
        return request.claimed_user;
    }),
          [](ClientBuilder& mine) { mine.token("secret"); });
    client->disconnect();  // the session ends; the TLS ticket stays
    const auto again = client->connect();
    ASSERT_TRUE(again) << again.error().text;
    ASSERT_TRUE(client->send_text_message("server", "after").success);
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(server->stats()->quic_early_data, 0u);
}

}  // namespace
}  // namespace flare::test
