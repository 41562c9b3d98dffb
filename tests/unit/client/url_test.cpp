#include "client/connect/url.hpp"

#include <flare/client.hpp>

#include <gtest/gtest.h>

namespace flare::client::test {
namespace {

Url url(std::string_view text, std::string_view scheme = "ws") {
    const auto parsed = parse_url(text, scheme);
    EXPECT_TRUE(parsed) << parsed.error().text;
    return parsed ? *parsed : Url{};
}

std::string complaint(std::string_view text, std::string_view scheme = "ws") {
    const auto parsed = parse_url(text, scheme);
    if (parsed) return "";
    EXPECT_EQ(parsed.error().code, errc::invalid_config);
    return parsed.error().text;
}

TEST(Url, HasHostPortAndPathWithItsQuery) {
    const Url all = url("ws://example.com:4000/chat?room=1");
    EXPECT_EQ(all.host, "example.com");
    EXPECT_EQ(all.port, 4000);
    EXPECT_EQ(all.path, "/chat?room=1");
    EXPECT_FALSE(all.secure);
    EXPECT_EQ(all.host_header(), "example.com:4000");
}

TEST(Url, HasThePortOfItsSchemeWhenItNamesNone) {
    EXPECT_EQ(url("ws://example.com").port, 80);
    EXPECT_EQ(url("ws://example.com").host_header(), "example.com");
    EXPECT_EQ(url("ws://example.com").path, "/");
    EXPECT_EQ(url("wss://example.com", "wss").port, 443);
    EXPECT_TRUE(url("wss://example.com", "wss").secure);
}

TEST(Url, TakesIpv6InBrackets) {
    EXPECT_EQ(url("ws://[::1]:4000").host, "::1");
    EXPECT_EQ(url("ws://[::1]:4000").host_header(), "[::1]:4000");
}

TEST(Url, HasAZoneThatTheServerDoesNotHear) {
    EXPECT_EQ(url("ws://[fe80::1%25eth0]:4000").host, "fe80::1%eth0");
    EXPECT_EQ(url("ws://[fe80::1%eth0]:4000").host_header(), "[fe80::1]:4000");
}

TEST(Url, TakesASchemeInAnyCase) {
    EXPECT_EQ(url("WS://example.com:4000").shown(), "ws://example.com:4000");
    EXPECT_TRUE(url("Wss://example.com", "wss").secure);
    EXPECT_EQ(url("QUIC://example.com", "quic").protocol, Protocol::quic);
}

TEST(Url, APortOutOfRangeIsRefusedForEveryScheme) {
    for (const char* scheme : {"ws", "wss", "quic"})
        for (const char* port : {"99999", "65536", "40x", "-1", "", "4294967376"})
            EXPECT_NE(complaint(std::string(scheme) + "://h:" + port, scheme).find("port"), std::string::npos) << port;
}

TEST(Url, SaysWhatIsWrongAndShowsItself) {
    EXPECT_NE(complaint("http://example.com").find("ws://"), std::string::npos);
    EXPECT_NE(complaint("example.com:4000").find("example.com:4000"), std::string::npos);
    EXPECT_NE(complaint("ws://:4000").find("host"), std::string::npos);
    EXPECT_NE(complaint("ws://ann:secret@example.com").find("token()"), std::string::npos);
    EXPECT_NE(complaint("ws://example.com:0").find("port"), std::string::npos);
    EXPECT_NE(complaint("ws://example.com:70000"), "");
    EXPECT_NE(complaint("ws://exa mple.com"), "");
    EXPECT_NE(complaint(""), "");
}

TEST(Url, OneThatCannotBeReadTakesNoOtherWithIt) {
    const auto built = [](ServerAddresses addresses) {
        return ClientBuilder("ann").server_addresses(std::move(addresses)).build();
    };
    EXPECT_TRUE(built(ServerAddresses().with_websocket_url("ws://127.0.0.1:4000").with_quic_url("quic://host:0")));
    EXPECT_TRUE(built(ServerAddresses().with_websocket_url("ws://127.0.0.1:4000").with_websocket_tls_url("https://h")));
    const auto none = built(ServerAddresses().with_websocket_url("ws://").with_quic_url("quic://host:0"));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, errc::invalid_config);
}

}  // namespace
}  // namespace flare::client::test
