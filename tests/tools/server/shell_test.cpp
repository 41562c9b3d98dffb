// flare completion in the shells themselves, flare man in man itself, flare bench and flare train.
#include "support/folder.hpp"
#include "support/tool_process.hpp"

#include <boost/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

namespace flare::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// What a command prints, both streams; `code`: what it ended with.
std::string output_of(const std::string& command, int& code) {
    std::string text;
    FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> block{};
    while (const std::size_t got = std::fread(block.data(), 1, block.size(), pipe)) text.append(block.data(), got);
    const int status = ::pclose(pipe);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return text;
}

bool there_is(const std::string& program) {
    int code = 0;
    output_of("command -v " + program, code);
    return code == 0;
}

// What bash offers for a command line whose last word is not complete.
std::string bash_offers(const Folder& folder, const std::string& words) {
    const std::string script = folder.write("complete.bash", "source <(" FLARE_TOOL
                                                             " completion bash)\n"
                                                             "COMP_WORDS=(" +
                                                                 words +
                                                                 ")\n"
                                                                 "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                                                                 "_flare\nprintf '%s ' \"${COMPREPLY[@]}\"\n");
    int code = 0;
    const std::string offered = output_of("bash " + script, code);
    EXPECT_EQ(code, 0) << offered;
    return offered;
}

TEST(FlareCompletion, CompletesInBash) {
    const Folder folder;
    EXPECT_EQ(bash_offers(folder, "flare serv"), "server ");
    EXPECT_EQ(bash_offers(folder, "flare token ma"), "make ");
    EXPECT_EQ(bash_offers(folder, "flare server --limits-max-conn"),
              "--limits-max-connections --limits-max-connections-per-address ");
    EXPECT_EQ(bash_offers(folder, "flare token make --alg E"), "ES256 EdDSA ");
    EXPECT_EQ(bash_offers(folder, "flare completion z"), "zsh ");
    EXPECT_EQ(bash_offers(folder, "flare api list_me"), "list_messages list_members ");
    EXPECT_EQ(bash_offers(folder, "flare api list_members --co"), "--conversation --columns ");
    EXPECT_EQ(bash_offers(folder, "flare api add_members --role mo"), "moderator ");
    EXPECT_EQ(bash_offers(folder, "flare nothing-like-it xyz"), " ");
}

class FlareCompletionIn : public testing::TestWithParam<const char*> {};

// scripts/setup.sh installs them; a machine that was set up otherwise may lack one.
TEST_P(FlareCompletionIn, IsGoodSyntax) {
    const std::string shell = GetParam();
    const Ran ran = run_tool({"completion", shell});
    ASSERT_EQ(ran.code, 0);
    if (!there_is(shell)) GTEST_SKIP() << shell << " is not installed: scripts/setup.sh does it";
    const Folder folder;
    int code = 0;
    const std::string said = output_of(shell + " -n " + folder.write("script", ran.out), code);
    EXPECT_EQ(code, 0) << said;
}

INSTANTIATE_TEST_SUITE_P(Shells, FlareCompletionIn, testing::Values("zsh", "fish"),
                         [](const auto& each) { return std::string(each.param); });

TEST(FlareMan, WritesPagesThatManReadsWithoutAWarning) {
    const Folder folder;
    ASSERT_EQ(run_tool({"man", "--out", folder.path("man")}).code, 0);
    for (const std::string name : {"flare.1", "flare-server.1", "flare-token.1", "flare-certs.1", "flare-train.1",
                                   "flare-bench.1", "flare-completion.1", "flare-man.1", "flare-server.toml.5"}) {
        const std::string page = folder.read("man/" + name);
        EXPECT_THAT(page, testing::StartsWith(".TH ")) << name;
        ASSERT_TRUE(there_is("groff")) << "scripts/setup.sh installs it";
        int code = 0;
        const std::string said = output_of("groff -man -Tutf8 -ww -z '" + folder.path("man/" + name) + "'", code);
        EXPECT_EQ(said, "") << name;
        EXPECT_EQ(code, 0);
    }
    EXPECT_EQ(run_tool({"man", "server"}).out, folder.read("man/flare-server.1"));
    EXPECT_EQ(run_tool({"man", "server.toml"}).out, folder.read("man/flare-server.toml.5"));
    EXPECT_THAT(folder.read("man/flare-server.toml.5"), HasSubstr("FLARE_SERVER_LIMITS_MAX_CONNECTIONS"));
    EXPECT_EQ(run_tool({"man", "nothing"}).code, 2);
}

