// Machines without IPv6: all addresses are those of IPv4 then, for every listener, and clients pass over ::1.
#include "integration/quic_harness.hpp"
#include "support/network_namespace.hpp"
#include "support/without_ipv6.hpp"

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

}  // namespace
}  // namespace flare::test
