// Machines without IPv6: all addresses are those of IPv4 then, for every listener, and clients pass over ::1.
#include "integration/quic_harness.hpp"
#include "support/network_namespace.hpp"
#include "support/without_ipv6.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <set>
#include <utility>

namespace flare::test {
namespace {

class NoIpv6 : public QuicHarness {
protected:
    // A server on all addresses is reached over both protocols by a name that is ::1 and 127.0.0.1.
    void serve_and_connect() {
        Server server = started(
            builder().websocket_addr(":0").quic_addr(":0").admin_addr(":0").expose_metrics(true).allow_insecure(true));
        const auto port = [](const std::string& address) { return address.substr(address.rfind(':')); };
        for (const ProtocolSelection mode : {ProtocolSelection::quic, ProtocolSelection::websocket}) {
            Events heard;
            ClientBuilder made("ann");
            made.server_addresses(ServerAddresses()
                                      .with_quic_url("quic://localhost" + port(server.quic_addr()))
                                      .with_websocket_url("ws://localhost" + port(server.websocket_addr())))
                .protocol_selection_mode(mode)
                .ca_file(authority.certificate_file)
                .with_event_callback(std::ref(heard));
            Client client = connected(made);
            EXPECT_TRUE(client.send_text_message("server", "x").success);
        }
        addresses = {server.websocket_addr(), server.quic_addr(), server.admin_addr()};
    }
    std::vector<std::string> addresses;
};

TEST_F(NoIpv6, AKernelWithoutItListensOnAllAddressesOfIpv4) {
    without_ipv6([this] { serve_and_connect(); });
    ASSERT_EQ(addresses.size(), 3u);
    for (const std::string& each : addresses) EXPECT_TRUE(each.starts_with("0.0.0.0:")) << each;
}

TEST_F(NoIpv6, AHostOnWhichItIsSwitchedOffListensAsWell) {
    if (const std::string why = NetworkNamespace::why_not(); !why.empty()) GTEST_SKIP() << why;
    const NetworkNamespace host("flare-no6-" + std::to_string(::getpid()));
    host.run("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
    host.on([this] { serve_and_connect(); });
    EXPECT_EQ(addresses.size(), 3u);
}

TEST_F(NoIpv6, AnAddressOfItIsRefusedAndNamed) {
    without_ipv6([this] {
        for (const bool quic : {false, true}) {
            ServerBuilder asked = builder();
            quic ? asked.quic_addr("[::1]:0") : asked.websocket_addr("[::1]:0");
            auto server = asked.build();
            ASSERT_TRUE(server);
            const auto begun = server->start();
            ASSERT_FALSE(begun);
            EXPECT_EQ(begun.error().code, errc::address_unavailable) << begun.error().text;
            EXPECT_NE(begun.error().text.find("[::1]:0"), std::string::npos) << begun.error().text;
        }
    });
}

// Sockets of this process at that port: how many there are, and how many of them are for IPv6 alone.
std::pair<int, int> sockets_at(std::uint16_t port, int type) {
    std::pair<int, int> found;
    std::set<std::uint64_t> seen;  // one socket may have several descriptors
    for (int fd = 3; fd < 1024; ++fd) {
        int value = 0;
        socklen_t size = sizeof value;
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size) != 0 || value != type) continue;
        sockaddr_in6 local{};
        socklen_t length = sizeof local;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) != 0) continue;
        if (local.sin6_family != AF_INET6 || ntohs(local.sin6_port) != port) continue;
        std::uint64_t cookie = 0;
        size = sizeof cookie;
        if (::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0 || !seen.insert(cookie).second) continue;
        size = sizeof value;
        ::getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &size);
        ++found.first;
        found.second += value;
    }
    return found;
}

// The kernel spreads connections and packets over sockets of the same families alone: the first worker would have all
// of IPv4.
TEST_F(NoIpv6, WhereItIsThereEveryWorkerTakesBothFamilies) {
    Server server = started(builder().worker_threads(3).websocket_addr(":0").quic_addr(":0").allow_insecure(true));
    const auto port = [](const std::string& address) {
        return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    };
    EXPECT_EQ(sockets_at(port(server.websocket_addr()), SOCK_STREAM), std::pair(3, 0));
    EXPECT_EQ(sockets_at(port(server.quic_addr()), SOCK_DGRAM), std::pair(3, 0));
}

}  // namespace
}  // namespace flare::test
