// flare room and flare history, against a server with a store.
#include "integration/harness.hpp"
#include "support/folder.hpp"
#include "support/hostile_texts.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace flare::test {
namespace {

using ::testing::HasSubstr;

class RoomTool : public ::testing::Test {
protected:
    // As this user.
    Ran tool(std::vector<std::string> arguments, const std::string& user) {
        for (const std::string& more : {std::string("--user"), user, std::string("--url"), "ws://" + address_})
            arguments.push_back(more);
        return run_tool(std::move(arguments));
    }
    static std::vector<boost::json::object> objects_in(const std::string& output) {
        std::vector<boost::json::object> objects;
        std::istringstream lines(output);
        for (std::string line; std::getline(lines, line);) objects.push_back(boost::json::parse(line).as_object());
        return objects;
    }

    Folder folder_;
    static ConversationLimits without_rates() {
        ConversationLimits limits;
        limits.device_per_second = limits.conversation_per_second = 0;
        return limits;
    }
    Server server_ =
        started(quiet_server().store(sqlite(folder_.path("flare.db"))).conversation_limits(without_rates()));
    std::string address_ = server_.websocket_addr();
};

TEST_F(RoomTool, MakesARoomAndSaysWhoIsInIt) {
    ASSERT_EQ(tool({"send", "server", "hi"}, "bob").code, 0);
    const Ran made = tool({"room", "create", "tea", "--title", "Tea", "--open", "--member", "bob"}, "ann");
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_EQ(made.out, "created room:tea: 2 members\n");
    const Ran again = tool({"room", "create", "room:tea"}, "bob");
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("flare room create: there is a conversation of this name already"));

    const Ran joined = tool({"room", "join", "tea"}, "eve");
    EXPECT_EQ(joined.code, 0) << joined.err;
    EXPECT_EQ(joined.out, "joined room:tea as member: 3 members\n");
    const Ran members = tool({"room", "members", "tea"}, "eve");
    EXPECT_EQ(members.code, 0) << members.err;
    EXPECT_THAT(members.out, HasSubstr("owner      ann\n"));
    EXPECT_THAT(members.out, HasSubstr("member     bob\n"));
    EXPECT_THAT(members.out, HasSubstr("member     eve\n"));
    const Ran shown = tool({"room", "show", "tea"}, "bob");
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("  title    Tea\n  members  3; you are member\n  join     open to everybody\n"));

    EXPECT_EQ(tool({"room", "remove", "tea", "bob", "eve"}, "ann").out, "removed bob, eve from room:tea (offset 4)\n");
    EXPECT_EQ(tool({"room", "add", "tea", "bob", "--role", "reader"}, "ann").out, "added bob to room:tea (offset 5)\n");
    EXPECT_EQ(tool({"room", "leave", "tea"}, "bob").out, "left room:tea (offset 6)\n");
    const Ran gone = tool({"room", "members", "tea"}, "bob");
    EXPECT_EQ(gone.code, 1);
    EXPECT_THAT(gone.err, HasSubstr("flare room members: there is no such conversation"));
}

TEST_F(RoomTool, ListsWhoIsBanned) {
    for (const char* const user : {"bob", "eve"}) ASSERT_EQ(tool({"send", "server", "hi"}, user).code, 0);
    ASSERT_EQ(tool({"room", "create", "tea", "--open", "--member", "bob"}, "ann").code, 0);
    EXPECT_EQ(tool({"room", "bans", "tea"}, "ann").out, "nobody is banned from room:tea\n");
    ASSERT_EQ(tool({"room", "ban", "tea", "eve"}, "ann").code, 0);
    EXPECT_EQ(tool({"room", "bans", "tea"}, "ann").out, "eve  banned until it is ended\n");
    const Ran refused = tool({"room", "bans", "tea"}, "bob");
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr("flare room bans: only admins see who is banned"));
    ASSERT_EQ(tool({"room", "ban", "tea", "bob", "--for", "2h"}, "ann").code, 0);
    const auto bans = objects_in(tool({"room", "bans", "tea", "--json"}, "ann").out);
    ASSERT_EQ(bans.size(), 3u);
    EXPECT_GT(bans[0].at("until_ms").as_int64(), 0);
    EXPECT_EQ(bans[1].at("user").as_string(), "eve");
    EXPECT_FALSE(bans[1].contains("until_ms"));
    EXPECT_EQ(bans[2].at("bans").as_int64(), 2);
}

