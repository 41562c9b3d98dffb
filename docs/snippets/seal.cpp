// The guide's chapter about sealing, compression and tokens that expire.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <chrono>

using namespace std::chrono_literals;

int main() {
    // snippet: server
    auto server = flare::ServerBuilder()
                      .websocket_only()
                      .websocket_addr("127.0.0.1:0")
                      .sealing_key("certs/sealing.key")  // scripts/generate_certs.sh makes one
                      .compression(true)
                      .with_auth_handler(flare::static_token_auth({
                          {"monday", {"alice", std::chrono::system_clock::now() + 1h}},
                          {"tuesday", {"alice", std::chrono::system_clock::now() + 25h}},
                      }))
                      .build();
    if (!server || !server->start()) return 1;
    // end
    const std::string url = "ws://" + server->websocket_addr();
    const std::string public_key = server->sealing_public_key();

    // snippet: client
    auto client = flare::ClientBuilder("alice")
                      .server_addresses(flare::ServerAddresses().with_websocket_url(url))
                      .encryption(true)        // required: refuses a server without sealing
                      .server_key(public_key)  // Server::sealing_public_key(), certs/sealing.pub
                      .compression(true)
                      .compression_threshold(256)
                      .token([] { return std::string("monday"); })  // called before each connect, and before expiry
                      .build();
    if (!client) return 1;
    if (auto connected = client->connect(); !connected) return 1;
    flare::ConnectionStats stats = client->get_connection_stats();  // stats.sealed is true
    // end
    trying::expect(stats.sealed, "sealed");
    trying::expect(client->send_text_message("server", std::string(4096, 'a')).success, "a long text");
    trying::expect(client->get_connection_stats().compression.compressed == 1, "goes compressed");

    // snippet: refresh
    flare::Checked<> refreshed = client->refresh_token("tuesday");  // without a reconnect
    if (!refreshed) std::printf("%s\n", refreshed.error().text.c_str());
    // end
    trying::expect(refreshed.has_value(), "another token is taken");
    trying::expect(client->refresh_token("yesterday").error().code == flare::errc::unauthenticated,
                   "one that is none is refused");
    trying::expect(client->send_text_message("server", "still here").success, "and the session goes on");

    auto wrong = flare::ClientBuilder("alice")
                     .server_addresses(flare::ServerAddresses().with_websocket_url(url))
                     .encryption(true)
                     .server_key("CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
                     .token("monday")
                     .build();
    trying::expect(wrong && wrong->connect().error().code == flare::errc::server_key_mismatch, "another server");
}
