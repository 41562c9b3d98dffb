// Who may speak, on how many devices, and when that ends: through a real server and real clients.
#include "integration/harness.hpp"
#include "support/certificates.hpp"
#include "support/folder.hpp"
#include "support/tokens.hpp"

#include <flare/auth.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <thread>

namespace flare::test {
namespace {

// A server that takes tokens of one issuer.
class WithJwt : public ::testing::Test {
protected:
    JwtOptions options() {
        JwtOptions made;
        made.key_file = folder.write("key.pem", signer.public_pem());
        made.algorithm = JwtAlgorithm::es256;
        made.audience = {"chat"};
        made.clock_skew = 0s;
        return made;
    }
    std::string token(const std::string& user, std::chrono::seconds life = 1h, const std::string& id = {}) const {
        return signer.token(R"({"sub":")" + user + R"(","aud":"chat","exp":)" +
                            std::to_string(unix_seconds(std::chrono::system_clock::now() + life)) +
                            (id.empty() ? "" : R"(,"jti":")" + id + '"') + "}");
    }
    ServerBuilder builder() { return quiet_server().with_auth_handler(jwt_auth(options())); }
    // Of one device of a user.
    static ClientBuilder device(const Server& server, const std::string& user, const std::string& device_id,
                                const std::string& with_token, Events& events) {
        return client_of(server.websocket_addr(), user, events)
            .device_id(device_id)
            .token(with_token)
            .reconnect_delay(10ms);
    }
    Failure refusal(const Server& server, const std::string& user, const std::string& with_token) {
        Events events;
        auto client = device(server, user, "tried", with_token, events).build();
        const auto result = client->connect();
        return result ? Failure(errc::ok) : result.error();
    }

    Folder folder;
    Signer signer = Signer::ec();
};

// The reason of the end, once it has come.
Failure end_of(Events& events) {
    if (!events.wait_for<event::Disconnected>()) return Failure(errc::internal, "it goes on");
    return events.all<event::Disconnected>().back().reason;
}

// ---- tokens ----

TEST_F(WithJwt, OnlyGoodTokensMakeSessions) {
    Server server = started(builder());
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::ok);
    EXPECT_EQ(refusal(server, "bob", token("ann")).code, errc::user_mismatch);
    EXPECT_EQ(refusal(server, "ann", token("ann", -1s)).code, errc::token_expired);
    EXPECT_EQ(refusal(server, "ann", "").code, errc::unauthenticated);
    const Failure forged = refusal(server, "ann", Signer::ec().token(R"({"sub":"ann","aud":"chat","exp":4000000000})"));
    EXPECT_EQ(forged.code, errc::unauthenticated);
    EXPECT_EQ(forged.text, "the token's signature is not valid");
}

TEST_F(WithJwt, ASessionEndsWithItsToken) {
    Server server = started(builder());
    Events events;
    Client client = connected(device(server, "ann", "phone", token("ann", 2s), events));
    EXPECT_EQ(end_of(events).code, errc::token_expired);
    EXPECT_EQ(events.all<event::TokenExpiring>().size(), 1u);
}

TEST_F(WithJwt, ATokenTakesThePlaceOfOneThatExpires) {
    Server server = started(builder());
    Events events;
    Client client = connected(device(server, "ann", "phone", token("ann", 3s, "first"), events));
    EXPECT_EQ(client.refresh_token(token("bob")).error().code, errc::user_mismatch);
    EXPECT_EQ(client.refresh_token(token("ann", -1s)).error().code, errc::token_expired);
    ASSERT_TRUE(client.refresh_token(token("ann", 1h, "second")));
    std::this_thread::sleep_until(std::chrono::steady_clock::now() + 3s);  // the first one is over by then
    EXPECT_TRUE(client.send_text_message("server", "still here").success);
    EXPECT_EQ(server.revoke_token("first").value(), 0u) << "it carries the session no more";
    EXPECT_EQ(server.revoke_token("second").value(), 1u);
    EXPECT_EQ(end_of(events).code, errc::credential_revoked);
}

TEST_F(WithJwt, KeysAreExchangedWhileTheServerRuns) {
    const Signer next = Signer::ec();
    Server server = started(builder());
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::ok);
    folder.replace("key.pem", next.public_pem());
    const std::string claims = R"({"sub":"ann","aud":"chat","exp":)" +
                               std::to_string(unix_seconds(std::chrono::system_clock::now() + 1h)) + "}";
    bool taken = false;
    for (const auto end = std::chrono::steady_clock::now() + 30s; !taken && std::chrono::steady_clock::now() < end;)
        taken = refusal(server, "ann", next.token(claims)).code == errc::ok;
    EXPECT_TRUE(taken);
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::unauthenticated);
}

