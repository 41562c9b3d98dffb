// A Flare client that races QUIC against WebSocket: connects over whichever stands first, measures both, uses the
// better one. Sends a text, a binary and a custom JSON message to the server's handler, prints every event, its status,
// its statistics, and what it has measured.
//
//     ./auto_racing_client [quic://127.0.0.1:4010] [ws://127.0.0.1:4000] [certs/ca.crt]
#include <flare/client.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

std::atomic<int> replies{0};

void on_event(const flare::Event& event) {
    std::printf("event  %s\n", flare::to_string(event).c_str());
    std::fflush(stdout);
    if (std::holds_alternative<flare::event::MessageReceived>(event)) ++replies;
}

bool report(const char* what, const flare::SendResult& result) {
    std::printf("%s %s%s%s\n", result.success ? "sent  " : "failed", what, result.success ? "" : ": ",
                result.error_message.c_str());
    return result.success;
}

std::string milliseconds(const std::optional<std::chrono::nanoseconds>& time) {
    if (!time) return "-";
    char text[32];
    std::snprintf(text, sizeof text, "%.2f ms", static_cast<double>(time->count()) / 1e6);
    return text;
}

// True when the protocol has been measured.
bool print(const flare::Client& client, const flare::ProtocolMetrics& metrics) {
    std::printf("%-9s  %s, connected in %s, round trip median %s, p99 %s, jitter %s, probes %llu of %llu, score %.1f\n",
                std::string(flare::name(metrics.protocol)).c_str(),
                client.is_protocol_available(metrics.protocol) ? "available" : "not available",
                milliseconds(metrics.connection_latency).c_str(), milliseconds(metrics.latency_median).c_str(),
                milliseconds(metrics.latency_p99).c_str(), milliseconds(metrics.jitter).c_str(),
                static_cast<unsigned long long>(metrics.probes_answered),
                static_cast<unsigned long long>(metrics.probes_sent), metrics.score.value_or(0));
    return metrics.races > 0;
}

}  // namespace

int main(int argc, char** argv) {
    flare::ProtocolRacingConfig racing;
    racing.timeout = 3s;
    racing.test_message_count = 5;
    racing.protocol_weights = {{flare::Protocol::quic, 0.7}, {flare::Protocol::websocket, 0.3}};
    racing.auto_fallback = true;
    racing.racing_interval = 60s;
    auto client = flare::ClientBuilder("racing_user")
                      .server_addresses(flare::ServerAddresses()
                                            .with_quic_url(argc > 1 ? argv[1] : "quic://127.0.0.1:4010")
                                            .with_websocket_url(argc > 2 ? argv[2] : "ws://127.0.0.1:4000"))
                      .protocol_selection_mode(flare::ProtocolSelection::auto_racing)
                      .protocol_racing(racing)
                      .tls(true)
                      .encryption(true)
                      .ca_file(argc > 3 ? argv[3] : "certs/ca.crt")
                      .connection_timeout(5s)
                      .heartbeat_interval(30s)
                      .max_reconnect_attempts(3)
                      .reconnect_delay(1s)
                      .message_retry(3, 1s)
                      .buffer_size(8192)
                      .compression(true)
                      .with_event_callback(on_event)
                      .build();
    if (!client) {
        std::fprintf(stderr, "auto_racing_client: %s\n", client.error().text.c_str());
        return 1;
    }
    if (const auto connected = client->connect(); !connected) {
        std::fprintf(stderr, "auto_racing_client: %s\n", connected.error().text.c_str());
        return 1;
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string timestamp = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    const flare::Bytes custom(R"({"type":"custom","client":"racing","data":"custom data","timestamp":)" + timestamp +
                              "}");
    bool good = report("text", client->send_text_message("server", "Hello from the racing client"));
    good =
        report("binary", client->send_binary_message("server", flare::Bytes(std::string("\x01\x02\x03\x04")))) && good;
    good = report("custom", client->send_message("server", flare::Message("custom", custom))) && good;

    // The race goes on behind the session, for half a second or so.
    for (int i = 0; i < 150 && client->get_protocol_metrics(flare::Protocol::websocket).races == 0; ++i)
        std::this_thread::sleep_for(20ms);
    for (int i = 0; i < 100 && replies < 3; ++i) std::this_thread::sleep_for(20ms);
    bool measured = true;
    for (const flare::ProtocolMetrics& metrics : client->get_all_protocol_metrics())
        measured = print(*client, metrics) && measured;
    const auto best = client->get_best_protocol();
    const flare::ConnectionStats stats = client->get_connection_stats();
    std::printf(
        "best %s; status %s over %s, %llu messages sent, %llu received, %llu errors\n",
        best ? std::string(flare::name(*best)).c_str() : "none", std::string(flare::name(client->get_status())).c_str(),
        stats.protocol ? std::string(flare::name(*stats.protocol)).c_str() : "nothing",
        static_cast<unsigned long long>(stats.messages_sent), static_cast<unsigned long long>(stats.messages_received),
        static_cast<unsigned long long>(stats.error_count));
    client->disconnect();
    return good && measured && replies == 3 ? 0 : 1;
}
