// What a server tells its operator: health, metrics, hooks; and what TLS keeps out.
#include "integration/harness.hpp"
#include "integration/http_get.hpp"
#include "support/certificates.hpp"

#include <thread>

namespace flare::test {
namespace {

TEST(Operator, AsksWhileTheServerStopsAndIsAlwaysAnswered) {
    for (int round = 0; round < 20; ++round) {
        Server server = started(quiet_server());
        std::vector<std::thread> askers;
        for (int i = 0; i < 3; ++i) {
            askers.emplace_back([&server, i] {
                Checked<> last;
                while (last) {
                    if (i == 0) {
                        const auto sent = server.send("nobody", Message("text", Bytes(std::string("x"))));
                        EXPECT_FALSE(sent);
                        if (sent.error().code != errc::user_offline) last = sent.error();
                    } else if (const auto asked = server.stats(); !asked) {
                        last = asked.error();
                    }
                }
                EXPECT_EQ(last.error().code, errc::not_connected);
            });
        }
        server.stop();
        for (std::thread& each : askers) each.join();
    }
}

TEST(Operator, SeesHealthReadinessAndMetrics) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    ASSERT_TRUE(client.send_text_message("server", "x").success);
    ASSERT_EQ(client.send_text_message("nobody", "x").error, errc::user_offline);

