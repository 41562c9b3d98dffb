// The guide's chapter about events, status and statistics.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>

std::atomic<int> messages{0};
std::atomic<int> connects{0};

// snippet: visit
template <typename... F>
struct overloaded : F... {
    using F::operator()...;
};
template <typename... F>
overloaded(F...) -> overloaded<F...>;

void on_event(const flare::Event& event) {
    using namespace flare::event;
    std::visit(
        overloaded{
            [](const Connected&) { ++connects; },
            [](const MessageReceived& e) {
                std::printf("%s: %s\n", e.message.from.c_str(), e.message.payload.str().c_str());
                ++messages;
            },
            [](const MessageFailed& e) { std::printf("%s: %s\n", e.message_id.str().c_str(), e.error.text.c_str()); },
            [](const Gap& e) { std::printf("messages are missing: %s\n", e.reason.text.c_str()); },
            [&event](const auto&) { std::printf("%s\n", flare::to_string(event).c_str()); },  // all others
        },
        event);
}
// end

int main() {
    auto server = flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").build();
    if (!server || !server->start()) return 1;
    auto client = flare::ClientBuilder("alice")
                      .server_addresses(flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                      .with_event_callback(on_event)
                      .build();
    if (!client || !client->connect()) return 1;
    trying::expect(client->send_text_message("server", "hello").success, "hello");
    trying::eventually([] { return connects == 1 && messages == 1; }, "the events have come");

    // snippet: status
    if (client->get_status() == flare::ClientStatus::connected) {
        flare::ConnectionStats stats = client->get_connection_stats();
        std::printf("over %s: %llu messages out, %llu in, %llu reconnects\n",
                    std::string(flare::name(*stats.protocol)).c_str(),
                    static_cast<unsigned long long>(stats.messages_sent),
                    static_cast<unsigned long long>(stats.messages_received),
                    static_cast<unsigned long long>(stats.reconnect_count));
        if (stats.rtt) std::printf("round trip %lld us\n", static_cast<long long>(stats.rtt->count() / 1000));
    }
    // end
    const flare::ConnectionStats stats = client->get_connection_stats();
    trying::expect(stats.messages_sent == 1 && stats.messages_received == 1, "one each way is counted");
}
