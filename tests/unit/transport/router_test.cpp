#include "transport/http/router.hpp"

#include <gtest/gtest.h>

namespace flare::transport::http {
namespace {

class Routes : public ::testing::Test {
protected:
    Routes() {
        router_.add("GET", "/v1/rooms", 0);
        router_.add("POST", "/v1/rooms", 1);
        router_.add("GET", "/v1/rooms/{room}", 2);
        router_.add("GET", "/v1/rooms/newest", 3);
        router_.add("DELETE", "/v1/rooms/{room}/members/{user}", 4);
        router_.add("GET", "/v1/rooms/newest/members", 5);
        router_.add("GET", "/v1/rooms/{room}/{what}", 6);
    }
    // "2 room=lunch ?limit=1", or why there is none.
    std::string found(std::string_view method, std::string_view target) const {
        const Router::Found result = router_.find(method, target);
        if (const auto* const missed = std::get_if<Router::Missed>(&result)) {
            switch (missed->why) {
                case Router::Miss::unreadable: return "unreadable";
                case Router::Miss::not_found: return "not found";
                case Router::Miss::method: return "allow " + missed->allow;
            }
        }
        const auto& match = std::get<Router::Match>(result);
        std::string text = std::to_string(match.route);
        for (const auto& [name, value] : match.path.all()) text += " " + name + "=" + value;
        for (const auto& [name, value] : match.query.all()) text += " ?" + name + "=" + value;
        return text;
    }
    Router router_;
};

TEST_F(Routes, AreFoundByMethodAndPath) {
    EXPECT_EQ(found("GET", "/v1/rooms"), "0");
    EXPECT_EQ(found("HEAD", "/v1/rooms"), "0");
    EXPECT_EQ(found("POST", "/v1/rooms"), "1");
    EXPECT_EQ(found("GET", "/v1/rooms/lunch"), "2 room=lunch");
    EXPECT_EQ(found("GET", "/v1/rooms/newest"), "3") << "a literal goes first";
    EXPECT_EQ(found("DELETE", "/v1/rooms/lunch/members/ann"), "4 room=lunch user=ann");
    EXPECT_EQ(found("DELETE", "/v1/rooms/newest/members/ann"), "4 room=newest user=ann")
        << "where the literal leads nowhere, the name is tried";
    EXPECT_EQ(found("GET", "/v1/rooms/lunch/members"), "6 room=lunch what=members");
}

TEST_F(Routes, DecodeASegmentAfterThePathIsSplit) {
    EXPECT_EQ(found("GET", "/v1/rooms/a%2Fb"), "2 room=a/b");
    EXPECT_EQ(found("GET", "/v1/rooms/a+b%20c"), "2 room=a+b c");
    EXPECT_EQ(found("GET", "/v1/rooms/%E4%B8%AD"), "2 room=\xE4\xB8\xAD");
    EXPECT_EQ(found("GET", "/v1/%72ooms"), "0");
    for (const char* const wrong : {"/v1/rooms/a%", "/v1/rooms/a%4", "/v1/rooms/%zz", "/v1/rooms/%00", "/v1/rooms/%ff"})
        EXPECT_EQ(found("GET", wrong), "unreadable") << wrong;
}

TEST_F(Routes, HaveTheirQueryRead) {
    EXPECT_EQ(found("GET", "/v1/rooms?limit=1&cursor=a%26b"), "0 ?limit=1 ?cursor=a&b");
    EXPECT_EQ(found("GET", "/v1/rooms?"), "0");
    EXPECT_EQ(found("GET", "/v1/rooms?&a&"), "0 ?a=");
    EXPECT_EQ(found("GET", "/v1/rooms?a=b+c=d"), "0 ?a=b c=d");
    EXPECT_EQ(found("GET", "/v1/rooms?a=1&a=2"), "unreadable") << "readers would differ";
    EXPECT_EQ(found("GET", "/v1/rooms?a=%"), "unreadable");
    std::string many = "/v1/rooms?";
    for (std::size_t i = 0; i <= Router::kMaxQuery; ++i) many += "p" + std::to_string(i) + "=&";
    EXPECT_EQ(found("GET", many), "unreadable");
}

TEST_F(Routes, ThatAreNotThere) {
    for (const char* const target : {"", "*", "v1/rooms", "/", "/v1", "/v1/rooms/", "/v1//rooms", "/v1/rooms/a/b/c/d"})
        EXPECT_EQ(found("GET", target), "not found") << target;
    EXPECT_EQ(found("GET", "/v1" + std::string(100, '/')), "not found");
    EXPECT_EQ(found("PUT", "/v1/rooms"), "allow GET, HEAD, OPTIONS, POST");
    EXPECT_EQ(found("GET", "/v1/rooms/lunch/members/ann"), "allow DELETE, OPTIONS");
    EXPECT_EQ(found("OPTIONS", "/v1/rooms/newest"), "allow GET, HEAD, OPTIONS");
    EXPECT_EQ(found("get", "/v1/rooms"), "allow GET, HEAD, OPTIONS, POST") << "methods have a case (RFC 9110, 9.1)";
}

}  // namespace
}  // namespace flare::transport::http
