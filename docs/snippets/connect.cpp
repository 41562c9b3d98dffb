// Guide, "A client".
#include "trying.hpp"

#include <flare/client.hpp>

#include <chrono>

using namespace std::chrono_literals;

int main() {
    flare::Server server = trying::server_of_both_protocols();
    const std::string wss_url = "wss://" + server.websocket_addr();
    const std::string quic_url = "quic://" + server.quic_addr();

    // snippet: build
    flare::ClientBuilder builder("alice");
    builder
        .server_addresses(flare::ServerAddresses()
                              .with_websocket_tls_url(wss_url)  // wss://host:port/path
                              .with_quic_url(quic_url))         // quic://host:port
        .ca_file("certs/ca.crt")                                // default: the system's store
        .connection_timeout(5s)
        .heartbeat_interval(30s)
        .heartbeat_timeout(60s)
        .auto_reconnect(true)
        .max_reconnect_attempts(flare::kUnlimited)
        .reconnect_delay(1s)  // doubles each time, with jitter
        .send_timeout(2min)   // limit for a blocking send without a connection
        .message_retry(3, 1s)
        .buffer_size(8192)
        .outbox_limit(10'000, 64 << 20)
        .max_message_bytes(16 << 20)
        .platform(flare::Platform::desktop)
        .device_id("alices-desktop")  // keep it stable: one session per user and device
        .quic_ticket_file("quic.tickets");
    flare::Checked<flare::Client> client = builder.build();
    if (!client) {
        std::fprintf(stderr, "%s\n", client.error().text.c_str());
        return 1;
    }
    // end

    // snippet: connect
    flare::Checked<flare::Protocol> protocol = client->connect();
    if (!protocol) {
        std::fprintf(stderr, "%s\n", protocol.error().text.c_str());
        return 1;
    }
    std::printf("over %s\n", std::string(flare::name(*protocol)).c_str());
    // end
    trying::expect(client->get_status() == flare::ClientStatus::connected, "connected");
    trying::expect(client->get_current_protocol().has_value() && !client->get_session_id().empty(), "a session stands");

    // snippet: build-errors
    auto nobody = flare::ClientBuilder("").build();        // user_id: is empty
    auto nowhere = flare::ClientBuilder("alice").build();  // server_addresses: contains no address
    auto unverified = flare::ClientBuilder("alice")
                          .server_addresses(flare::ServerAddresses().with_websocket_tls_url(wss_url))
                          .tls(false)  // refused: TLS is always verified
                          .build();
    // end
    trying::expect(nobody.error().text == "user_id: is empty", "an empty user id is named");
    trying::expect(nowhere.error().text == "server_addresses: contains no address", "so is a missing address");
    trying::expect(unverified.error().code == flare::errc::invalid_config, "and TLS without verification");

    // snippet: connect-errors
    auto lost = flare::ClientBuilder("alice")
                    .server_addresses(flare::ServerAddresses().with_websocket_url("ws://127.0.0.1:1"))
                    .build();
    flare::Checked<flare::Protocol> refused = lost->connect();
    if (refused.error().code == flare::errc::connection_refused) std::printf("%s\n", refused.error().text.c_str());
    if (flare::make_error_code(refused.error().code) == flare::errcond::retryable) std::printf("try again later\n");
    // end
    trying::expect(refused.error().code == flare::errc::connection_refused, "nobody listens on port 1");

    // snippet: disconnect
    client->disconnect();  // sends what is queued, says goodbye, closes: at most about 5 seconds
    // end
    trying::expect(client->get_status() == flare::ClientStatus::disconnected, "disconnected");
}
