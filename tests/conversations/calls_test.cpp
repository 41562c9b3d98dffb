// The client's calls for rooms and history, against a server with a store.
#include "conversations/storing.hpp"
#include "integration/proxy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

namespace flare::test {
namespace {

class ConversationCalls : public ::testing::Test {
protected:
    ServerBuilder storing() const { return quiet_server().store(sqlite(folder.path("flare.db"))); }
    static Client user(const Server& server, const std::string& name, Events& events) {
        return test::user(server.websocket_addr(), name, events);
    }

    Folder folder;
    Events at_ann;
    Events at_bob;
};

TEST_F(ConversationCalls, MakeARoomThatOthersJoinReadAndLeave) {
    Server server = started(storing());
    Client ann = user(server, "ann", at_ann);
    Client bob = user(server, "bob", at_bob);

    const auto made = ann.conversations().create(
        "room:tea",
        RoomOptions().with_title("Tea").with_join(JoinPolicy::open).with_visibility(HistoryVisibility::all));
    ASSERT_TRUE(made) << made.error().text;
    EXPECT_EQ(made->name, "room:tea");
    EXPECT_EQ(made->config.title, "Tea");
    EXPECT_EQ(made->role, MemberRole::owner);
    EXPECT_EQ(made->members, 1u);
    ASSERT_TRUE(made->written);
    EXPECT_EQ(made->written->position.offset, 1u);
    EXPECT_EQ(made->written->position.epoch, made->head.epoch);
    EXPECT_EQ(refused(bob.conversations().create("room:tea")), errc::conversation_exists);

    EXPECT_EQ(refused(bob.conversations().history("room:tea")), errc::unknown_conversation) << "not a member yet";
    const auto joined = bob.conversations().join("room:tea");
    ASSERT_TRUE(joined) << joined.error().text;
    EXPECT_EQ(joined->role, MemberRole::member);
    EXPECT_EQ(joined->members, 2u);

    const SendResult sent = bob.send_text_message("room:tea", "hello");
    ASSERT_TRUE(sent.success) << sent.error_message;
    ASSERT_TRUE(sent.stored);
    EXPECT_EQ(sent.stored->position, (Position{made->head.epoch, 3}));
    EXPECT_GT(sent.stored->time, std::chrono::system_clock::now() - 1min);
    ASSERT_TRUE(at_bob.wait_for<event::MessageSent>());
    EXPECT_EQ(at_bob.all<event::MessageSent>()[0].stored, sent.stored);

    const auto page = ann.conversations().history("room:tea");
    ASSERT_TRUE(page) << page.error().text;
    ASSERT_EQ(page->entries.size(), 3u);
    EXPECT_EQ(page->head.last, 3u);
    EXPECT_FALSE(page->more);
    ASSERT_TRUE(page->entries[0].change);
    EXPECT_EQ(page->entries[0].change->kind, ConversationChange::Kind::created);
    ASSERT_TRUE(page->entries[1].change);
    EXPECT_EQ(page->entries[1].change->kind, ConversationChange::Kind::joined);
    EXPECT_EQ(page->entries[1].from, "bob");
    EXPECT_EQ(page->entries[2].id, sent.message_id);
    EXPECT_EQ(page->entries[2].type, "text");
    EXPECT_EQ(page->entries[2].payload, "hello");

    const auto left = bob.conversations().leave("room:tea");
    ASSERT_TRUE(left) << left.error().text;
    EXPECT_EQ(left->position.offset, 4u);
    EXPECT_EQ(refused(bob.conversations().get("room:tea")), errc::unknown_conversation);
    EXPECT_EQ(bob.send_text_message("room:tea", "and bye").error, errc::unknown_conversation);
}

TEST_F(ConversationCalls, AddAndRemoveMembersAndListThemInPages) {
    Server server = started(storing());
    Client ann = user(server, "ann", at_ann);
    for (const char* name : {"bob", "eve", "joe"}) {
        Events nobody;
        user(server, name, nobody).disconnect();
    }
    Conversations& conversations = ann.conversations();
    ASSERT_TRUE(conversations.create("room:tea", RoomOptions().with_members({"bob"})));
    const auto added = conversations.add_members("room:tea", {"eve", "joe"}, MemberRole::reader);
    ASSERT_TRUE(added) << added.error().text;
    EXPECT_EQ(added->position.offset, 2u);
    EXPECT_EQ(refused(conversations.add_members("room:tea", {"stranger"})), errc::unknown_target);

    std::map<std::string, MemberRole> found;
    std::string after;
    for (bool more = true; more;) {
        const auto page = conversations.members("room:tea", after, 3);
        ASSERT_TRUE(page) << page.error().text;
        ASSERT_FALSE(page->members.empty());
        for (const Member& member : page->members) found[member.user] = member.role;
        after = page->members.back().user;
        more = page->more;
    }
    EXPECT_EQ(found, (std::map<std::string, MemberRole>{{"ann", MemberRole::owner},
                                                        {"bob", MemberRole::member},
                                                        {"eve", MemberRole::reader},
                                                        {"joe", MemberRole::reader}}));
    const auto removed = conversations.remove_member("room:tea", "joe");
    ASSERT_TRUE(removed) << removed.error().text;
    const auto again = conversations.remove_member("room:tea", "joe");
    ASSERT_TRUE(again) << "it changes nothing";
    EXPECT_EQ(again->position, removed->position) << "the end of the log";
    EXPECT_EQ(refused(conversations.remove_member("room:tea", "stranger")), errc::unknown_target);
    EXPECT_EQ(conversations.get("room:tea")->members, 3u);
}

TEST_F(ConversationCalls, ReadTheHistoryOfADirectConversationInBothDirections) {
    Server server = started(storing());
    Client ann = user(server, "ann", at_ann);
    Client bob = user(server, "bob", at_bob);
    for (const std::string& text : numbers(0, 30)) ASSERT_TRUE(ann.send_text_message("bob", text).success);

    std::vector<std::string> downwards;
    std::uint64_t before = 0;
    for (bool more = true; more;) {
        const auto page = bob.conversations().history("ann", HistoryQuery::before(before, 7));
        ASSERT_TRUE(page) << page.error().text;
        ASSERT_FALSE(page->entries.empty());
        const auto texts = texts_of(*page);
        downwards.insert(downwards.begin(), texts.begin(), texts.end());
        before = page->entries.front().offset;
        more = page->more;
    }
    EXPECT_EQ(downwards, numbers(0, 30));

    std::vector<std::string> upwards;
    std::uint64_t after = 0;
    for (bool more = true; more;) {
        const auto page = ann.conversations().history("bob", HistoryQuery::after(after, 7));
        ASSERT_TRUE(page) << page.error().text;
        ASSERT_FALSE(page->entries.empty());
        for (const std::string& text : texts_of(*page)) upwards.push_back(text);
        after = page->entries.back().offset;
        more = page->more;
    }
    EXPECT_EQ(upwards, numbers(0, 30));
}

TEST_F(ConversationCalls, InflateWhatIsStoredCompressed) {
    Server server = started(storing().compression(true));
    Client ann = known(connected(client_of(server.websocket_addr(), "ann", at_ann).compression(true)));
    Client plain = user(server, "bob", at_bob);
    const std::string text(20'000, 'x');
    ASSERT_TRUE(ann.send_text_message("bob", text).success);
    const auto packed = ann.conversations().history("bob");
    ASSERT_TRUE(packed) << packed.error().text;
    EXPECT_EQ(texts_of(*packed), std::vector<std::string>{text});
    const auto inflated = plain.conversations().history("ann");
    ASSERT_TRUE(inflated) << inflated.error().text;
    EXPECT_EQ(texts_of(*inflated), std::vector<std::string>{text});
}

// ---- rates ----

TEST_F(ConversationCalls, ABurstIntoARoomIsStoredWholeInOrderAndHardlyRepeated) {
    Server server = started(storing());
    Client ann = user(server, "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    constexpr int kMessages = 300;  // the limit is 100 at once and 20 a second
    std::vector<Message> all;
    for (const std::string& text : numbers(0, kMessages)) {
        all.emplace_back("text", text);
        all.back().to = "room:tea";
    }
    const std::uint64_t before = server.stats()->messages_received;
    std::uint64_t offset = 1;
    for (const SendResult& result : ann.send_batch(std::move(all))) {
        ASSERT_TRUE(result.success) << result.error_message;
        ASSERT_TRUE(result.stored);
        EXPECT_EQ(result.stored->position.offset, ++offset);
    }
    const std::uint64_t received = server.stats()->messages_received - before;
    EXPECT_LE(received, 3u * kMessages) << "each once, those beyond the burst once in vain, and then about twice";
    std::vector<std::string> texts;
    std::uint64_t after = 0;
    for (bool more = true; more;) {
        const auto page = ann.conversations().history("room:tea", HistoryQuery::after(after, 200));
        ASSERT_TRUE(page) << page.error().text;
        for (const std::string& text : texts_of(*page)) texts.push_back(text);
        after = page->entries.back().offset;
        more = page->more;
    }
    EXPECT_EQ(texts, numbers(0, kMessages));
    RecordProperty("messages_received", std::to_string(received));
}

TEST_F(ConversationCalls, ALeaveStaysBehindTheMessagesThatWereSentBeforeIt) {
    Server server = started(storing());
    Client ann = user(server, "ann", at_ann);
    Client bob = user(server, "bob", at_bob);
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_members({"bob"})));
    for (const std::string& text : numbers(0, 130)) ASSERT_TRUE(bob.post_message("room:tea", Message("text", text)));
    const auto left = bob.conversations().leave("room:tea");
    ASSERT_TRUE(left) << left.error().text;
    ASSERT_TRUE(at_bob.wait([](const std::vector<Event>& events) {
        return std::count_if(events.begin(), events.end(), [](const Event& event) {
                   return std::holds_alternative<event::MessageSent>(event) ||
                          std::holds_alternative<event::MessageFailed>(event);
               }) == 130;
    }));
    EXPECT_TRUE(at_bob.all<event::MessageFailed>().empty());
    EXPECT_EQ(left->position.offset, 132u);
}

// ---- outages ----

TEST_F(ConversationCalls, AChangeWhoseAnswerIsLostIsMadeOnce) {
    Server server = started(storing());
    Proxy proxy(server.websocket_addr());
    Client ann = connected(client_of(proxy.address(), "ann", at_ann).reconnect_delay(50ms));
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_join(JoinPolicy::open)));
    for (int round = 0; round < 20; ++round) {
        std::thread cutter([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(137 * round));
            proxy.reset();
        });
        const auto left = ann.conversations().leave("room:tea");
        cutter.join();
        ASSERT_TRUE(left) << round << ": " << left.error().text;
        const auto joined = ann.conversations().create("room:tea" + std::to_string(round));
        ASSERT_TRUE(joined) << round << ": " << joined.error().text;
        EXPECT_EQ(joined->written->position.offset, 1u);
        ASSERT_TRUE(ann.conversations().join("room:tea")) << round;
    }
}

