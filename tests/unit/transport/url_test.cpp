#include "transport/url.hpp"

#include <gtest/gtest.h>

namespace flare::transport::test {
namespace {

std::string authority(std::string_view text) {
    const auto made = parse_authority(text);
    if (!made) return made.error().code == errc::invalid_config ? "refused" : "another error";
    return made->host + " " + (made->port ? std::to_string(*made->port) : "none");
}

std::string url(std::string_view text) {
    const auto made = parse_url(text);
    if (!made) return "refused";
    return made->scheme + " " + made->authority.host + " " +
           std::to_string(made->authority.port.value_or(default_port(made->scheme))) + " " + made->path + made->query;
}

TEST(Authority, IsAHostAndAPort) {
    EXPECT_EQ(authority("chat.example:4000"), "chat.example 4000");
    EXPECT_EQ(authority("chat.example"), "chat.example none");
    EXPECT_EQ(authority("chat_1.Example.:1"), "chat_1.Example. 1");
    EXPECT_EQ(authority("192.0.2.7:65535"), "192.0.2.7 65535");
    EXPECT_EQ(authority(":0"), " 0");
    EXPECT_EQ(authority("h:0080"), "h 80");
}

TEST(Authority, HasIpv6InBracketsPerhapsWithAZone) {
    EXPECT_EQ(authority("[::1]:4000"), "::1 4000");
    EXPECT_EQ(authority("[2001:db8::1]"), "2001:db8::1 none");
    EXPECT_EQ(authority("[::ffff:192.0.2.7]:1"), "::ffff:192.0.2.7 1");
    EXPECT_EQ(authority("[fe80::1%eth0]:4000"), "fe80::1%eth0 4000");
    EXPECT_EQ(authority("[fe80::1%25eth0]:4000"), "fe80::1%eth0 4000") << "RFC 6874";
    EXPECT_EQ(authority("[fe80::1%25]"), "fe80::1%25 none") << "interface 25";
    EXPECT_EQ(authority("[fe80::1%7]"), "fe80::1%7 none");
}

TEST(Authority, APortOutOfRangeOrWithMoreThanDigitsIsRefused) {
    for (const char* port : {"65536", "99999", "100000", "4294971296", "18446744073709555616", "-1", "+80", "", " 80",
                             "80 ", "40x", "0x50", "4e3", "80.0", "http", "80:80", "\xD9\xA8"})
        for (const char* host : {"h", "192.0.2.7", "[::1]", ""})
            EXPECT_EQ(authority(std::string(host) + ":" + port), "refused") << host << " " << port;
}

TEST(Authority, AHostThatIsNoneIsRefused) {
    for (const char* host : {"::1",
                             "fe80::1%eth0",
                             "[::1",
                             "::1]",
                             "[]",
                             "[]:1",
                             "[::g]",
                             "[192.0.2.7]",
                             "[::1]4000",
                             "[fe80::1%]",
                             "[h]",
                             "[v1.a]",
                             "[fe80::1%a b]",
                             "[fe80::1%a\nb]",
                             "a b",
                             "a..b",
                             ".",
                             "..",
                             ".a",
                             "a%0d%0aX",
                             "a\r\nX",
                             "%6cocalhost",
                             "user@h",
                             "a/b",
                             "a?b",
                             "a#b",
                             "a,b",
                             "b\xC3\xBC"
                             "cher.example"})
        EXPECT_EQ(authority(host), "refused") << host;
    EXPECT_EQ(authority(std::string("a\0b", 3)), "refused");
    EXPECT_EQ(authority(std::string(64, 'a')), "refused") << "a label has 63 bytes";
    EXPECT_NE(authority(std::string(63, 'a')), "refused");
    std::string longest;
    for (int i = 0; i < 126; ++i) longest += "a.";
    EXPECT_NE(authority(longest + "b."), "refused");
    EXPECT_EQ(authority(longest + "bb"), "refused") << "a name has 253 bytes";
}

TEST(UrlParts, HaveASchemeInAnyCaseAndItsPort) {
    EXPECT_EQ(url("ws://h"), "ws h 80 ");
    EXPECT_EQ(url("WSS://Chat.Example"), "wss Chat.Example 443 ");
    EXPECT_EQ(url("Quic://h"), "quic h 443 ");
    EXPECT_EQ(url("HTTP://h:8080/a"), "http h 8080 /a");
    EXPECT_EQ(url("https://h./a%20b?c=d#e"), "https h. 443 /a%20b?c=d");
    EXPECT_EQ(url("ws://[fe80::1%25eth0]:1/x"), "ws fe80::1%eth0 1 /x");
    EXPECT_EQ(url("ws://[fe80::1%eth0]?q"), "ws fe80::1%eth0 80 ?q");
    EXPECT_EQ(url("odd+x.y-1://h"), "odd+x.y-1 h 0 ");
}

TEST(UrlParts, AUrlThatIsNoneIsRefused) {
    for (const char* text : {"",           "h",         "h:80",       "ws:h",       "ws:/h",        "://h",
                             "ws://",      "ws:///a",   "ws://:80",   "ws://h:0",   "ws://h:99999", "ws://h:40x/",
                             "ws://h:",    "ws://h:/",  "1ws://h",    "w s://h",    "ws://h/a b",   "ws://h/a\r\nX: y",
                             "ws://h/%g0", "ws://h\\a", "ws://[::1/", "ws://a@b:c", "ws:// h"})
        EXPECT_EQ(url(text), "refused") << text;
}

TEST(UrlParts, SayWhetherThereIsAUser) {
    for (const char* text : {"ws://ann@h", "ws://ann:secret@h:1/", "ws://@h", "ws://a@b@h"}) {
        const auto made = parse_url(text);
        ASSERT_TRUE(made) << text;
        EXPECT_TRUE(made->has_user) << text;
        EXPECT_EQ(made->authority.host, "h");
    }
    EXPECT_FALSE(parse_url("ws://h/@")->has_user);
}

TEST(HostHeader, LeavesOutThePortOfTheSchemeAndAnyZone) {
    EXPECT_EQ(host_header("h", 80, "ws"), "h");
    EXPECT_EQ(host_header("h", 443, "ws"), "h:443");
    EXPECT_EQ(host_header("h.", 443, "wss"), "h.");
    EXPECT_EQ(host_header("::1", 4000, "http"), "[::1]:4000");
    EXPECT_EQ(host_header("fe80::1%eth0", 443, "https"), "[fe80::1]");
}

}  // namespace
}  // namespace flare::transport::test
