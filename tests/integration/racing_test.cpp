// The client's race, its fallback and its measuring, on loopback: docs/racing.md. (The lab does the same on networks
// that are bad in time, too.)
#include "integration/proxy.hpp"
#include "integration/quic_harness.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

namespace flare::test {
namespace {

class Racing : public QuicHarness {
protected:
    static ProtocolRacingConfig racing(Protocol favourite) {
        const Protocol other = favourite == Protocol::quic ? Protocol::websocket : Protocol::quic;
        ProtocolRacingConfig config;
        config.racing_interval = 600ms;
        config.test_message_count = 4;
        config.protocol_weights = {{favourite, 1.0}, {other, 0.0}};
        return config;
    }
    ClientBuilder client_with(const ProtocolRacingConfig& config) {
        ClientBuilder made("ann");
        made.server_addresses(
                ServerAddresses().with_quic_url("quic://" + udp.address()).with_websocket_url("ws://" + tcp.address()))
            .protocol_racing(config)
            .ca_file(authority.certificate_file)
            .with_event_callback(std::ref(events));
        return made;
    }
    // Measured by whatever machine, WebSocket is the worse one.
    void prefer_quic() { tcp.slow_down(40ms); }
    static bool eventually(const std::function<bool()>& holds) {
        for (int i = 0; i < 3000; ++i) {
            if (holds()) return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }
    // Posts numbered messages until `enough`; how many there were.
    std::size_t chat_until(Client& client, const std::function<bool()>& enough) {
        for (int i = 0; i < 30'000 && !enough(); ++i) {
            EXPECT_TRUE(client.post_message("server", Message("n", Bytes(std::to_string(posted_++)))));
            std::this_thread::sleep_for(1ms);
        }
        EXPECT_TRUE(enough());
        return posted_;
    }
    // Or the server's end would wait for an answer on a connection that gives none.
    void forget_connections() { EXPECT_TRUE(server.drop_connections("ann")); }
    std::uint64_t open_connections() {
        std::uint64_t sum = 0;
        const auto stats = server.stats();
        for (const auto& [protocol, count] : stats->connections) sum += count;
        return sum;
    }
    std::size_t switches() { return events.all<event::ProtocolSwitched>().size(); }

    Server server = started(builder().with_message_handler(
        [](const SessionInfo&, const Message& message) { return Message("echo", message.payload); },
        Execution::worker));
    // What may go bad on the way.
    RelayThread udp{udp_endpoint(server.quic_addr())};
    Proxy tcp{server.websocket_addr()};

private:
    std::size_t posted_ = 0;
};

TEST_F(Racing, BothProtocolsAreMeasuredBehindOneSession) {
    prefer_quic();
    Client client = connected(client_with(racing(Protocol::quic)));
    EXPECT_EQ(client.get_current_protocol(), Protocol::quic);
    const auto measured = [&](Protocol protocol) { return client.get_protocol_metrics(protocol).score.has_value(); };
    ASSERT_TRUE(eventually([&] { return measured(Protocol::quic) && measured(Protocol::websocket); }));
    for (const ProtocolMetrics& metrics : client.get_all_protocol_metrics()) {
        EXPECT_GE(metrics.races, 1u);
        EXPECT_GE(metrics.probes_sent, 8u) << "4 small, 4 large";
        EXPECT_EQ(metrics.probes_sent, metrics.probes_answered);
        EXPECT_EQ(metrics.success_rate, 1.0);
        ASSERT_TRUE(metrics.latency_min && metrics.latency_median && metrics.latency_p99 && metrics.jitter);
        EXPECT_GT(metrics.latency_min->count(), 0);
        EXPECT_LE(*metrics.latency_min, *metrics.latency_median);
        EXPECT_LE(*metrics.latency_median, *metrics.latency_p99);
        EXPECT_GT(metrics.bytes_per_second.value_or(0), 0);
        EXPECT_TRUE(client.is_protocol_available(metrics.protocol));
    }
    EXPECT_EQ(client.get_best_protocol(), Protocol::quic);
    EXPECT_TRUE(eventually([&] { return open_connections() == 1; })) << "the measured one is closed again";
    EXPECT_EQ(server.stats()->sessions_created, 1u);
    EXPECT_EQ(events.turns(), "Connected ");
}

TEST_F(Racing, ASilentPathIsLeftInMidConversationAndTakenAgainWhenItMends) {
    prefer_quic();
    Client client = connected(client_with(racing(Protocol::quic)));
    chat_until(client, [&] { return client.get_protocol_metrics(Protocol::quic).races > 0; });
    ASSERT_EQ(client.get_current_protocol(), Protocol::quic);
    udp.with([](UdpRelay& relay) { relay.deaf = true; });
    chat_until(client, [&] { return switches() == 1; });
    EXPECT_EQ(client.get_current_protocol(), Protocol::websocket);
    udp.with([](UdpRelay& relay) { relay.deaf = false; });
    const std::size_t count = chat_until(client, [&] { return switches() == 2; });
    EXPECT_EQ(client.get_current_protocol(), Protocol::quic);
    expect_all_in_order(count);
    EXPECT_EQ(events.turns(), "Connected ProtocolSwitched ProtocolSwitched ");
    EXPECT_EQ(server.stats()->sessions_created, 1u);
    forget_connections();
}

TEST_F(Racing, AResetConnectionIsReplacedByTheOtherProtocol) {
    ProtocolRacingConfig config = racing(Protocol::websocket);
    config.enabled = false;  // nothing is measured
    Client client = connected(client_with(config));
    ASSERT_EQ(client.get_current_protocol(), Protocol::websocket);
    chat_until(client, [&] { return !events.all<event::MessageReceived>().empty(); });
    tcp.reset();
    std::size_t count = chat_until(client, [&] { return switches() == 1; });
    EXPECT_EQ(client.get_current_protocol(), Protocol::quic);
    expect_all_in_order(count);
    EXPECT_EQ(events.turns(), "Connected ProtocolSwitched ");
}

TEST_F(Racing, WithoutFallbackTheClientReconnects) {
    ProtocolRacingConfig config = racing(Protocol::websocket);
    config.enabled = false;  // nothing is measured
    config.auto_fallback = false;
    Client client = connected(client_with(config).reconnect_delay(10ms));
    chat_until(client, [&] { return !events.all<event::MessageReceived>().empty(); });
    tcp.reset();
    chat_until(client, [&] { return events.all<event::Reconnected>().size() == 1; });
    EXPECT_EQ(events.turns(), "Connected Disconnected Reconnecting Reconnected ");
}

TEST_F(Racing, AWarmStandbyTakesOverWithoutAnotherConnect) {
    prefer_quic();
    ProtocolRacingConfig config = racing(Protocol::quic);
    config.racing_interval = 1h;
    config.warm_standby = true;
    Client client = connected(client_with(config));
    chat_until(client, [&] { return client.get_protocol_metrics(Protocol::websocket).races > 0; });
    ASSERT_EQ(client.get_current_protocol(), Protocol::quic);
    EXPECT_EQ(open_connections(), 2u);
    const int accepted = tcp.accepted();
    tcp.swallow_new(true);  // what is to be made now would not work
    udp.with([](UdpRelay& relay) { relay.deaf = true; });
    const std::size_t count = chat_until(client, [&] { return switches() == 1; });
    EXPECT_EQ(client.get_current_protocol(), Protocol::websocket);
    EXPECT_EQ(tcp.accepted(), accepted);
    expect_all_in_order(count);
    forget_connections();
}

TEST_F(Racing, APathThatLetsOnlyHandshakesPassIsLeft) {
    prefer_quic();
    ProtocolRacingConfig config = racing(Protocol::quic);
    Client client = connected(client_with(config));
    chat_until(client, [&] { return client.get_protocol_metrics(Protocol::quic).races > 0; });
    udp.with([](UdpRelay& relay) { relay.only_handshakes = true; });
    const std::size_t count = chat_until(client, [&] { return switches() >= 1; });
    EXPECT_EQ(client.get_current_protocol(), Protocol::websocket);
    expect_all_in_order(count);
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
    forget_connections();
}

TEST_F(Racing, WhenNothingWorksOneErrorSaysWhyForEach) {
    udp.with([](UdpRelay& relay) { relay.deaf = true; });
    tcp.swallow_new(true);
    auto client = client_with(racing(Protocol::quic)).connection_timeout(1s).build();
    const auto result = client->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::connect_timeout);
    EXPECT_NE(result.error().text.find("quic://" + udp.address()), std::string::npos) << result.error().text;
    EXPECT_NE(result.error().text.find("ws://" + tcp.address()), std::string::npos) << result.error().text;
    EXPECT_FALSE(client->is_protocol_available(Protocol::quic));
    EXPECT_EQ(server.stats()->sessions_created, 0u);
}

TEST_F(Racing, AConnectionThatStandsAndThenFallsSilentDoesNotWin) {
    tcp.answer_new_once();  // the upgrade, and not the Hello
    Client client = connected(client_with(racing(Protocol::websocket)));
    EXPECT_EQ(client.get_current_protocol(), Protocol::quic);
    EXPECT_TRUE(client.send_text_message("server", "x").success);
    EXPECT_EQ(server.stats()->sessions_created, 1u) << "there were two Hellos of one attempt";
    EXPECT_EQ(server.stats()->sessions, 1u);
    forget_connections();
}

class RacingMemory : public Racing {
protected:
    const std::string file = certificates.path("racing");
};

TEST_F(RacingMemory, AnotherClientBeginsWithTheLastWinner) {
    ProtocolRacingConfig config = racing(Protocol::quic);
    config.memory_file = file;
    udp.with([](UdpRelay& relay) { relay.deaf = true; });
    connected(client_with(config)).disconnect();
    udp.with([](UdpRelay& relay) { relay.deaf = false; });
    // QUIC has the weight and would be first. But here it has failed, and WebSocket has won.
    Client client = connected(client_with(config));
    EXPECT_EQ(client.get_current_protocol(), Protocol::websocket);
}

TEST_F(RacingMemory, AFileThatIsNoMemoryIsBegunAnew) {
    std::ofstream(file) << "not a memory\n";
    ProtocolRacingConfig config = racing(Protocol::quic);
    config.memory_file = file;
    connected(client_with(config)).disconnect();
    std::ifstream in(file);
    std::string first;
    std::getline(in, first);
    EXPECT_EQ(first, "flare-racing 1");
}

TEST_F(RacingMemory, AFileThatCannotBeWrittenDoesNotStandInTheWay) {
    ProtocolRacingConfig config = racing(Protocol::quic);
    config.memory_file = certificates.path("no such folder") + "/racing";
    Client client = connected(client_with(config));
    EXPECT_TRUE(client.send_text_message("server", "x").success);
    client.disconnect();
    EXPECT_FALSE(std::filesystem::exists(config.memory_file));
}

}  // namespace
}  // namespace flare::test