TEST_F(ConversationCalls, WithoutAConnectionTheyEndAfterTheSendTimeout) {
    Server server = started(storing());
    Client ann = connected(client_of(server.websocket_addr(), "ann", at_ann).send_timeout(300ms).reconnect_delay(50ms));
    server.stop();
    ASSERT_TRUE(at_ann.wait_for<event::Reconnecting>());
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(refused(ann.conversations().create("room:tea")), errc::not_connected);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
    EXPECT_EQ(refused(ann.conversations().history("bob")), errc::not_connected);
}

TEST_F(ConversationCalls, AreMadeInTheNextSessionIfTheServerIsStartedAgain) {
    auto server = std::make_unique<Server>(started(storing()));
    const std::string address = server->websocket_addr();
    Client ann = connected(client_of(address, "ann", at_ann).reconnect_delay(50ms));
    server->stop();
    server.reset();
    ASSERT_TRUE(at_ann.wait_for<event::Reconnecting>());
    std::optional<Checked<Conversation>> made;
    std::thread caller([&] { made.emplace(ann.conversations().create("room:tea")); });
    std::this_thread::sleep_for(100ms);
    Server again = started(storing().websocket_addr(address));
    caller.join();
    ASSERT_TRUE(*made) << made->error().text;
    EXPECT_EQ((*made)->role, MemberRole::owner);
}

