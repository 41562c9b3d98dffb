// flare api, against a server with a store and a server API, and against what is none.
#include "auth/api_keys.hpp"
#include "base/random.hpp"
#include "integration/harness.hpp"
#include "support/certificates.hpp"
#include "support/closed_port.hpp"
#include "support/folder.hpp"
#include "support/http_server.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace flare::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

auth::NewApiKey new_api_key(const char* scopes) {
    return auth::make_api_key(*auth::Scopes::parse(scopes), base::system_random());
}

class ApiTool : public ::testing::Test {
protected:
    // With the key of a file, as people use it.
    Ran tool(std::vector<std::string> arguments, const std::string& input = {}) const {
        arguments.insert(arguments.begin(), "api");
        return command(std::move(arguments), input);
    }
    Ran command(std::vector<std::string> arguments, const std::string& input = {}) const {
        ToolProcess::Options options;
        options.environment = {{"FLARE_API", "http://" + server_.api_addr()}, {"FLARE_API_KEY", ""}};
        options.input = input;
        arguments.insert(arguments.end(), {"--api-key-file", key_file_});
        return run_tool(std::move(arguments), options);
    }
    static Ran tool_at(const std::string& url, const std::string& key, std::vector<std::string> arguments) {
        ToolProcess::Options options;
        options.environment = {{"FLARE_API", url}, {"FLARE_API_KEY", key}};
        arguments.insert(arguments.begin(), "api");
        return run_tool(std::move(arguments), options);
    }
    std::string url() const { return "http://" + server_.api_addr(); }
    static ServerApi api_with(std::vector<std::string> keys) {
        ServerApi api;
        api.address = "127.0.0.1:0";
        api.keys = std::move(keys);
        return api;
    }
    void make_room(std::size_t members) {
        std::vector<std::string> arguments{"create_conversation", "--conversation", "room:tea", "--owner", "u0"};
        for (std::size_t i = 1; i < members; ++i) {
            arguments.emplace_back("--members");
            arguments.push_back("u" + std::to_string(i));
        }
        const Ran made = tool(std::move(arguments));
        ASSERT_EQ(made.code, 0) << made.err;
    }

    Folder folder_;
    auth::NewApiKey key_ = new_api_key("*");
    auth::NewApiKey reader_ = new_api_key("messages:read");
    Server server_ = started(quiet_server()
                                 .store(sqlite(folder_.path("flare.db")))
                                 .server_api(api_with({auth::to_line(key_.key), auth::to_line(reader_.key)})));
    std::string key_file_ = [this] {
        std::ofstream(folder_.path("key")) << key_.secret << "\n";
        std::filesystem::permissions(folder_.path("key"), std::filesystem::perms::owner_read);
        return folder_.path("key");
    }();
};

TEST_F(ApiTool, MakesCallsByTheirNames) {
    make_room(3);
    const Ran wrote = tool({"publish", "--to", "room:tea", "--from", "u1", "--text", "-", "--silent", "--json"});
    EXPECT_EQ(wrote.code, 0) << wrote.err;
    EXPECT_EQ(result_of(wrote.out).at("offset"), "2");
    const Ran entries = tool({"list_messages", "--conversation", "room:tea", "--columns", "offset,from,text"});
    EXPECT_EQ(entries.code, 0) << entries.err;
    EXPECT_EQ(entries.out, "offset  from  text\n1       u0\n2       u1    -\n");
    const Ran shown = tool({"get_conversation", "--conversation", "room:tea"});
    EXPECT_THAT(shown.out, HasSubstr("conversation              room:tea\n"));
    EXPECT_THAT(shown.out, HasSubstr("head.last                 2\n"));
    EXPECT_EQ(tool({"get_message", "--conversation", "room:tea", "--offset", "2", "--json"}).code, 0);
    EXPECT_EQ(tool({"block", "--user", "u1", "--other", "u2"}).code, 0);
    EXPECT_EQ(tool({"list_blocks", "--user", "u1"}).out, "u2\n");
    const Ran none = tool({"list_bans", "--conversation", "room:tea"});
    EXPECT_EQ(none.out, "");
    EXPECT_EQ(none.err, "no bans\n");
    const Ran frozen = tool({"freeze", "--conversation", "room:tea"});
    EXPECT_THAT(frozen.out, HasSubstr("offset  3\n"));
}

