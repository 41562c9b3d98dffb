// The guide's chapter about bad networks: what a client does by itself, and what it tells.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <chrono>

using namespace std::chrono_literals;

int main() {
    std::atomic<int> handled{0};
    auto server = flare::ServerBuilder()
                      .websocket_only()
                      .websocket_addr("127.0.0.1:0")
                      .session_life(2min)
                      .with_message_handler([&handled](const flare::SessionInfo&, const flare::Message&) {
                          ++handled;
                          return flare::HandlerResult();
                      })
                      .build();
    if (!server || !server->start()) return 1;

    std::atomic<int> resumed{0};
    // snippet: reconnect
    auto client = flare::ClientBuilder("alice")
                      .server_addresses(flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                      .max_reconnect_attempts(10)
                      .reconnect_delay(200ms)
                      .with_event_callback([&resumed](const flare::Event& event) {
                          const auto* back = std::get_if<flare::event::Reconnected>(&event);
                          if (back != nullptr && back->resumed) ++resumed;  // nothing was lost
                      })
                      .build();
    // end
    if (!client || !client->connect()) return 1;
    const std::string session = client->get_session_id();

    // snippet: drop
    (void)server->drop_connections("alice");  // like a failing network
    flare::SendResult sent = client->send_text_message("server", "still here");
    // end
    trying::expect(sent.success && handled == 1, "a message sent while the connection is away is handled once");
    trying::eventually([&] { return resumed == 1; }, "the client is back");
    trying::expect(client->get_session_id() == session, "in the same session");

    // snippet: by-hand
    flare::Checked<flare::Protocol> renewed = client->reconnect();  // drops the connection and resumes on a new one
    // end
    trying::expect(renewed.has_value() && client->get_session_id() == session, "by hand, too");

    std::atomic<int> draining{0};
    std::atomic<int> gone{0};
    // snippet: no-reconnect
    auto once = flare::ClientBuilder("bob")
                    .server_addresses(flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                    .auto_reconnect(false)
                    .with_event_callback([&](const flare::Event& event) {
                        if (const auto* end = std::get_if<flare::event::Draining>(&event))
                            std::printf("the server stops; back in %lld ms\n",
                                        static_cast<long long>((++draining, end->retry_after.count())));
                        if (std::holds_alternative<flare::event::Disconnected>(event)) ++gone;
                    })
                    .build();
    // end
    if (!once || !once->connect()) return 1;
    server->stop();
    trying::eventually([&] { return draining == 1 && gone == 1; }, "Draining, then Disconnected");
}
