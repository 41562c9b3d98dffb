// The same sessions over QUIC, and between the protocols.
#include "integration/quic_harness.hpp"
#include "integration/server_process.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace flare::test {
namespace {

class Quic : public QuicHarness {};

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

TEST_F(Quic, ConnectionsThatTheServerDiscardsAreReplacedInMidStream) {
    Server server = started(builder());
    for (const auto mode : {ProtocolSelection::quic, ProtocolSelection::websocket}) {
        events.clear();
        Client client = connected(client_for(server, "ann", events, mode).reconnect_delay(10ms));
        for (int i = 0; i < 300; ++i) {
            ASSERT_TRUE(client.post_message("server", Message("count", Bytes(std::to_string(i)))));
            if (i % 100 == 50) {
                ASSERT_EQ(server.drop_connections("ann").value(), 1u);
                ASSERT_TRUE(events.wait_for<event::Reconnected>(static_cast<std::size_t>(i / 100 + 1)));
            }
        }
        expect_all_in_order(300);
        EXPECT_EQ(events.all<event::Disconnected>().size(), 3u);
        EXPECT_EQ(server.drop_connections("nobody").value(), 0u);
    }
    EXPECT_EQ(server.stats()->sessions_created, 2u);
}

// Whoever writes somebody's address into packets must not lock that address out, here of all protocols.
TEST_F(Quic, HandshakesThatAnybodyMayHaveForgedCountForNoAddress) {
    Server server = started(builder().worker_threads(1).max_connections_per_address(2));
    // First packets of clients that are never heard of again: what a forger records and sends.
    UdpRelay::udp::endpoint target = udp_endpoint(server.quic_addr());
    boost::asio::io_context io;
    UdpRelay::udp::socket forger(io, UdpRelay::udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    for (int i = 0; i < 10; ++i) {
        RelayThread path(target);
        path.with([](UdpRelay& relay) { relay.swallow_clients = true; });
        Events unheard;
        auto lost = client_for(server, "eve", unheard, ProtocolSelection::quic, path.address())
                        .connection_timeout(100ms)
                        .build();
        EXPECT_FALSE(lost->connect());
        const auto first = path.with([](UdpRelay& relay) { return relay.from_clients.at(0); });
        forger.send_to(boost::asio::buffer(first), target);
    }
    Events heard[3];
    Client over_websocket = connected(client_for(server, "ann", heard[0], ProtocolSelection::websocket));
    Client over_quic = connected(client_for(server, "bob", heard[1]));
    EXPECT_TRUE(over_websocket.send_text_message("server", "x").success);
    EXPECT_TRUE(over_quic.send_text_message("server", "x").success);
    // Those two are all that the address may have, and they have shown that it is theirs.
    auto third = client_for(server, "joe", heard[2]).build();
    const auto refused = third->connect();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::too_many_per_address) << refused.error().text;
    EXPECT_FALSE(client_for(server, "joe", heard[2], ProtocolSelection::websocket).build()->connect());
}

TEST_F(Quic, AddressesAreValidatedFromTheFirstHandshakeWhenAskedTo) {
    Server server = started(builder().quic_retry_above(0));
    RelayThread path(udp_endpoint(server.quic_addr()));
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::quic, path.address()));
    const auto first_byte =
        path.with([](UdpRelay& relay) { return static_cast<unsigned char>(relay.from_server.at(0)[0]); });
    EXPECT_EQ(first_byte & 0xf0u, 0xf0u) << "a Retry packet: RFC 9000 section 17.2.5";
    EXPECT_TRUE(client.send_text_message("server", "hello").success);
}

TEST_F(Quic, AConversationMovesBetweenTheProtocols) {
    Server server = started(builder().with_message_handler(
        [](const SessionInfo&, const Message& message) { return Message("echo", message.payload); },
        Execution::worker));
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::manual));
    constexpr int kMessages = 2000;
    for (int i = 0; i < kMessages; ++i) {
        ASSERT_TRUE(client.post_message("server", Message("n", Bytes(std::to_string(i)))));
        if (i % 400 != 200) continue;
        const Protocol other = client.get_current_protocol() == Protocol::quic ? Protocol::websocket : Protocol::quic;
        const auto moved = client.switch_protocol(other);
        ASSERT_TRUE(moved) << moved.error().text;
        EXPECT_EQ(client.get_current_protocol(), other);
    }
    expect_all_in_order(kMessages);
    if (HasFatalFailure()) return;
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