TEST_F(WithJwt, OptionsThatCannotBeUsedAreNamedByBuild) {
    const auto error_of = [](const JwtOptions& with) {
        const auto server = quiet_server().with_auth_handler(jwt_auth(with)).build();
        return server ? Failure(errc::ok, "built") : server.error();
    };
    EXPECT_EQ(error_of(options()).text, "built");
    JwtOptions bad = options();
    bad.key_file = folder.path("missing.pem");
    EXPECT_EQ(error_of(bad).code, errc::file_not_found);
    EXPECT_NE(error_of(bad).text.find(bad.key_file), std::string::npos);
    bad = options();
    bad.algorithm = JwtAlgorithm::rs256;
    EXPECT_EQ(error_of(bad).code, errc::invalid_config);
    bad = options();
    bad.user_claim.clear();
    EXPECT_EQ(error_of(bad).text, "jwt_auth: user_claim is empty");
    bad = options();
    bad.clock_skew = -1s;
    EXPECT_EQ(error_of(bad).code, errc::invalid_config);
    bad = options();
    bad.max_life = std::chrono::seconds::max();
    EXPECT_EQ(error_of(bad).code, errc::invalid_config);
}

// ---- revocation ----

TEST_F(WithJwt, ARevokedUserIsOutAtOnceAndStaysOut) {
    Server server = started(builder());
    Events phone, laptop, others;
    Client first = connected(device(server, "ann", "phone", token("ann"), phone));
    Client second = connected(device(server, "ann", "laptop", token("ann"), laptop));
    Client other = connected(device(server, "bob", "phone", token("bob"), others));
    EXPECT_EQ(server.revoke_user("ann", {}, "ask Eve").value(), 2u);
    for (Events* events : {&phone, &laptop}) {
        EXPECT_EQ(end_of(*events).code, errc::credential_revoked);
        EXPECT_EQ(end_of(*events).text, "ask Eve");
    }
    EXPECT_EQ(first.get_status(), ClientStatus::disconnected) << "it does not come back by itself";
    EXPECT_EQ(first.connect().error().code, errc::credential_revoked);
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::credential_revoked);
    EXPECT_TRUE(other.send_text_message("server", "x").success);
    EXPECT_EQ(server.stats()->revocations, 1u);
    // Lifted.
    EXPECT_EQ(server.revoke_user("ann", std::chrono::system_clock::now()).value(), 0u);
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::ok);
}

TEST_F(WithJwt, ARevocationEndsAtItsTime) {
    Server server = started(builder());
    ASSERT_TRUE(server.revoke_user("ann", std::chrono::system_clock::now() + 2s));
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::credential_revoked);
    std::this_thread::sleep_until(std::chrono::steady_clock::now() + 2s);
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::ok);
}

TEST_F(WithJwt, ARevokedTokenIsOutAndAnotherOfTheUserIsNot) {
    Server server = started(builder());
    Events events, others;
    const std::string stolen = token("ann", 1h, "stolen");
    Client first = connected(device(server, "ann", "phone", stolen, events));
    Client second = connected(device(server, "ann", "laptop", token("ann", 1h, "kept"), others));
    EXPECT_EQ(server.revoke_token("stolen").value(), 1u);
    EXPECT_EQ(end_of(events).code, errc::credential_revoked);
    EXPECT_EQ(refusal(server, "ann", stolen).code, errc::credential_revoked);
    EXPECT_EQ(second.refresh_token(stolen).error().code, errc::credential_revoked);
    EXPECT_TRUE(second.send_text_message("server", "x").success);
    EXPECT_EQ(refusal(server, "ann", token("ann", 1h, "new")).code, errc::ok);
}

TEST_F(WithJwt, ARevokedUserWhoIsAwayDoesNotResume) {
    Server server = started(builder());
    Events events;
    Client client = connected(device(server, "ann", "phone", token("ann"), events).reconnect_delay(16s));
    EXPECT_EQ(server.drop_connections("ann").value(), 1u);
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    ASSERT_TRUE(server.revoke_user("ann"));
    ASSERT_TRUE(events.wait_for<event::ReconnectFailed>());
    EXPECT_NE(events.all<event::ReconnectFailed>()[0].reason.text.find("has been revoked"), std::string::npos)
        << events.all<event::ReconnectFailed>()[0].reason.text;
    EXPECT_EQ(server.stats()->sessions_created, 1u);
}