TEST_F(ApiTool, TakesABodyFromItsArgumentAFileOrItsInput) {
    make_room(2);
    const std::string body = R"({"to":"room:tea","text":"soup"})";
    std::ofstream(folder_.path("body")) << body;
    EXPECT_EQ(tool({"publish", "--body", body}).code, 0);
    EXPECT_EQ(tool({"publish", "--body", "@" + folder_.path("body"), "--from", "u1"}).code, 0);
    EXPECT_EQ(tool({"publish", "--body", "-"}, body).code, 0);
    const Ran entries = tool({"list_messages", "--conversation", "room:tea", "--columns", "from,text"});
    EXPECT_EQ(entries.out, "from    text\nu0\nserver  soup\nu1      soup\nserver  soup\n");
    EXPECT_THAT(tool({"publish", "--body", "@" + folder_.path("none")}).err, HasSubstr("no such file"));
    std::ofstream(folder_.path("large")) << std::string(9 << 20, ' ');
    EXPECT_EQ(tool({"publish", "--body", "@" + folder_.path("large")}).code, 2);
}

TEST_F(ApiTool, FollowsPagesToTheLast) {
    make_room(7);
    const Ran first = tool({"list_members", "--conversation", "room:tea", "--limit", "3", "--columns", "user"});
    EXPECT_EQ(first.out, "user\nu0\nu1\nu2\n");
    EXPECT_THAT(first.err, StartsWith("there are more: --all, or --cursor "));
    const Ran all = tool({"list_members", "--conversation", "room:tea", "--limit", "3", "--columns", "user", "--all"});
    EXPECT_EQ(all.out, "user\nu0\nu1\nu2\nu3\nu4\nu5\nu6\n");
    EXPECT_EQ(all.err, "");
    const Ran pages = tool({"list_members", "--conversation", "room:tea", "--limit", "3", "--json", "--all"});
    EXPECT_EQ(std::ranges::count(pages.out, '\n'), 3);
    EXPECT_EQ(std::ranges::count(tool({"list_members", "--conversation", "room:tea", "--all", "--json"}).out, '\n'), 1);
}

TEST_F(ApiTool, SaysWhatTheServerRefuses) {
    const Ran unknown = tool({"get_conversation", "--conversation", "room:no"});
    EXPECT_EQ(unknown.code, 1);
    EXPECT_THAT(unknown.err, StartsWith("flare api get_conversation: unknown_conversation: "));
    EXPECT_EQ(unknown.out, "");
    const Ran bad = tool({"publish", "--to", "room:tea", "--base64", "?", "--json"});
    EXPECT_EQ(bad.code, 4) << bad.err;
    EXPECT_EQ(result_of(bad.out).at("result"), "failed");
    EXPECT_EQ(result_of(bad.out).at("code"), "malformed_json");
    EXPECT_EQ(result_of(bad.out).at("field"), "base64");
    EXPECT_EQ(result_of(bad.out).at("status"), 400);
    make_room(2);
    const Ran some = tool({"publish", "--to", "room:tea", "--to", "room:no", "--text", "x"});
    EXPECT_EQ(some.code, 1);
    EXPECT_THAT(some.out, HasSubstr("unknown_conversation: "));
    EXPECT_THAT(some.err, HasSubstr("1 failed: see `error`"));
}

