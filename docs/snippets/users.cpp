// The guide's chapter about users: who may speak, to whom, and what the server can do with them.
#include "trying.hpp"

#include <flare/auth.hpp>
#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>

using namespace std::chrono_literals;

namespace {

flare::Client client_for(const std::string& user, const std::string& token, const std::string& address,
                         std::atomic<int>& received) {
    auto client = flare::ClientBuilder(user)
                      .server_addresses(flare::ServerAddresses().with_websocket_url("ws://" + address))
                      .token(token)
                      .with_event_callback([&received](const flare::Event& event) {
                          if (std::holds_alternative<flare::event::MessageReceived>(event)) ++received;
                      })
                      .build();
    trying::expect(client.has_value(), "the client's configuration is good");
    return std::move(*client);
}

}  // namespace

int main() {
    std::ofstream("jwt.secret") << "a secret of thirty-two bytes or more\n";
    std::filesystem::permissions("jwt.secret", std::filesystem::perms(0600));

    flare::ServerBuilder builder;
    // snippet: static-tokens
    builder.with_auth_handler(flare::static_token_auth({
        {"token of alice", {"alice"}},
        {"token of bob", {"bob", std::chrono::system_clock::now() + 24h}},
    }));
    // end

    flare::ServerBuilder signed_tokens;
    // snippet: jwt
    flare::JwtOptions jwt;
    jwt.key_file = "jwt.secret";  // or jwks_file for several keys
    jwt.algorithm = flare::JwtAlgorithm::hs256;
    jwt.issuer = "https://login.example.com";
    jwt.audience = {"chat"};
    signed_tokens.with_auth_handler(flare::jwt_auth(jwt));
    // end
    trying::expect(signed_tokens.build().has_value(), "the JWT options are good");

    flare::ServerBuilder asking;
    // snippet: http-hook
    flare::HttpAuthOptions hook;
    hook.url = "http://127.0.0.1:8080/flare-auth";
    hook.timeout = 2s;
    asking.with_auth_handler(flare::http_auth(hook));
    // end
    trying::expect(asking.build().has_value(), "the hook's options are good");

    flare::ServerBuilder own;
    // snippet: own-auth
    own.with_auth_handler([](const flare::AuthRequest& request) -> flare::Checked<flare::Identity> {
        if (request.token != "letter by letter") return flare::Failure(flare::errc::unauthenticated);
        flare::Identity identity(request.claimed_user, std::chrono::system_clock::now() + 1h);
        identity.token_id = "7f3a";  // for revoke_token()
        return identity;
    });
    // end
    trying::expect(own.build().has_value(), "an own handler is good");

    // snippet: policy
    builder.with_delivery_policy([](std::string_view from, std::string_view to, const flare::Message&) {
        return to != "bob" || from == "alice" || from == "server";  // only alice may write to bob
    });
    builder.device_policy(flare::DevicePolicy::many).max_devices_per_user(5).revocations_file("revoked.txt");
    // end

    auto server = builder.websocket_only().websocket_addr("127.0.0.1:0").build();
    if (!server || !server->start()) return 1;
    const std::string address = server->websocket_addr();
    std::atomic<int> for_alice{0};
    std::atomic<int> for_bob{0};
    flare::Client alice = client_for("alice", "token of alice", address, for_alice);
    flare::Client bob = client_for("bob", "token of bob", address, for_bob);
    flare::Client mallory = client_for("mallory", "token of alice", address, for_bob);
    trying::expect(alice.connect() && bob.connect(), "tokens open the door");
    trying::expect(mallory.connect().error().code == flare::errc::user_mismatch, "for whom they are");
    trying::expect(alice.send_text_message("bob", "hi").success, "alice may write to bob");

    // snippet: ask
    flare::Checked<flare::UserPresence> presence = server->presence("bob");  // offline, detached or attached
    flare::Checked<std::vector<flare::SessionInfo>> devices = server->sessions("bob");
    flare::Checked<std::vector<std::string>> everybody = server->online_users();

    flare::Message notice("notice", "the kitchen is open");
    auto to_one = server->send("bob", notice);                      // delivered, or buffered while disconnected
    auto to_some = server->send_to_many({"alice", "bob"}, notice);  // ->reached: number of users
    auto to_all = server->broadcast(notice);                        // ->reached: number of sessions
    // end
    trying::expect(presence && *presence == flare::UserPresence::attached, "bob is online");
    trying::expect(devices && devices->size() == 1 && devices->front().user == "bob", "on one device");
    trying::expect(everybody && everybody->size() == 2, "two are online");
    trying::expect(to_one && *to_one == flare::Delivery::delivered, "delivered to bob");
    trying::expect(to_some && *to_some == 2 && to_all && *to_all == 2, "delivered to both");
    trying::eventually([&] { return for_alice == 2 && for_bob == 4; }, "what was sent arrives");

    // snippet: stats
    flare::Checked<flare::ServerStats> stats = server->stats();
    if (stats) {
        for (const auto& [protocol, count] : stats->connections)
            std::printf("%s: %llu connections\n", std::string(flare::name(protocol)).c_str(),
                        static_cast<unsigned long long>(count));
        for (const auto& [code, count] : stats->errors)
            std::printf("%s: %llu\n", std::string(flare::name(code)).c_str(), static_cast<unsigned long long>(count));
    }
    // end
    trying::expect(stats && stats->sessions == 2 && stats->errors.at(flare::errc::user_mismatch) == 1,
                   "stats count sessions and refusals");

    // snippet: send-away
    auto ended = server->disconnect_user("bob", "the shop closes");  // may come back
    auto revoked = server->revoke_user("alice", std::chrono::system_clock::now() + 1h, "ask at the desk");  // may not
    // end
    trying::expect(ended && *ended == 1 && revoked && *revoked == 1, "one session each has ended");
    trying::eventually([&] { return alice.get_status() == flare::ClientStatus::disconnected; }, "alice is out");
    trying::expect(alice.connect().error().code == flare::errc::credential_revoked, "and stays out");
    trying::expect(std::filesystem::file_size("revoked.txt") > 0, "also after a restart");
    std::filesystem::remove("revoked.txt");
}