TEST_F(WithJwt, ARevokedSessionIsOverAndItsUserMaySignInAgain) {
    Server server = started(builder());
    Events events;
    Client client = connected(device(server, "ann", "phone", token("ann"), events));
    EXPECT_EQ(server.revoke_session("no uuid").error().code, errc::session_unknown);
    EXPECT_FALSE(server.revoke_session("01910a3e-5c00-7b1a-8d5e-0123456789ab").value());
    EXPECT_TRUE(server.revoke_session(client.get_session_id(), "this device is lost").value());
    EXPECT_EQ(end_of(events).code, errc::credential_revoked);
    EXPECT_EQ(end_of(events).text, "this device is lost");
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::ok);
}

TEST_F(WithJwt, RevocationsSurviveARestart) {
    const std::string file = folder.path("revoked");
    const std::string stolen = token("bob", 1h, "stolen");
    {
        Server server = started(builder().revocations_file(file));
        ASSERT_TRUE(server.revoke_user("ann"));
        ASSERT_TRUE(server.revoke_token("stolen"));
        server.stop();
        ASSERT_TRUE(server.start()) << "the same server again";
        EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::credential_revoked);
    }
    Server server = started(builder().revocations_file(file));
    EXPECT_EQ(refusal(server, "ann", token("ann")).code, errc::credential_revoked);
    EXPECT_EQ(refusal(server, "bob", stolen).code, errc::credential_revoked);
    EXPECT_EQ(refusal(server, "bob", token("bob")).code, errc::ok);
    folder.write("revoked", folder.read("revoked") + "nonsense\n");
    auto broken = builder().revocations_file(file).build();
    const auto begun = broken->start();
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, errc::invalid_config);
    EXPECT_NE(begun.error().text.find(file + ": line 4"), std::string::npos) << begun.error().text;
}

TEST_F(WithJwt, CoroutinesRevokeToo) {
    std::unique_ptr<Server> server;
    server = std::make_unique<Server>(
        started(builder().on_message_type("revoke", [&server](SessionInfo, Message message) -> Task<HandlerResult> {
            const auto users = co_await server->async_revoke_user(message.payload.str());
            const auto tokens = co_await server->async_revoke_token("nobody's");
            co_return Message("done", Bytes(users && tokens ? std::to_string(*users) : "failed"));
        })));
    Events events, others;
    Client admin = connected(device(*server, "admin", "phone", token("admin"), events));
    Client ann = connected(device(*server, "ann", "phone", token("ann"), others));
    ASSERT_TRUE(admin.send_message("server", Message("revoke", Bytes("ann"))).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>());
    EXPECT_EQ(events.all<event::MessageReceived>()[0].message.payload.str(), "1");
    EXPECT_EQ(end_of(others).code, errc::credential_revoked);
}

TEST_F(WithJwt, RevocationsAreBounded) {
    Server server = started(builder().max_revocations(2));
    EXPECT_TRUE(server.revoke_user("a"));
    EXPECT_TRUE(server.revoke_token("b"));
    EXPECT_EQ(server.revoke_user("c").error().code, errc::busy);
    EXPECT_EQ(server.revoke_user("").error().code, errc::invalid_config);
    EXPECT_FALSE(quiet_server().max_revocations(0).build());
    server.stop();
    EXPECT_EQ(server.revoke_user("a").error().code, errc::not_connected);
}

// While sessions are made and revoked on all workers, none of a revoked user is left over.
TEST_F(WithJwt, NobodySlipsThroughWhileBeingRevoked) {
    Server server = started(builder());
    constexpr int kUsers = 8;
    std::vector<std::thread> threads;
    for (int i = 0; i < kUsers; ++i) {
        threads.emplace_back([&, i] {
            const std::string user = "user-" + std::to_string(i);
            const std::string good = token(user);
            for (int k = 0; k < 10; ++k) {
                Events events;
                auto client = device(server, user, "phone", good, events).auto_reconnect(false).build();
                (void)client->connect();
            }
        });
    }
    for (int i = 0; i < kUsers; ++i) EXPECT_TRUE(server.revoke_user("user-" + std::to_string(i)));
    for (std::thread& thread : threads) thread.join();
    for (int i = 0; i < kUsers; ++i)
        EXPECT_EQ(server.presence("user-" + std::to_string(i)).value(), UserPresence::offline) << i;
}

// ---- devices ----