TEST_F(ApiTool, RefusesWrongKeysAndTellsNoneOfThem) {
    const std::string wrong = "flare_aaaaaaaa_" + key_.secret.substr(15);
    const Ran stranger = tool_at(url(), wrong, {"info"});
    EXPECT_EQ(stranger.code, 4);
    EXPECT_THAT(stranger.err, StartsWith("flare api info: unauthenticated: "));
    const Ran narrow = tool_at(url(), reader_.secret, {"info"});
    EXPECT_EQ(narrow.code, 4);
    EXPECT_THAT(narrow.err, HasSubstr("system:read"));
    const Ran none = tool_at(url(), "", {"info"});
    EXPECT_EQ(none.code, 2);
    EXPECT_THAT(none.err, HasSubstr("a key is needed"));
    const Ran good = tool_at(url(), key_.secret, {"info"});
    EXPECT_EQ(good.code, 0) << good.err;
    for (const Ran& ran : {stranger, narrow, none, good})
        EXPECT_THAT(ran.out + ran.err, Not(HasSubstr(wrong.substr(15))));
}

TEST_F(ApiTool, RefusesWhatItDoesNotKnow) {
    const Ran call = tool({"list_member", "--conversation", "room:tea"});
    EXPECT_EQ(call.code, 2);
    EXPECT_THAT(call.err, HasSubstr("unknown command 'list_member'; did you mean list_members?"));
    const Ran parameter = tool({"list_members", "--conversation", "room:tea", "--limits", "3"});
    EXPECT_EQ(parameter.code, 2);
    EXPECT_THAT(parameter.err, HasSubstr("unknown option '--limits'; did you mean --limit?"));
    EXPECT_THAT(tool({"list_members"}).err, HasSubstr("--conversation is required"));
    EXPECT_THAT(tool({"publish", "--text", "x"}).err, HasSubstr("--to is missing"));
    EXPECT_EQ(tool({"publish", "--text", "x"}).code, 2);
    EXPECT_EQ(tool({"get_unread", "--user", "a", "--user", "b"}).code, 2);
    EXPECT_EQ(tool({"update_member", "--conversation", "room:a", "--user", "a", "--role", "king"}).code, 2);
}

TEST_F(ApiTool, ShowsAndEndsWhatAUserHas) {
    make_room(3);
    const Ran rooms = command({"user", "list-conversations", "u1", "--columns", "conversation,role"});
    EXPECT_EQ(rooms.code, 0) << rooms.err;
    EXPECT_EQ(rooms.out, "conversation  role\nroom:tea      member\n");
    EXPECT_EQ(tool({"publish", "--to", "room:tea", "--text", "soup"}).code, 0);
    const Ran unread = command({"user", "unread", "u1"});
    EXPECT_THAT(unread.out, StartsWith("unread    1\nmentions  0\n"));
    EXPECT_EQ(command({"user", "block", "u1", "u2"}).code, 0);
    EXPECT_EQ(command({"user", "blocks", "u1"}).out, "u2\n");
    EXPECT_EQ(command({"user", "unblock", "u1", "u2"}).code, 0);
    EXPECT_EQ(command({"user", "blocks", "u1"}).err, "no blocks\n");
    EXPECT_EQ(command({"user", "sessions", "u1"}).err, "no sessions\n");
    EXPECT_EQ(command({"user", "devices", "u1"}).err, "no devices\n");
    EXPECT_EQ(command({"user", "disconnect", "u1", "--text", "maintenance"}).out, "sessions_ended  0\n");
    EXPECT_EQ(command({"user", "revoke", "u1", "--until", "2100-01-01T00:00:00Z"}).out, "sessions_ended  0\n");
    EXPECT_EQ(command({"user", "erase", "u2", "--json"}).out, "{\"erasing\":true}\n");
    EXPECT_EQ(command({"user", "block", "u1"}).code, 2);
    EXPECT_THAT(command({"user", "unread", "stranger"}).err, StartsWith("flare user unread: unknown_target: "));
}