// ---- what they refuse ----

TEST_F(ConversationCalls, AreNotSupportedByAServerWithoutAStore) {
    Server server = started(quiet_server());
    Client ann = connected(client_of(server.websocket_addr(), "ann", at_ann));
    Conversations& conversations = ann.conversations();
    for (const Failure& failure :
         {conversations.create("room:tea").error(), conversations.join("room:tea").error(),
          conversations.get("room:tea").error(), Failure(conversations.leave("room:tea").error()),
          conversations.add_members("room:tea", {"bob"}).error(),
          conversations.remove_member("room:tea", "bob").error(), conversations.members("room:tea").error(),
          conversations.history("bob").error()}) {
        EXPECT_EQ(failure.code, errc::not_supported);
        EXPECT_NE(failure.text.find("a server with a store"), std::string::npos) << failure.text;
    }
    const SendResult sent = ann.send_text_message("room:tea", "hello");
    EXPECT_EQ(sent.error, errc::not_supported);
    EXPECT_FALSE(sent.stored);
    const SendResult handled = ann.send_text_message("server", "hello");
    EXPECT_TRUE(handled.success);
    EXPECT_FALSE(handled.stored);
}

TEST_F(ConversationCalls, RefuseAtOnceWhatCannotBeAsked) {
    Server server = started(storing());
    auto unconnected = client_of(server.websocket_addr(), "ann", at_ann).build();
    ASSERT_TRUE(unconnected);
    EXPECT_EQ(refused(unconnected->conversations().create("room:tea")), errc::not_connected);
    EXPECT_EQ(refused(unconnected->conversations().history("bob")), errc::not_connected);
    EXPECT_EQ(refused(unconnected->conversations().create("tea")), errc::invalid_name);
    ASSERT_TRUE(unconnected->connect());
    const auto spoilt = unconnected->conversations().create("room:te\xcc\x81");  // "é" in two code points
    EXPECT_EQ(refused(spoilt), errc::invalid_name) << "it is for the server to say";
    EXPECT_NE(spoilt.error().text.find("form C"), std::string::npos) << spoilt.error().text;
    EXPECT_EQ(refused(unconnected->conversations().history("nobody")), errc::unknown_conversation);
    Events events;
    Client moved = std::move(*unconnected);
    EXPECT_TRUE(moved.conversations().create("room:tea")) << "they move with their client";
}

