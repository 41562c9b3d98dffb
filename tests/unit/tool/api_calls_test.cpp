// Calls of the server API as `flare api` makes them: the table, the requests, the answers.
#include "api/answer.hpp"
#include "api/calls.hpp"
#include "api/connection.hpp"
#include "api/request.hpp"

#include "support/folder.hpp"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace flare::cli::api {
namespace {

namespace http = transport::http;
using testing::HasSubstr;
using testing::Not;
using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

Checked<http::Question> asked(const char* call, Values values, std::optional<std::string> body = {}) {
    return question_of(*find_call(call), {std::move(values), std::move(body)});
}
std::string fault_in(const char* call, Values values, std::optional<std::string> body = {}) {
    const auto question = asked(call, std::move(values), std::move(body));
    EXPECT_TRUE(question || question.error().code == errc::invalid_config);
    return question ? "good: " + question->target + " " + question->body : question.error().text;
}

TEST(ApiCalls, HaveAParameterForEachNameInTheirPath) {
    for (const Call& call : calls()) {
        Values values;
        for (const Parameter& parameter : call.parameters) {
            if (parameter.required) values[std::string(parameter.option)] = {parameter.kind == Kind::json ? "[]" : "1"};
        }
        const auto question = asked(std::string(call.name).c_str(), values);
        ASSERT_TRUE(question) << call.name << ": " << question.error().text;
        EXPECT_EQ(question->target.find('{'), std::string::npos) << call.name;
        EXPECT_EQ(call.has_pages(), call.method == "GET" && call.find("limit") != nullptr) << call.name;
    }
    EXPECT_EQ(find_call("no_such"), nullptr);
}

TEST(ApiRequest, PutsEachValueWhereItBelongs) {
    const auto read =
        asked("list_direct_messages", {{"user", {"a/b ?"}}, {"other", {"é"}}, {"limit", {"3"}}, {"cursor", {"x&y=+"}}});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->method, "GET");
    EXPECT_EQ(read->target, "/v1/users/a%2Fb%20%3F/conversations/%C3%A9/messages?limit=3&cursor=x%26y%3D%2B");
    EXPECT_EQ(read->body, "");
    const auto wrote = asked("publish", {{"to", {"bob"}},
                                         {"text", {"[1,2]"}},
                                         {"silent", {"true"}},
                                         {"reply_to", {"18446744073709551615"}},
                                         {"mentions", {"ann"}},
                                         {"idempotency-key", {"order 7"}}});
    ASSERT_TRUE(wrote);
    EXPECT_EQ(wrote->target, "/v1/messages");
    EXPECT_EQ(wrote->fields.value("Idempotency-Key"), "order 7");
    EXPECT_EQ(boost::json::parse(wrote->body),
              boost::json::parse(R"({"to":"bob","text":"[1,2]","silent":true,"reply_to":"18446744073709551615",
                                     "mentions":["ann"]})"));
    EXPECT_THAT(asked("publish", {{"to", {"bob", "eve"}}, {"text", {"x"}}})->body, HasSubstr(R"("to":["bob","eve"])"));
    EXPECT_THAT(asked("block", {{"user", {"ann"}}, {"other", {"bob"}}})->body, R"({"user":"bob"})");
    EXPECT_EQ(asked("update_member", {{"conversation", {"room:a"}}, {"user", {"ann"}}, {"muted", {"false"}}})->body,
              R"({"muted":false})");
    EXPECT_EQ(asked("freeze", {{"conversation", {"room:a"}}})->body, "{}");
}

TEST(ApiRequest, AddsWhatIsTypedToABody) {
    EXPECT_EQ(
        asked("ban", {{"conversation", {"room:a"}}, {"user", {"eve"}}}, R"({"user":"bob","until":"forever"})")->body,
        R"({"user":"eve","until":"forever"})");
    EXPECT_EQ(asked("publish_batch", {{"messages", {R"([{"to":"a","text":"b"}])"}}})->body,
              R"({"messages":[{"to":"a","text":"b"}]})");
}

TEST(ApiRequest, RefusesWhatIsMissingOrWrong) {
    EXPECT_EQ(fault_in("publish", {{"text", {"x"}}}), "--to is missing");
    EXPECT_EQ(fault_in("list_members", {}), "--conversation is missing");
    EXPECT_EQ(fault_in("list_members", {{"conversation", {""}}}), "--conversation is empty");
    EXPECT_EQ(fault_in("get_message", {{"conversation", {"room:a"}}, {"offset", {"-1"}}}),
              "--offset takes a whole number, not '-1'");
    EXPECT_EQ(fault_in("get_message", {{"conversation", {"room:a"}}, {"offset", {"123456789012345678901"}}}),
              "--offset takes a whole number, not '123456789012345678901'");
    EXPECT_EQ(fault_in("get_unread", {{"user", {"a", "b"}}}), "--user is given twice");
    EXPECT_EQ(fault_in("get_unread", {{"user", {"\xff"}}}), "--user is not UTF-8");
    EXPECT_EQ(fault_in("publish", {{"to", {"a"}}, {"silent", {"yes"}}}), "--silent is true or false, not 'yes'");
    EXPECT_EQ(fault_in("publish", {{"to", {"a"}}, {"idempotency-key", {"a\r\nX: y"}}}),
              "--idempotency-key has a control character");
    EXPECT_THAT(fault_in("publish_batch", {{"messages", {"[{"}}}), HasSubstr("--messages is not JSON"));
    EXPECT_THAT(fault_in("publish", {{"to", {"a"}}}, "{"), HasSubstr("--body is not JSON"));
    EXPECT_EQ(fault_in("publish", {{"to", {"a"}}}, "[]"), "--body is no JSON object");
    EXPECT_THAT(fault_in("publish", {{"to", {"a"}}}, std::string(100, '[')), HasSubstr("--body is not JSON"));
}

