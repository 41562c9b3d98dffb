// A chat about several conversations, against a server with a store, on a view that writes everything down.
#include "apps/flare/chat_controller.hpp"

#include <flare/server.hpp>
#include <flare/store.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <unistd.h>

namespace flare::cli::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class WrittenView final : public ChatView {
public:
    explicit WrittenView(bool all) : all_(all) {}
    void heard(const HeardLine& line) override {
        if (!line.quote.empty()) lines.push_back("> " + line.quote);
        lines.push_back((line.names_user ? "@ [" : "[") + line.room + "] " + line.from + ": " + line.text + line.notes);
    }
    void sent(const SentLine& line) override {
        lines.push_back((line.fault.empty() ? "sent " : "failed ") + line.text);
    }
    void note(const std::string& text) override { notes.push_back(text); }
    void divider(const std::string& text) override { lines.push_back("--- " + text + " ---"); }
    void listed(const std::vector<ListedConversation>& list) override {
        for (const auto& each : list)
            lines.push_back("listed " + each.about.name + " " + std::to_string(each.mark.unread));
    }
    bool shows_all() const override { return all_; }
    void show(const ChatBottom& bottom) override { last = bottom; }

    std::vector<std::string> lines;
    std::vector<std::string> notes;
    ChatBottom last;

private:
    const bool all_;
};

// Somebody with a chat, whose events are handled when a test says so.
class Chatter {
public:
    Chatter(const std::string& address, const std::string& user, const std::string& peer, bool all = false,
            bool typing = false)
        : view(all),
          client(made(address, user, *this)),
          marks_(client),
          controller(client, view, marks_, user, peer, typing) {
        const auto connected = client.connect();
        EXPECT_TRUE(connected) << connected.error().text;
    }
    ~Chatter() {
        marks_.finish(10s);
        client.disconnect();
    }

    void type(const std::string& line) { controller.line(line, ChatController::Clock::now()); }
    void take_events() {
        std::deque<Event> taken;
        {
            const std::lock_guard lock(mutex_);
            taken.swap(events_);
        }
        for (const Event& event : taken) controller.event(event, ChatController::Clock::now());
        controller.refresh(ChatController::Clock::now(), true);
    }
    bool until(const std::function<bool()>& holds) {
        for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
            take_events();
            if (holds()) return true;
            std::this_thread::sleep_for(2ms);
        }
        return false;
    }
    bool sees(const std::string& line) {
        return until([&] { return std::find(view.lines.begin(), view.lines.end(), line) != view.lines.end(); });
    }
    bool notes(const std::string& part) {
        return until([&] {
            return std::any_of(view.notes.begin(), view.notes.end(),
                               [&](const std::string& each) { return each.find(part) != each.npos; });
        });
    }
    // In the status line; empty: nothing is unread.
    bool unread(const std::string& text) {
        return until([&] {
            const bool any = view.last.status.find(" unread: ") != std::string::npos;
            return synced_ && (text.empty() ? !any : view.last.status.find(" \u00b7 " + text) != std::string::npos);
        });
    }
    bool synced() {
        return until([&] { return synced_.load(); });
    }

private:
    // Before the client, which tells what happens until it is gone.
    std::mutex mutex_;
    std::deque<Event> events_;
    std::atomic<bool> synced_{false};

public:
    WrittenView view;
    Client client;

private:
    static Client made(const std::string& address, const std::string& user, Chatter& chatter) {
        ClientBuilder builder(user);
        builder.server_addresses(ServerAddresses().with_websocket_url("ws://" + address))
            .reconnect_delay(50ms)
            .sync_conversations(true)
            .with_event_callback([&chatter](const Event& event) {
                const std::lock_guard lock(chatter.mutex_);
                if (std::holds_alternative<event::ConversationsSynced>(event)) chatter.synced_ = true;
                chatter.events_.push_back(event);
            });
        auto client = builder.build();
        EXPECT_TRUE(client) << client.error().text;
        return std::move(*client);
    }

    ChatMarks marks_;

