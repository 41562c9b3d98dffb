// flare send, listen, race and chat without a terminal: the binary against real servers.
#include "integration/quic_harness.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

namespace flare::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ClientTool : public QuicHarness {
protected:
    static std::string ws(const Server& server) { return "ws://" + server.websocket_addr(); }
    std::vector<std::string> both(const Server& server) const {
        return {"quic://" + server.quic_addr(), ws(server), "--ca-file", authority.certificate_file};
    }
    static std::vector<std::string> with(std::vector<std::string> first, const std::vector<std::string>& more) {
        first.insert(first.end(), more.begin(), more.end());
        return first;
    }
};

TEST_F(ClientTool, SendPrintsTheReceiptAndTheAnswer) {
    auto server = started(quiet_server());
    ToolProcess send({"send", "server", "hello", "--type", "chat", "--reply", "--url", ws(server)});
    EXPECT_EQ(send.wait(), 0) << send.err();
    EXPECT_THAT(send.out(), HasSubstr("acknowledged by server in "));
    EXPECT_THAT(send.out(), HasSubstr("over WebSocket (id "));
    EXPECT_THAT(send.out(), HasSubstr("server: [chat_response] 收到聊天消息: hello\n"));
}

TEST_F(ClientTool, SendTakesStandardInputAndAnswersInJson) {
    auto server = started(quiet_server());
    ToolProcess send({"send", "server", "--reply", "--json", "--url", ws(server)}, {.input = "from a pipe\n"});
    EXPECT_EQ(send.wait(), 0) << send.err();
    const auto result = result_of(send.out());
    EXPECT_EQ(result.at("result").as_string(), "acknowledged");
    EXPECT_EQ(result.at("protocol").as_string(), "websocket");
    EXPECT_GT(result.at("latency_ms").as_double(), 0);
    EXPECT_EQ(result.at("reply").as_object().at("text").as_string(), "from a pipe");
}

TEST_F(ClientTool, SendSaysHowToTrustACertificateOfOnesOwn) {
    auto server = started(builder().websocket_tls(identity.certificate_file, identity.key_file));
    const std::string url = "wss://" + server.websocket_addr();
    ToolProcess doubting({"send", "server", "hi", "--url", url});
    EXPECT_EQ(doubting.wait(), 3);
    EXPECT_THAT(doubting.err(), HasSubstr("give --ca-file FILE"));
    ToolProcess trusting({"send", "server", "hi", "--url", url, "--ca-file", authority.certificate_file});
    EXPECT_EQ(trusting.wait(), 0) << trusting.err();
}

TEST_F(ClientTool, SendTellsApartWhyItFailed) {
    auto server = started(quiet_server().with_auth_handler(static_token_auth({{"secret", {"tester"}}})));
    ToolProcess offline({"send", "nobody", "hi", "--token", "secret", "--json", "--url", ws(server)});
    EXPECT_EQ(offline.wait(), 1);
    EXPECT_EQ(result_of(offline.out()).at("code").as_string(), "user_offline");
    EXPECT_THAT(offline.err(), HasSubstr("flare send: not delivered to nobody: the user has no session"));

    ToolProcess refused({"send", "server", "hi", "--json", "--url", ws(server)});
    EXPECT_EQ(refused.wait(), 4);
    EXPECT_EQ(result_of(refused.out()).at("code").as_string(), "unauthenticated");

    ToolProcess tokenless({"send", "server", "hi", "--url", ws(server)});
    EXPECT_EQ(tokenless.wait(), 4);
    EXPECT_THAT(tokenless.err(), HasSubstr("give --token-file FILE or set FLARE_TOKEN"));
    ToolProcess guessing({"send", "server", "hi", "--token", "guess", "--url", ws(server)});
    EXPECT_EQ(guessing.wait(), 4);
    EXPECT_THAT(guessing.err(), Not(HasSubstr("--token-file"))) << "it has one";

    const std::string address = ws(server);
    server.stop();
    ToolProcess lost({"send", "server", "hi", "--url", address});
    EXPECT_EQ(lost.wait(), 3);
    EXPECT_THAT(lost.err(), HasSubstr("`flare doctor URL` to find out why"));
    ToolProcess unreachable({"send", "server", "hi", "--json", "--url", address});
    EXPECT_EQ(unreachable.wait(), 3);
    EXPECT_EQ(result_of(unreachable.out()).at("code").as_string(), "connection_refused");
    EXPECT_THAT(unreachable.err(), HasSubstr("connection refused: is the server running, is the port right?"));

    ToolProcess wrong({"send", "server", "hi", "--url", "ws://"});
    EXPECT_EQ(wrong.wait(), 2);
    ToolProcess twice({"send", "server", "hi", "--url", "ws://a", "--url", "ws://b"});
    EXPECT_EQ(twice.wait(), 2);
    EXPECT_THAT(twice.err(), HasSubstr("give at most one address of each kind"));
}