TEST(Devices, ManyUnlessToldOtherwise) {
    Server server = started(quiet_server());
    Events phone, laptop;
    Client first = connected(client_of(server.websocket_addr(), "ann", phone).device_id("phone"));
    Client second = connected(client_of(server.websocket_addr(), "ann", laptop).device_id("laptop"));
    EXPECT_TRUE(second.send_text_message("server", "x").success);
    EXPECT_EQ(server.sessions("ann")->size(), 2u);
}

TEST(Devices, TheNewestWinsAndTheOlderIsToldWhy) {
    Server server = started(quiet_server().device_policy(DevicePolicy::newest_wins));
    Events phone, laptop;
    Client first = connected(client_of(server.websocket_addr(), "ann", phone).device_id("phone").reconnect_delay(10ms));
    Client second = connected(client_of(server.websocket_addr(), "ann", laptop).device_id("laptop"));
    EXPECT_TRUE(second.send_text_message("server", "x").success);
    EXPECT_EQ(end_of(phone).code, errc::session_replaced);
    EXPECT_NE(end_of(phone).text.find("another device"), std::string::npos) << end_of(phone).text;
    EXPECT_EQ(first.get_status(), ClientStatus::disconnected) << "the two do not push each other out for ever";
    ASSERT_EQ(server.sessions("ann")->size(), 1u);
    EXPECT_EQ(server.sessions("ann")->front().device, "laptop");
    ASSERT_TRUE(first.connect()) << "a person may decide otherwise";
    EXPECT_TRUE(first.send_text_message("server", "x").success);
    EXPECT_EQ(end_of(laptop).code, errc::session_replaced);
}

TEST(Devices, BeyondALimitTheOldestGoes) {
    Server server = started(quiet_server().max_devices_per_user(2));
    Events a, b, c;
    Client first = connected(client_of(server.websocket_addr(), "ann", a).device_id("a"));
    Client second = connected(client_of(server.websocket_addr(), "ann", b).device_id("b"));
    Client third = connected(client_of(server.websocket_addr(), "ann", c).device_id("c"));
    EXPECT_EQ(end_of(a).code, errc::session_replaced);
    EXPECT_TRUE(second.send_text_message("server", "x").success);
    EXPECT_TRUE(third.send_text_message("server", "x").success);
    EXPECT_TRUE(b.all<event::Disconnected>().empty());
}

// ---- exposure ----

TEST(Exposed, AServerDoesNotStartWithoutBeingTold) {
    Certificates certificates;
    const auto identity = certificates.make("server", {.common_name = "flare"});
    const auto begun = [](const ServerBuilder& builder) {
        auto server = builder.build();
        EXPECT_TRUE(server) << server.error().text;
        const auto result = server->start();
        return result ? Failure(errc::ok) : result.error();
    };
    const auto handler = static_token_auth({{"token", {"ann"}}});
    const ServerBuilder open = quiet_server().websocket_addr("0.0.0.0:0");
    const Failure refused = begun(open);
    EXPECT_EQ(refused.code, errc::invalid_config);
    for (const char* part :
         {"websocket_addr 0.0.0.0:0", "with_auth_handler()", "websocket_tls()", "allow_insecure(true)"})
        EXPECT_NE(refused.text.find(part), std::string::npos) << refused.text;
    EXPECT_EQ(begun(ServerBuilder(open).with_auth_handler(handler)).code, errc::invalid_config);
    EXPECT_EQ(begun(ServerBuilder(open).websocket_tls(identity.certificate_file, identity.key_file)).code,
              errc::invalid_config);
    EXPECT_EQ(begun(ServerBuilder(open)
                        .with_auth_handler(anonymous_auth())
                        .websocket_tls(identity.certificate_file, identity.key_file))
                  .code,
              errc::invalid_config)
        << "anybody at their word is no authentication";
    EXPECT_EQ(begun(ServerBuilder(open).with_auth_handler(handler).websocket_tls(identity.certificate_file,
                                                                                 identity.key_file))
                  .code,
              errc::ok);
    EXPECT_EQ(begun(ServerBuilder(open).allow_insecure(true)).code, errc::ok);
    ServerBuilder quic = quiet_server();
    quic.quic_only().quic_addr("0.0.0.0:0").quic_tls(identity.certificate_file, identity.key_file);
    EXPECT_EQ(begun(quic).code, errc::invalid_config);
    EXPECT_NE(begun(quic).text.find("quic_addr 0.0.0.0:0"), std::string::npos);
    EXPECT_EQ(begun(quic.with_auth_handler(handler)).code, errc::ok);
}

}  // namespace
}  // namespace flare::test