public:
    ChatController controller;
};

class ChatOfConversations : public testing::Test {
protected:
    ~ChatOfConversations() override {
        server_.reset();
        std::filesystem::remove_all(folder_);
    }
    static std::unique_ptr<Server> served(const std::string& folder, const std::string& address) {
        std::filesystem::create_directories(folder);
        ConversationLimits limits;
        limits.device_per_second = limits.conversation_per_second = 0;
        auto server = ServerBuilder()
                          .websocket_only()
                          .websocket_addr(address)
                          .worker_threads(1)
                          .log_level(LogLevel::off)
                          .store(sqlite(folder + "/flare.db"))
                          .conversation_limits(limits)
                          .build();
        EXPECT_TRUE(server) << server.error().text;
        EXPECT_TRUE(server->start());
        return std::make_unique<Server>(std::move(*server));
    }
    static void say(Client& client, const std::string& to, const std::string& text) {
        const SendResult result = client.send_text_message(to, text);
        EXPECT_TRUE(result.success) << to << ": " << text;
    }
    static void make_room(Client& owner, const std::string& room, const std::vector<std::string>& members) {
        const auto made = owner.conversations().create(
            room, RoomOptions().with_visibility(HistoryVisibility::all).with_members(members));
        EXPECT_TRUE(made) << made.error().text;
    }
    // What a new client of this user is told of it.
    static std::uint64_t unread_of(const std::string& address, const std::string& user,
                                   const std::string& conversation) {
        Chatter other(address, user, "server");
        EXPECT_TRUE(other.synced());
        const auto list = other.client.conversations().list();
        EXPECT_TRUE(list);
        for (const auto& each : *list) {
            if (each.about.name == conversation) return each.mark.unread;
        }
        ADD_FAILURE() << conversation << " is not in the list";
        return 0;
    }

    const std::string folder_ = std::filesystem::temp_directory_path() / ("flare-chats-" + std::to_string(::getpid()));
    std::unique_ptr<Server> server_ = served(folder_, "127.0.0.1:0");
    const std::string address_ = server_->websocket_addr();
};

TEST_F(ChatOfConversations, TheStatusLineSaysWhoIsThereAndWhoTypes) {
    Chatter ann(address_, "ann", "server", false, true);
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    say(ann.client, "bob", "hello");
    const auto shows = [](Chatter& who, const std::string& text) {
        return who.until([&] { return who.view.last.status.find(" \u00b7 " + text) != std::string::npos; });
    };
    bob.type("/to ann");
    ann.type("/to bob");
    ASSERT_TRUE(shows(bob, "ann is online"));
    ann.controller.typing("h", ChatController::Clock::now());
    ASSERT_TRUE(shows(bob, "ann is online \u00b7 ann is typing"));
    ann.type("how are you?");
    ASSERT_TRUE(bob.sees("[ann] ann: how are you?"));
    EXPECT_THAT(bob.view.last.status, Not(HasSubstr("typing")));
    ann.type("/away");
    ASSERT_TRUE(shows(bob, "ann is away"));
    ASSERT_TRUE(shows(ann, "you are away"));
    bob.type("/who");
    ASSERT_TRUE(bob.notes("ann is away, last seen "));
    ann.type("/back");
    ASSERT_TRUE(shows(bob, "ann is online"));

    make_room(ann.client, "room:tea", {"bob"});
    ann.type("/join tea");
    ann.type("/who");
    ASSERT_TRUE(ann.notes("2 of 2 are here"));
    ASSERT_TRUE(ann.notes("ann, bob"));
}

