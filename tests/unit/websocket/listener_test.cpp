// Listening, the upgrade and plain HTTP over real sockets.
#include "socket_fixture.hpp"
#include "transport/address.hpp"

#include <sys/resource.h>

namespace flare::transport::websocket::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using ListenerTest = Sockets;

std::string masked(std::string_view payload, char first = '\x82') {
    std::string frame{first, static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0};
    return frame.append(payload);
}

TEST_F(ListenerTest, LosesNoFrameThatCameWithTheRequest) {
    listen();
    RawPeer peer(listener->local_endpoint());
    const std::string batch = batch_of("early").str();
    peer.send(upgrade() + masked(batch) + masked(batch));
    ASSERT_TRUE(run_until([&] { return !peers.empty() && last().batches.size() == 2; }));
    EXPECT_EQ(last().batches[0], batch);
    EXPECT_EQ(last().carrier->info().peer_address, "127.0.0.1");
    EXPECT_EQ(last().carrier->info().local_port, listener->local_endpoint().port());
    EXPECT_FALSE(last().carrier->info().encrypted);
    EXPECT_THAT(gone, IsEmpty());
}

TEST_F(ListenerTest, TakesARequestByteByByte) {
    listen();
    RawPeer peer(listener->local_endpoint());
    for (const char c : upgrade("flare.v1.json")) {
        peer.send(std::string(1, c));
        run_for(0ms);
        io.poll();
    }
    ASSERT_TRUE(run_until([&] { return !peers.empty(); }));
    EXPECT_EQ(last().carrier->info().format, WireFormat::json);
}