    EXPECT_TRUE(http_get(server.websocket_addr(), "/healthz").starts_with("HTTP/1.1 200"));
    EXPECT_TRUE(http_get(server.websocket_addr(), "/readyz").starts_with("HTTP/1.1 200"));
    EXPECT_TRUE(http_get(server.websocket_addr(), "/metrics").starts_with("HTTP/1.1 404")) << "it is for the operator";
    const std::string metrics = http_get(server.admin_addr(), "/metrics");
    EXPECT_TRUE(metrics.starts_with("HTTP/1.1 200")) << metrics;
    for (const char* line :
         {"\nflare_sessions 1\n", "\nflare_messages_received_total 2\n",
          "\nflare_errors_total{code=\"user_offline\"} 1\n", "\nflare_connections{protocol=\"websocket\"} 1\n",
          "\nflare_sessions_shed_total{kind=\"new\"} 0\n", "\nflare_sessions_shed_total{kind=\"detached\"} 0\n",
          "\nflare_sessions_shed_total{kind=\"stalled\"} 0\n", "\nflare_memory_bytes "}) {
        EXPECT_NE(metrics.find(line), std::string::npos) << line << metrics;
    }
    EXPECT_TRUE(http_get(server.admin_addr(), "/readyz").starts_with("HTTP/1.1 200"));
    EXPECT_TRUE(http_get(server.admin_addr(), "/nothing").starts_with("HTTP/1.1 404"));
}

// As load balancers, proxies and old programs write them (RFC 9112 sections 2.2 and 3.2).
TEST(Operator, IsAnsweredHoweverHealthIsAskedFor) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    const std::string kHost = "Host: localhost\r\n\r\n";
    for (const std::string& address : {server.websocket_addr(), server.admin_addr()}) {
        for (const std::string& request :
             {"GET /healthz?x HTTP/1.1\r\n" + kHost, "GET /healthz?a[]=1&b=%zz HTTP/1.1\r\n" + kHost,
              "GET /%68ealthz HTTP/1.1\r\n" + kHost, "GET http://localhost/healthz HTTP/1.1\r\n" + kHost,
              "GET HTTP://LOCALHOST:4000/healthz?x HTTP/1.1\r\n" + kHost, "\r\nGET /healthz HTTP/1.1\r\n" + kHost,
              std::string("GET /healthz HTTP/1.0\r\n\r\n"),
              std::string("GET /healthz HTTP/1.1\r\nhost:LOCALHOST\r\n\r\n"),
              std::string("GET /healthz HTTP/1.1\r\nHost: LocalHost.:4000\r\n\r\n")}) {
            const std::string answer = http_ask(address, request);
            EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok\n")) << request << answer;
        }
        const std::string head = http_ask(address, "HEAD /healthz?x HTTP/1.1\r\n" + kHost);
        EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n")) << head;
        EXPECT_NE(head.find("Content-Length: 3\r\n"), std::string::npos) << head;
        EXPECT_TRUE(http_get(address, "/readyz?x").starts_with("HTTP/1.1 200 "));
        EXPECT_TRUE(http_get(address, "/healthz%")
                        .starts_with(address == server.admin_addr() ? "HTTP/1.1 400 " : "HTTP/1.1 404 "));
        EXPECT_TRUE(http_get(address, "/healthzx").starts_with("HTTP/1.1 404 "));
    }
    EXPECT_TRUE(http_get(server.admin_addr(), "/metrics?collect[]=x").starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(http_get(server.admin_addr(), "http://127.0.0.1/stats").starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(http_get(server.admin_addr(), "http://page.example/stats").starts_with("HTTP/1.1 403 "))
        << "the target's host is the one that is asked";
    EXPECT_TRUE(http_get(server.admin_addr(), "/prefix/healthz").starts_with("HTTP/1.1 404 "));
    // Where any path is good for an upgrade, a proxy may pass its prefix on.
    EXPECT_TRUE(http_get(server.websocket_addr(), "/prefix/healthz").starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(http_get(server.websocket_addr(), "/prefix/readyz?x").starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(http_get(server.websocket_addr(), "/healthz/prefix").starts_with("HTTP/1.1 404 "));
}

class Recorder : public EventHandler {
public:
    void on_user_connected(const SessionInfo& session) override { add("+" + session.user, session); }
    void on_user_disconnected(const SessionInfo& session, const Failure& reason) override {
        add("-" + session.user + ":" + std::string(name(reason.code)), session);
    }
    void on_heartbeat(const SessionInfo& session) override { add("~" + session.user, session); }
    bool wait(const std::string& word) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [&] { return (" " + told_ + " ").find(" " + word + " ") != word.npos; });
    }
    std::string last_platform() {
        const std::lock_guard lock(mutex_);
        return platform_;
    }

private:
    void add(const std::string& word, const SessionInfo& session) {
        const std::lock_guard lock(mutex_);
        told_ += (told_.empty() ? "" : " ") + word;
        platform_ = name(session.platform);
        changed_.notify_all();
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string told_;
    std::string platform_;
};

TEST(Operator, HooksTellOfUsersAndHeartbeats) {
    auto recorder = std::make_shared<Recorder>();
    Server server = started(quiet_server().with_event_handler(recorder));
    Events events;
    {
        Client client = connected(
            client_of(server.websocket_addr(), "ann", events).platform(Platform::ios).heartbeat_interval(50ms));
        EXPECT_TRUE(recorder->wait("+ann"));
        EXPECT_TRUE(recorder->wait("~ann"));
        EXPECT_EQ(recorder->last_platform(), "ios");
        ASSERT_TRUE(events.wait_for<event::Heartbeat>(3));
        EXPECT_TRUE(client.get_connection_stats().rtt.has_value());
        client.disconnect();
    }
    EXPECT_TRUE(recorder->wait("-ann:ok"));
    Client other = connected(client_of(server.websocket_addr(), "bob", events));
    ASSERT_TRUE(server.disconnect_user("bob", "out"));
    EXPECT_TRUE(recorder->wait("-bob:kicked"));
}

TEST(Operator, APolicyDecidesWhoWritesToWhom) {
    Server server = started(quiet_server().with_delivery_policy(
        [](std::string_view from, std::string_view, const Message&) { return from == "ann"; }));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    Client bob = connected(client_of(server.websocket_addr(), "bob", events));
    EXPECT_TRUE(ann.send_text_message("bob", "x").success);
    EXPECT_EQ(bob.send_text_message("ann", "x").error, errc::forbidden);
}

TEST(Operator, StopsWithinItsLimitWhateverClientsDo) {
    Events events;
    auto server = std::make_unique<Server>(started(quiet_server()));
    Client client = connected(client_of(server->websocket_addr(), "ann", events).auto_reconnect(false));
    std::thread waiting([&] { server->wait(); });
    server->stop();
    waiting.join();
    server->stop();
    EXPECT_EQ(server->presence("ann").error().code, errc::not_connected);
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
}

TEST(Operator, IsToldOfAHandlerThatBlocksItsEventLoop) {
    Server server = started(quiet_server().worker_threads(1).with_message_handler(
        [](const SessionInfo&, const Message&) -> HandlerResult {
            std::this_thread::sleep_for(1600ms);
            return {};
        },
        Execution::worker));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    EXPECT_EQ(server.stats()->worker_stalls, 0u);
    ASSERT_TRUE(client.send_text_message("server", "x").success);
    EXPECT_EQ(server.stats()->worker_stalls, 1u);
}

class SecureServer : public ::testing::Test {
protected:
    ClientBuilder client_for(const std::string& host) {
        const std::string port = server.websocket_addr().substr(server.websocket_addr().rfind(':'));
        ClientBuilder builder("ann");
        builder.server_addresses(ServerAddresses().with_websocket_tls_url("wss://" + host + port))
            .with_event_callback(std::ref(events));
        return builder;
    }
    static errc refusal(const ClientBuilder& builder) {
        auto client = builder.build();
        if (!client) return client.error().code;
        const auto result = client->connect();
        return result ? errc::ok : result.error().code;
    }

    Certificates certificates;
    Certificates::Identity authority = certificates.authority("ca");
    Certificates::Identity stranger = certificates.authority("stranger");
    Certificates::Identity identity = certificates.make("server", {.common_name = "flare"}, &authority);
    Server server = started(quiet_server().websocket_tls(identity.certificate_file, identity.key_file));
    Events events;
};

TEST_F(SecureServer, IsVerifiedByAuthorityAndName) {
    EXPECT_EQ(refusal(client_for("127.0.0.1").ca_file(authority.certificate_file)), errc::ok);
    EXPECT_EQ(refusal(client_for("127.0.0.1").ca_file(stranger.certificate_file)), errc::certificate_rejected);
    EXPECT_EQ(refusal(client_for("127.0.0.1")), errc::certificate_rejected) << "the system's store does not know it";
    EXPECT_EQ(refusal(client_for("127.0.0.1").ca_file(authority.certificate_file).server_name("example.org")),
              errc::certificate_rejected);
    EXPECT_EQ(refusal(client_for("127.0.0.1").ca_file("/nowhere/ca.crt")), errc::file_not_found);
}

// RFC 6066 section 3: SNI has no dot at its end, and no certificate has one.
TEST_F(SecureServer, IsTheSameByANameWithADotAtItsEnd) {
    EXPECT_EQ(refusal(client_for("localhost.").ca_file(authority.certificate_file)), errc::ok);
    EXPECT_EQ(refusal(client_for("127.0.0.1").ca_file(authority.certificate_file).server_name("localhost.")), errc::ok);
    EXPECT_EQ(refusal(client_for("127.0.0.1").ca_file(authority.certificate_file).server_name("example.org.")),
              errc::certificate_rejected);
}

TEST_F(SecureServer, MovesTlsConnectionsToTheirHomeWorker) {
    for (const char* user : {"ann", "bob", "eve", "joe", "kim", "sue"}) {
        ClientBuilder builder(user);
        Events heard;
        builder.server_addresses(ServerAddresses().with_websocket_tls_url("wss://" + server.websocket_addr()))
            .ca_file(authority.certificate_file)
            .with_event_callback(std::ref(heard));
        Client client = connected(builder);
        EXPECT_TRUE(client.send_text_message("server", "x").success);
        ASSERT_TRUE(heard.wait_for<event::MessageReceived>());
        client.disconnect();
    }
    EXPECT_GT(server.stats()->hand_overs, 0u);
}

}  // namespace
}  // namespace flare::test