TEST_F(ChatOfConversations, TicksSayWhatHasBecomeOfAMessage) {
    Chatter bob(address_, "bob", "server");
    Chatter ann(address_, "ann", "bob");
    ASSERT_TRUE(ann.synced() && bob.synced());
    const auto shows = [&](const std::string& ticks) {
        return ann.until([&] { return ann.view.last.status.find(" \u00b7 " + ticks) != std::string::npos; });
    };
    ann.type("hello");
    EXPECT_TRUE(shows("\u2713\u2713")) << "bob's chat has it";
    ASSERT_TRUE(bob.unread("1 unread: ann"));
    EXPECT_EQ(ann.view.last.status.find("read"), std::string::npos);
    bob.type("/open ann");
    EXPECT_TRUE(shows("\u2713\u2713 read"));
    ann.type("/readers 1");
    EXPECT_TRUE(ann.notes("read by 1 of 1, delivered to 1: bob"));
    ann.type("/readers 7");
    EXPECT_TRUE(ann.notes("has no such entry yet"));
    ann.type("/readers one");
    EXPECT_TRUE(ann.notes("/readers N: N is the number of a message"));
    bob.type("/unread 1");
    EXPECT_TRUE(bob.notes("ann counts as unread until you read it again"));
}

TEST_F(ChatOfConversations, MessagesOfOthersAreUnreadUntilTheyAreOpened) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    make_room(ann.client, "room:tea", {"bob"});
    say(ann.client, "bob", "psst");
    ASSERT_TRUE(bob.unread("1 unread: ann"));
    say(ann.client, "room:tea", "one");
    say(ann.client, "room:tea", "two");
    ASSERT_TRUE(bob.unread("3 unread: room:tea, ann"));
    EXPECT_THAT(bob.view.lines, ElementsAre()) << "nothing is mixed in";

    bob.type("/open tea");
    EXPECT_THAT(bob.view.lines, ElementsAre("--- 2 new ---", "[room:tea] ann: one", "[room:tea] ann: two"));
    EXPECT_EQ(bob.view.last.prompt, "room:tea> ");
    ASSERT_TRUE(bob.unread("1 unread: ann"));
    say(ann.client, "room:tea", "three");
    ASSERT_TRUE(bob.sees("[room:tea] ann: three"));
    ASSERT_TRUE(bob.unread("1 unread: ann")) << "what is shown is read";

    bob.type("/open");
    EXPECT_EQ(bob.view.last.prompt, "ann> ");
    EXPECT_EQ(bob.view.lines.back(), "[ann] ann: psst");
    ASSERT_TRUE(bob.unread(""));
    bob.type("/open");
    EXPECT_TRUE(bob.notes("nothing is unread"));
    say(ann.client, "room:tea", "four");
    ASSERT_TRUE(bob.unread("1 unread: room:tea"));
    bob.type("/open tea");
    EXPECT_THAT(std::vector<std::string>(bob.view.lines.end() - 2, bob.view.lines.end()),
                ElementsAre("--- 1 new ---", "[room:tea] ann: four"))
        << "only what is new";
    ASSERT_TRUE(bob.unread(""));
}

TEST_F(ChatOfConversations, MessagesAreEditedDeletedAndReactedTo) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    ann.type("/edit 2 nothing is open");
    EXPECT_TRUE(ann.notes("the server's handler keeps nothing"));
    make_room(ann.client, "room:tea", {"bob"});
    say(ann.client, "room:tea", "helo");
    say(ann.client, "room:tea", "secret");
    ASSERT_TRUE(bob.unread("2 unread: room:tea"));
    ann.type("/join tea");
    bob.type("/open tea");
    ann.type("/numbers");
    EXPECT_TRUE(ann.notes("2 ann [text] helo"));
    ann.type("/edit 2 hello there");
    EXPECT_TRUE(bob.notes("ann edited message 2: hello there"));
    EXPECT_TRUE(ann.notes("ann edited message 2: hello there")) << "whoever did it is told, too";
    bob.type("/react 2 up");
    EXPECT_TRUE(ann.notes("bob reacted with up to message 2"));
    bob.type("/react 3 up");
    bob.type("/unreact 3 up");
    EXPECT_TRUE(ann.notes("bob took back up from message 3"));
    ann.type("/delete 3");
    EXPECT_TRUE(bob.notes("ann deleted message 3"));
    bob.type("/edit 2 not mine");
    EXPECT_TRUE(bob.notes("only its sender edits a message"));
    for (const char* const line :
         {"/edit", "/edit x y", "/edit 2", "/delete", "/delete 2 x", "/delete 0", "/react 2"}) {
        bob.view.notes.clear();
        bob.type(line);
        EXPECT_TRUE(bob.notes("N is the number of a message")) << line;
    }
    Chatter eve(address_, "bob", "server");
    ASSERT_TRUE(eve.synced());
    eve.type("/open tea");
    EXPECT_TRUE(eve.sees("[room:tea] ann: hello there (edited) [*up 1]"));
    EXPECT_TRUE(eve.sees("[room:tea] ann: (deleted)"));
}

