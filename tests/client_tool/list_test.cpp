// flare list and flare listen --all, against a server with a store.
#include "integration/harness.hpp"
#include "support/folder.hpp"
#include "support/hostile_texts.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <sstream>

namespace flare::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ListTool : public ::testing::Test {
protected:
    static ServerBuilder storing(const Folder& folder, const std::string& address) {
        ConversationLimits limits;
        limits.device_per_second = limits.conversation_per_second = 0;
        return quiet_server()
            .websocket_addr(address)
            .store(sqlite(folder.path("flare.db")))
            .conversation_limits(limits);
    }
    Ran tool(std::vector<std::string> arguments, const std::string& user) const {
        for (const std::string& more : {std::string("--user"), user, std::string("--url"), "ws://" + address_})
            arguments.push_back(more);
        return run_tool(std::move(arguments));
    }
    void done(std::vector<std::string> arguments, const std::string& user) const {
        const Ran ran = tool(std::move(arguments), user);
        ASSERT_EQ(ran.code, 0) << ran.err;
    }
    static std::vector<boost::json::object> objects(const std::string& output) {
        std::vector<boost::json::object> all;
        std::istringstream lines(output);
        for (std::string line; std::getline(lines, line);) all.push_back(boost::json::parse(line).as_object());
        return all;
    }

    Folder folder_;
    std::unique_ptr<Server> server_ = std::make_unique<Server>(started(storing(folder_, "127.0.0.1:0")));
    std::string address_ = server_->websocket_addr();
};

TEST_F(ListTool, ListsConversationsNewestFirstWithWhatIsUnread) {
    done({"send", "server", "hi"}, "bob");
    EXPECT_EQ(tool({"list"}, "bob").out, "");
    done({"room", "create", "tea", "--title", "Tea", "--member", "bob"}, "ann");
    done({"send", "bob", "psst"}, "ann");
    done({"send", "room:tea", "one"}, "ann");
    done({"send", "room:tea", "two"}, "ann");
    const Ran listed = tool({"list"}, "bob");
    ASSERT_EQ(listed.code, 0) << listed.err;
    EXPECT_THAT(listed.out, AllOf(StartsWith("room:tea (Tea)  2 new  "), HasSubstr("  ann: two\n"),
                                  HasSubstr("\nann             1 new  "), HasSubstr("  ann: psst\n")));
    const auto all = objects(tool({"list", "--json"}, "bob").out);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0].at("conversation").as_string(), "room:tea");
    EXPECT_EQ(all[0].at("unread").to_number<int>(), 2) << "it was listed, and is not read";
    EXPECT_EQ(all[0].at("title").as_string(), "Tea");
    EXPECT_EQ(all[0].at("last").to_number<int>(), 3);
    EXPECT_EQ(all[0].at("newest").at("text").as_string(), "two");
    EXPECT_EQ(all[2].at("conversations").to_number<int>(), 2);
    EXPECT_EQ(all[2].at("unread").to_number<int>(), 3);

    const auto own = objects(tool({"list", "--json"}, "ann").out);
    ASSERT_EQ(own.size(), 3u);
    EXPECT_EQ(own[0].at("unread").to_number<int>(), 0) << "own messages are read";
    EXPECT_EQ(tool({"list", "--unread"}, "ann").out, "");
}

TEST_F(ListTool, WhatAChatHasShownIsRead) {
    done({"send", "server", "hi"}, "bob");
    done({"room", "create", "tea", "--member", "bob"}, "ann");
    done({"send", "room:tea", "one"}, "ann");
    done({"send", "bob", "psst"}, "ann");
    ToolProcess chat({"chat", "--user", "bob", "ws://" + address_}, {.input = std::nullopt});
    chat.type("/rooms\n");
    for (int i = 0; i < 100 && chat.out().find("1 new") == std::string::npos; ++i) {  // when the list has come
        std::this_thread::sleep_for(100ms);
        chat.type("/rooms\n");
    }
    chat.type("/open tea\n");
    ASSERT_TRUE(chat.says("--- 1 new ---\n[room:tea] ann: one\n"));
    chat.end_input();
    EXPECT_EQ(chat.wait(), 0);
    const Ran listed = tool({"list", "--unread"}, "bob");
    EXPECT_THAT(listed.out, AllOf(StartsWith("ann  1 new  "), Not(HasSubstr("room:tea"))));
}

TEST_F(ListTool, ListenPrintsTheEntriesOfAllConversations) {
    done({"send", "server", "hi"}, "bob");
    done({"room", "create", "tea", "--member", "bob"}, "ann");
    done({"send", "room:tea", "long ago"}, "ann");
    ToolProcess listen({"listen", "--all", "--user", "bob", "ws://" + address_});
    ASSERT_TRUE(listen.complains("listening as bob"));
    done({"send", "room:tea", "one"}, "ann");
    ASSERT_TRUE(listen.says(" ann [text] one\n"));
    done({"send", "bob", "psst"}, "ann");
    done({"room", "create", "soup", "--member", "bob"}, "ann");
    done({"send", "room:soup", "hot"}, "ann");
    ASSERT_TRUE(listen.says(" ann [text] psst\n"));
    ASSERT_TRUE(listen.says(" ann [text] hot\n"));
    done({"room", "remove", "soup", "bob"}, "ann");
    ASSERT_TRUE(listen.complains("you are no longer a member of room:soup"));
    server_->stop();
    server_.reset();
    server_ = std::make_unique<Server>(started(storing(folder_, address_)));
    done({"send", "room:tea", "two"}, "ann");
    ASSERT_TRUE(listen.says(" ann [text] two\n"));
    listen.signal(SIGINT);
    EXPECT_EQ(listen.wait(), 0) << listen.err();
    const std::string out = listen.out();
    EXPECT_THAT(out, Not(HasSubstr("long ago")));
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);)
        EXPECT_THAT(line, ::testing::ContainsRegex("^\\[(room:tea|room:soup|ann)\\] ")) << out;
    for (const char* text : {"one", "psst", "hot", "two"}) {
        const std::string last = std::string(" ann [text] ") + text + "\n";
        EXPECT_EQ(out.find(last, out.find(last) + 1), out.npos) << text << " is printed once";
    }
}

TEST_F(ListTool, NoTextOfOthersHasAnEffect) {
    std::string some;
    for (const std::string& each : hostile_texts()) {
        if (some.size() + each.size() < 60) some += each;
    }
    Events events;
    Client evil = connected(client_of(address_, some, events));
    done({"send", "server", "hi"}, "ann");
    ASSERT_TRUE(evil.send_message("ann", Message(some, Bytes(some))).success);
    for (const bool json : {false, true}) {
        const Ran ran =
            tool(json ? std::vector<std::string>{"list", "--json"} : std::vector<std::string>{"list"}, "ann");
        EXPECT_EQ(ran.code, 0) << ran.err;
        EXPECT_EQ(effect_in(ran.out), "") << ran.out;
        EXPECT_NE(ran.out, "");
    }
}

TEST(ListToolWithoutAStore, SaysThatThereIsNoList) {
    Server server = started(quiet_server());
    for (const std::vector<std::string>& command : {std::vector<std::string>{"list"}, {"listen", "--all"}}) {
        std::vector<std::string> arguments = command;
        arguments.push_back("ws://" + server.websocket_addr());
        const Ran ran = run_tool(arguments);
        EXPECT_EQ(ran.code, 4) << ran.out;
        EXPECT_THAT(ran.err, HasSubstr("flare " + command[0] + ": "));
        EXPECT_THAT(ran.err, HasSubstr("conversations"));
    }
}

}  // namespace
}  // namespace flare::test