TEST_F(ApiTool, ShowsTheHooks) {
    const Ran none = command({"hooks", "list"});
    EXPECT_EQ(none.code, 0) << none.err;
    EXPECT_EQ(none.err, "no hooks\n");
    EXPECT_EQ(command({"hooks", "pause"}).code, 2);
    const Ran unknown = command({"hooks", "replay", "orders", "--after", "7"});
    EXPECT_EQ(unknown.code, 1);
    EXPECT_THAT(unknown.err, StartsWith("flare hooks replay: unknown_hook: "));
}

TEST_F(ApiTool, ManagesARoomWithoutASession) {
    const auto room = [this](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "room");
        const Ran ran = command(std::move(arguments));
        EXPECT_EQ(ran.code, 0) << ran.err;
        return ran.out;
    };
    (void)room({"create", "tea", "--user", "ann", "--member", "bob", "--title", "Tea", "--open", "--history", "all"});
    (void)room({"add", "tea", "eve", "joe", "--role", "moderator"});
    (void)room({"role", "tea", "joe", "--role", "admin"});
    (void)room({"mute", "tea", "bob", "eve", "--for", "1h"});
    EXPECT_THAT(room({"members", "tea", "--json"}), HasSubstr(R"({"user":"joe","role":"admin","joined":)"));
    EXPECT_THAT(room({"members", "tea"}), HasSubstr("\nann   owner"));
    const auto muted = boost::json::parse(room({"members", "tea", "--json"})).at("members").as_array();
    EXPECT_TRUE(muted[1].as_object().contains("muted_until") && muted[2].as_object().contains("muted_until"));
    (void)room({"unmute", "tea", "bob"});
    (void)room({"remove", "tea", "joe"});
    (void)room({"ban", "tea", "bob", "--by", "ann"});
    EXPECT_EQ(room({"bans", "tea"}), "user  until\nbob   forever\n");
    (void)room({"unban", "tea", "bob"});
    (void)room({"invite", "tea", "max", "--by", "ann"});
    EXPECT_THAT(room({"invites", "tea"}), HasSubstr("\nmax   ann"));
    EXPECT_EQ(room({"occupancy", "tea"}), "online   0\nmembers  2\n");
    (void)room({"set", "tea", "--title", "Dinner", "--slow-mode", "30s", "--join", "invite"});
    (void)room({"freeze", "tea"});
    const auto shown = boost::json::parse(room({"show", "tea", "--json"}));
    EXPECT_EQ(shown.at("config"), boost::json::parse(R"({"title":"Dinner","join":"invite","visibility":"all",
        "max_payload_bytes":65536,"slow_mode_ms":30000,"frozen":true})"));
    (void)room({"unfreeze", "tea"});
    (void)room(
        {"truncate", "tea", "--keep_from", "3", "--epoch", std::string(shown.at("head").at("epoch").as_string())});
    EXPECT_THAT(room({"show", "tea"}), HasSubstr("head.first                3\n"));
    (void)room({"delete", "tea"});
    EXPECT_EQ(command({"room", "show", "tea"}).code, 1);
}

TEST_F(ApiTool, RefusesWhatOnlyASessionCan) {
    const Ran joined = command({"room", "join", "tea"});
    EXPECT_EQ(joined.code, 2);
    EXPECT_THAT(joined.err, HasSubstr("only a session can do this"));
    EXPECT_THAT(command({"room", "show", "tea", "--by", "ann"}).err, HasSubstr("--by means nothing here"));
    const Ran by = run_tool({"room", "remove", "tea", "bob", "--by", "ann"});
    EXPECT_EQ(by.code, 2);
    EXPECT_THAT(by.err, HasSubstr("a session is --user"));
}

