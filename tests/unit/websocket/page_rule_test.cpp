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
