// The guide's chapter about two protocols: racing, measuring, moving.
#include "trying.hpp"

#include <flare/client.hpp>

#include <atomic>
#include <chrono>

using namespace std::chrono_literals;

int main() {
    flare::Server server = trying::server_of_both_protocols();
    const auto addresses = flare::ServerAddresses()
                               .with_websocket_tls_url("wss://" + server.websocket_addr())
                               .with_quic_url("quic://" + server.quic_addr());

    std::atomic<int> switches{0};
    std::atomic<int> losses{0};
    // snippet: racing
    flare::ProtocolRacingConfig racing;
    racing.timeout = 3s;
    racing.test_message_count = 5;
    racing.protocol_weights = {{flare::Protocol::quic, 0.7}, {flare::Protocol::websocket, 0.3}};
    racing.racing_interval = 60s;
    racing.auto_fallback = true;
    racing.warm_standby = true;            // keeps a second connection, to fall back to at once
    racing.memory_file = "racing.memory";  // remembers the winner on each network
    flare::ClientBuilder builder("alice");
    builder.server_addresses(addresses)
        .ca_file("certs/ca.crt")
        .protocol_selection_mode(flare::ProtocolSelection::auto_racing)
        .protocol_racing(racing);
    // end
    builder.with_event_callback([&](const flare::Event& event) {
        switches += std::holds_alternative<flare::event::ProtocolSwitched>(event);
        losses += std::holds_alternative<flare::event::Disconnected>(event);
    });
    auto client = builder.build();
    if (!client || !client->connect()) return 1;
    trying::eventually([&] { return client->get_protocol_metrics(flare::Protocol::websocket).races > 0; }, "a race");

    // snippet: metrics
    for (const flare::ProtocolMetrics& measured : client->get_all_protocol_metrics()) {
        std::printf("%s: %s", std::string(flare::name(measured.protocol)).c_str(),
                    client->is_protocol_available(measured.protocol) ? "available" : "not available");
        if (measured.latency_median && measured.score)
            std::printf(", median round trip %.2f ms, score %.1f",
                        static_cast<double>(measured.latency_median->count()) / 1e6, *measured.score);
        std::printf("\n");
    }
    std::optional<flare::Protocol> best = client->get_best_protocol();
    // end
    trying::expect(best.has_value() && client->get_all_protocol_metrics().size() == 2, "both are measured");

    // snippet: switch
    const flare::Protocol other =
        client->get_current_protocol() == flare::Protocol::quic ? flare::Protocol::websocket : flare::Protocol::quic;
    flare::Checked<flare::Protocol> moved = client->switch_protocol(other);
    // end
    trying::expect(moved && *moved == other, "the session has moved");
    trying::expect(client->send_text_message("server", "over the other one").success, "and goes on");
    trying::eventually([&] { return switches >= 1; }, "ProtocolSwitched");

    // snippet: migrate
    if (client->get_current_protocol() == flare::Protocol::quic) {
        flare::Checked<> elsewhere = client->migrate();  // like a phone that changes networks
        if (!elsewhere) std::printf("%s\n", elsewhere.error().text.c_str());
    }
    // end
    trying::expect(losses == 0, "Disconnected never came");

    // snippet: one-protocol
    auto specific = flare::ClientBuilder("bob")
                        .server_addresses(addresses)
                        .ca_file("certs/ca.crt")
                        .protocol_selection_mode(flare::ProtocolSelection::quic)
                        .build();
    // end
    trying::expect(specific && specific->connect() && specific->get_current_protocol() == flare::Protocol::quic,
                   "a client of one protocol");
}