TEST_F(ClientTool, ARecordIsKeptWhereExplainFindsIt) {
    auto server = started(quiet_server());
    const std::map<std::string, std::string> home{{"XDG_STATE_HOME", certificates.path("state")}};
    ToolProcess send({"send", "server", "hello", "--record", "--url", ws(server)}, {.environment = home});
    EXPECT_EQ(send.wait(), 0) << send.err();
    ToolProcess explain({"explain", "last", "--json"}, {.environment = home});
    EXPECT_EQ(explain.wait(), 0) << explain.err();
    const auto story = result_of(explain.out());
    EXPECT_EQ(story.at("cause").as_string(), "none");
    EXPECT_EQ(story.at("user").as_string(), "tester");
}

TEST_F(ClientTool, TheTokenMayStandInAFileOrTheEnvironment) {
    auto server = started(quiet_server().with_auth_handler(static_token_auth({{"secret", {"tester"}}})));
    certificates.write("token", "secret\n");
    ToolProcess file({"send", "server", "hi", "--token-file", certificates.path("token"), "--url", ws(server)});
    EXPECT_EQ(file.wait(), 0) << file.err();
    ToolProcess environment({"send", "server", "hi", "--url", ws(server)},
                            {.environment = {{"FLARE_TOKEN", "secret"}}});
    EXPECT_EQ(environment.wait(), 0) << environment.err();
    ToolProcess missing({"send", "server", "hi", "--token-file", certificates.path("none"), "--url", ws(server)});
    EXPECT_EQ(missing.wait(), 2);
    EXPECT_THAT(missing.err(), HasSubstr("--token-file " + certificates.path("none") + ": no such file"));
    std::filesystem::permissions(certificates.path("token"), std::filesystem::perms(0644));
    ToolProcess open({"send", "server", "hi", "--token-file", certificates.path("token"), "--url", ws(server)});
    EXPECT_EQ(open.wait(), 2);
    EXPECT_THAT(open.err(), HasSubstr("run: chmod 600 " + certificates.path("token")));
}

TEST_F(ClientTool, ARecordFolderThatCannotBeUsedIsAnErrorAndNothingIsSent) {
    // Nobody listens there: 3 would mean that the command has tried.
    const auto refused = [&](const std::string& folder, const std::string& why) {
        ToolProcess send({"send", "server", "hi", "--record-folder", folder, "--url", "ws://127.0.0.1:1", "--json"});
        EXPECT_EQ(send.wait(), 2);
        EXPECT_THAT(send.err(), HasSubstr("cannot write a flight record to " + folder + ": " + why));
        EXPECT_EQ(result_of(send.out()).at("result").as_string(), "failed");
    };
    refused(certificates.path("missing"), "no such folder");
    certificates.write("plain", "");
    refused(certificates.path("plain"), "no such folder");
    refused("/proc", "");
    EXPECT_FALSE(std::filesystem::exists(certificates.path("missing")));
}

TEST_F(ClientTool, ListenPrintsMessagesUntilItHasEnough) {
    auto server = started(quiet_server());
    ToolProcess listen({"listen", "--user", "bob", "--count", "2", ws(server)});
    ASSERT_TRUE(listen.complains("listening as bob over WebSocket"));
    for (const char* text : {"one\x1b[2J", "two"}) {
        ToolProcess send({"send", "bob", text, "--user", "alice", "--url", ws(server)});
        EXPECT_EQ(send.wait(), 0) << send.err();
    }
    EXPECT_EQ(listen.wait(), 0);
    EXPECT_THAT(listen.out(), HasSubstr(" alice [text] one\\x1b[2J\n"));
    EXPECT_THAT(listen.out(), HasSubstr(" alice [text] two\n"));
}

TEST_F(ClientTool, ListenEndsInGoodOrderWithCtrlC) {
    auto server = started(quiet_server());
    ToolProcess listen({"listen", "--user", "bob", "--json", "--events", ws(server)});
    ASSERT_TRUE(listen.says("\"event\":\"Connected\""));
    ToolProcess send({"send", "bob", "hi", "--user", "alice", "--url", ws(server)});
    EXPECT_EQ(send.wait(), 0) << send.err();
    ASSERT_TRUE(listen.says("\"from\":\"alice\""));
    listen.signal(SIGINT);
    EXPECT_EQ(listen.wait(), 0);
    EXPECT_EQ(result_of(listen.out()).at("messages").as_int64(), 1);
    EXPECT_TRUE(server.online_users()->empty());  // it has said goodbye
}

