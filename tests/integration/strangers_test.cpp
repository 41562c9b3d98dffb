// What strangers get who reach a server's ports: web pages with names of their own, other machines, many connections.
#include "integration/harness.hpp"
#include "integration/http_get.hpp"

#include <boost/system/system_error.hpp>

#include <vector>

namespace flare::test {
namespace {

// Empty: the connection was closed without an answer.
std::string get_or_nothing(const std::string& address, const std::string& target) {
    try {
        return http_get(address, target);
    } catch (const boost::system::system_error&) {
        return {};
    }
}

TEST(Admin, IsOnLoopbackUnlessItMayBeExposed) {
    ServerBuilder builder = quiet_server();
    builder.admin_addr("0.0.0.0:0").allow_insecure(true);
    auto server = builder.build();
    ASSERT_TRUE(server);
    const auto refused = server->start();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::invalid_config);
    EXPECT_NE(refused.error().text.find("expose_metrics(true)"), std::string::npos) << refused.error().text;

    Server exposed = started(builder.expose_metrics(true));
    const std::string address = "127.0.0.1" + exposed.admin_addr().substr(exposed.admin_addr().rfind(':'));
    EXPECT_TRUE(http_get(address, "/metrics", "chat.example.com").starts_with("HTTP/1.1 200"));
    EXPECT_TRUE(http_get(address, "/sessions", "chat.example.com").starts_with("HTTP/1.1 403"));
    EXPECT_TRUE(http_get(address, "/sessions").starts_with("HTTP/1.1 200"));
}

TEST(Admin, HasNoWebSocket) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    const std::string answer =
        http_get(server.admin_addr(), "/",
                 "localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Protocol: flare.v1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << answer;
}

TEST(Admin, KeepsAConnectionForTheNextRequest) {
    namespace asio = boost::asio;
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    const std::string address = server.admin_addr();
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(),
                    static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)))});
    for (const char* target : {"/healthz", "/metrics", "/stats", "/sessions", "/nothing", "/readyz"}) {
        const std::string request = "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        asio::write(socket, asio::buffer(request));
        std::string answer;
        while (!http_complete(answer, true))
            asio::read(socket, asio::dynamic_buffer(answer), asio::transfer_at_least(1));
        EXPECT_TRUE(answer.starts_with(target == std::string("/nothing") ? "HTTP/1.1 404" : "HTTP/1.1 200")) << answer;
    }
}

TEST(Admin, AnswersNothingButGetAndHead) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    const std::string answer =
        http_ask(server.admin_addr(), "POST /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405")) << answer;
    EXPECT_NE(answer.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos) << answer;
}

TEST(Admin, HoldsFewConnectionsAndAnswersWhenTheyHaveGone) {
    namespace asio = boost::asio;
    Server server = started(quiet_server().admin_addr("127.0.0.1:0").hello_timeout(std::chrono::seconds(60)));
    const std::string address = server.admin_addr();
    const asio::ip::tcp::endpoint to(asio::ip::address_v4::loopback(),
                                     static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
    asio::io_context context;
    std::vector<asio::ip::tcp::socket> silent;
    for (int i = 0; i < 32; ++i) {
        silent.emplace_back(context);
        silent.back().connect(to);
    }
    EXPECT_EQ(get_or_nothing(address, "/healthz"), "") << "one more has no place";
    silent.clear();
    EXPECT_TRUE(eventually([&] { return get_or_nothing(address, "/healthz").starts_with("HTTP/1.1 200"); }));
}

TEST(Rebinding, OfAServerWithoutAuthenticationIsRefusedAndWithTokensIsNot) {
    const auto upgrade = [](const Server& server, const std::string& host, const std::string& origin) {
        return http_get(server.websocket_addr(), "/",
                        host + (origin.empty() ? "" : "\r\nOrigin: " + origin) +
                            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Protocol: flare.v1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
            .substr(0, 12);
    };
    Server anybody = started(quiet_server().hello_timeout(std::chrono::milliseconds(200)));
    EXPECT_EQ(upgrade(anybody, "evil.example:4000", "http://evil.example:4000"), "HTTP/1.1 403");
    EXPECT_EQ(upgrade(anybody, "localhost:4000", "http://localhost:4000"), "HTTP/1.1 101");
    Server named = started(
        quiet_server().hello_timeout(std::chrono::milliseconds(200)).allowed_origins({"http://dev.example:4000"}));
    EXPECT_EQ(upgrade(named, "dev.example:4000", "http://dev.example:4000"), "HTTP/1.1 101");
    Server guarded = started(quiet_server()
                                 .hello_timeout(std::chrono::milliseconds(200))
                                 .with_auth_handler(static_token_auth({{"token", {"ann"}}})));
    EXPECT_EQ(upgrade(guarded, "evil.example:4000", "http://evil.example:4000"), "HTTP/1.1 101");
}

}  // namespace
}  // namespace flare::test