TEST_F(Quic, AnExpiredCertificateIsNamedWhenTheServerStarts) {
    const auto old = certificates.make(
        "old", {.common_name = "flare", .valid_from_seconds = -7200, .valid_until_seconds = -3600}, &authority);
    auto built = builder().quic_tls(old.certificate_file, old.key_file).build();
    ASSERT_TRUE(built);
    const auto up = built->start();
    ASSERT_FALSE(up);
    EXPECT_NE(up.error().text.find(old.certificate_file), std::string::npos) << up.error().text;
}

TEST_F(Quic, AnAnswerTravelsInThePacketThatAcknowledgesItsQuestion) {
    constexpr std::size_t kMessages = 100;
    Server server = started(builder().with_message_handler(
        [](const SessionInfo&, const Message& message) { return Message("echo", message.payload); },
        Execution::worker));
    RelayThread path(udp_endpoint(server.quic_addr()));
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::quic, path.address()));
    ASSERT_TRUE(client.send_text_message("server", "first").success);
    path.with([](UdpRelay& relay) { relay.from_server.clear(); });
    for (std::size_t i = 0; i < kMessages; ++i) ASSERT_TRUE(client.send_text_message("server", "x").success);
    const auto datagrams = path.with([](UdpRelay& relay) { return relay.from_server.size(); });
    EXPECT_LT(datagrams, kMessages * 3 / 2) << "two of each: the acknowledgement went alone";
}

