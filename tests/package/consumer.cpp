// One message to a server of the same process and back.
#include <flare/client.hpp>
#include <flare/server.hpp>

#include <cstdio>

int main() {
    auto server =
        flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").log_level(flare::LogLevel::warn).build();
    if (!server) return 1;
    if (const auto started = server->start(); !started) {
        std::puts(started.error().text.c_str());
        return 1;
    }
    auto client = flare::ClientBuilder("ann")
                      .server_addresses(flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                      .build();
    if (!client || !client->connect()) return 1;
    const flare::SendResult sent = client->send_text_message("server", "hello");
    std::printf("consumer: %s\n", sent.success ? "acknowledged" : sent.error_message.c_str());
    client->disconnect();
    return sent.success ? 0 : 1;
}