TEST_F(RoomTool, InvitesAndListsWhoIsInvited) {
    for (const char* const user : {"bob", "eve"}) ASSERT_EQ(tool({"send", "server", "hi"}, user).code, 0);
    ASSERT_EQ(tool({"room", "create", "tea", "--title", "Tea"}, "ann").code, 0);
    EXPECT_EQ(tool({"room", "invites", "tea"}, "ann").out, "nobody is invited to room:tea\n");
    EXPECT_EQ(tool({"room", "invite", "tea", "bob", "eve"}, "ann").out, "invited bob, eve to room:tea (offset 2)\n");
    EXPECT_THAT(tool({"room", "invites", "tea"}, "ann").out, HasSubstr("bob  invited by ann on "));
    EXPECT_THAT(tool({"room", "show", "tea"}, "bob").out, HasSubstr("  members  1; you are invited by ann\n"));
    const auto invited = objects_in(tool({"room", "invites", "tea", "--json"}, "ann").out);
    ASSERT_EQ(invited.size(), 3u);
    EXPECT_EQ(invited[1].at("user").as_string(), "eve");
    EXPECT_EQ(invited[1].at("by").as_string(), "ann");
    EXPECT_GT(invited[1].at("time_ms").as_int64(), 0);
    EXPECT_EQ(invited[2].at("invited").as_int64(), 2);
    EXPECT_EQ(tool({"room", "join", "tea"}, "bob").out, "joined room:tea as member: 2 members\n");
    EXPECT_EQ(tool({"room", "leave", "tea"}, "eve").out, "left room:tea (offset 4)\n");
    const Ran refused = tool({"room", "invite", "tea", "eve"}, "bob");
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr("flare room invite: only moderators invite users"));
    EXPECT_THAT(tool({"history", "room:tea"}, "bob").out, HasSubstr("declined the invitation"));
}

TEST_F(RoomTool, AnswersInJson) {
    const auto made = result_of(tool({"room", "create", "tea", "--json"}, "ann").out);
    EXPECT_EQ(made.at("result").as_string(), "done");
    EXPECT_EQ(made.at("conversation").as_string(), "room:tea");
    EXPECT_EQ(made.at("role").as_string(), "owner");
    EXPECT_EQ(made.at("offset").as_int64(), 1);
    const auto members = objects_in(tool({"room", "members", "tea", "--json"}, "ann").out);
    ASSERT_EQ(members.size(), 2u);
    EXPECT_EQ(members[0].at("user").as_string(), "ann");
    EXPECT_EQ(members[1].at("members").as_int64(), 1);
    const Ran refused = tool({"room", "join", "soup", "--json"}, "bob");
    EXPECT_EQ(refused.code, 1);
    EXPECT_EQ(result_of(refused.out).at("code").as_string(), "unknown_conversation");
}

TEST_F(RoomTool, SendSaysWhereTheMessageIs) {
    ASSERT_EQ(tool({"room", "create", "tea"}, "ann").code, 0);
    const Ran sent = tool({"send", "room:tea", "hello"}, "ann");
    EXPECT_EQ(sent.code, 0) << sent.err;
    EXPECT_THAT(sent.out, HasSubstr("stored in room:tea at offset 2 in "));
    const auto result = result_of(tool({"send", "room:tea", "again", "--json"}, "ann").out);
    EXPECT_EQ(result.at("result").as_string(), "acknowledged");
    EXPECT_EQ(result.at("offset").as_int64(), 3);
    EXPECT_GT(result.at("stored_ms").as_int64(), 0);
    EXPECT_EQ(result.at("epoch").as_string(),
              result_of(tool({"room", "show", "tea", "--json"}, "ann").out).at("epoch").as_string());
    EXPECT_FALSE(result_of(tool({"send", "server", "hi", "--json"}, "ann").out).contains("offset"));
}