// ---- bench: that it measures, not what ----

boost::json::object measured(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bench");
    arguments.emplace_back("--json");
    const Ran ran = run_tool(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
    return ran.code == 0 ? boost::json::parse(ran.out).as_object() : boost::json::object();
}

TEST(FlareBench, EchoesOverEveryTransport) {
    for (const char* transport : {"ws", "wss", "quic"}) {
        const auto result =
            measured({"echo", "--transport", transport, "--messages", "100", "--warm-up", "0", "--no-floor"});
        EXPECT_EQ(result.at("lost").to_number<int>(), 0) << transport;
        EXPECT_TRUE(result.contains("server_cpu_us_per_message"));
        EXPECT_TRUE(result.contains("p999_us"));
        EXPECT_FALSE(result.contains("allocations_per_message")) << "the tool does not count them";
    }
}

TEST(FlareBench, SendsAtARateAndDrawsAPicture) {
    const Folder folder;
    const std::string picture = folder.path("latency.svg");
    const auto result =
        measured({"echo", "--rate", "500", "--seconds", "1", "--warm-up", "0.1", "--no-floor", "--svg", picture});
    // Answers that bring the next message would make tens of thousands.
    EXPECT_LE(result.at("messages_per_second").to_number<double>(), 5000);
    EXPECT_EQ(result.at("lost").to_number<int>(), 0);
    EXPECT_THAT(folder.read("latency.svg"),
                testing::AllOf(testing::StartsWith("<svg "), HasSubstr("<polyline"), testing::EndsWith("</svg>\n")));
}

TEST(FlareBench, ChatsInPairsWithLargeMessages) {
    EXPECT_EQ(measured({"mixed", "--connections", "10", "--messages", "2000", "--warm-up", "0", "--no-floor"})
                  .at("lost")
                  .to_number<int>(),
              0);
}

TEST(FlareBench, FansOutConnectsAndHoldsSessions) {
    EXPECT_EQ(measured({"fanout", "--sessions", "20", "--messages", "500", "--warm-up", "0", "--no-floor"})
                  .at("lost")
                  .to_number<int>(),
              0);
    EXPECT_GT(
        measured({"connect", "--connections", "2", "--seconds", "3"}).at("connects_per_second").to_number<double>(), 0);
}

TEST(FlareBench, FillsARoom) {
    const auto result = measured({"room", "--members", "20", "--seconds", "0.2", "--warm-up", "0"});
    EXPECT_EQ(result.at("lost").to_number<int>(), 0);
    EXPECT_GT(result.at("deliveries_per_core_second").to_number<double>(), 0);
}

TEST(FlareBench, LoadsAServerThatRunsAlready) {
    ToolProcess server({"server", "--json", "--config", "/dev/null", "--quic-enabled=false", "--websocket-address",
                        "127.0.0.1:0", "--worker-threads", "1", "--store", "none"});
    ASSERT_TRUE(server.says("\n")) << server.err();
    const auto told = boost::json::parse(server.out().substr(0, server.out().find('\n'))).as_object();
    const std::string url(told.at("websocket").as_string());
    const auto result = measured({"echo", "--url", url, "--connections", "3", "--messages", "300", "--warm-up", "0"});
    EXPECT_EQ(result.at("lost").to_number<int>(), 0);
    EXPECT_FALSE(result.contains("server_cpu_us_per_message")) << "nobody has seen it";
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{"--connections", "1001"}, {"--seconds", "61"}, {"--rate", "100001"}}) {
        std::vector<std::string> arguments = {"bench", "echo", "--url", url};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = run_tool(arguments);
        EXPECT_EQ(ran.code, 2);
        EXPECT_THAT(ran.err, HasSubstr("at most 1,000 connections"));
    }
    EXPECT_EQ(run_tool({"bench", "echo", "--url", "http://127.0.0.1:1"}).code, 2);
    EXPECT_EQ(run_tool({"bench", "echo", "--url", "ws://127.0.0.1:65537"}).code, 2) << "which is not port 1";
    EXPECT_EQ(run_tool({"bench", "echo", "--url", "ws://127.0.0.1:1"}).code, 3) << "nobody listens there";
}

