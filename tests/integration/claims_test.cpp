// What a credential says of its user beside the name, and the time that the server gives to messages: both reach
// handlers and receivers as the server says, and not as a client does.
#include "integration/harness.hpp"
#include "integration/raw_peer.hpp"
#include "support/folder.hpp"
#include "support/tokens.hpp"

#include <flare/auth.hpp>

#include <atomic>
#include <chrono>

namespace flare::test {
namespace {

// A handler that answers with the claims of whoever asks.
HandlerResult tell_claims(const SessionInfo& session, const Message&) { return Message("claims", session.claims); }

// The claims are the token.
Checked<Identity> token_is_claims(const AuthRequest& request) {
    Identity identity(request.claimed_user);
    identity.claims = request.token;
    return identity;
}

ServerBuilder telling(Execution where = Execution::pool) {
    return quiet_server().with_message_handler(tell_claims, where).with_auth_handler(AuthHandler(token_is_claims));
}

std::string asked(Client& client, Events& events) {
    const std::size_t before = events.all<event::MessageReceived>().size();
    EXPECT_TRUE(client.send_text_message("server", "who am I?").success);
    EXPECT_TRUE(events.wait_for<event::MessageReceived>(before + 1));
    return events.all<event::MessageReceived>().back().message.payload.str();
}

errc refusal(const Server& server, const std::string& claims) {
    Events events;
    auto client = client_of(server.websocket_addr(), "ann", events).token(claims).auto_reconnect(false).build();
    const auto connected = client->connect();
    return connected ? errc::ok : connected.error().code;
}

std::string object_of(std::size_t bytes) { return R"({"a":")" + std::string(bytes - 8, 'x') + R"("})"; }

// ---- claims ----

TEST(Claims, OfAnOwnHandlerReachHandlersHooksAndPolicies) {
    struct Hook : EventHandler {
        void on_user_connected(const SessionInfo& session) override {
            if (session.claims == R"({"role":"admin"})") ++seen;
        }
        std::atomic<int> seen{0};
    };
    const auto hook = std::make_shared<Hook>();
    for (const Execution where : {Execution::pool, Execution::worker}) {
        Server server = started(telling(where).with_event_handler(hook).with_session_policy(
            [](const SessionInfo& from, std::string_view, const Message&) {
                return from.claims.view().find("admin") != std::string_view::npos;
            }));
        Events events;
        Events of_bob;
        Client ann = connected(client_of(server.websocket_addr(), "ann", events).token(R"({"role":"admin"})"));
        Client bob = connected(client_of(server.websocket_addr(), "bob", of_bob));
        EXPECT_EQ(asked(ann, events), R"({"role":"admin"})");
        EXPECT_EQ(asked(bob, of_bob), "");
        EXPECT_TRUE(ann.send_text_message("bob", "x").success);
        EXPECT_EQ(bob.send_text_message("ann", "x").error, errc::forbidden);
        EXPECT_EQ(server.sessions("ann")->at(0).claims, R"({"role":"admin"})");
    }
    EXPECT_TRUE(eventually([&] { return hook->seen == 2; }));
}

TEST(Claims, BeyondTheirLimitOrWithoutSenseAreRefused) {
    Server server = started(telling());
    EXPECT_EQ(refusal(server, object_of(kMaxClaimsBytes)), errc::ok);
    EXPECT_EQ(refusal(server, object_of(kMaxClaimsBytes + 1)), errc::claims_too_large);
    for (const char* claims : {"[1]", "null", "x", "{", "{}x", R"({"a":1,"a":2})", " "})
        EXPECT_EQ(refusal(server, claims), errc::internal) << claims;
}

// The wire refuses such a token by itself: an own handler can make it up none the less.
TEST(Claims, ThatAreNoUtf8AreRefused) {
    Server server = started(quiet_server().with_auth_handler(AuthHandler([](const AuthRequest& request) {
        Identity identity(request.claimed_user);
        identity.claims = "{\"a\":\"\xff\"}";
        return Checked<Identity>(identity);
    })));
    EXPECT_EQ(refusal(server, ""), errc::internal);
}

TEST(Claims, AnotherCredentialReplacesThem) {
    Server server = started(telling());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).token(R"({"n":1})"));
    EXPECT_EQ(asked(client, events), R"({"n":1})");
    ASSERT_TRUE(client.refresh_token(R"({"n":2})"));
    EXPECT_EQ(asked(client, events), R"({"n":2})");
    EXPECT_EQ(client.refresh_token(object_of(kMaxClaimsBytes + 1)).error().code, errc::claims_too_large);
    EXPECT_EQ(asked(client, events), R"({"n":2})") << "the session goes on with what it had";
    ASSERT_TRUE(client.refresh_token(""));
    EXPECT_EQ(asked(client, events), "");
}