TEST_F(RoomTool, HistoryPrintsEntriesTheOldestFirst) {
    ASSERT_EQ(tool({"room", "create", "tea"}, "ann").code, 0);
    for (const char* text : {"one", "two", "three"}) ASSERT_EQ(tool({"send", "room:tea", text}, "ann").code, 0);
    const Ran all = tool({"history", "room:tea"}, "ann");
    EXPECT_EQ(all.code, 0) << all.err;
    const std::size_t created = all.out.find("     1 20");
    EXPECT_NE(created, all.out.npos) << all.out;
    EXPECT_THAT(all.out, HasSubstr(" ann created the conversation with ann\n"));
    EXPECT_LT(all.out.find("ann [text] one\n"), all.out.find("ann [text] two\n"));
    EXPECT_LT(all.out.find("ann [text] two\n"), all.out.find("ann [text] three\n"));

    const auto texts = [&](std::vector<std::string> arguments) {
        for (const char* more : {"--json", "--limit", "2"}) arguments.emplace_back(more);
        std::string joined;
        for (const auto& each : objects_in(tool(arguments, "ann").out)) {
            if (each.contains("text")) joined += std::string(each.at("text").as_string()) + " ";
            if (each.contains("change")) joined += std::string(each.at("change").as_string()) + " ";
            if (each.contains("more")) joined += each.at("more").as_bool() ? "more" : "end";
        }
        return joined;
    };
    EXPECT_EQ(texts({"history", "room:tea"}), "two three more");
    EXPECT_EQ(texts({"history", "room:tea", "--before", "3"}), "created one end");
    EXPECT_EQ(texts({"history", "room:tea", "--after", "0"}), "created one more");
    EXPECT_EQ(texts({"history", "room:tea", "--after", "2"}), "two three end");
    EXPECT_EQ(tool({"history", "room:tea", "--before", "3", "--after", "1"}, "ann").code, 2);
    const Ran unknown = tool({"history", "room:soup", "--json"}, "ann");
    EXPECT_EQ(unknown.code, 1);
    EXPECT_EQ(result_of(unknown.out).at("code").as_string(), "unknown_conversation");
}

TEST_F(RoomTool, HistoryReadsAsManyPagesAsItTakes) {
    constexpr std::int64_t kMessages = 430;  // two pages, and the better part of a third one
    Events events;
    Client ann = connected(client_of(address_, "ann", events));
    std::vector<Message> messages;
    for (std::int64_t i = 1; i <= kMessages; ++i) {
        messages.emplace_back("text", std::to_string(i));
        messages.back().to = "ann";
    }
    for (const SendResult& result : ann.send_batch(std::move(messages))) ASSERT_TRUE(result.success);
    // What it prints: the texts of entries `first` to `last`, and what it says of the rest.
    const auto check = [&](const std::vector<std::string>& query, std::int64_t first, std::int64_t last, bool more) {
        std::vector<std::string> arguments{"history", "ann", "--json"};
        arguments.insert(arguments.end(), query.begin(), query.end());
        const auto all = objects_in(tool(std::move(arguments), "ann").out);
        const auto count = static_cast<std::size_t>(last - first + 1);
        ASSERT_EQ(all.size(), count + 1) << query.back();
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t offset = first + static_cast<std::int64_t>(i);
            EXPECT_EQ(all[i].at("offset").as_int64(), offset);
            EXPECT_EQ(all[i].at("text").as_string(), std::to_string(offset));
        }
        EXPECT_EQ(all.back().at("entries").as_int64(), last - first + 1);
        EXPECT_EQ(all.back().at("more").as_bool(), more) << query.back();
        EXPECT_EQ(all.back().at("last").as_int64(), kMessages);
    };
    check({"--before", "0", "--limit", "1000"}, 1, kMessages, false);
    check({"--after", "0", "--limit", "1000"}, 1, kMessages, false);
    check({"--limit", "250"}, kMessages - 249, kMessages, true);
    check({"--after", "0", "--limit", "250"}, 1, 250, true);
    check({"--before", "300", "--limit", "299"}, 1, 299, false);
    check({"--after", "29", "--limit", "401"}, 30, kMessages, false);
    check({}, kMessages - 49, kMessages, true);
}

