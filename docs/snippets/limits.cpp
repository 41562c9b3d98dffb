// The guide's chapter about a server for production: limits, restarts, what it shows.
#include "trying.hpp"

#include <flare/auth.hpp>
#include <flare/server.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace std::chrono_literals;

int main() {
    flare::ServerBuilder builder;
    builder.websocket_addr("127.0.0.1:0").quic_addr("127.0.0.1:0").admin_addr("127.0.0.1:0");
    // snippet: limits
    builder.max_connections(50'000)
        .max_connections_per_address(200)
        .max_handshakes_per_second(2'000)
        .max_messages_per_second(50, 200)  // per device: 50 a second, bursts of 200
        .max_bytes_per_second(1 << 20, 4 << 20)
        .max_message_bytes(1 << 20)
        .max_memory_bytes(2ull << 30)
        .max_unacked(10'000, 4 << 20)
        .max_queued(20'000, 32 << 20)
        .max_batch_bytes(256 << 10)
        .quic_retry_above(64)
        .hello_timeout(5s)
        .heartbeat_interval(30s)
        .heartbeat_timeout(60s)
        .max_missed_heartbeats(3)
        .session_life(2min)
        .slow_consumer_after(30s)
        .worker_threads(0)  // one event loop per core
        .handler_threads(4)
        .log_level(flare::LogLevel::info);
    // end
    // snippet: restart
    builder
        .admission_rate(1000)                       // new sessions per second
        .ticket_key_file("tickets.key")             // recognizes clients of the previous process
        .quic_secret("forty letters from a safe");  // ends their stale QUIC connections at once
    // end
    auto server = builder.build();
    trying::expect(server.has_value(), "the limits go together");
    if (!server->start()) return 1;
    trying::expect(std::filesystem::exists("tickets.key"), "a missing ticket key is made");
    trying::expect(!server->admin_addr().empty(), "the admin address is told");
    std::filesystem::remove("tickets.key");

    // snippet: exposed
    auto naive = flare::ServerBuilder().websocket_only().websocket_addr("0.0.0.0:0").build();
    flare::Checked<> refused = naive->start();  // invalid_config: authentication and TLS are missing
    // end
    trying::expect(refused.error().code == flare::errc::invalid_config, "an open door is refused");
}
