// What a peer says reaches people without an effect: in errors, events, logs and the admin address, over every path.
#include "base/log.hpp"
#include "integration/http_get.hpp"
#include "integration/quic_harness.hpp"
#include "integration/raw_peer.hpp"
#include "support/hostile_texts.hpp"
#include "support/http_server.hpp"
#include "support/log_pipe.hpp"

#include <flare/auth.hpp>

namespace flare::test {
namespace {

class HostileText : public QuicHarness {
protected:
    // What this process has logged so far is in the pipe before this.
    static std::string logged(LogPipe& pipe) {
        static int asked = 0;
        const std::string mark = "end of what was logged " + std::to_string(++asked) + "\n";
        base::log().error("end of what was logged {}", asked);
        EXPECT_TRUE(pipe.says(mark));
        return pipe.text();
    }
};

TEST_F(HostileText, HasNoEffectInWhatTheServerRefusesOrSays) {
    for (const ProtocolSelection mode : {ProtocolSelection::websocket, ProtocolSelection::quic}) {
        for (const std::string& text : hostile_texts()) {
            auto server =
                started(builder().on_message_type("fail", [&](const SessionInfo&, const Message&) -> HandlerResult {
                    return Failure(errc::forbidden, text);
                }));
            Client client = *client_for(server, "alice", events, mode).auto_reconnect(false).build();
            ASSERT_TRUE(client.connect());
            const SendResult sent = client.send_message("server", Message("fail", Bytes("x")));
            EXPECT_EQ(sent.error, errc::forbidden);
            EXPECT_EQ(effect_in(sent.error_message, true), "");
            EXPECT_EQ(sent.error_message.front(), 'a');
            EXPECT_EQ(sent.error_message.back(), 'z');
            ASSERT_TRUE(server.disconnect_user("alice", text));
            ASSERT_TRUE(events.wait_for<event::Disconnected>());
            EXPECT_EQ(effect_in(events.all<event::Disconnected>().back().reason.text, true), "");
            for (const event::Disconnected& each : events.all<event::Disconnected>())
                EXPECT_EQ(effect_in(to_string(Event(each)), true), "");
            EXPECT_EQ(effect_in(client.get_flight_record()), "");
            events.clear();
        }
    }
}

TEST_F(HostileText, HasNoEffectInARefusedConnect) {
    for (const std::string& text : hostile_texts()) {
        auto server = started(builder().with_auth_handler(
            [&](const AuthRequest&) -> Checked<Identity> { return Failure(errc::unauthenticated, text); }));
        for (const ProtocolSelection mode : {ProtocolSelection::websocket, ProtocolSelection::quic}) {
            Client client = *client_for(server, "alice", events, mode).auto_reconnect(false).build();
            const auto connected = client.connect();
            ASSERT_FALSE(connected);
            EXPECT_EQ(connected.error().code, errc::unauthenticated);
            EXPECT_EQ(effect_in(connected.error().text, true), "");
        }
    }
}

TEST_F(HostileText, HasNoEffectInALogOrOnTheAdminAddress) {
    LogPipe pipe;
    std::string log;
    std::string sessions;
    {
        const Redirected standard_error(STDERR_FILENO, pipe);
        std::string why;
        auto server = started(builder()
                                  .admin_addr("127.0.0.1:0")
                                  .log_level(LogLevel::trace)
                                  .with_auth_handler([&](const AuthRequest& request) -> Checked<Identity> {
                                      if (request.token == "no")
                                          return Failure(errc::unauthenticated, request.claimed_user);
                                      if (request.token == "throw") throw std::runtime_error(request.claimed_user);
                                      return Identity(request.claimed_user);
                                  }));
        for (const std::string& text : hostile_texts()) {
            for (const char* token : {"no", "throw", "yes"}) {
                RawPeer peer(server.websocket_addr());
                wire::Hello hello = RawPeer::hello_of(text);
                hello.device = text;
                hello.token = token;
                peer.hello(hello);
                if (token == std::string("yes")) peer.send_frame("no frame");
            }
            http_get(server.websocket_addr(), "/" + text, text);
            http_get(server.admin_addr(), "/" + text);
            RawPeer resigned(server.websocket_addr());
            resigned.carrier()->close(errc::kicked, text.substr(0, 100));
            resigned.wait([&] { return resigned.closed.has_value(); });
        }
        sessions = http_get(server.admin_addr(), "/sessions");
        server.stop();
        log = logged(pipe);
    }
    EXPECT_EQ(effect_in(sessions.substr(sessions.find("\r\n\r\n") + 4)), "");
    EXPECT_NE(sessions.find("\"user\":\"a"), sessions.npos);
    EXPECT_EQ(effect_in(log), "");
    EXPECT_NE(log.find("user 'a\\x1b[2J"), log.npos);
    // Every line is one that the log has begun.
    std::size_t lines = 0;
    for (std::size_t begin = 0; begin < log.size(); ++lines) {
        const std::size_t end = log.find('\n', begin);
        EXPECT_EQ(log.compare(begin, 2, "20"), 0) << log.substr(begin, end - begin);
        begin = end + 1;
    }
    EXPECT_GT(lines, 20u);
    EXPECT_EQ(log.find("\n2026-01-01T00:00:00.000"), log.npos);
}

TEST_F(HostileText, OfAServiceThatIsAskedHasNoEffect) {
    const std::string text = R"(a\u001b[2J\nforged\u202ez)";
    HttpServer service([&](const std::string&) { return http_answer(403, "{\"text\":\"" + text + "\"}"); });
    HttpAuthOptions options;
    options.url = service.url();
    auto server = started(builder().with_auth_handler(http_auth(options)));
    Client client = *client_for(server, "alice", events, ProtocolSelection::websocket).auto_reconnect(false).build();
    const auto connected = client.connect();
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().text.substr(connected.error().text.find('a')), "a\\x1b[2J\\x0aforged\\u202ez");
}

TEST_F(HostileText, OfAnHttpServerHasNoEffect) {
    for (const std::string& text : hostile_texts()) {
        HttpServer service([&](const std::string&) { return http_answer(404, text); });
        const std::string url = "ws://127.0.0.1:" + std::to_string(service.port());
        Client client = *ClientBuilder("alice")
                             .server_addresses(ServerAddresses().with_websocket_url(url))
                             .auto_reconnect(false)
                             .build();
        const auto connected = client.connect();
        ASSERT_FALSE(connected);
        EXPECT_EQ(effect_in(connected.error().text, true), "") << connected.error().text;
    }
}

}  // namespace
}  // namespace flare::test
