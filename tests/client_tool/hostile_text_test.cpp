// What others chose, in whatever the tool prints for people and for programs.
#include "integration/quic_harness.hpp"
#include "support/hostile_texts.hpp"
#include "support/http_server.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

namespace flare::test {
namespace {

using ::testing::HasSubstr;

class ToolShows : public QuicHarness {
protected:
    static std::string ws(const Server& server) { return "ws://" + server.websocket_addr(); }
    // Runs it for people and for programs; what it prints has no effect in either.
    static void expect_harmless(std::vector<std::string> arguments, const std::string& input = {}) {
        for (const bool json : {false, true}) {
            if (json) arguments.emplace_back("--json");
            ToolProcess::Options options;
            options.input = input;
            const Ran ran = run_tool(arguments, options);
            EXPECT_NE(ran.code, -1);
            EXPECT_EQ(effect_in(ran.out), "") << arguments.front() << ": " << ran.out;
            EXPECT_EQ(effect_in(ran.err), "") << arguments.front() << ": " << ran.err;
            EXPECT_EQ(ran.out.find("\n2026-01-01T"), ran.out.npos) << ran.out;
            EXPECT_EQ(ran.err.find("\n2026-01-01T"), ran.err.npos) << ran.err;
        }
    }
    // Everything at once, as far as it has room: a tool's process takes its time.
    static std::string everything(std::size_t most = std::string::npos) {
        std::string all;
        for (const std::string& each : hostile_texts()) {
            if (all.size() + each.size() + 1 <= most) all += each + " ";
        }
        return most == std::string::npos ? all + "中文 👍" : all;
    }
};

TEST_F(ToolShows, MessagesWithoutEffect) {
    auto server = started(quiet_server());
    ToolProcess listen({"listen", "--user", "bob", "--count", "2", "--events", ws(server)});
    ToolProcess json({"listen", "--user", "carol", "--count", "2", "--json", "--events", ws(server)});
    ToolProcess chat({"chat", "--user", "dave", "--to", "alice", ws(server)}, {.input = std::nullopt});
    ASSERT_TRUE(listen.complains("listening as bob"));
    ASSERT_TRUE(json.says("Connected"));
    ASSERT_TRUE(eventually([&] { return !server.sessions("dave").value().empty(); }));
    for (const char* each : {"bob", "carol", "dave"}) {
        for (const std::string& from : {std::string("alice"), everything(200)}) {
            Message message(everything(60), Bytes(everything()));
            message.from = from;
            EXPECT_TRUE(server.send(each, message));
        }
    }
    EXPECT_EQ(listen.wait(), 0) << listen.err();
    EXPECT_EQ(json.wait(), 0) << json.err();
    EXPECT_TRUE(chat.says("中文 👍")) << chat.out() << chat.err();
    chat.wait();
    for (const std::string& shown : {listen.out(), listen.err(), json.out(), json.err(), chat.out(), chat.err()})
        EXPECT_EQ(effect_in(shown), "") << shown;
    EXPECT_THAT(listen.out(), HasSubstr("中文 👍\n"));
    // What a program parses is what was sent.
    EXPECT_THAT(json.out(), HasSubstr("\\u202egnp.exe\\u202c"));
}

TEST_F(ToolShows, RefusalsAndAnswersWithoutEffect) {
    auto server =
        started(builder().with_message_handler([](const SessionInfo&, const Message& message) -> HandlerResult {
            if (message.payload.str() == "fail") return Failure(errc::forbidden, everything(900));
            return Message(everything(60), Bytes(everything()));
        }));
    expect_harmless({"send", "server", "fail", "--url", ws(server)});
    expect_harmless({"send", "server", "answer", "--reply", "--url", ws(server)});
    expect_harmless({"send", everything(80), "to nobody", "--url", ws(server)});
    auto refusing = started(builder().with_auth_handler(
        [](const AuthRequest&) -> Checked<Identity> { return Failure(errc::unauthenticated, everything(900)); }));
    expect_harmless({"send", "server", "x", "--url", ws(refusing)});
    expect_harmless({"listen", ws(refusing)});
    expect_harmless({"chat", "--to", "alice", ws(refusing)});
    expect_harmless({"doctor", ws(refusing)});
    expect_harmless(
        {"send", "server", "x", "--url", "quic://" + refusing.quic_addr(), "--ca-file", authority.certificate_file});
}

TEST_F(ToolShows, StrangersWithoutEffect) {
    HttpServer service([](const std::string& request) {
        const std::string text = everything();
        if (request.find("/healthz") != request.npos) return http_answer(503, "worker " + text);
        if (request.find("/stats") != request.npos)
            return http_answer(200, R"({"errors":{"a\u001b[2J\u202e":1},"connections":{"b\u009b2J\n":2},"up_ms":1})");
        if (request.find("/sessions") != request.npos)
            return http_answer(200, R"({"session":"\u001b[2J","record":"x\n\u202e"})");
        return "HTTP/1.1 404 " + hostile_texts().front() +
               "\r\nServer: \x1b[2J\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
    });
    const std::string address = "127.0.0.1:" + std::to_string(service.port());
    expect_harmless({"doctor", "ws://" + address});
    expect_harmless({"send", "server", "x", "--url", "ws://" + address});
    expect_harmless({"top", "--admin", address, "--count", "2", "--interval", "0.1"});
    expect_harmless({"explain", "0190aaaa-0000-7000-8000-000000000000", "--admin", address});
}

// RFC 9110 section 15.2: a proxy may say so before it has an answer.
TEST_F(ToolShows, AnswersThatComeAfterInterimOnes) {
    HttpServer service([](const std::string& request) {
        const std::string before = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        const bool stats = request.find("/stats") != request.npos;
        return before + (stats ? http_answer(200, R"({"up_ms":1})") : http_answer(200, "ok\n"));
    });
    const std::string address = "127.0.0.1:" + std::to_string(service.port());
    ToolProcess top({"top", "--admin", address, "--count", "1", "--interval", "0.1"});
    EXPECT_EQ(top.wait(), 0) << top.err();
    ToolProcess doctor({"doctor", "ws://" + address});
    doctor.wait();
    EXPECT_THAT(doctor.out(), HasSubstr("/healthz says ok"));
}

TEST_F(ToolShows, FilesWithoutEffect) {
    const std::string record = certificates.path("hostile.jsonl");
    certificates.write(
        "hostile.jsonl",
        R"({"t_ms":0,"event":"client","version":1,"began":"x\n\u001b[2J","user":"a\u001b]0;t\u0007\u202e","device":"\u009b2J","addresses":["ws://\u001b[2J"]})"
        "\n"
        R"({"t_ms":1,"event":"failed","protocol":"\u001b[31m","code":"\u2028","text":"\u202e\u0007","address":"\u001b"})"
        "\n"
        R"({"t_ms":2,"event":"\u001b[2J","protocol":"q\u0085"})"
        "\n"
        R"({"t_ms":3,"event":"detached","code":"connection_lost","text":"\r\n2026-01-01T forged"})"
        "\n\x1b[2J no json \xff\n");
    expect_harmless({"explain", record});
    // {"alg":"none\u001b","kid":"..."} {"sub":"a\u202e\u001b[2J\n","iss":"\u009b"}
    expect_harmless(
        {"token", "show", "eyJhbGciOiJub25lXHUwMDFiIn0.eyJzdWIiOiJhXHUyMDJlXHUwMDFiWzJKXG4iLCJpc3MiOiJcdTAwOWIifQ.eA"});
    certificates.write("server.toml", "log_level = \"\\u001b[2J\\u202e\"\n\"a\\u001b[2J\" = 1\n");
    expect_harmless({"server", "--check-config", "--config", certificates.path("server.toml")});
}

}  // namespace
}  // namespace flare::test