TEST(Claims, OfAJwtAreItsPayload) {
    Folder folder;
    const Signer signer = Signer::ec();
    JwtOptions options;
    options.key_file = folder.write("key.pem", signer.public_pem());
    options.algorithm = JwtAlgorithm::es256;
    options.require_expiry = false;
    Server server = started(quiet_server().with_message_handler(tell_claims).with_auth_handler(jwt_auth(options)));
    const std::string payload = R"({"sub":"ann","role":"admin","groups":["a","b"]})";
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).token(signer.token(payload)));
    EXPECT_EQ(asked(client, events), payload);
}

// With a lasting ticket the claims come back with their session; if they do not fit, the credential is asked for.
TEST(Claims, AreNeverMissingAfterARestart) {
    for (const bool large : {false, true}) {
        Folder folder;
        std::atomic<int> asked_for{0};
        const std::string claims = object_of(large ? 1025 : 1024);
        const auto made = [&] {
            return quiet_server()
                .ticket_key_file(folder.path("ticket.key"))
                .with_message_handler(tell_claims)
                .with_auth_handler(AuthHandler([&](const AuthRequest& request) {
                    ++asked_for;
                    return token_is_claims(request);
                }));
        };
        auto server = std::make_unique<Server>(started(made()));
        const std::string address = server->websocket_addr();
        Events events;
        Client client = connected(client_of(address, "ann", events).token(claims).reconnect_delay(10ms));
        server->stop();
        asked_for = 0;
        server = std::make_unique<Server>(started(made().websocket_addr(address)));
        ASSERT_TRUE(events.wait_for<event::Reconnected>());
        EXPECT_EQ(asked(client, events), claims);
        EXPECT_EQ(asked_for, large ? 1 : 0);
    }
}

// ---- server time ----

using Clock = std::chrono::system_clock;

Clock::time_point clock_ms() { return std::chrono::floor<std::chrono::milliseconds>(Clock::now()); }

TEST(ServerTime, IsOnEveryMessageThatAClientReceivesAndOnThoseOfHandlers) {
    std::atomic<std::int64_t> in_handler{0};
    Server server = started(quiet_server().with_message_handler([&](const SessionInfo&, const Message& message) {
        in_handler = message.server_time.time_since_epoch().count();
        return HandlerResult(Message("reply", message.payload));
    }));
    Events of_ann;
    Events of_bob;
    const auto before = clock_ms();
    Client ann = connected(client_of(server.websocket_addr(), "ann", of_ann));
    Client bob = connected(client_of(server.websocket_addr(), "bob", of_bob));
    Message message("text", Bytes("x"));
    message.to = "bob";
    message.server_time = Clock::time_point(1h);  // counts for nothing
    message.timestamp = Clock::time_point(2h);
    ASSERT_TRUE(ann.send_message("bob", message).success);
    ASSERT_TRUE(ann.send_text_message("server", "x").success);
    ASSERT_TRUE(server.send("bob", message));
    ASSERT_TRUE(server.broadcast(message));
    ASSERT_TRUE(of_bob.wait_for<event::MessageReceived>(3));
    ASSERT_TRUE(of_ann.wait_for<event::MessageReceived>(2));
    const auto after = clock_ms();
    for (Events* events : {&of_ann, &of_bob}) {
        for (const event::MessageReceived& each : events->all<event::MessageReceived>()) {
            EXPECT_GE(each.message.server_time, before) << each.message.type;
            EXPECT_LE(each.message.server_time, after) << each.message.type;
        }
    }
    EXPECT_EQ(of_bob.all<event::MessageReceived>()[0].message.timestamp, Clock::time_point(2h));
    EXPECT_GE(Clock::time_point(Clock::duration(in_handler.load())), before);
}