TEST_F(ApiTool, ListsTheCalls) {
    const Ran listed = run_tool({"api", "--list"});
    EXPECT_EQ(listed.code, 0);
    EXPECT_THAT(listed.out,
                HasSubstr("\npublish_batch            Publish up to 100 messages, stored in their order\n"));
    EXPECT_EQ(run_tool({"api"}).out, listed.out);
    EXPECT_THAT(run_tool({"api", "--list", "--json"}).out,
                HasSubstr(R"({"call":"info","method":"GET","path":"/v1/info","says":")"));
}

TEST_F(ApiTool, SaysThatAServerIsAway) {
    const Ran away = tool_at("http://" + ClosedPort().tcp(), key_.secret, {"info", "--json"});
    EXPECT_EQ(away.code, 3);
    EXPECT_THAT(away.err, HasSubstr("check that the server is running"));
    EXPECT_EQ(result_of(away.out).at("code"), "connection_refused");
    HttpServer silent([&](const std::string&) { return silent.hold(), std::string(); });
    const Ran late = tool_at(silent.url(), key_.secret, {"info", "--timeout", "0.3"});
    EXPECT_EQ(late.code, 3);
    EXPECT_THAT(late.err, HasSubstr("no response in time"));
}

TEST_F(ApiTool, RefusesWhatIsNoServerApi) {
    std::string answer;
    HttpServer other([&](const std::string&) { return answer; });
    const auto said = [&](std::string bytes, std::vector<std::string> call = {"info"}) {
        answer = std::move(bytes);
        const Ran ran = tool_at(other.url(), key_.secret, std::move(call));
        EXPECT_NE(ran.code, 0);
        return ran.err;
    };
    EXPECT_THAT(said(http_answer(200, "<html>")), HasSubstr("answers with status 200 and no JSON object"));
    EXPECT_THAT(said("HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\xe2\x80\xae\r\nContent-Length: 0\r\n\r\n"),
                HasSubstr("redirects (status 302) to 'http://127.0.0.1:1/\\u202e', where the key is not sent"));
    EXPECT_THAT(said("SSH-2.0-OpenSSH\r\n"), HasSubstr("the response is not HTTP"));
    EXPECT_THAT(said("HTTP/1.1 200 x\r\nContent-Length: 99999999999\r\n\r\n{"),
                HasSubstr("the response is longer than"));
    EXPECT_THAT(said("HTTP/1.1 200 x\r\nContent-Length: 30\r\n\r\n{"), HasSubstr("was lost before the answer"));
    const std::string page = http_answer(200, R"({"conversations":["a"],"next":"same"})");
    EXPECT_THAT(said(page, {"list_conversations", "--all"}), HasSubstr("answers with the same page again"));
    EXPECT_THAT(other.requests().front(), StartsWith("GET /auth/v1/info HTTP/1.1\r\n")) << "below the path of the URL";
}

TEST_F(ApiTool, EndsAnAnswerThatIsEndless) {
    // A chunk that never ends, beyond what is kept of an answer.
    HttpServer endless([](const std::string&) {
        return "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n8000000\r\n" +
               std::string(std::size_t{70} << 20, ' ');
    });
    const Ran ran = tool_at(endless.url(), key_.secret, {"info"});
    EXPECT_NE(ran.code, 0);
    EXPECT_THAT(ran.err, HasSubstr("the response is longer than"));
}

TEST_F(ApiTool, ChecksTheCertificate) {
    Certificates certificates;
    const auto authority = certificates.authority("ca");
    const auto identity = certificates.make("api", {.common_name = "api"}, &authority);
    ServerApi api = api_with({auth::to_line(key_.key)});
    api.certificate_file = identity.certificate_file;
    api.key_file = identity.key_file;
    const Server secure = started(quiet_server().server_api(std::move(api)));
    const std::string address = "https://" + secure.api_addr();
    const Ran trusted = tool_at(address, key_.secret, {"info", "--ca-file", authority.certificate_file});
    EXPECT_EQ(trusted.code, 0) << trusted.err;
    const Ran stranger = tool_at(address, key_.secret, {"info"});
    EXPECT_EQ(stranger.code, 3);
    EXPECT_THAT(stranger.err, HasSubstr("--ca-file FILE"));
}

}  // namespace
}  // namespace flare::test
