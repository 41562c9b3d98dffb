// A client for servers that are not ours: connects over QUIC, sends three messages, wants each of them back, says
// goodbye.
//
//     interop_client quic://localhost:PORT CA.crt
#include <flare/client.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    std::atomic<int> replies{0};
    auto client = flare::ClientBuilder("interop")
                      .server_addresses(flare::ServerAddresses().with_quic_url(argv[1]))
                      .ca_file(argv[2])
                      .with_event_callback([&](const flare::Event& event) {
                          std::printf("%s\n", flare::to_string(event).c_str());
                          if (std::holds_alternative<flare::event::MessageReceived>(event)) ++replies;
                      })
                      .build();
    if (!client) return std::fprintf(stderr, "%s\n", client.error().text.c_str()), 1;
    if (const auto up = client->connect(); !up) return std::fprintf(stderr, "%s\n", up.error().text.c_str()), 1;
    for (int i = 0; i < 3; ++i) {
        const auto sent = client->send_text_message("server", "message " + std::to_string(i));
        if (!sent.success) return std::fprintf(stderr, "%s\n", sent.error_message.c_str()), 1;
    }
    for (int i = 0; i < 200 && replies < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    client->disconnect();
    std::printf("%d replies\n", replies.load());
    return replies == 3 ? 0 : 1;
}
