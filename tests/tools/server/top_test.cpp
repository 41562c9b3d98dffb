// flare top, beside a server that is at work.
#include "support/folder.hpp"
#include "support/tool_process.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>
#include <flare/store.hpp>

#include <boost/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <sstream>
#include <thread>

namespace flare::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// A server with one client that talks all the time.
class Top : public testing::Test {
protected:
    Top()
        : server_(*ServerBuilder()
                       .websocket_only()
                       .websocket_addr("127.0.0.1:0")
                       .admin_addr("127.0.0.1:0")
                       .worker_threads(1)
                       .log_level(LogLevel::off)
                       .with_message_handler([](const SessionInfo&, const Message&) -> HandlerResult { return {}; })
                       .build()) {
        const auto started = server_.start();
        EXPECT_TRUE(started) << started.error().text;
        auto made = ClientBuilder("alice")
                        .server_addresses(ServerAddresses().with_websocket_url("ws://" + server_.websocket_addr()))
                        .build();
        client_.emplace(std::move(*made));
        EXPECT_TRUE(client_->connect());
        talker_ = std::thread([this] {
            while (!done_) (void)client_->send_text_message("server", "hello");
        });
    }
    ~Top() override { end_talk(); }
    void end_talk() {
        done_ = true;
        if (talker_.joinable()) talker_.join();
    }
    std::vector<std::string> arguments(std::vector<std::string> more) const {
        std::vector<std::string> all = {"top", "--admin", server_.admin_addr(), "--interval", "0.2"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    Server server_;
    std::optional<Client> client_;
    std::atomic<bool> done_{false};
    std::thread talker_;
};

TEST_F(Top, TellsProgramsTheRatesOfEachInterval) {
    const Ran result = run_tool(arguments({"--count", "3", "--json"}));
    ASSERT_EQ(result.code, 0) << result.err;
    std::istringstream lines(result.out);
    std::string line;
    int count = 0;
    double messages = 0;
    for (; std::getline(lines, line); ++count) {
        const boost::json::object told = boost::json::parse(line).as_object();
        EXPECT_EQ(told.at("connections").at("websocket").to_number<int>(), 1) << line;
        EXPECT_EQ(told.at("sessions_attached").to_number<int>(), 1) << line;
        EXPECT_GT(told.at("seconds").to_number<double>(), 0) << line;
        messages += told.at("messages_received_per_second").to_number<double>();
    }
    EXPECT_EQ(count, 3) << result.out;
    EXPECT_GT(messages, 0) << result.out;
}

TEST_F(Top, IsALineForEachIntervalWhereThereIsNoTerminal) {
    const Ran result = run_tool(arguments({"--count", "2"}));
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2) << result.out;
    EXPECT_THAT(result.out, HasSubstr("connections: websocket 1; sessions: 1; messages: "));
    EXPECT_THAT(result.out, testing::Not(HasSubstr("\x1b[")));
}

TEST_F(Top, SaysThatTheAdminAddressDoesNotAnswer) {
    const auto asking = arguments({"--count", "1"});
    end_talk();  // which a server that has gone would hold up
    server_.stop();
    const Ran result = run_tool(asking);
    EXPECT_EQ(result.code, 3) << result.out;
    EXPECT_THAT(result.err, HasSubstr("flare top: "));
}

TEST(TopOfConversations, TellsWhatIsStoredAndWhoHearsIt) {
    const Folder folder;
    auto server = ServerBuilder()
                      .websocket_only()
                      .websocket_addr("127.0.0.1:0")
                      .admin_addr("127.0.0.1:0")
                      .worker_threads(1)
                      .log_level(LogLevel::off)
                      .store(sqlite(folder.path("flare.db")))
                      .build();
    ASSERT_TRUE(server && server->start());
    auto ann = ClientBuilder("ann")
                   .server_addresses(ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                   .build();
    ASSERT_TRUE(ann->connect());
    ASSERT_TRUE(ann->conversations().create("room:tea"));
    ASSERT_TRUE(ann->conversations().subscribe("room:tea"));
    std::atomic<bool> done{false};
    std::thread talker([&] {
        while (!done) {
            (void)ann->send_text_message("room:tea", "hello");
            std::this_thread::sleep_for(20ms);
        }
    });
    const std::vector<std::string> asking{"top", "--admin", server->admin_addr(), "--interval", "0.5", "--count", "1"};
    const Ran line = run_tool(asking);
    auto json = asking;
    json.emplace_back("--json");
    const Ran object = run_tool(json);
    done = true;
    talker.join();
    ASSERT_EQ(line.code, 0) << line.err;
    EXPECT_THAT(line.out, testing::ContainsRegex("; store: [0-9.]+/s stored, [0-9.]+ commits/s, p50 [0-9.]+ ms, p99 "));
    EXPECT_THAT(line.out,
                testing::ContainsRegex("; conversations: 1 feed, [0-9.]+ frames/s, 0 pages/s for those behind"));
    ASSERT_EQ(object.code, 0) << object.err;
    const boost::json::object told = boost::json::parse(object.out).as_object();
    EXPECT_EQ(told.at("feeds").at("current").to_number<int>(), 1);
    EXPECT_GT(told.at("store_appends_per_second").to_number<double>(), 0);
    EXPECT_GT(told.at("store_commits_per_second").to_number<double>(), 0);
    EXPECT_TRUE(told.contains("feed_frames_per_second"));
    EXPECT_TRUE(told.contains("feed_pages_per_second"));
}

}  // namespace
}  // namespace flare::test
