// Which addresses a server does not listen on without being told twice.
#include "server/exposure.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

struct Exposure : ::testing::Test {
    Exposure() { config.quic = false; }
    std::string of(const std::string& websocket) {
        config.websocket_addr = websocket;
        return exposure_of(config).value_or("");
    }
    Config config;
    AuthHandler handler = static_token_auth({{"token", {"ann"}}});
};

TEST_F(Exposure, LoopbackIsFree) {
    for (const char* address : {"127.0.0.1:4000", "127.1.2.3:0", "[::1]:4000", "[::ffff:127.0.0.1]:4000"})
        EXPECT_EQ(of(address), "") << address;
    EXPECT_EQ(of("nonsense"), "") << "listening will refuse it";
}

TEST_F(Exposure, BeyondItAuthenticationAndTlsAreNeeded) {
    for (const char* address :
         {"0.0.0.0:4000", ":4000", "[::]:4000", "192.0.2.1:4000", "[2001:db8::1]:4000", "[::ffff:192.0.2.1]:4000"}) {
        config.auth = nullptr;
        config.certificate_file.clear();
        EXPECT_NE(of(address).find(address), std::string::npos);
        EXPECT_NE(of(address).find("with_auth_handler()"), std::string::npos);
        EXPECT_NE(of(address).find("websocket_tls()"), std::string::npos);
        config.certificate_file = "server.crt";
        EXPECT_NE(of(address).find("with_auth_handler()"), std::string::npos);
        EXPECT_EQ(of(address).find("websocket_tls()"), std::string::npos);
        config.auth = handler;
        EXPECT_EQ(of(address), "");
        config.certificate_file.clear();
        EXPECT_EQ(of(address).find("with_auth_handler()"), std::string::npos);
        EXPECT_NE(of(address).find("websocket_tls()"), std::string::npos);
    }
}

TEST_F(Exposure, OfTheAdminAddressNeedsItsOwnConsent) {
    for (const char* address : {"0.0.0.0:4001", ":4001", "[::]:4001", "192.0.2.1:4001", "[::ffff:192.0.2.1]:4001"}) {
        config.admin_addr = address;
        config.expose_metrics = false;
        config.allow_insecure = true;  // of something else
        config.auth = handler;
        config.certificate_file = "server.crt";
        const std::string text = admin_exposure_of(config).value_or("");
        EXPECT_NE(text.find(address), std::string::npos);
        EXPECT_NE(text.find("expose_metrics(true)"), std::string::npos) << text;
        config.expose_metrics = true;
        EXPECT_FALSE(admin_exposure_of(config));
    }
    config.expose_metrics = false;
    for (const char* address : {"", "127.0.0.1:4001", "127.9.9.9:0", "[::1]:4001", "[::ffff:127.0.0.1]:4001"}) {
        config.admin_addr = address;
        EXPECT_FALSE(admin_exposure_of(config)) << address;
    }
}

TEST_F(Exposure, QuicIsEncryptedAndNeedsAuthenticationOnly) {
    config.quic = true;
    config.quic_addr = "0.0.0.0:4010";
    EXPECT_NE(of("127.0.0.1:4000").find("quic_addr 0.0.0.0:4010"), std::string::npos);
    config.auth = handler;
    EXPECT_EQ(of("127.0.0.1:4000"), "");
    config.quic_addr = "127.0.0.1:4010";
    config.auth = nullptr;
    EXPECT_EQ(of("127.0.0.1:4000"), "");
    config.websocket = false;
    EXPECT_EQ(of("0.0.0.0:4000"), "") << "what is off is not reached";
}

}  // namespace
}  // namespace flare::server::test
