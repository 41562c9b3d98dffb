// Whoever reads the log, or does not: the server answers. And what strangers can make it say.
#include "base/log.hpp"
#include "base/line_limit.hpp"
#include "integration/harness.hpp"
#include "integration/http_get.hpp"
#include "integration/raw_peer.hpp"
#include "integration/server_process.hpp"
#include "support/log_pipe.hpp"

#include <gmock/gmock.h>

#include <future>

namespace flare::test {
namespace {

using testing::HasSubstr;

std::string address_told_by(LogPipe& out, const std::string& before, const std::string& after) {
    EXPECT_TRUE(out.says(after)) << out.text();
    const std::size_t begin = out.text().find(before) + before.size();
    return out.text().substr(begin, out.text().find(after, begin) - begin);
}

Client connected_to(const std::string& address, const std::string& user) {
    auto client = ClientBuilder(user).server_addresses(ServerAddresses().with_websocket_url("ws://" + address)).build();
    EXPECT_TRUE(client);
    const auto result = client->connect();
    EXPECT_TRUE(result) << (result ? "" : result.error().text);
    return std::move(*client);
}

// Something that the log takes a line for.
void provoke(const std::string& address) {
    RawPeer stranger(address);
    stranger.send_frame("no frame at all");
    EXPECT_NE(stranger.closed_with(), errc::internal);
}

const std::vector<std::string> kOptions = {"--websocket-addr", "127.0.0.1:0", "--no-quic"};

TEST(ServerLog, ASessionOutlivesWhoeverReadTheLog) {
    LogPipe out;
    LogPipe err;
    ServerProcess server(kOptions, {out.writer(), err.writer()});
    const std::string address = address_told_by(out, "listening on ", "\n");
    Client alice = connected_to(address, "alice");
    err.close_reader();
    for (int i = 0; i < 5; ++i) provoke(address);
    EXPECT_TRUE(alice.send_text_message("server", "still there?").success);
    connected_to(address, "bob").disconnect();
    EXPECT_EQ(server.stop(), 0);
}

TEST(ServerLog, ServesWhereNobodyReadsItsLogFromTheStart) {
    LogPipe out;
    LogPipe err;
    err.fill();
    ServerProcess server(kOptions, {out.writer(), err.writer()});
    const std::string address = address_told_by(out, "listening on ", "\n");
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connected_to(address, "user" + std::to_string(i)));
    for (int i = 0; i < 20; ++i) provoke(address);
    for (Client& each : clients) EXPECT_TRUE(each.send_text_message("server", "still there?").success);
    EXPECT_EQ(server.stop(), 0);  // and ends, although there is nobody for its last words
}

TEST(ServerLog, WhoeverReadsOnIsToldWhatWasDropped) {
    LogPipe pipe;
    pipe.fill();
    std::uint64_t lines = 0;
    {
        const Redirected standard_error(STDERR_FILENO, pipe);
        Server server = started(quiet_server().admin_addr("127.0.0.1:0").log_level(LogLevel::info));
        Client alice = connected_to(server.websocket_addr(), "alice");
        for (; lines < 10'000; ++lines) base::log().info("one of many lines {}", lines);
        base::log().error("and an error after them");
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(alice.send_text_message("server", "still there?").success);
        EXPECT_TRUE(http_get(server.admin_addr(), "/healthz").starts_with("HTTP/1.1 200"));
        EXPECT_TRUE(http_get(server.admin_addr(), "/metrics").starts_with("HTTP/1.1 200"));
        EXPECT_TRUE(pipe.says(" of this log dropped"));
        EXPECT_TRUE(pipe.says("error and an error after them"));
    }
    std::uint64_t told = 0;
    const std::string& text = pipe.text();
    const std::size_t end = text.find(" lines of this log dropped");
    ASSERT_NE(end, text.npos);
    for (std::size_t at = text.rfind(' ', end - 1) + 1; at < end; ++at) {
        if (text[at] != ',') told = 10 * told + static_cast<std::uint64_t>(text[at] - '0');
    }
    std::uint64_t seen = 0;
    for (std::size_t at = 0; (at = text.find("one of many lines", at)) != text.npos; ++at) ++seen;
    EXPECT_EQ(told + seen, lines);
}

TEST(ServerLog, StrangersCannotFillIt) {
    constexpr std::size_t kStrangers = 60;
    LogPipe pipe;
    {
        const Redirected standard_error(STDERR_FILENO, pipe);
        {
            Server server = started(quiet_server().log_level(LogLevel::info));
            for (std::size_t i = 0; i < kStrangers; ++i) {
                http_get(server.websocket_addr(), "/ HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: ");
                provoke(server.websocket_addr());
            }
            server.stop();
        }
        base::log().error("the end of what strangers did");
        EXPECT_TRUE(pipe.says("strangers did\n"));
    }
    const auto count = [&](const std::string& what) {
        std::size_t found = 0;
        for (std::size_t at = 0; (at = pipe.text().find(what, at)) != pipe.text().npos; ++at) ++found;
        return found;
    };
    // Of all sums of a kind.
    const auto summed_up = [&](const std::string& what) {
        std::size_t sum = 0;
        for (std::size_t at = 0; (at = pipe.text().find(what, at)) != pipe.text().npos;)
            sum += std::stoul(pipe.text().substr(at += what.size()));
        return sum;
    };
    // Perhaps a period of the limit ended while this ran.
    EXPECT_LE(count(" upgrade refused: "), 3 * base::LineLimit::kBurst);
    EXPECT_LE(count(" in place of a hello"), 3 * base::LineLimit::kBurst);
    EXPECT_EQ(count(" upgrade refused: ") + summed_up("refused upgrades: "), kStrangers);
    EXPECT_EQ(count(" in place of a hello") + summed_up("refused hellos: "), kStrangers);
}

TEST(ServerHealth, NamesTheWorkerThatDoesNotAnswer) {
    std::promise<void> blocked;
    std::promise<void> release;
    auto released = release.get_future().share();
    Server server = started(quiet_server()
                                .admin_addr("127.0.0.1:0")
                                .on_message_type(
                                    "block",
                                    [&](const SessionInfo&, const Message&) -> HandlerResult {
                                        blocked.set_value();
                                        released.wait();
                                        return {};
                                    },
                                    Execution::worker));
    const std::string admin = server.admin_addr();
    EXPECT_TRUE(http_get(admin, "/healthz").starts_with("HTTP/1.1 200"));
    Client alice = connected_to(server.websocket_addr(), "alice");
    ASSERT_TRUE(alice.post_message("server", Message("block", Bytes("x"))));
    blocked.get_future().wait();
    const auto answer_becomes = [&](const std::string& target, const std::string& status) {
        std::string answer;
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (std::chrono::steady_clock::now() < deadline && !answer.starts_with("HTTP/1.1 " + status))
            answer = http_get(admin, target);
        return answer;
    };
    EXPECT_THAT(answer_becomes("/healthz", "503"), HasSubstr(" has not answered for "));
    // What would wait for that worker does not hold up the admin address either.
    for (const char* target : {"/readyz", "/metrics", "/stats", "/sessions", "/healthz"}) {
        const std::string answer = http_get(admin, target);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << target << "\n" << answer;
        EXPECT_THAT(answer, HasSubstr("worker "));
    }
    release.set_value();
    EXPECT_THAT(answer_becomes("/healthz", "200"), HasSubstr("\r\n\r\nok\n"));
    EXPECT_TRUE(http_get(admin, "/metrics").starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace flare::test
