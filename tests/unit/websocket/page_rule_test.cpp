// Which names and pages a server answers.
#include "transport/websocket/page_rule.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flare::transport::websocket {
namespace {

TEST(PageRule, NobodyOwnsAddressesAndLocalhost) {
    for (const char* host : {"", "127.0.0.1", "127.0.0.1:4000", "127.1.2.3:1", "192.0.2.7", "[::1]", "[::1]:4000",
                             "[::ffff:127.0.0.1]:4000", "localhost", "localhost:4000", "LOCALHOST:4000", "localhost.",
                             "localhost.:4000", "app.localhost:4000"})
        EXPECT_TRUE(is_nobodys_name(host)) << host;
}

TEST(PageRule, AnyOtherNameMayBeThatOfAPage) {
    for (const char* host : {"evil.example",
                             "evil.example:4000",
                             "EVIL.example.",
                             "localhost.evil.example",
                             "localhost-evil",
                             "notlocalhost",
                             "evil.example@127.0.0.1",
                             "localhost@evil.example",
                             "127.0.0.1@evil.example:4000",
                             "127.0.0.1.evil.example",
                             "127.0.0.1.",
                             "127.1",
                             "2130706433",
                             "0x7f000001",
                             "%6cocalhost",
                             "local%68ost",
                             "[v1.localhost]",
                             "[::1",
                             "localhost:port",
                             "localhost/",
                             " ",
                             "localhost evil.example",
                             "localhost..",
                             ":4000"})
        EXPECT_FALSE(is_nobodys_name(host)) << host;
}

bool is_own(std::string_view host, std::string_view origin, bool secure = false) {
    return !PageRule{{}, false, secure}.objection(host, origin);
}

TEST(PageRule, APortThatIsNotNamedIsThatOfThePagesScheme) {
    EXPECT_TRUE(is_own("chat.example:443", "https://chat.example"));
    EXPECT_TRUE(is_own("chat.example", "https://chat.example:443"));
    EXPECT_TRUE(is_own("chat.example", "https://chat.example"));
    EXPECT_TRUE(is_own("chat.example:80", "http://chat.example"));
    EXPECT_TRUE(is_own("chat.example:", "http://chat.example")) << "RFC 3986 section 3.2.3";
    EXPECT_TRUE(is_own("chat.example:4000", "https://chat.example:4000"));
    EXPECT_FALSE(is_own("chat.example:80", "https://chat.example"));
    EXPECT_FALSE(is_own("chat.example:443", "http://chat.example"));
    EXPECT_FALSE(is_own("chat.example", "https://chat.example:444"));
    EXPECT_FALSE(is_own("chat.example:4000", "https://chat.example"));
}

TEST(PageRule, OneHostMayBeWrittenInSeveralWays) {
    EXPECT_TRUE(is_own("Chat.Example:443", "https://chat.eXample"));
    EXPECT_TRUE(is_own("chat.example.", "https://chat.example"));
    EXPECT_TRUE(is_own("chat.example", "HTTPS://chat.example.:443"));
    EXPECT_TRUE(is_own("[2001:DB8:0::1]:443", "https://[2001:db8::1]"));
    EXPECT_FALSE(is_own("[2001:db8::1]", "https://[2001:db8::2]"));
    EXPECT_FALSE(is_own("chat.example..", "https://chat.example"));
    EXPECT_FALSE(is_own("192.0.2.7", "https://192.0.2.8"));
}

TEST(PageRule, WhatIsNoOriginIsNobodysOwn) {
    for (const char* origin :
         {"null", "", "chat.example", "https://", "https://chat.example/", "https://chat.example/x",
          "https://ann@chat.example", "https://chat.example:65979", "https://chat.example:443x",
          "https://chat.example#", "https://chat.example?", "app://chat.example",
          "https://chat.example https://evil.example", "https://evil.example@chat.example"})
        EXPECT_FALSE(is_own("chat.example", origin)) << origin;
    EXPECT_FALSE(is_own("chat.example:65979", "https://chat.example"));
    EXPECT_FALSE(is_own("", "https://chat.example"));
}

TEST(PageRule, TheSchemeCountsWhereTheServerItselfEndsTls) {
    EXPECT_TRUE(is_own("chat.example:4000", "https://chat.example:4000", true));
    EXPECT_TRUE(is_own("chat.example", "https://chat.example", true));
    EXPECT_FALSE(is_own("chat.example:4000", "http://chat.example:4000", true));
    EXPECT_TRUE(is_own("chat.example:4000", "http://chat.example:4000", false));
    EXPECT_FALSE(is_own("chat.example", "http://chat.example", true));
}

TEST(PageRule, ANamedOriginHasASchemeAHostAndAPort) {
    const auto takes = [](const std::vector<std::string>& allowed, std::string_view origin) {
        return !PageRule{allowed, false}.objection("other.example", origin);
    };
    const std::vector<std::string> https{"https://App.example:443"};
    EXPECT_TRUE(takes(https, "https://app.example"));
    EXPECT_TRUE(takes({"https://app.example"}, "https://app.example:443"));
    EXPECT_TRUE(takes({"https://app.example."}, "https://app.example"));
    EXPECT_TRUE(takes({"http://[::1]:80"}, "http://[0::1]"));
    EXPECT_TRUE(takes({"null"}, "null"));
    EXPECT_TRUE(takes({"file://"}, "file://"));
    EXPECT_TRUE(takes({"app://Main"}, "app://main"));
    EXPECT_FALSE(takes(https, "http://app.example")) << "the scheme";
    EXPECT_FALSE(takes(https, "http://app.example:443"));
    EXPECT_FALSE(takes(https, "https://app.example:444"));
    EXPECT_FALSE(takes(https, "null"));
    EXPECT_FALSE(takes({"http://localhost:80"}, "https://localhost"));
}

TEST(PageRule, AnOriginHasNoPathAndNoWildcard) {
    for (const char* origin : {"https://app.example.com", "http://localhost:8080", "https://[::1]", "file://",
                               "capacitor://localhost", "HTTPS://app.example:443"})
        EXPECT_TRUE(is_origin(origin)) << origin;
    for (const char* origin : {"", "*", "app.example.com", "https://app.example.com/", "https://*.example.com",
                               "https://app.example.com:99999", "https://app.example.com:", "https://ann@app.example",
                               "https://", "https://app example"})
        EXPECT_FALSE(is_origin(origin)) << origin;
}

TEST(PageRule, TheRefusalNamesAnOriginThatIsPlain) {
    const auto why = [](std::string_view origin) { return PageRule{}.objection("chat.example", origin).value_or(""); };
    EXPECT_EQ(why("https://app.example:8443"),
              "pages of https://app.example:8443 may not connect: name it in allowed_origins on the server");
    for (const std::string origin : {"https://evil\x1b[31m", "https://evil<script>", ""})
        EXPECT_EQ(why(origin), "pages of this origin may not connect: name it in allowed_origins on the server");
    EXPECT_EQ(why("https://" + std::string(1000, 'e')).find("eeee"), std::string::npos);
}

struct Rebinding : ::testing::Test {
    bool takes(std::string_view host, std::optional<std::string_view> origin = {}) const {
        return !PageRule{allowed, true}.objection(host, origin);
    }
    std::vector<std::string> allowed;
};

TEST_F(Rebinding, ThePageOfANameThatLeadsHereIsRefusedThoughItIsItsOwnHost) {
    EXPECT_FALSE(takes("evil.example:4000", "http://evil.example:4000"));
    EXPECT_FALSE(takes("evil.example:4000"));
    EXPECT_FALSE(takes("127.0.0.1:4000", "http://evil.example:4000"));
    EXPECT_FALSE(PageRule({}, false).objection("evil.example:4000", "http://evil.example:4000"))
        << "with tokens there is no such rule";
}

TEST_F(Rebinding, LocalhostAndAddressesAreServed) {
    EXPECT_TRUE(takes("127.0.0.1:4000"));
    EXPECT_TRUE(takes("localhost:4000", "http://localhost:4000"));
    EXPECT_TRUE(takes("[::1]:4000", "http://[::1]:4000"));
}

TEST_F(Rebinding, AnOriginThatIsNamedMayConnectByAnyName) {
    allowed = {"http://dev.example:4000"};
    EXPECT_TRUE(takes("dev.example:4000", "http://dev.example:4000"));
    EXPECT_TRUE(takes("dev.example:4000")) << "a client that is no browser";
    EXPECT_TRUE(takes("other.example:4000", "http://dev.example:4000"));
    EXPECT_FALSE(takes("dev.example:4000", "http://evil.example:4000"));
    EXPECT_FALSE(takes("evil.example:4000"));
    EXPECT_FALSE(takes("dev.example:4001"));
    EXPECT_TRUE(takes("DEV.example.:4000"));
    allowed = {"https://dev.example:443"};
    EXPECT_TRUE(takes("dev.example")) << "a client that is no browser, by the port of https";
    allowed = {"*"};
    EXPECT_TRUE(takes("dev.example:4000"));
    EXPECT_TRUE(takes("dev.example:4000", "http://evil.example"));
}

TEST_F(Rebinding, TheRefusalSaysHowToAllowTheName) {
    const auto objection = PageRule{{}, true}.objection("dev.example:4000", std::nullopt);
    ASSERT_TRUE(objection);
    EXPECT_NE(objection->find("http://dev.example:4000 to allowed_origins"), std::string::npos) << *objection;
}

TEST_F(Rebinding, TheRefusalRepeatsNothingButAPlainName) {
    for (const std::string host : {"evil\x1b[31m", "evil<script>", "evil\x80", "evil \t"}) {
        const auto objection = PageRule{{}, true}.objection(host, std::nullopt);
        ASSERT_TRUE(objection);
        EXPECT_EQ(objection->find("evil"), std::string::npos) << *objection;
    }
    EXPECT_EQ(PageRule({}, true).objection(std::string(1000, 'e'), std::nullopt)->find("eeee"), std::string::npos);
}

}  // namespace
}  // namespace flare::transport::websocket