TEST_F(ChatOfConversations, MessagesReplyMentionAndAreSilent) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    make_room(ann.client, "room:tea", {"bob"});
    ann.type("/join tea");
    ann.type("tea, @bob?");
    ASSERT_TRUE(bob.unread("@1 of 1 unread: room:tea"));
    bob.type("/open tea");
    EXPECT_TRUE(bob.sees("@ [room:tea] ann: tea, @bob?"));
    bob.type("/reply 2 with milk");
    ASSERT_TRUE(ann.sees("[room:tea] bob: with milk (to 2)"));
    EXPECT_EQ(ann.view.lines[ann.view.lines.size() - 2], "> ann: tea, @bob?") << "of an own message, too";
    bob.type("/to ann");
    ann.type("/silent never mind, @bob");
    ASSERT_TRUE(ann.sees("sent never mind, @bob"));
    ann.type("and now, @all");
    ASSERT_TRUE(bob.unread("@1 of 1 unread: room:tea"));
    bob.type("/open tea");
    EXPECT_TRUE(bob.sees("@ [room:tea] ann: never mind, @bob (silent)"));
    for (const char* const line : {"/reply", "/reply 2", "/reply x y", "/reply 0 x"}) {
        bob.view.notes.clear();
        bob.type(line);
        EXPECT_TRUE(bob.notes("/reply N TEXT: N is the number of a message")) << line;
    }
    bob.type("/silent");
    EXPECT_TRUE(bob.notes("/silent TEXT: the text is missing"));
    bob.type("/reply 99 to nothing");
    EXPECT_TRUE(bob.sees("failed to nothing"));
}

TEST_F(ChatOfConversations, WhatIsShownIsReadForEveryDevice) {
    Chatter ann(address_, "ann", "server");
    ASSERT_TRUE(ann.synced());
    {
        Chatter bob(address_, "bob", "server");
        ASSERT_TRUE(bob.synced());
        make_room(ann.client, "room:tea", {"bob"});
        say(ann.client, "room:tea", "one");
        ASSERT_TRUE(bob.unread("1 unread: room:tea"));
    }
    EXPECT_EQ(unread_of(address_, "bob", "room:tea"), 1u);
    {
        Chatter bob(address_, "bob", "room:tea");
        ASSERT_TRUE(bob.sees("[room:tea] ann: one")) << "the conversation with which it begins is opened";
        EXPECT_THAT(bob.view.lines, ElementsAre("--- 1 new ---", "[room:tea] ann: one"));
        say(ann.client, "room:tea", "two");
        ASSERT_TRUE(bob.sees("[room:tea] ann: two"));
    }
    EXPECT_EQ(unread_of(address_, "bob", "room:tea"), 0u);
}