TEST(FlareBench, BringsClientsBackToTheirConversations) {
    const auto result = measured(
        {"sync", "--clients", "20", "--conversations", "12", "--members", "4", "--changed", "3", "--listed", "100"});
    EXPECT_EQ(result.at("lost").to_number<int>(), 0);
    EXPECT_EQ(result.at("round_trips").to_number<int>(), 1);
    EXPECT_EQ(result.at("requests_a_client").to_number<double>(), 1);
    EXPECT_EQ(result.at("put_off").to_number<int>(), 0);
    EXPECT_GT(result.at("seconds_until_all_back").to_number<double>(), 0);
    EXPECT_GT(result.at("receipt_p99_ms").to_number<double>(), 0);
    EXPECT_GT(result.at("reader_cpu_ms_warm").to_number<double>(), 0);
    EXPECT_GT(result.at("reader_cpu_ms_cold").to_number<double>(), 0);
    EXPECT_GT(result.at("history_per_second_200").to_number<double>(), 0);
}

TEST(FlareBench, ShowsTokensToAServerThatAsksForThem) {
    const Folder folder;
    const std::string tokens = folder.write("tokens", "# two people\nt1 ann\nt2 bob\n");
    ToolProcess server({"server", "--json", "--config", "/dev/null", "--quic-enabled=false", "--websocket-address",
                        "127.0.0.1:0", "--worker-threads", "1", "--store", "none", "--auth-mode", "static",
                        "--auth-static-tokens-file", tokens});
    ASSERT_TRUE(server.says("\n")) << server.err();
    const auto told = boost::json::parse(server.out().substr(0, server.out().find('\n'))).as_object();
    const std::string url(told.at("websocket").as_string());
    const std::vector<std::string> few = {"--url", url, "--messages", "50", "--warm-up", "0"};
    const auto with = [&](const char* name, std::vector<std::string> more) {
        more.insert(more.begin(), few.begin(), few.end());
        more.insert(more.begin(), name);
        return more;
    };
    const auto code = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "bench");
        return run_tool(arguments);
    };
    const auto lost = [](const boost::json::object& result) { return result.at("lost").to_number<int>(); };
    EXPECT_EQ(lost(measured(with("echo", {"--connections", "5", "--token-file", tokens}))), 0) << "in turn";
    EXPECT_EQ(lost(measured(with("mixed", {"--connections", "2", "--token-file", tokens}))), 0);

    const Ran pairs = code(with("mixed", {"--connections", "3", "--token-file", tokens}));
    EXPECT_EQ(pairs.code, 2);
    EXPECT_THAT(pairs.err, HasSubstr("a token for each of 3 connections; --token-file has 2"));
    const Ran without = code(with("echo", {"--connections", "1"}));
    EXPECT_EQ(without.code, 4) << without.err;
    const Ran nameless = code(with("echo", {"--connections", "1", "--token-file", folder.write("nameless", "t1\n")}));
    EXPECT_EQ(nameless.code, 1);
    EXPECT_THAT(nameless.err, HasSubstr("line 1: write TOKEN USER"));
    EXPECT_EQ(code({"echo", "--token-file", tokens}).code, 2) << "its own server takes anybody's word";
}

TEST(FlareBench, RefusesFiguresThatAreNone) {
    EXPECT_EQ(run_tool({"bench", "echo", "--connections", "many"}).code, 2);
    EXPECT_EQ(run_tool({"bench", "echo", "--connections", "0"}).code, 2);
    EXPECT_EQ(run_tool({"bench", "echo", "--transport", "carrier-pigeon"}).code, 2);
    EXPECT_EQ(run_tool({"bench", "nothing"}).code, 2);
    EXPECT_EQ(run_tool({"bench"}).code, 2);
}

}  // namespace
}  // namespace flare::test