TEST_F(ListenerTest, AnswersPlainHttp) {
    listen();
    RawPeer get(listener->local_endpoint());
    get.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(read_to_end(get), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(get.received, EndsWith("\r\n\r\n/healthz\n"));
    get.close();

    RawPeer head(listener->local_endpoint());
    head.send("HEAD /none HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(read_to_end(head), StartsWith("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_THAT(head.received, EndsWith("\r\n\r\n"));
    head.close();

    ASSERT_EQ(requests.size(), 2u);
    EXPECT_EQ(requests[0].peer_address, "127.0.0.1");
    EXPECT_TRUE(run_until([&] { return gone.size() == 2; }));
    EXPECT_THAT(peers, IsEmpty());
}

TEST_F(ListenerTest, RefusesInHttpWhatIsNoUpgrade) {
    listen();
    const std::vector<std::pair<std::string, std::string>> cases = {
        {upgrade("mqtt"), "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 426 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + std::string(70'000, 'x'), "HTTP/1.1 405 "},
        {"BREW / HTCPCP/1.0\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), "HTTP/1.1 431 "},
        {"\x16\x03\x01\x02\x00\x01", "HTTP/1.1 400 "},
    };
    for (const auto& [request, answer] : cases) {
        RawPeer peer(listener->local_endpoint());
        peer.send(request);
        EXPECT_THAT(read_to_end(peer), StartsWith(answer));
    }
    EXPECT_TRUE(run_until([&] { return gone.size() == cases.size(); }));
    EXPECT_THAT(peers, IsEmpty());
}

TEST_F(ListenerTest, DropsASlowRequestAtItsTimeOut) {
    options.handshake_timeout = 150ms;
    listen();
    RawPeer silent(listener->local_endpoint());
    RawPeer slow(listener->local_endpoint());
    slow.send("GET / HT");
    const auto start = std::chrono::steady_clock::now();
    auto sent_at = start;
    // A slow loris: a byte now and then does not buy time. Without a pause it would send too much of a header.
    ASSERT_TRUE(run_until([&] {
        if (const auto now = std::chrono::steady_clock::now(); now - sent_at > 1ms) {
            sent_at = now;
            slow.try_send("T");
        }
        silent.poll();
        slow.poll();
        return gone.size() == 2 && silent.ended && slow.ended;
    }));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
    EXPECT_THAT(slow.received, StartsWith("HTTP/1.1 408 "));
}

TEST_F(ListenerTest, DoesNotTimeOutWhatIsUpgraded) {
    options.handshake_timeout = 60ms;
    listen();
    const auto peer = upgraded();
    run_for(200ms);
    EXPECT_FALSE(last().closed);
    EXPECT_THAT(gone, IsEmpty());
}

TEST_F(ListenerTest, DropsManySlowRequestsInTheOrderOfTheirTime) {
    options.handshake_timeout = 200ms;
    listen();
    std::list<RawPeer> slow;
    for (int i = 0; i < 50; ++i) slow.emplace_back(listener->local_endpoint());
    ASSERT_TRUE(run_until([&] { return connections.size() == 50; }));
    const auto good = upgraded();
    EXPECT_TRUE(run_until([&] { return gone.size() == 50; }));
    EXPECT_FALSE(last().closed);
}

TEST_F(ListenerTest, ClosesAtOnceWhatItsHandlerRefuses) {
    listen();
    accept_connections = false;
    RawPeer peer(listener->local_endpoint());
    EXPECT_EQ(read_to_end(peer), "");
    EXPECT_THAT(connections, ElementsAre("127.0.0.1"));
    EXPECT_THAT(gone, IsEmpty()) << "told only for connections that were wanted";
}

TEST_F(ListenerTest, TellsWhenAPeerLeavesDuringTheHandshake) {
    listen();
    {
        RawPeer peer(listener->local_endpoint());
        peer.send("GET / HTTP/1.1\r\n");
        ASSERT_TRUE(run_until([&] { return connections.size() == 1; }));
    }
    EXPECT_TRUE(run_until([&] { return gone.size() == 1; }));
}

TEST_F(ListenerTest, DropsHandshakesSilentlyWhenDestroyed) {
    listen();
    RawPeer peer(listener->local_endpoint());
    peer.send("GET / HTTP/1.1\r\n");
    ASSERT_TRUE(run_until([&] { return connections.size() == 1; }));
    listener.reset();
    EXPECT_TRUE(run_until([&] {
        peer.poll();
        return peer.ended;
    }));
    EXPECT_EQ(peer.received, "");
    EXPECT_THAT(gone, IsEmpty());
}

TEST_F(ListenerTest, LeavesCarriersAliveWhenDestroyed) {
    listen();
    const auto peer = upgraded();
    listener.reset();
    peer->send(masked(batch_of("x").str()));
    EXPECT_TRUE(run_until([&] { return last().batches.size() == 1; }));
}

TEST_F(ListenerTest, MayBeDestroyedInsideEachOfItsCallbacks) {
    for (std::function<void()>* const hook : {&connection_hook, &carrier_hook, &http_hook}) {
        listen();
        *hook = [&] { listener.reset(); };
        RawPeer peer(listener->local_endpoint());
        peer.send(hook == &http_hook ? "GET / HTTP/1.1\r\nHost: x\r\n\r\n" : upgrade());
        EXPECT_TRUE(run_until([&] { return listener == nullptr; }));
        run_for(5ms);
        *hook = nullptr;
        peers.clear();
    }
}

TEST_F(ListenerTest, StopsAcceptingAndFinishesTheHandshakesItHas) {
    listen();
    const auto endpoint = listener->local_endpoint();
    RawPeer peer(endpoint);
    ASSERT_TRUE(run_until([&] { return connections.size() == 1; }));
    listener->stop_accepting();
    EXPECT_EQ(listener->local_endpoint(), endpoint);
    peer.send(upgrade());
    EXPECT_TRUE(run_until([&] { return peers.size() == 1; }));
    const auto refused = connect(target());
    ASSERT_TRUE(refused.error);
    EXPECT_EQ(refused.error->code, errc::connection_refused);
}

TEST_F(ListenerTest, SharesItsPortWithItsSiblings) {
    options.port_use = PortUse::first;
    listen();
    options.port_use = PortUse::sibling;
    std::string error;
    const auto endpoint = listener->local_endpoint();
    auto second = Listener::open(io, "127.0.0.1:" + std::to_string(endpoint.port()), nullptr, options, *this, &error);
    ASSERT_TRUE(second) << error;
    for (int i = 0; i < 20; ++i) upgraded();
    EXPECT_EQ(peers.size(), 20u);
}

// By the address of the first alone, "[::]:4000", siblings would be of IPv6 alone, and the first have all of IPv4.
TEST_F(ListenerTest, SharesConnectionsOfBothFamiliesWithItsSiblings) {
    options.port_use = PortUse::first;
    listen(":0");
    options.port_use = PortUse::sibling;
    std::string error;
    const std::string shared = sharing_text(":0", listener->local_endpoint());
    EXPECT_EQ(shared, ":" + std::to_string(listener->local_endpoint().port()));
    auto second = Listener::open(io, shared, nullptr, options, *this, &error);
    ASSERT_TRUE(second) << error;
    listener->stop_accepting();
    // Whatever comes over IPv4 now is the second's.
    const asio::ip::tcp::endpoint of_ipv4(asio::ip::address_v4::loopback(), listener->local_endpoint().port());
    asio::ip::tcp::socket socket(io);
    boost::system::error_code refused;
    socket.connect(of_ipv4, refused);
    EXPECT_FALSE(refused) << refused.message();
}

TEST_F(ListenerTest, TheTextForSiblingsIsTheAddressWhereItIsNotOfBothFamilies) {
    const asio::ip::tcp::endpoint v4(asio::ip::address_v4::any(), 7);
    EXPECT_EQ(sharing_text(":0", v4), "0.0.0.0:7") << "a machine without IPv6";
    EXPECT_EQ(sharing_text("[::]:0", {asio::ip::address_v6::any(), 7}), "[::]:7");
    EXPECT_EQ(sharing_text("127.0.0.1:0", {asio::ip::address_v4::loopback(), 7}), "127.0.0.1:7");
}

TEST_F(ListenerTest, SharesItsPortWithNobodyElse) {
    for (const std::string mine : {"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0", ":0"}) {
        for (const PortUse first : {PortUse::alone, PortUse::first}) {
            options.port_use = first;
            listener.reset();
            listen(mine);
            const std::string port = ":" + std::to_string(listener->local_endpoint().port());
            const bool v4 = mine.find('[') == mine.npos;
            const bool v6 = mine.front() == '[' || mine == ":0";
            for (const std::string theirs : {"127.0.0.1", "0.0.0.0", "[::1]", "[::]", ""}) {
                const bool meets = theirs.empty() || (theirs.front() == '[' ? v6 : v4);
                for (const PortUse use : {PortUse::alone, PortUse::first, PortUse::sibling}) {
                    if (use == PortUse::sibling && first == PortUse::first) continue;  // one of its own
                    // Nobody opens a sibling where no first one of its own is. If a program did, Linux 6 would let a
                    // socket of both families in after one of IPv6 alone, by what it remembers of the port.
                    if (use == PortUse::sibling && theirs.empty()) continue;
                    options.port_use = use;
                    std::string error;
                    const auto other = Listener::open(io, theirs + port, nullptr, options, *this, &error);
                    if (!meets) continue;
                    ASSERT_FALSE(other) << mine << " and " << theirs;
                    EXPECT_EQ(other.error(), errc::address_in_use) << error;
                }
            }
        }
    }
}

TEST_F(ListenerTest, RefusesAPortThatAnotherServerUses) {
    options.port_use = PortUse::first;
    listen();
    std::string error;
    const std::string address = "127.0.0.1:" + std::to_string(listener->local_endpoint().port());
    auto second = Listener::open(io, address, nullptr, options, *this, &error);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), errc::address_in_use);
    EXPECT_THAT(error, HasSubstr(address));
    EXPECT_THAT(error, HasSubstr("another"));
    listener.reset();
    EXPECT_TRUE(Listener::open(io, address, nullptr, options, *this, &error)) << error;
}

TEST_F(ListenerTest, RefusesAddressesThatAreNone) {
    std::string error;
    for (const std::string address :
         {"", "4000", "127.0.0.1", "localhost:4000", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
          "::1:4000", "[::1]", "[127.0.0.1]:80", "[]:1", "127.0.0.1:40x", "127.0.0.1:+1", "[::1]x:1", "[::1:1"}) {
        const auto opened = Listener::open(io, address, nullptr, options, *this, &error);
        ASSERT_FALSE(opened) << address;
        EXPECT_EQ(opened.error(), errc::invalid_config) << address;
        EXPECT_THAT(error, HasSubstr("\"" + address + "\""));
    }
    const auto foreign = Listener::open(io, "192.0.2.1:4000", nullptr, options, *this, &error);
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error(), errc::address_unavailable);
}

TEST_F(ListenerTest, SpeaksIpv6) {
    listen("[::1]:0");
    const auto connected = connect(target());
    ASSERT_TRUE(connected.carrier) << connected.error->text;
    EXPECT_EQ(connected.carrier->info().peer_address, "::1");
    ASSERT_TRUE(run_until([&] { return peers.size() == 1; }));
    EXPECT_EQ(last().carrier->info().peer_address, "::1");
}

TEST_F(ListenerTest, OnAllAddressesTakesBothFamiliesAndNamesIpv4AsSuch) {
    listen(":0");
    const auto port = listener->local_endpoint().port();
    ConnectTarget to = target();
    to.endpoint = {asio::ip::make_address("127.0.0.1"), port};
    EXPECT_TRUE(connect(to).carrier);
    to.endpoint = {asio::ip::make_address("::1"), port};
    EXPECT_TRUE(connect(to).carrier);
    EXPECT_THAT(connections, ElementsAre("127.0.0.1", "::1"));
}

TEST_F(ListenerTest, PausesAcceptingWhenFilesRunOut) {
    listen();
    const auto first = upgraded();  // also lets the sanitizer look at the handler's type, for which it needs a file
    RawPeer second(listener->local_endpoint());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int probe = ::dup(0);
    ::close(probe);
    rlimit full = before;
    full.rlim_cur = static_cast<rlim_t>(probe);  // the next descriptor would be the first too many
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
    const bool told = run_until([&] { return paused.size() >= 2; }, 3s);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(told);
    EXPECT_EQ(paused[0], errc::out_of_files);
    EXPECT_EQ(connections.size(), 1u);
    EXPECT_TRUE(run_until([&] { return connections.size() == 2; })) << "accepting goes on afterwards";
}

}  // namespace
}  // namespace flare::transport::websocket::test
