// A server on both protocols and clients that reach it over QUIC, with certificates of their own.
#pragma once

#include "integration/harness.hpp"
#include "support/certificates.hpp"
#include "support/udp_relay.hpp"

#include <string>

namespace flare::test {

class QuicHarness : public ::testing::Test {
protected:
    ServerBuilder builder() {
        return quiet_server()
            .both_protocols()
            .quic_addr("127.0.0.1:0")
            .quic_tls(identity.certificate_file, identity.key_file);
    }
    ClientBuilder client_for(const Server& server, const std::string& user, Events& heard,
                             ProtocolSelection mode = ProtocolSelection::quic, const std::string& quic_path = {}) {
        ClientBuilder made(user);
        made.server_addresses(ServerAddresses()
                                  .with_quic_url("quic://" + (quic_path.empty() ? server.quic_addr() : quic_path))
                                  .with_websocket_url("ws://" + server.websocket_addr()))
            .protocol_selection_mode(mode)
            .ca_file(authority.certificate_file)
            .with_event_callback(std::ref(heard));
        return made;
    }

    // Messages 0, 1, 2 ... were each acknowledged, and their echoes came once and in order.
    void expect_all_in_order(std::size_t count) {
        ASSERT_TRUE(events.wait_for<event::MessageSent>(count));
        ASSERT_TRUE(events.wait_for<event::MessageReceived>(count));
        const auto received = events.all<event::MessageReceived>();
        ASSERT_EQ(received.size(), count);
        for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(received[i].message.payload.str(), std::to_string(i));
    }

    Certificates certificates;
    Certificates::Identity authority = certificates.authority("ca");
    Certificates::Identity stranger = certificates.authority("stranger");
    Certificates::Identity identity = certificates.make("server", {.common_name = "flare"}, &authority);
    Events events;
};

// Where a relay finds a server of this address.
inline UdpRelay::udp::endpoint udp_endpoint(const std::string& address) {
    const auto colon = address.rfind(':');
    return {boost::asio::ip::make_address(address.substr(0, colon)),
            static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
}

}  // namespace flare::test