TEST_F(ConversationCalls, ACallInACallbackOfTheLoopWouldDeadlock) {
    Server server = started(storing());
    boost::asio::io_context loop;
    auto client = client_of(server.websocket_addr(), "ann", at_ann).io_context(loop).build();
    ASSERT_TRUE(client);
    errc said = errc::ok;
    boost::asio::post(loop, [&] {
        said = refused(client->conversations().history("bob"));
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(said, errc::would_deadlock);
}

TEST_F(ConversationCalls, AClientThatIsDestroyedAnswersTheCallsThatWait) {
    Server server = started(storing());
    boost::asio::io_context loop;
    std::future<Checked<Conversation>> waiting;
    {
        auto client = client_of(server.websocket_addr(), "ann", at_ann).build();
        ASSERT_TRUE(client);
        ASSERT_TRUE(client->connect());
        server.stop();
        ASSERT_TRUE(at_ann.wait_for<event::Reconnecting>());
        waiting =
            boost::asio::co_spawn(loop, client->conversations().async_create("room:tea"), boost::asio::use_future);
        loop.poll();  // it is on its way to the client
    }
    loop.restart();
    loop.run();
    EXPECT_EQ(refused(waiting.get()), errc::client_closed);
}

// ---- coroutines ----

Task<std::string> talk_in_a_room(Client& client) {
    Conversations& conversations = client.conversations();
    const std::vector<std::string> bob{"bob"};  // GCC 12 takes no list in braces beside co_await
    const std::vector<std::string> eve{"eve"};
    const auto made =
        co_await conversations.async_create("room:tea", RoomOptions().with_title("Tea").with_members(bob));
    if (!made) co_return made.error().text;
    const auto added = co_await conversations.async_add_members("room:tea", eve);
    if (!added) co_return added.error().text;
    const auto removed = co_await conversations.async_remove_member("room:tea", "eve");
    if (!removed) co_return removed.error().text;
    const SendResult sent = co_await client.async_send_text_message("room:tea", "hello");
    if (!sent.success) co_return sent.error_message;
    const auto members = co_await conversations.async_members("room:tea");
    if (!members) co_return members.error().text;
    const auto page = co_await conversations.async_history("room:tea", HistoryQuery::before(0, 1));
    if (!page) co_return page.error().text;
    const auto known = co_await conversations.async_get("room:tea");
    if (!known) co_return known.error().text;
    const auto again = co_await conversations.async_join("room:tea");
    if (!again) co_return again.error().text;
    const auto other = co_await conversations.async_create("room:a-name-that-is-too-long-for-a-small-string");
    if (!other) co_return other.error().text;
    const auto left = co_await conversations.async_leave("room:tea");
    if (!left) co_return left.error().text;
    co_return known->config.title + " " + std::to_string(members->members.size()) + " " +
        page->entries.at(0).payload.str() + " " + std::to_string(left->position.offset);
}

TEST_F(ConversationCalls, AreThereForCoroutines) {
    Server server = started(storing());
    for (const char* name : {"bob", "eve"}) {
        Events nobody;
        user(server, name, nobody).disconnect();
    }
    boost::asio::io_context
        loop;  // it outlives the client, whose thread may still be waking it when the last call is done
    Client ann = user(server, "ann", at_ann);
    auto talked = boost::asio::co_spawn(loop, talk_in_a_room(ann), boost::asio::use_future);
    loop.run();
    EXPECT_EQ(talked.get(), "Tea 2 hello 5");
}

}  // namespace
}  // namespace flare::test
