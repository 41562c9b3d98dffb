// A server behind proxies, which are raw sockets here: whose connection it is, for the authentication, for the limits.
#include "harness.hpp"
#include "http_get.hpp"
#include "raw_peer.hpp"
#include "transport/websocket/upgrade.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <gmock/gmock.h>

#include <mutex>

namespace flare::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string upgrade(const std::string& headers = {}) {
    return "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Protocol: flare.v1\r\n" +
           headers + "\r\n";
}

// A connection that stays open until it is destroyed.
class ByProxy {
public:
    ByProxy(const std::string& address, const std::string& bytes) : socket_(context_) {
        const std::size_t colon = address.rfind(':');
        socket_.connect({boost::asio::ip::make_address(address.substr(0, colon)),
                         static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)))});
        boost::asio::write(socket_, boost::asio::buffer(bytes));
    }
    // Up to the end of the answer's header; shorter: the connection ended.
    std::string answer() {
        std::string text;
        boost::system::error_code end;
        boost::asio::read_until(socket_, boost::asio::dynamic_buffer(text), "\r\n\r\n", end);
        return text;
    }
    // One masked binary frame of at most 125 bytes.
    void send(const std::string& payload) {
        ASSERT_LE(payload.size(), 125u);
        std::string frame = "\x82";
        frame += static_cast<char>(0x80 | payload.size());
        frame.append(4, '\0').append(payload);
        boost::asio::write(socket_, boost::asio::buffer(frame));
    }

private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
};

// The address that the authentication is asked about when a Hello follows.
std::string address_seen(ProxyHeader header, const std::string& before, const std::string& headers) {
    std::mutex mutex;
    std::string seen;
    auto server = started(quiet_server()
                              .trusted_proxies({"127.0.0.0/8"}, header)
                              .with_auth_handler([&](const AuthRequest& request) -> Checked<Identity> {
                                  const std::lock_guard lock(mutex);
                                  seen = request.peer_address;
                                  return Identity(request.claimed_user);
                              }));
    ByProxy peer(server.websocket_addr(), before + upgrade(headers));
    EXPECT_THAT(peer.answer(), StartsWith("HTTP/1.1 101 "));
    wire::Batch batch;
    batch.add({}, wire::encode(RawPeer::hello_of("alice")));
    peer.send(batch.str());
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return !seen.empty();
    }));
    const std::lock_guard lock(mutex);
    return seen;
}

TEST(BehindProxy, AuthenticationSeesWhomTheProxyProtocolNames) {
    EXPECT_EQ(address_seen(ProxyHeader::proxy_protocol, "PROXY TCP4 203.0.113.9 192.0.2.1 4711 4000\r\n", ""),
              "203.0.113.9");
    EXPECT_EQ(address_seen(ProxyHeader::proxy_protocol, std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16),
                           "X-Forwarded-For: 203.0.113.9\r\n"),
              "127.0.0.1")
        << "LOCAL is the proxy itself, and only one header is read";
}

TEST(BehindProxy, AuthenticationSeesWhomTheHeaderNames) {
    EXPECT_EQ(address_seen(ProxyHeader::x_forwarded_for, "",
                           "X-Forwarded-For: 198.51.100.1\r\nForwarded: for=192.0.2.9\r\n"
                           "X-Forwarded-For: 203.0.113.9, 127.0.0.5\r\n"),
              "203.0.113.9");
    EXPECT_EQ(address_seen(ProxyHeader::forwarded, "", "Forwarded: for=\"[2001:db8::9]:80\"\r\n"), "2001:db8::9");
}

TEST(BehindProxy, LimitsCountTheClientAndNotTheProxy) {
    auto server = started(
        quiet_server().trusted_proxies({"127.0.0.1"}, ProxyHeader::proxy_protocol).max_connections_per_address(1));
    const auto header = [](int last) {
        return "PROXY TCP4 203.0.113." + std::to_string(last) + " 192.0.2.1 4711 4000\r\n";
    };
    auto first = std::make_unique<ByProxy>(server.websocket_addr(), header(1) + upgrade());
    EXPECT_THAT(first->answer(), StartsWith("HTTP/1.1 101 "));
    ByProxy other(server.websocket_addr(), header(2) + upgrade());
    EXPECT_THAT(other.answer(), StartsWith("HTTP/1.1 101 "));
    EXPECT_THAT(ByProxy(server.websocket_addr(), header(1) + upgrade()).answer(), IsEmpty());
    first.reset();
    EXPECT_TRUE(eventually([&] {
        return ByProxy(server.websocket_addr(), header(1) + upgrade()).answer().starts_with("HTTP/1.1 101 ");
    })) << "what has gone counts no more";
}

TEST(BehindProxy, AHeaderOfHttpIsCountedToo) {
    auto server = started(
        quiet_server().trusted_proxies({"127.0.0.1"}, ProxyHeader::x_forwarded_for).max_connections_per_address(1));
    ByProxy first(server.websocket_addr(), upgrade("X-Forwarded-For: 203.0.113.1\r\n"));
    EXPECT_THAT(first.answer(), StartsWith("HTTP/1.1 101 "));
    ByProxy other(server.websocket_addr(), upgrade("X-Forwarded-For: 203.0.113.2\r\n"));
    EXPECT_THAT(other.answer(), StartsWith("HTTP/1.1 101 "));
    EXPECT_THAT(ByProxy(server.websocket_addr(), upgrade("X-Forwarded-For: 203.0.113.1\r\n")).answer(),
                StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(http_ask(server.websocket_addr(), upgrade("X-Forwarded-For: nonsense\r\n")),
                HasSubstr("the header X-Forwarded-For cannot be read"));
}

TEST(BehindProxy, ATrustedProxyMustSayWhoComes) {
    auto server = started(quiet_server().trusted_proxies({"127.0.0.1"}, ProxyHeader::proxy_protocol));
    EXPECT_THAT(ByProxy(server.websocket_addr(), upgrade()).answer(), IsEmpty());
}

TEST(BehindProxy, WhoIsNotTrustedSpeaksForItself) {
    auto server = started(
        quiet_server().trusted_proxies({"192.0.2.0/24"}, ProxyHeader::proxy_protocol).max_connections_per_address(1));
    ByProxy direct(server.websocket_addr(), upgrade());
    EXPECT_THAT(direct.answer(), StartsWith("HTTP/1.1 101 "));
    auto others = started(quiet_server().trusted_proxies({"192.0.2.0/24"}, ProxyHeader::proxy_protocol));
    EXPECT_THAT(http_ask(others.websocket_addr(), "PROXY TCP4 203.0.113.9 192.0.2.1 4711 4000\r\n" + upgrade()),
                HasSubstr("a PROXY protocol header is taken from trusted proxies only"));
    EXPECT_THAT(http_ask(others.websocket_addr(), std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16) + upgrade()),
                HasSubstr("a PROXY protocol header is taken from trusted proxies only"));
}

}  // namespace
}  // namespace flare::test
