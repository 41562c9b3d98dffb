// Certificates that are replaced while the server runs, for wss and QUIC together.
#include "integration/quic_harness.hpp"

#include <filesystem>

namespace flare::test {
namespace {

class CertificateReload : public QuicHarness {
protected:
    CertificateReload() {
        std::filesystem::copy_file(identity.certificate_file, certificate);
        std::filesystem::copy_file(identity.key_file, key);
    }
    ServerBuilder reloading() { return builder().websocket_tls(certificate, key).quic_tls(certificate, key); }
    void replace_by(const Certificates::Identity& other) {
        put(other.certificate_file, certificate);
        put(other.key_file, key);
    }
    static void put(const std::string& from, const std::string& to) {
        std::filesystem::copy_file(from, to + ".new", std::filesystem::copy_options::overwrite_existing);
        std::filesystem::rename(to + ".new", to);
    }
    // Whether a client that trusts `authority` alone comes in.
    static bool lets_in(const Server& server, const Certificates::Identity& trusted, Protocol protocol) {
        Events heard;
        ClientBuilder builder("user");
        builder
            .server_addresses(ServerAddresses()
                                  .with_quic_url("quic://" + server.quic_addr())
                                  .with_websocket_tls_url("wss://" + server.websocket_addr()))
            .protocol_selection_mode(protocol == Protocol::quic ? ProtocolSelection::quic
                                                                : ProtocolSelection::websocket)
            .ca_file(trusted.certificate_file)
            .auto_reconnect(false)
            .with_event_callback(std::ref(heard));
        auto client = builder.build();
        EXPECT_TRUE(client) << client.error().text;
        const auto result = client->connect();
        if (!result) {
            EXPECT_EQ(result.error().code, errc::certificate_rejected) << result.error().text;
        }
        return result.has_value();
    }
    void expect_served_by(const Server& server, const Certificates::Identity& trusted,
                          const Certificates::Identity& not_trusted) {
        for (const Protocol protocol : {Protocol::websocket, Protocol::quic}) {
            EXPECT_TRUE(lets_in(server, trusted, protocol)) << name(protocol);
            EXPECT_FALSE(lets_in(server, not_trusted, protocol)) << name(protocol);
        }
    }

    const std::string certificate = certificates.path("live.crt");
    const std::string key = certificates.path("live.key");
    Certificates::Identity next = certificates.make("next", {.common_name = "flare"}, &stranger);
};

TEST_F(CertificateReload, ServesNewConnectionsOfBothProtocolsAndKeepsTheOldOnes) {
    Server server = started(reloading());
    Client client = connected(client_for(server, "ann", events, ProtocolSelection::quic));
    expect_served_by(server, authority, stranger);

    replace_by(next);
    const auto reloaded = server.reload_certificates();
    ASSERT_TRUE(reloaded) << reloaded.error().text;

    expect_served_by(server, stranger, authority);
    EXPECT_TRUE(client.send_text_message("server", "still here").success);
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
}

TEST_F(CertificateReload, ASetThatIsNotGoodIsRefusedWholeAndTheOldOneStays) {
    Server server = started(reloading());
    put(next.certificate_file, certificate);  // whose key is another
    EXPECT_EQ(server.reload_certificates().error().code, errc::certificate_key_mismatch);
    expect_served_by(server, authority, stranger);

    std::filesystem::remove(certificate);
    const auto missing = server.reload_certificates();
    EXPECT_EQ(missing.error().code, errc::file_not_found);
    EXPECT_NE(missing.error().text.find(certificate), std::string::npos) << missing.error().text;
    expect_served_by(server, authority, stranger);
}

TEST_F(CertificateReload, AChainWhoseIntermediateHasExpiredIsRefusedAndNamed) {
    const auto old = certificates.make("old",
                                       {.common_name = "Old",
                                        .names = "",
                                        .valid_from_seconds = -7200,
                                        .valid_until_seconds = -3600,
                                        .authority = true},
                                       &stranger);
    const auto below = certificates.make("below", {.common_name = "flare"}, &old);
    certificates.write("chain.crt", certificates.read("below.crt") + certificates.read("old.crt"));
    Server server = started(reloading());
    put(certificates.path("chain.crt"), certificate);
    put(below.key_file, key);
    const auto reloaded = server.reload_certificates();
    EXPECT_EQ(reloaded.error().code, errc::certificate_expired);
    EXPECT_NE(reloaded.error().text.find("number 2 of 2, CN=Old, expired on "), std::string::npos)
        << reloaded.error().text;
    expect_served_by(server, authority, stranger);
}

// wss:// would be good; QUIC's key is not, and so neither changes.
TEST_F(CertificateReload, OneProtocolDoesNotChangeWithoutTheOther) {
    const std::string quic_key = certificates.path("quic.key");
    std::filesystem::copy_file(key, quic_key);
    Server server = started(reloading().quic_tls(certificate, quic_key));
    replace_by(next);  // quic.key stays
    EXPECT_EQ(server.reload_certificates().error().code, errc::certificate_key_mismatch);
    expect_served_by(server, authority, stranger);
}

TEST_F(CertificateReload, FilesThatChangeAreNoticed) {
    Server server = started(reloading().watch_certificates(20ms));
    replace_by(next);
    bool served = false;
    for (const auto limit = std::chrono::steady_clock::now() + 30s;
         !served && std::chrono::steady_clock::now() < limit;)
        served = lets_in(server, stranger, Protocol::websocket) && lets_in(server, stranger, Protocol::quic);
    EXPECT_TRUE(served);
    expect_served_by(server, stranger, authority);
}

}  // namespace
}  // namespace flare::test