TEST_F(ChatOfConversations, HistoryPagesBackToTheBeginning) {
    Chatter ann(address_, "ann", "server");
    ASSERT_TRUE(ann.synced());
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(bob.synced());
    make_room(ann.client, "room:tea", {"bob"});
    for (int i = 2; i <= 40; ++i) say(ann.client, "room:tea", std::to_string(i));
    ASSERT_TRUE(bob.unread("39 unread: room:tea"));
    bob.type("/open tea");
    ASSERT_EQ(bob.view.lines.size(), 40u) << "all that is new, and the line before it";
    EXPECT_EQ(bob.view.lines.front(), "--- 39 new ---");
    bob.type("/history");
    EXPECT_TRUE(bob.notes("this is where room:tea begins"));
    ann.type("/open room:tea");
    ASSERT_EQ(ann.view.lines.size(), 20u);
    EXPECT_THAT(ann.view.lines.front(), "[room:tea] ann: 21") << "the newest 20, of which none is new";
    ann.type("/history 10");
    ASSERT_TRUE(ann.notes("20 20"));
    EXPECT_THAT(ann.view.notes.back(), "/history shows what was before");
    ann.type("/history 200");
    EXPECT_THAT(ann.view.notes.back(), "this is where room:tea begins");
    const auto count = std::count_if(ann.view.notes.begin(), ann.view.notes.end(),
                                     [](const std::string& each) { return each.find(" ann [text] ") != each.npos; });
    EXPECT_EQ(count, 19) << "each of 2 to 20 once";
}

TEST_F(ChatOfConversations, ListsTheConversationsNewestFirst) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    bob.type("/rooms");
    EXPECT_TRUE(bob.notes("you have no conversations yet"));
    make_room(ann.client, "room:tea", {"bob"});
    say(ann.client, "bob", "psst");
    say(ann.client, "room:tea", "one");
    say(ann.client, "bob", "hello?");
    ASSERT_TRUE(bob.unread("3 unread: ann, room:tea"));
    bob.type("/rooms");
    EXPECT_THAT(bob.view.lines, ElementsAre("listed ann 2", "listed room:tea 1"));
}

TEST_F(ChatOfConversations, AMemberWhoIsRemovedIsToldOnceAndTalksToTheServer) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    make_room(ann.client, "room:tea", {"bob"});
    say(ann.client, "room:tea", "one");
    ASSERT_TRUE(bob.unread("1 unread: room:tea"));
    bob.type("/open tea");
    EXPECT_EQ(bob.view.last.prompt, "room:tea> ");
    ASSERT_TRUE(ann.client.conversations().remove_member("room:tea", "bob"));
    ASSERT_TRUE(bob.notes("no longer a member of room:tea"));
    EXPECT_TRUE(bob.until([&] { return bob.view.last.prompt == "server> "; }));
    bob.type("/open room:tea");
    EXPECT_TRUE(bob.notes("you are in no room of this name; /join room:tea joins it"));
    EXPECT_EQ(std::count_if(bob.view.notes.begin(), bob.view.notes.end(),
                            [](const std::string& each) { return each.find("no longer a member") != each.npos; }),
              1);
}

TEST_F(ChatOfConversations, InvitesAndShowsWhatToType) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    make_room(ann.client, "room:tea", {});
    ann.type("/invite bob");
    EXPECT_EQ(ann.view.notes.back(), "/invite: you are not in a room");
    bob.type("/invites");
    EXPECT_EQ(bob.view.notes.back(), "you are invited to no room");
    ann.type("/join tea");
    ann.type("/invite bob");
    const std::string line = "ann invites you to room:tea (1 member): /join tea or /decline tea";
    ASSERT_TRUE(bob.notes(line));
    EXPECT_TRUE(ann.notes("room:tea: ann invited bob"));
    bob.type("/rooms");
    EXPECT_EQ(bob.view.notes.back(), "you have no conversations yet: /join ROOM or /to USER begins one");
    bob.type("/decline tea");
    EXPECT_EQ(bob.view.notes.back(), "declined: ann's invitation to room:tea");
    bob.type("/decline tea");
    EXPECT_EQ(bob.view.notes.back(), "/decline: you are not invited to room:tea");
    EXPECT_TRUE(ann.notes("room:tea: bob declined the invitation"));
    ann.type("/invite bob");
    EXPECT_TRUE(bob.until([&] { return std::ranges::count(bob.view.notes, line) == 2; }));
    bob.type("/join tea");
    EXPECT_EQ(bob.view.last.prompt, "room:tea> ");
    bob.type("/decline tea");
    EXPECT_EQ(bob.view.notes.back(), "/decline: you are not invited to room:tea") << "a member does not leave by it";
}

