#include <flare/client.hpp>

#include <cstdio>

void on_event(const flare::Event& event) {
    if (const auto* received = std::get_if<flare::event::MessageReceived>(&event))
        std::puts(received->message.payload.str().c_str());
}

int main(int argc, char** argv) {
    const auto address = flare::ServerAddresses().with_websocket_url(argc > 1 ? argv[1] : "ws://127.0.0.1:4000");
    auto client = flare::ClientBuilder("alice").server_addresses(address).with_event_callback(on_event).build();
    if (!client) {
        std::puts(client.error().text.c_str());
        return 1;
    }
    if (auto connected = client->connect(); !connected) {
        std::puts(connected.error().text.c_str());
        return 1;
    }
    flare::SendResult sent = client->send_text_message("server", "good morning");
    std::puts(sent.success ? "the server has handled it" : sent.error_message.c_str());
    client->disconnect();
}
