// The guide's part about many sessions of one process.
#include "trying.hpp"

#include <flare/session_pool.hpp>

#include <atomic>
#include <string>

int main() {
    flare::Server server = trying::server_of_both_protocols();
    const auto addresses = flare::ServerAddresses()
                               .with_websocket_tls_url("wss://" + server.websocket_addr())
                               .with_quic_url("quic://" + server.quic_addr());
    std::atomic<int> replies{0};
    const auto on_event = [&](const flare::Event& event) {
        replies += std::holds_alternative<flare::event::MessageReceived>(event);
    };
    // snippet: pool
    flare::SessionPool pool({.io_threads = 2, .callback_threads = 2});
    for (int i = 0; i < 100; ++i) {
        auto added = pool.add(flare::ClientBuilder("user-" + std::to_string(i))
                                  .server_addresses(addresses)
                                  .ca_file("certs/ca.crt")
                                  .with_event_callback(on_event));
        if (!added) return 1;
    }
    flare::SessionPool::WarmUp warm = pool.warm_up();  // before the first message needs them
    for (const auto& [user, failure] : warm.failed) std::printf("%s: %s\n", user.c_str(), failure.text.c_str());
    flare::SendResult sent = pool.find("user-7")->send_text_message("server", "hello");
    pool.disconnect();  // disconnects all, with a goodbye
    // end
    trying::expect(warm.connected == 100 && sent.success, "all are connected, and one speaks");
}