http::Answer answered(unsigned status, std::string body, http::Fields fields = {}) {
    return {status, std::move(body), std::move(fields)};
}

TEST(ApiAnswer, IsWhatWasAskedForOrWhyNot) {
    const auto page = read_answer(answered(200, R"({"members":[],"next":"abc"})"), "http://x");
    ASSERT_TRUE(page);
    EXPECT_FALSE(page->refused);
    EXPECT_EQ(next_of(page->body), "abc");
    EXPECT_TRUE(read_answer(answered(204, ""), "http://x")->body.empty());
    const auto refused = read_answer(
        answered(400, R"({"title":"t","detail":"no such \"name\"","errc":"invalid_name","field":"members[3]"})"),
        "http://x");
    ASSERT_TRUE(refused && refused->refused);
    EXPECT_EQ(refused->refused->line(), "invalid_name: no such \"name\" (field members[3])");
    const auto later =
        read_answer(answered(429, R"({"detail":"later","errc":"rate_limited"})", {{"Retry-After", "3"}}), "x");
    EXPECT_EQ(later->refused->line(), "rate_limited: later; try again after 3 s");
    const auto odd = read_answer(answered(500, R"({"errc":7,"field":[]})", {{"Retry-After", "soon"}}), "x");
    EXPECT_EQ(odd->refused->line(), "status 500: ");
}

TEST(ApiAnswer, OfAStrangerIsNone) {
    for (const auto& [answer, says] : std::vector<std::pair<http::Answer, std::string>>{
             {answered(302, "", {{"Location", "http://evil/"}}), "redirects (status 302) to 'http://evil/'"},
             {answered(200, "<html>"), "no JSON object"},
             {answered(200, "[]"), "no JSON object"},
             {answered(502, ""), "status 502 and no JSON object"},
             {answered(200, std::string(100'000, '[')), "no JSON object"}}) {
        const auto outcome = read_answer(answer, "http://x");
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, errc::not_supported);
        EXPECT_THAT(outcome.error().text, HasSubstr(says));
    }
}

TEST(ApiAnswer, CountsWhatFailedOfSeveral) {
    const auto count = [](const char* text) { return failures_in(boost::json::parse(text).as_object()); };
    EXPECT_EQ(count(R"({"offset":"1"})"), 0u);
    EXPECT_EQ(count(R"({"results":[{"id":"a"},{"error":{}},{"results":[{"error":{}},{"id":"b"},7]}]})"), 2u);
}

class ApiKeyOfConnection : public testing::Test {
protected:
    ApiKeyOfConnection() { ::unsetenv("FLARE_API_KEY"); }
    ~ApiKeyOfConnection() override { ::unsetenv("FLARE_API_KEY"); }
    static std::string fault(const ConnectionOptions& options) {
        const auto opened = Connection::open(options, false);
        return opened ? "good" : opened.error().text;
    }
    ConnectionOptions with_file(const std::string& text) const {
        std::ofstream(folder_.path("key")) << text;
        std::filesystem::permissions(folder_.path("key"), std::filesystem::perms::owner_read);
        ConnectionOptions options;
        options.key_file = folder_.path("key");
        return options;
    }
    flare::test::Folder folder_;
};

TEST_F(ApiKeyOfConnection, ComesFromAFileOrTheEnvironment) {
    EXPECT_THAT(fault({}), HasSubstr("FLARE_API_KEY"));
    EXPECT_EQ(fault(with_file("flare_aaaaaaaa_secret\n")), "good");
    ::setenv("FLARE_API_KEY", "flare_aaaaaaaa_secret", 1);
    EXPECT_EQ(fault({}), "good");
}

TEST_F(ApiKeyOfConnection, IsRefusedWithoutBeingTold) {
    for (const char* text : {"k7f3q2ab 9f86d0 *\n", "flare_aaaaaaaa_secret\nX: y", "flare_\x7f", "secret"}) {
        ::setenv("FLARE_API_KEY", text, 1);
        EXPECT_THAT(fault({}), HasSubstr("FLARE_API_KEY has no key"));
        EXPECT_THAT(fault({}), Not(HasSubstr("secret")));
    }
    ConnectionOptions exposed;
    exposed.key_file = folder_.path("exposed");
    std::ofstream(exposed.key_file) << "flare_aaaaaaaa_secret\n";
    std::filesystem::permissions(exposed.key_file, std::filesystem::perms(0644));
    EXPECT_THAT(fault(exposed), HasSubstr("chmod 600"));
    exposed.key_file = folder_.path("none");
    EXPECT_THAT(fault(exposed), HasSubstr("no such file"));
}

TEST_F(ApiKeyOfConnection, GoesOverANetworkOnlyEncrypted) {
    ConnectionOptions options = with_file("flare_aaaaaaaa_secret");
    for (const char* url : {"http://192.0.2.1:4002", "http://chat.example"}) {
        options.url = url;
        EXPECT_THAT(fault(options), HasSubstr("unencrypted: use https://"));
    }
    for (const char* url : {"http://localhost:4002", "http://[::1]:4002/prefix", "https://chat.example/"}) {
        options.url = url;
        EXPECT_EQ(fault(options), "good");
    }
    for (const char* url : {"127.0.0.1:4002", "ftp://x", "http://u:p@x", "http://127.0.0.1/?q"}) {
        options.url = url;
        EXPECT_THAT(fault(options), HasSubstr("--api: '"));
    }
    options.url = "https://chat.example";
    options.ca_file = folder_.path("none");
    EXPECT_THAT(fault(options), HasSubstr("none"));
}

}  // namespace
}  // namespace flare::cli::api