TEST_F(RoomTool, ListenPrintsTheEntriesOfARoom) {
    ASSERT_EQ(tool({"room", "create", "tea", "--open"}, "ann").code, 0);
    ToolProcess listen({"listen", "--room", "tea", "--user", "ann", "--count", "3", "ws://" + address_});
    ASSERT_TRUE(listen.complains("listening as ann"));
    ASSERT_EQ(tool({"room", "join", "tea"}, "bob").code, 0);
    ASSERT_EQ(tool({"send", "room:tea", "one"}, "bob").code, 0);
    ASSERT_EQ(tool({"send", "room:tea", "two"}, "ann").code, 0);
    ASSERT_EQ(tool({"send", "ann", "aside"}, "bob").code, 0);
    EXPECT_EQ(listen.wait(), 0) << listen.err();
    EXPECT_THAT(listen.out(), HasSubstr(" bob joined\n"));
    EXPECT_THAT(listen.out(), HasSubstr(" bob [text] one\n"));
    EXPECT_THAT(listen.out(), HasSubstr(" ann [text] two\n")) << "from another device";
    EXPECT_THAT(listen.out(), HasSubstr(" bob [text] aside\n")) << "messages, as without a room";
}

TEST_F(RoomTool, ListenGoesOnFromAPosition) {
    ASSERT_EQ(tool({"room", "create", "tea"}, "ann").code, 0);
    const std::string epoch(result_of(tool({"room", "show", "tea", "--json"}, "ann").out).at("epoch").as_string());
    for (const char* text : {"one", "two", "three"}) ASSERT_EQ(tool({"send", "room:tea", text}, "ann").code, 0);
    std::string after = epoch + ":0";
    for (const char* text : {"one", "two", "three"}) {
        const Ran ran = run_tool({"listen", "--room", "tea", "--user", "ann", "--count", "1", "--after", after,
                                  "--json", "ws://" + address_});
        ASSERT_EQ(ran.code, 0) << ran.err;
        const auto objects = objects_in(ran.out);
        ASSERT_GE(objects.size(), 2u);
        const auto& entry = objects[objects.size() - 2];
        EXPECT_EQ(entry.at("event").as_string(), "entry");
        EXPECT_EQ(entry.at("text").as_string(), text);
        EXPECT_EQ(entry.at("conversation").as_string(), "room:tea");
        EXPECT_EQ(entry.at("epoch").as_string(), epoch);
        EXPECT_EQ(objects.back().at("messages").as_int64(), 1);
        after = std::string(objects.back().at("after").as_string());
        EXPECT_EQ(after, epoch + ":" + std::to_string(entry.at("offset").as_int64()));
    }
    const Ran wrong = run_tool({"listen", "--room", "tea", "--after", "12", "ws://" + address_});
    EXPECT_EQ(wrong.code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("EPOCH:OFFSET"));
    EXPECT_EQ(run_tool({"listen", "--after", after, "ws://" + address_}).code, 2) << "of which room?";
    const Ran unknown = run_tool({"listen", "--room", "soup", "--user", "ann", "ws://" + address_});
    EXPECT_EQ(unknown.code, 1);
    EXPECT_THAT(unknown.err, HasSubstr("there is no such conversation"));
}

TEST_F(RoomTool, ListenEndsWithTheMembership) {
    ASSERT_EQ(tool({"room", "create", "tea", "--open"}, "ann").code, 0);
    ASSERT_EQ(tool({"room", "join", "tea"}, "bob").code, 0);
    ToolProcess listen({"listen", "--room", "tea", "--user", "bob", "ws://" + address_});
    ASSERT_TRUE(listen.complains("listening as bob"));
    ASSERT_EQ(tool({"room", "remove", "tea", "bob"}, "ann").code, 0);
    EXPECT_EQ(listen.wait(), 1);
    EXPECT_THAT(listen.err(), HasSubstr("no longer a member of room:tea"));
}