TEST_F(Quic, EitherCongestionControlCarriesAndIsRecorded) {
    for (const QuicCongestion algorithm : {QuicCongestion::cubic, QuicCongestion::bbr}) {
        const std::string folder = certificates.path(algorithm == QuicCongestion::bbr ? "bbr" : "cubic");
        std::filesystem::create_directory(folder);
        {
            Server server = started(builder().quic_congestion(algorithm).quic_qlog(folder));
            Events heard;
            Client client = connected(client_for(server, "ann", heard).quic_congestion(algorithm).quic_qlog(folder));
            EXPECT_TRUE(client.send_binary_message("server", Bytes(std::string(2'000'000, 'x'))).success);
            const auto path = client.get_connection_stats().quic;
            ASSERT_TRUE(path);
            EXPECT_GT(path->smoothed_rtt.count(), 0);
            EXPECT_GT(path->congestion_window, 12'000u) << "more than it began with";
        }
        int records = 0;
        for (const auto& file : std::filesystem::directory_iterator(folder)) {
            std::ifstream stream(file.path());
            const std::string text((std::istreambuf_iterator<char>(stream)), {});
            EXPECT_NE(text.find("packet_sent"), std::string::npos) << file.path();
            EXPECT_NE(text.find("metrics_updated"), std::string::npos) << file.path();
            ++records;
        }
        EXPECT_EQ(records, 2) << "one of each side";
    }
    auto nowhere = builder().quic_qlog("/nonexistent").build();
    ASSERT_TRUE(nowhere);
    const auto up = nowhere->start();
    ASSERT_FALSE(up);
    EXPECT_EQ(up.error().code, errc::file_not_found);
}

TEST_F(Quic, CarriersOfBothProtocolsMeetOnTheHomeWorker) {
    Server server = started(builder().worker_threads(2));
    for (int i = 0; i < 20; ++i) {
        Events heard;
        Client client = connected(client_for(server, "user" + std::to_string(i), heard, ProtocolSelection::manual));
        ASSERT_TRUE(client.switch_protocol(Protocol::websocket));
        ASSERT_TRUE(client.send_text_message("server", "over WebSocket").success);
        ASSERT_TRUE(client.switch_protocol(Protocol::quic));
        ASSERT_TRUE(client.send_text_message("server", "over QUIC").success);
        EXPECT_TRUE(heard.all<event::Gap>().empty());
    }
    const auto stats = *server.stats();
    EXPECT_EQ(stats.sessions_created, 20u) << "one session for each client, whatever worker its sockets came to";
    EXPECT_EQ(stats.sessions_resumed, 40u);
    EXPECT_GT(stats.hand_overs, 0u);
    EXPECT_EQ(stats.quic_misrouted, 0u);
}

TEST_F(Quic, AClientsCertificateReachesTheAuthHandlerOverEitherProtocol) {
    const auto mine = certificates.make("client", {.common_name = "ann's phone"}, &authority);
    std::mutex mutex;
    std::vector<std::string> subjects;
    Server server = started(builder()
                                .websocket_tls(identity.certificate_file, identity.key_file)
                                .client_ca_file(authority.certificate_file)
                                .require_client_cert(true)
                                .with_auth_handler([&](const AuthRequest& request) -> Checked<Identity> {
                                    const std::lock_guard lock(mutex);
                                    subjects.push_back(request.peer_certificate);
                                    return request.claimed_user;
                                }));
    for (const ProtocolSelection mode : {ProtocolSelection::quic, ProtocolSelection::websocket}) {
        ClientBuilder made("ann");
        made.server_addresses(ServerAddresses()
                                  .with_quic_url("quic://" + server.quic_addr())
                                  .with_websocket_tls_url("wss://" + server.websocket_addr()))
            .protocol_selection_mode(mode)
            .ca_file(authority.certificate_file)
            .connection_timeout(3s);
        EXPECT_FALSE(made.build()->connect()) << "without a certificate";
        Client client = connected(made.client_cert(mine.certificate_file, mine.key_file));
        EXPECT_TRUE(client.send_text_message("server", "x").success);
    }
    ASSERT_EQ(subjects.size(), 2u);
    EXPECT_EQ(subjects[0], "CN=ann's phone");
    EXPECT_EQ(subjects[1], subjects[0]);
}

TEST_F(Quic, IsTheSameByANameWithADotAtItsEnd) {
    Server server = started(builder());
    const std::string address = server.quic_addr();
    Client client = connected(
        client_for(server, "ann", events, ProtocolSelection::quic, "localhost." + address.substr(address.rfind(':'))));
    EXPECT_TRUE(client.send_text_message("server", "x").success);
}

TEST_F(Quic, ACertificateOfAnotherAuthorityProvesNothing) {
    const auto forged = certificates.make("forged", {.common_name = "ann's phone"}, &stranger);
    std::mutex mutex;
    std::vector<std::string> subjects;
    Server server = started(builder()
                                .client_ca_file(authority.certificate_file)
                                .with_auth_handler([&](const AuthRequest& request) -> Checked<Identity> {
                                    const std::lock_guard lock(mutex);
                                    subjects.push_back(request.peer_certificate);
                                    return request.claimed_user;
                                }));
    auto client = client_for(server, "ann", events).client_cert(forged.certificate_file, forged.key_file).build();
    (void)client->connect();  // refused or not: nobody may take it at its word
    for (const std::string& subject : subjects) EXPECT_EQ(subject, "");
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

TEST_F(Quic, AKilledServerIsNoticedAtOnceWhenItIsBackAndLeavesAGap) {
    std::string websocket;
    std::string quic;
    {
        const Server probe = started(builder());  // ports that were free a moment ago
        websocket = probe.websocket_addr();
        quic = probe.quic_addr();
    }
    const std::vector<std::string> options{"--websocket-addr", websocket, "--quic-addr", quic, "--quic-secret", "kept"};
    auto server = std::make_unique<ServerProcess>(options);
    ClientBuilder made("ann");
    made.server_addresses(ServerAddresses().with_quic_url("quic://" + quic))
        .ca_file(FLARE_SOURCE_DIR "/certs/ca.crt")
        .max_reconnect_attempts(30)
        .reconnect_delay(100ms)
        .heartbeat_interval(30s)  // not the heartbeat finds out
        .message_retry(3, 60s)    // nor the missing acknowledgement
        .with_event_callback(std::ref(events));
    auto client = made.build();
    ASSERT_TRUE(client) << client.error().text;
    for (int i = 0; i < 100 && !client->connect(); ++i) std::this_thread::sleep_for(100ms);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(client->send_text_message("server", std::to_string(i)).success);

    server->kill();
    server = std::make_unique<ServerProcess>(options);
    for (int i = 20; i < 40; ++i)
        ASSERT_TRUE(client->post_message("server", Message("text", Bytes(std::to_string(i)))));
    // A stateless reset ends the connection as soon as the new process answers a packet of it.
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    EXPECT_EQ(events.all<event::Disconnected>()[0].reason.code, errc::connection_lost);
    ASSERT_TRUE(events.wait_for<event::Gap>());
    ASSERT_TRUE(events.wait_for<event::MessageSent>(40));
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(40));
    const event::Gap gap = events.all<event::Gap>()[0];
    EXPECT_EQ(gap.reason.code, errc::session_unknown);
    std::uint64_t received = 0;
    for (const auto& lane : gap.lanes) {
        received += lane.received;
        EXPECT_FALSE(lane.tail_known);
    }
    EXPECT_EQ(received, 20u);
}

// It stays away: the machine answers in its place that nobody listens, and that is enough to ask.
TEST_F(Quic, AKilledServerIsNoticedAtTheNextPacket) {
    std::string websocket;
    std::string quic;
    {
        const Server probe = started(builder());  // ports that were free a moment ago
        websocket = probe.websocket_addr();
        quic = probe.quic_addr();
    }
    ServerProcess server({"--websocket-addr", websocket, "--quic-addr", quic});
    ClientBuilder made("ann");
    made.server_addresses(ServerAddresses().with_quic_url("quic://" + quic))
        .ca_file(FLARE_SOURCE_DIR "/certs/ca.crt")
        .max_reconnect_attempts(30)
        .reconnect_delay(100ms)
        .heartbeat_interval(100s)  // not the heartbeat finds out
        .heartbeat_timeout(300s)
        .message_retry(3, 300ms)
        .with_event_callback(std::ref(events));
    auto client = made.build();
    ASSERT_TRUE(client) << client.error().text;
    for (int i = 0; i < 100 && !client->connect(); ++i) std::this_thread::sleep_for(100ms);
    ASSERT_TRUE(client->send_text_message("server", "0").success);

    server.kill();
    ASSERT_TRUE(client->post_message("server", Message("text", Bytes(std::string("1")))));
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    const Failure reason = events.all<event::Disconnected>()[0].reason;
    EXPECT_EQ(reason.code, errc::connection_lost);
    EXPECT_NE(reason.text.find("nobody listens"), std::string::npos) << reason.text;
}

// Without a secret that is kept the new process cannot say that the old connection is gone: the client finds out over
// another one, before message_retry gives its messages up.
TEST_F(Quic, AKilledServerWithoutASecretLosesNoMessageEither) {
    std::string websocket;
    std::string quic;
    {
        const Server probe = started(builder());  // ports that were free a moment ago
        websocket = probe.websocket_addr();
        quic = probe.quic_addr();
    }
    const std::vector<std::string> options{"--websocket-addr", websocket, "--quic-addr", quic};
    auto server = std::make_unique<ServerProcess>(options);
    ClientBuilder made("ann");
    made.server_addresses(ServerAddresses().with_quic_url("quic://" + quic))
        .ca_file(FLARE_SOURCE_DIR "/certs/ca.crt")
        .max_reconnect_attempts(30)
        .reconnect_delay(100ms)
        .heartbeat_interval(30s)  // not the heartbeat finds out
        .heartbeat_timeout(120s)
        .message_retry(3, 300ms)
        .with_event_callback(std::ref(events));
    auto client = made.build();
    ASSERT_TRUE(client) << client.error().text;
    for (int i = 0; i < 100 && !client->connect(); ++i) std::this_thread::sleep_for(100ms);
    ASSERT_TRUE(client->send_text_message("server", "0").success);

    server->kill();
    server = std::make_unique<ServerProcess>(options);
    const SendResult result = client->send_text_message("server", "1");
    EXPECT_TRUE(result.success) << result.error_message;
    ASSERT_TRUE(events.wait_for<event::Gap>());
    EXPECT_EQ(events.all<event::Gap>()[0].reason.code, errc::session_unknown);
    EXPECT_EQ(events.all<event::Disconnected>().size(), 1u);
    ASSERT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_FALSE(events.all<event::Reconnected>()[0].resumed);
}

}  // namespace
}  // namespace flare::test