TEST_F(ClientTool, RaceMeasuresBothAndExplains) {
    auto server = started(builder());
    ToolProcess race(with({"race", "--rounds", "2", "--interval", "0.3", "--json"}, both(server)));
    EXPECT_EQ(race.wait(), 0) << race.err();
    const auto result = result_of(race.out());
    EXPECT_EQ(result.at("rounds").as_int64(), 2);
    EXPECT_EQ(result.at("protocols").as_array().size(), 2u);
    for (const auto& each : result.at("protocols").as_array()) {
        EXPECT_GT(each.at("median_ms").as_double(), 0);
        EXPECT_GT(each.at("score").as_double(), 0);
    }
    ToolProcess people(with({"race", "--rounds", "1", "--interval", "0.3"}, both(server)));
    EXPECT_EQ(people.wait(), 0) << people.err();
    EXPECT_THAT(people.out(), HasSubstr("QUIC: connected in "));
    EXPECT_THAT(people.out(), HasSubstr(", median round trip "));
    EXPECT_THAT(people.out(), Not(HasSubstr("\x1b")));
}

TEST_F(ClientTool, RaceWithoutQuicSaysWhy) {
    auto server = started(builder());
    ToolProcess race({"race", "--rounds", "1", "--interval", "0.3", "--timeout", "1", ws(server), "quic://127.0.0.1:1",
                      "--ca-file", authority.certificate_file});
    EXPECT_EQ(race.wait(), 0) << race.err();
    EXPECT_THAT(race.out(), HasSubstr("WebSocket is used because QUIC could not be reached."));
    ToolProcess one({"race", ws(server)});
    EXPECT_EQ(one.wait(), 2);
    EXPECT_THAT(one.err(), HasSubstr("a race needs two protocols"));
}

TEST_F(ClientTool, ListenEndsAndNamesTheMessageThatItCannotWrite) {
    auto server = started(quiet_server());
    ToolProcess::Options full;
    full.output = "/dev/full";
    for (const bool json : {false, true}) {
        std::vector<std::string> arguments{"listen", "--user", "bob", "--count", "2", ws(server)};
        if (json) arguments.emplace_back("--json");
        ToolProcess listen(arguments, full);
        ASSERT_TRUE(json || listen.complains("listening as bob"));
        Ran sent{1, "", ""};
        while (sent.code != 0) sent = run_tool({"send", "bob", "one", "--json", "--url", ws(server)});
        EXPECT_EQ(listen.wait(), 1);
        const std::string id(result_of(sent.out).at("id").as_string());
        EXPECT_THAT(listen.err(), HasSubstr("1 message not printed, the first with the id " + id));
        EXPECT_THAT(listen.err(), HasSubstr("No space left on device"));
    }
}

TEST_F(ClientTool, ChatAndRaceEndWhenNothingCanBeWritten) {
    auto server = started(quiet_server());
    ToolProcess::Options full;
    full.output = "/dev/full";
    full.input = std::nullopt;
    ToolProcess chat({"chat", "--json", ws(server)}, full);
    chat.type("hello\n");
    EXPECT_TRUE(chat.complains("No space left on device"));
    EXPECT_EQ(chat.wait(), 1);
    ToolProcess send({"send", "server", "hello", "--json", "--url", ws(server)}, {.output = "/dev/full"});
    EXPECT_EQ(send.wait(), 1);
    ToolProcess doctor({"doctor", ws(server)}, {.output = "/dev/full"});
    EXPECT_EQ(doctor.wait(), 1);
}

TEST_F(ClientTool, ChatInPlainLinesCarriesMessagesBothWays) {
    auto server = started(quiet_server());
    ToolProcess alice({"chat", "--user", "alice", "--to", "bob", ws(server)}, {.input = std::nullopt});
    ToolProcess bob({"chat", "--user", "bob", ws(server)}, {.input = std::nullopt});
    bob.type("/to alice\n");
    ASSERT_TRUE(bob.says("* you are now talking to alice"));
    alice.type("hello bob\n");
    ASSERT_TRUE(bob.says("alice: hello bob\n"));
    ASSERT_TRUE(alice.says("\u2713 alice \u2192 bob: hello bob\n"));
    bob.type("hello alice\n//slash\n/nothing\n");
    ASSERT_TRUE(alice.says("bob: hello alice\n"));
    ASSERT_TRUE(alice.says("bob: /slash\n"));
    ASSERT_TRUE(bob.says("* unknown command /nothing; /help lists the commands"));
    alice.type("/to carol\nare you there?");
    alice.end_input();
    EXPECT_EQ(alice.wait(), 0);
    EXPECT_THAT(alice.out(),
                HasSubstr("\u2717 alice \u2192 carol: are you there? (the user has no session on this server"));
    bob.type("/quit\n");
    EXPECT_EQ(bob.wait(), 0);
}

TEST_F(ClientTool, ChatWithTheServerIsAnswered) {
    auto server = started(quiet_server());
    ToolProcess chat({"chat", "--json", ws(server)}, {.input = std::nullopt});
    chat.type("hello\n");
    ASSERT_TRUE(chat.says("收到聊天消息: hello"));
    chat.end_input();
    EXPECT_EQ(chat.wait(), 0);
    EXPECT_EQ(result_of(chat.out()).at("result").as_string(), "done");
}

}  // namespace
}  // namespace flare::test
