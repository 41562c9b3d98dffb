// QUIC connections that survive a change of address: the client's own, and a NAT's.
#include "integration/network_namespaces.hpp"
#include "integration/quic_harness.hpp"
#include "integration/server_process.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace flare::test {
namespace {

class Migration : public QuicHarness {
protected:
    // 500 messages/s for a second, `meanwhile` in the middle; each is answered once and in order, on one connection.
    void talk_through(Client& client, const std::function<void()>& meanwhile) {
        constexpr int kMessages = 500;
        for (int i = 0; i < kMessages; ++i) {
            ASSERT_TRUE(client.post_message("server", Message("n", Bytes(std::to_string(i)))));
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            if (i % 100 == 50) meanwhile();
        }
        expect_all_in_order(kMessages);
        if (HasFatalFailure()) return;
        EXPECT_EQ(events.turns(), "Connected ");
        EXPECT_EQ(client.get_protocol_metrics(Protocol::quic).connects, 1u);
    }
};

TEST_F(Migration, ToAnotherPortInMidStream) {
    Server server = started(builder());
    Client client = connected(client_for(server, "ann", events));
    talk_through(client, [&] {
        const auto moved = client.migrate();
        EXPECT_TRUE(moved) << moved.error().text;
    });
    EXPECT_EQ(client.get_connection_stats().quic->migrations, 5u);
    EXPECT_EQ(server.stats()->quic_migrations, 5u);
    EXPECT_EQ(server.stats()->quic_misrouted, 0u);
}

TEST_F(Migration, ToAnotherAddressInMidStream) {
    Server server = started(builder().quic_addr("0.0.0.0:0").allow_insecure(true));
    const std::string port = server.quic_addr().substr(server.quic_addr().rfind(':'));
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::quic, "127.0.0.1" + port));
    int next = 2;
    talk_through(client, [&] {
        const auto moved = client.migrate("127.0.0." + std::to_string(next++));
        EXPECT_TRUE(moved) << moved.error().text;
    });
    EXPECT_EQ(client.get_connection_stats().quic->migrations, 5u);
    EXPECT_EQ(server.stats()->quic_migrations, 5u);
}

TEST_F(Migration, OfANatThatForgetsItsPorts) {
    Server server = started(builder());
    RelayThread nat(udp_endpoint(server.quic_addr()));
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::quic, nat.address()));
    talk_through(client, [&] { nat.with([](UdpRelay& relay) { relay.rebind(); }); });
    EXPECT_EQ(client.get_connection_stats().quic->migrations, 0u) << "the client notices nothing";
    EXPECT_GE(server.stats()->quic_migrations, 1u);
    EXPECT_EQ(server.stats()->quic_misrouted, 0u);
}

TEST_F(Migration, IsRefusedWhereItCannotBe) {
    Server server = started(builder());
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::auto_racing));
    ASSERT_TRUE(client.switch_protocol(Protocol::websocket));
    EXPECT_EQ(client.migrate().error().code, errc::protocol_unavailable);
    EXPECT_EQ(client.migrate("no address").error().code, errc::invalid_config);
    ASSERT_TRUE(client.switch_protocol(Protocol::quic));
    EXPECT_EQ(client.migrate("192.0.2.1").error().code, errc::address_unavailable);
    EXPECT_TRUE(client.send_text_message("server", "it goes on").success);
    client.disconnect();
    EXPECT_EQ(client.migrate().error().code, errc::not_connected);
}

TEST_F(Migration, ToAPathThatDoesNotWorkEndsTheConnectionAndTheSessionGoesOn) {
    Server server = started(builder());
    RelayThread path(udp_endpoint(server.quic_addr()));
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::quic, path.address()));
    ASSERT_TRUE(client.send_text_message("server", "before").success);
    path.with([](UdpRelay& relay) { relay.deaf = true; });
    ASSERT_TRUE(client.migrate());
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    EXPECT_EQ(events.all<event::Disconnected>()[0].reason.code, errc::connection_lost);
    path.with([](UdpRelay& relay) { relay.deaf = false; });
    ASSERT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_TRUE(events.all<event::Reconnected>()[0].resumed);
    EXPECT_TRUE(client.send_text_message("server", "after").success);
}

// Every connection on a path of its own, whose ports change again and again while messages flow; two workers.
TEST_F(Migration, OfFiveHundredConnectionsBringsNoPacketToTheWrongWorker) {
    constexpr std::size_t kConnections = 500;
    constexpr std::size_t kRounds = 10;
    Server server = started(builder().worker_threads(2).with_message_handler(
        [](const SessionInfo&, const Message& message) { return Message("echo", message.payload); },
        Execution::worker));
    RelayThread nat(udp_endpoint(server.quic_addr()));
    nat.with([](UdpRelay& relay) { relay.records = false; });
    boost::asio::io_context context(1);
    auto work = boost::asio::make_work_guard(context);
    std::thread loop([&] { context.run(); });
    std::atomic<std::size_t> answers{0};
    std::vector<Client> clients;
    for (std::size_t i = 0; i < kConnections; ++i) {
        ClientBuilder made("user" + std::to_string(i));
        made.server_addresses(ServerAddresses().with_quic_url("quic://" + nat.address()))
            .ca_file(authority.certificate_file)
            .connection_timeout(30s)
            .io_context(context)
            .with_event_callback([&](const Event& event) {
                if (std::holds_alternative<event::MessageReceived>(event)) ++answers;
            });
        clients.push_back(connected(made));
    }
    for (std::size_t round = 1; round <= kRounds; ++round) {
        for (std::size_t i = 0; i < kConnections; ++i) {
            EXPECT_TRUE(clients[i].post_message("server", Message("n", Bytes("x"))));
            if (i % 50 == 25) nat.with([](UdpRelay& relay) { relay.rebind_some(kConnections / 10); });
        }
        for (int i = 0; i < 3000 && answers < kConnections * round; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(answers, kConnections * kRounds);
    const auto stats = *server.stats();
    EXPECT_EQ(stats.quic_misrouted, 0u);
    EXPECT_EQ(stats.sessions_created, kConnections) << "whose path breaks for good goes on over another connection";
    EXPECT_GT(stats.quic_migrations, kConnections);
    clients.clear();
    work.reset();
    loop.join();
}

// Two hosts, and an address that is taken away.
TEST_F(Migration, ByItselfWhenTheAddressOfTheMachineChanges) {
    if (const std::string reason = NetworkNamespace::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    NetworkNamespaces hosts;
    const auto server_identity = certificates.make("far", {.common_name = "far", .names = "IP:10.77.0.1"}, &authority);
    hosts.near().run("ip addr add 10.77.0.2/24 dev near");
    std::atomic<bool> done{false};
    hosts.far().on([&] {
        Server server = started(builder()
                                    .websocket_addr("10.77.0.1:0")
                                    .quic_addr("10.77.0.1:0")
                                    .allow_insecure(true)
                                    .quic_tls(server_identity.certificate_file, server_identity.key_file));
        hosts.near().on([&] {
            Client client = connected(client_for(server, "ann", events));
            talk_through(client, [&, moved = false]() mutable {
                if (moved) return;
                moved = true;
                hosts.near().run("ip addr del 10.77.0.2/24 dev near && ip addr add 10.77.0.3/24 dev near");
            });
            EXPECT_EQ(client.get_connection_stats().quic->migrations, 1u);
        });
        EXPECT_EQ(server.stats()->quic_migrations, 1u);
        done = true;
    });
    EXPECT_TRUE(done);
}

}  // namespace
}  // namespace flare::test