TEST_F(ChatOfConversations, ListsWhoIsBannedAndWhoIsBlocked) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    make_room(ann.client, "room:tea", {"bob"});
    ann.type("/bans");
    EXPECT_EQ(ann.view.notes.back(), "/bans: you are not in a room");
    ann.type("/join tea");
    ann.type("/bans");
    EXPECT_EQ(ann.view.notes.back(), "nobody is banned from room:tea");
    ann.type("/ban bob");
    ann.type("/bans");
    EXPECT_EQ(ann.view.notes.back(), "bob is banned until /unban bob");
    ann.type("/blocks");
    EXPECT_EQ(ann.view.notes.back(), "you block nobody");
    ann.type("/block bob");
    ann.type("/blocks");
    EXPECT_EQ(ann.view.notes.back(), "bob is blocked; /unblock bob ends that");
}

TEST_F(ChatOfConversations, GoesOnWhenTheServerIsStartedAgain) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server");
    ASSERT_TRUE(ann.synced() && bob.synced());
    make_room(ann.client, "room:tea", {"bob"});
    make_room(ann.client, "room:soup", {"bob"});
    say(ann.client, "room:tea", "one");
    say(ann.client, "room:soup", "hot");
    ASSERT_TRUE(bob.unread("2 unread: room:soup, room:tea"));
    bob.type("/open tea");
    server_->stop();
    server_.reset();
    ASSERT_TRUE(bob.until([&] { return !bob.view.last.connected; }));
    EXPECT_TRUE(bob.unread("1 unread: room:soup")) << "it is known without a connection";
    bob.type("/open soup");
    EXPECT_TRUE(bob.notes("no connection: this is what is known of room:soup"));
    EXPECT_THAT(bob.view.lines, testing::Contains("[room:soup] ann: hot"));
    bob.type("/open tea");
    bob.type("on my way");
    server_ = served(folder_, address_);
    ASSERT_TRUE(bob.sees("sent on my way"));
    ASSERT_TRUE(ann.until([&] { return ann.client.get_status() == ClientStatus::connected; }));
    say(ann.client, "room:tea", "two");
    ASSERT_TRUE(bob.sees("[room:tea] ann: two"));
    ASSERT_TRUE(bob.unread("")) << "the mark of room:soup was told behind the sync";
    EXPECT_EQ(std::count(bob.view.lines.begin(), bob.view.lines.end(), "[room:tea] ann: two"), 1);
    EXPECT_EQ(std::count(bob.view.lines.begin(), bob.view.lines.end(), "[room:tea] ann: one"), 1);
}

TEST_F(ChatOfConversations, WithoutAScreenAllOfThemAreShown) {
    Chatter ann(address_, "ann", "server");
    Chatter bob(address_, "bob", "server", true);
    ASSERT_TRUE(ann.synced() && bob.synced());
    make_room(ann.client, "room:tea", {"bob"});
    say(ann.client, "room:tea", "one");
    say(ann.client, "bob", "psst");
    ASSERT_TRUE(bob.sees("[room:tea] ann: one"));
    ASSERT_TRUE(bob.sees("[ann] ann: psst"));
    EXPECT_EQ(std::count(bob.view.lines.begin(), bob.view.lines.end(), "[ann] ann: psst"), 1) << "each once";
}

}  // namespace
}  // namespace flare::cli::test
