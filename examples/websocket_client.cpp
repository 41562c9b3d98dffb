// A Flare client over WebSocket: connects, sends a text, a binary and a custom JSON message to the server's handler,
// prints every event, its status and its statistics. Everything is sealed, although ws:// has no encryption of its own:
// the server's certificate vouches for its key.
//
//     ./websocket_client [ws://127.0.0.1:4000] [certs/ca.crt]
#include <flare/client.hpp>
#include <flare/printable.hpp>

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
    if (const auto* received = std::get_if<flare::event::MessageReceived>(&event)) {
        const flare::Message& message = received->message;
        const bool text = message.type != "echo" || message.payload.size() != 4;
        if (text) std::printf("       %s\n", flare::printable(message.payload.view()).c_str());
        ++replies;
    }
    std::fflush(stdout);
}

bool report(const char* what, const flare::SendResult& result) {
    if (result.success) {
        std::printf(
            "sent   %s: acknowledged after %lld us, %u repeats\n", what,
            static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(result.latency).count()),
            result.retry_count);
    } else {
        std::printf("failed %s: %s\n", what, result.error_message.c_str());
    }
    return result.success;
}

long long unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

int main(int argc, char** argv) {
    auto client =
        flare::ClientBuilder("websocket_user")
            .server_addresses(flare::ServerAddresses().with_websocket_url(argc > 1 ? argv[1] : "ws://127.0.0.1:4000"))
            .protocol_selection_mode(flare::ProtocolSelection::websocket)
            .encryption(true)
            .ca_file(argc > 2 ? argv[2] : "certs/ca.crt")
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
        std::fprintf(stderr, "websocket_client: %s\n", client.error().text.c_str());
        return 1;
    }
    if (const auto connected = client->connect(); !connected) {
        std::fprintf(stderr, "websocket_client: %s\n", connected.error().text.c_str());
        return 1;
    }

    flare::Message chat("chat", flare::Bytes("你好, Flare!"));
    const std::string custom =
        R"({"type":"custom","client":"websocket","data":"custom data","timestamp":)" + std::to_string(unix_ms()) + "}";
    bool good = report("chat", client->send_message("server", chat));
    good = report("text", client->send_text_message("server", "Hello from the WebSocket client")) && good;
    good =
        report("binary", client->send_binary_message("server", flare::Bytes(std::string("\x01\x02\x03\x04")))) && good;
    good = report("custom", client->send_message("server", flare::Message("custom", flare::Bytes(custom)))) && good;

    // A reply may come with the receipt or shortly after it.
    for (int i = 0; i < 100 && replies < 4; ++i) std::this_thread::sleep_for(20ms);

    const flare::ConnectionStats stats = client->get_connection_stats();
    std::printf("status %s over %s%s\n", std::string(flare::name(client->get_status())).c_str(),
                stats.protocol ? std::string(flare::name(*stats.protocol)).c_str() : "nothing",
                stats.sealed ? ", sealed" : "");
    std::printf(
        "stats  messages %llu sent, %llu received; bytes %llu sent, %llu received; %llu errors, %llu reconnects, "
        "connected in %lld us\n",
        static_cast<unsigned long long>(stats.messages_sent), static_cast<unsigned long long>(stats.messages_received),
        static_cast<unsigned long long>(stats.bytes_sent), static_cast<unsigned long long>(stats.bytes_received),
        static_cast<unsigned long long>(stats.error_count), static_cast<unsigned long long>(stats.reconnect_count),
        static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(stats.connection_time).count()));
    client->disconnect();
    if (!good || replies != 4) {
        std::fprintf(stderr, "websocket_client: only %d of 4 replies arrived\n", replies.load());
        return 1;
    }
}