// What waits for a client that is away was taken when it came, whenever it is delivered.
TEST(ServerTime, IsOfTakingAndNotOfSendingAgain) {
    Server server = started(quiet_server());
    Events of_ann;
    Events of_bob;
    Client ann = connected(client_of(server.websocket_addr(), "ann", of_ann));
    Client bob = connected(client_of(server.websocket_addr(), "bob", of_bob).reconnect_delay(300ms));
    ASSERT_TRUE(server.drop_connections("bob"));
    const auto sent = ann.send_text_message("bob", "x");
    ASSERT_TRUE(sent.success);
    const auto taken = clock_ms();
    ASSERT_TRUE(of_bob.wait_for<event::MessageReceived>());
    EXPECT_LE(of_bob.all<event::MessageReceived>()[0].message.server_time, taken);
}

// A client that writes the field itself.
TEST(ServerTime, OfAClientCountsForNothing) {
    Server server = started(quiet_server());
    Events of_bob;
    Client bob = connected(client_of(server.websocket_addr(), "bob", of_bob));
    const auto before = clock_ms();
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    peer.send({}, wire::encode(wire::Activate{2}));
    wire::MessageView message;
    message.id = Uuid::v7();
    message.type = "n";
    message.to = "bob";
    message.timestamp_ms = INT64_MIN;
    wire::DataView view;
    view.message = message;
    view.server_time_ms = INT64_MAX;
    wire::FrameHeader header;
    header.seq = 1;
    peer.send(header, wire::encode(view));
    ASSERT_TRUE(of_bob.wait_for<event::MessageReceived>());
    const Message got = of_bob.all<event::MessageReceived>()[0].message;
    EXPECT_GE(got.server_time, before);
    EXPECT_LE(got.server_time, clock_ms());
}

// ---- rules ----

TEST(PolicyRules, DecideByTheFirstThatFitsAndTellTheSender) {
    Server server = started(quiet_server().policy_rules({{{"guest-*"}, {"server"}, {"chat"}, true},
                                                         {{"guest-*"}, {"*"}, {}, false},
                                                         {{"ann"}, {"guest-*"}, {"text", "n*"}, true}}));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    Client guest = connected(client_of(server.websocket_addr(), "guest-1", events));
    const auto sent = [](Client& client, const std::string& to, const std::string& type) {
        Message message(type, Bytes("x"));
        return client.send_message(to, message).error;
    };
    EXPECT_EQ(sent(guest, "server", "chat"), errc::ok);
    EXPECT_EQ(sent(guest, "server", "text"), errc::forbidden);
    EXPECT_EQ(sent(guest, "ann", "chat"), errc::forbidden);
    EXPECT_EQ(sent(ann, "guest-1", "note"), errc::ok);
    EXPECT_EQ(sent(ann, "guest-1", "chat"), errc::forbidden) << "no rule fits";
    EXPECT_EQ(sent(ann, "server", "text"), errc::forbidden) << "no rule fits";
    EXPECT_TRUE(server.send("guest-1", Message("any", Bytes("x")))) << "the server itself is held to none";
}

TEST(ChatAnswer, IsWhatTheServerIsToldOrNothing) {
    for (const auto& [told, expected] :
         {std::pair("got {text}!", "got hi!"), std::pair("ok", "ok"), std::pair("", "")}) {
        Server server = started(quiet_server().chat_answer(told));
        Events events;
        Client client = connected(client_of(server.websocket_addr(), "ann", events));
        Message message("chat", Bytes("hi"));
        ASSERT_TRUE(client.send_message("server", message).success);
        ASSERT_TRUE(client.send_text_message("server", "last").success);
        ASSERT_TRUE(events.wait_for<event::MessageReceived>(*told == '\0' ? 1 : 2));
        const auto first = events.all<event::MessageReceived>()[0].message;
        EXPECT_EQ(first.type, *told == '\0' ? "echo" : "chat_response");
        if (*told != '\0') {
            EXPECT_EQ(first.payload, expected);
        }
    }
}

}  // namespace
}  // namespace flare::test