TEST_F(RoomTool, ChatGoesIntoRooms) {
    ASSERT_EQ(tool({"room", "create", "tea", "--open", "--history", "all"}, "ann").code, 0);
    ASSERT_EQ(tool({"send", "room:tea", "long ago"}, "ann").code, 0);
    ToolProcess bob({"chat", "--user", "bob", "ws://" + address_}, {.input = std::nullopt});
    bob.type("/join tea\n");
    ASSERT_TRUE(bob.says("[room:tea] ann: long ago\n"));
    ASSERT_TRUE(bob.says("* you are now in room:tea"));
    bob.type("hello\n");
    ASSERT_TRUE(bob.says("\u2713 bob \u2192 room:tea: hello\n"));
    ASSERT_EQ(tool({"send", "room:tea", "welcome"}, "ann").code, 0);
    ASSERT_TRUE(bob.says("[room:tea] ann: welcome\n"));
    bob.type("/leave\n");
    ASSERT_TRUE(bob.says("* room:tea is closed: what comes counts as unread"));
    ASSERT_EQ(tool({"send", "room:tea", "while you were away"}, "ann").code, 0);
    bob.type("/join tea\n");
    ASSERT_TRUE(bob.says("[room:tea] ann: while you were away\n"));
    bob.type("/history 2\n");
    ASSERT_TRUE(bob.says("* this is where room:tea begins\n")) << "all of it was shown";
    bob.type("/history x\n/join\n/join soup\n/to ann\n/leave\n");
    ASSERT_TRUE(bob.says("* /history COUNT: a number from 1 to 200\n"));
    ASSERT_TRUE(bob.says("* /join ROOM: the room is missing\n"));
    ASSERT_TRUE(bob.says("* there is no room of this name that you may join"));
    ASSERT_TRUE(bob.says("* /leave: you are not in a room\n"));
    bob.end_input();
    EXPECT_EQ(bob.wait(), 0);
    const std::string all = bob.out();
    EXPECT_EQ(all.find("[room:tea] bob: hello"), all.npos) << "it is shown as sent";
    EXPECT_EQ(all.find("[room:tea] ann: welcome", all.find("[room:tea] ann: welcome") + 1), all.npos) << "once";
}

TEST_F(RoomTool, NoTextOfOthersHasAnEffect) {
    std::string all;
    for (const std::string& each : hostile_texts()) all += each + " ";
    std::string some;
    for (const std::string& each : hostile_texts()) {
        if (some.size() + each.size() < 60) some += each;
    }
    Events events;
    Client evil = connected(client_of(address_, some, events));
    ASSERT_TRUE(evil.conversations().create("room:tea", RoomOptions().with_join(JoinPolicy::open)));
    ASSERT_EQ(tool({"room", "join", "tea"}, "ann").code, 0);
    ASSERT_TRUE(evil.send_message("room:tea", Message(some, Bytes(all))).success);
    const auto run = [&](std::vector<std::string> command, bool json) {
        if (json) command.emplace_back("--json");
        const Ran ran = tool(command, "ann");
        EXPECT_EQ(effect_in(ran.out), "") << command[0] << ": " << ran.out;
        EXPECT_EQ(effect_in(ran.err), "") << command[0] << ": " << ran.err;
        return ran;
    };
    for (const bool json : {false, true}) {
        // These read what is there.
        const Ran history = run({"history", "room:tea"}, json);
        EXPECT_EQ(history.code, 0) << history.err;
        EXPECT_THAT(history.out, HasSubstr(json ? "\"kind\":\"message\"" : "     3 20")) << "the message is shown";
        const Ran members = run({"room", "members", "tea"}, json);
        EXPECT_EQ(members.code, 0) << members.err;
        EXPECT_THAT(members.out, HasSubstr(json ? "\"role\":\"owner\"" : "owner      ")) << "its maker is shown";
        // These say what is wrong.
        for (const std::vector<std::string>& command : {std::vector<std::string>{"history", "room:" + some},
                                                        {"history", some},
                                                        {"room", "leave", some},
                                                        {"room", "add", "tea", some},
                                                        {"room", "remove", "tea", some},
                                                        {"room", "create", some},
                                                        {"send", "room:" + some, "hello"}}) {
            const Ran ran = run(command, json);
            EXPECT_NE(ran.code, 0) << command[0] << ": " << ran.out;
        }
    }
}

TEST(RoomToolWithoutAStore, SaysThatTheServerKeepsNoConversations) {
    Server server = started(quiet_server());
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"room", "create", "tea"}, {"history", "bob"}}) {
        std::vector<std::string> arguments = command;
        for (const std::string& more : {std::string("--url"), "ws://" + server.websocket_addr()})
            arguments.push_back(more);
        const Ran ran = run_tool(arguments);
        EXPECT_EQ(ran.code, 4);
        EXPECT_THAT(ran.err, HasSubstr("this server keeps no conversations"));
    }
}

}  // namespace
}  // namespace flare::test
