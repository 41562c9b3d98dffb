// Subscriptions of clients, against a server with a store: everybody is told everything, once, in one order.
#include "conversations/subscribing.hpp"

#include "integration/proxy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <future>

namespace flare::test {
namespace {

// ---- live ----

TEST_F(Subscriptions, EverybodyIsToldEverythingInOneOrder) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    Client ann = user(address, "ann", at_ann);
    Client bob = user(address, "bob", at_bob);
    Client eve = user(address, "eve", at_eve);
    gather({&ann, &bob, &eve});  // entries 1 to 3
    constexpr int kEach = 100;
    for (int i = 0; i < kEach; ++i) {
        for (Client* const client : {&ann, &bob, &eve}) ASSERT_TRUE(client->post_message("room:tea", numbered(i)));
    }
    for (Events* const events : {&at_ann, &at_bob, &at_eve}) {
        ASSERT_TRUE(events->wait_for<event::MessageSent>(kEach));
        ASSERT_TRUE(hears(*events, 2 * kEach));
        EXPECT_EQ(offsets(*events), range(4, 3 + 3 * kEach));
        EXPECT_TRUE(events->all<event::OwnMessage>().empty());
        EXPECT_TRUE(events->all<event::HistoryGap>().empty());
    }
    EXPECT_EQ(server.stats()->messages_received, 3u * kEach) << "nothing was sent twice";
}

TEST_F(Subscriptions, AMessageHasItsConversationAndItsPlace) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    make_open_room(ann);
    const Subscription begun = subscribe(ann, "room:tea");
    EXPECT_EQ(begun.conversation, "room:tea");
    EXPECT_EQ(begun.last, 1u);
    EXPECT_EQ(begun.after.offset, 1u);
    EXPECT_FALSE(begun.gap);
    join(bob);
    const SendResult sent = bob.send_text_message("room:tea", "hello");
    ASSERT_TRUE(sent.stored);
    ASSERT_TRUE(hears(at_ann, 2));
    const auto joined = at_ann.all<event::EntryReceived>().at(0);
    EXPECT_EQ(joined.conversation, "room:tea");
    EXPECT_EQ(joined.entry.from, "bob");
    ASSERT_TRUE(joined.entry.change);
    EXPECT_EQ(joined.entry.change->kind, ConversationChange::Kind::joined);
    const auto received = at_ann.all<event::MessageReceived>().at(0);
    EXPECT_EQ(received.conversation, "room:tea");
    EXPECT_EQ(received.stored, sent.stored);
    EXPECT_EQ(received.message.id, sent.message_id);
    EXPECT_EQ(received.message.from, "bob");
    EXPECT_EQ(received.message.to, "room:tea");
    EXPECT_EQ(received.message.payload, "hello");
    EXPECT_EQ(ann.get_connection_stats().messages_received, 1u);
}

TEST_F(Subscriptions, ALateJoinerIsToldEverythingFromTheFirstEntry) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    make_open_room(ann);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(ann.post_message("room:tea", numbered(i)));
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    const auto room = bob.conversations().join("room:tea");
    ASSERT_TRUE(room);
    (void)subscribe(bob, "room:tea", SubscribeOptions().with_after({room->head.epoch, 0}));
    for (int i = 500; i < 1000; ++i) ASSERT_TRUE(ann.post_message("room:tea", numbered(i)));
    ASSERT_TRUE(hears_text(at_bob, "ann: 999"));
    std::vector<std::string> heard = texts(at_bob);
    std::erase_if(heard, [](const std::string& text) { return !text.starts_with("ann: "); });
    EXPECT_EQ(heard, counted("ann", 0, 1000));
    EXPECT_EQ(offsets(at_bob), range(1, 1002));
}

TEST_F(Subscriptions, OwnMessagesOfAnotherDeviceAreOwnMessages) {
    Server server = started(storing());
    Client phone = user(server.websocket_addr(), "ann", at_ann);
    Client desk = user(server.websocket_addr(), "ann", at_bob);
    make_open_room(phone);
    (void)subscribe(phone, "room:tea");
    (void)subscribe(desk, "room:tea");
    ASSERT_TRUE(phone.send_text_message("room:tea", "0").success);
    ASSERT_TRUE(hears(at_bob, 1));
    EXPECT_EQ(texts(at_bob), counted("I", 0, 1));
    ASSERT_TRUE(desk.send_text_message("room:tea", "1").success);
    ASSERT_TRUE(hears(at_ann, 1));
    EXPECT_EQ(texts(at_ann), counted("I", 1, 2));
    EXPECT_TRUE(at_ann.all<event::MessageReceived>().empty());
    EXPECT_TRUE(at_bob.all<event::MessageReceived>().empty());
}

TEST_F(Subscriptions, OfADirectConversationTellEachMessageOnce) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    ASSERT_TRUE(ann.send_text_message("bob", "0").success);
    ASSERT_TRUE(at_bob.wait_for<event::MessageReceived>());
    EXPECT_FALSE(at_bob.all<event::MessageReceived>()[0].stored) << "without a subscription";
    EXPECT_EQ(at_bob.all<event::MessageReceived>()[0].conversation, "ann");
    const auto known = bob.conversations().get("ann");
    ASSERT_TRUE(known);
    (void)subscribe(bob, "ann", SubscribeOptions().with_after({known->head.epoch, 0}));
    ASSERT_TRUE(ann.send_text_message("bob", "1").success);
    ASSERT_TRUE(at_bob.wait_for<event::MessageReceived>(2));
    ASSERT_TRUE(bob.send_text_message("ann", "back").success);
    ASSERT_TRUE(at_ann.wait_for<event::MessageReceived>());
    ASSERT_TRUE(bob.conversations().unsubscribe("ann"));
    ASSERT_TRUE(ann.send_text_message("bob", "2").success);
    ASSERT_TRUE(at_bob.wait_for<event::MessageReceived>(3));
    const auto heard = at_bob.all<event::MessageReceived>();
    ASSERT_EQ(heard.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(heard[i].message.payload.str(), std::to_string(i));
    EXPECT_TRUE(heard[1].stored);
    EXPECT_EQ(heard[1].message.to, "bob");
    EXPECT_FALSE(heard[2].stored);
}

TEST_F(Subscriptions, InflateWhatIsStoredCompressed) {
    Server server = started(storing().compression(true));
    Client ann = connected(client_of(server.websocket_addr(), "ann", at_ann).compression(true));
    Client bob = connected(client_of(server.websocket_addr(), "bob", at_bob).compression(true));
    Client eve = user(server.websocket_addr(), "eve", at_eve);  // takes nothing compressed
    make_open_room(ann);
    join(bob);
    join(eve);
    (void)subscribe(bob, "room:tea");
    (void)subscribe(eve, "room:tea");
    const std::string text(20'000, 'x');
    ASSERT_TRUE(ann.send_text_message("room:tea", text).success);
    ASSERT_TRUE(hears(at_bob, 1));
    ASSERT_TRUE(hears(at_eve, 1));
    EXPECT_EQ(texts(at_bob), std::vector<std::string>{"ann: " + text});
    EXPECT_EQ(texts(at_eve), std::vector<std::string>{"ann: " + text});
}

TEST_F(Subscriptions, LargeMessagesArriveWhole) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    const std::string text(64 * 1024, 'y');
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(ann.post_message("room:tea", Message("text", Bytes(text))));
    ASSERT_TRUE(hears(at_bob, 100));
    for (const Told& each : told(at_bob)) ASSERT_EQ(each.text, "ann: " + text);
    EXPECT_EQ(offsets(at_bob), range(3, 102));
}

// ---- ends ----

TEST_F(Subscriptions, EndWithTheMembership) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(ann.send_text_message("room:tea", std::to_string(i)).success);
    const auto removed = ann.conversations().remove_member("room:tea", "bob");
    ASSERT_TRUE(removed);
    ASSERT_TRUE(ann.send_text_message("room:tea", "among us").success);
    ASSERT_TRUE(at_bob.wait_for<event::SubscriptionEnded>());
    const auto ended = at_bob.all<event::SubscriptionEnded>()[0];
    EXPECT_EQ(ended.conversation, "room:tea");
    EXPECT_EQ(ended.offset, removed->position.offset);
    EXPECT_EQ(ended.reason.code, errc::unknown_conversation);
    const auto heard = texts(at_bob);
    EXPECT_EQ(heard, counted("ann", 0, static_cast<int>(heard.size()))) << "in order, up to the removal at most";
    EXPECT_LE(heard.size(), 20u);
    EXPECT_EQ(refused(bob.conversations().subscribe("room:tea")), errc::unknown_conversation);
    join(bob);
    (void)subscribe(bob, "room:tea");
    ASSERT_TRUE(ann.send_text_message("room:tea", "back").success);
    EXPECT_TRUE(hears_text(at_bob, "ann: back"));
    EXPECT_TRUE(bob.conversations().leave("room:tea"));
    EXPECT_TRUE(at_bob.wait_for<event::SubscriptionEnded>(2));
    for (const std::string& text : texts(at_bob)) EXPECT_NE(text, "ann: among us");
}

TEST_F(Subscriptions, EndIfTheUserWasRemovedWhileAway) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    bob.disconnect();
    ASSERT_TRUE(ann.conversations().remove_member("room:tea", "bob"));
    ASSERT_TRUE(bob.connect());
    ASSERT_TRUE(at_bob.wait_for<event::SubscriptionEnded>());
    EXPECT_EQ(at_bob.all<event::SubscriptionEnded>()[0].offset, 0u);
}

TEST_F(Subscriptions, UnsubscribingEndsTheEvents) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    std::atomic<bool> ended{false};
    std::atomic<int> late{0};
    std::atomic<int> heard{0};
    Client bob =
        connected(ClientBuilder("bob")
                      .server_addresses(ServerAddresses().with_websocket_url("ws://" + server.websocket_addr()))
                      .with_event_callback([&](const Event& event) {
                          if (!told_by(event)) return;
                          if (ended) ++late;
                          ++heard;
                          std::this_thread::sleep_for(1ms);  // events queue up behind it
                      }));
    gather({&ann, &bob});
    int number = 0;
    for (int round = 0; round < 5; ++round) {
        const int before = heard;
        for (int i = 0; i < 100; ++i) ASSERT_TRUE(ann.post_message("room:tea", numbered(number++)));
        ASSERT_TRUE(eventually([&] { return heard > before + 5; }));
        ASSERT_TRUE(bob.conversations().unsubscribe("room:tea"));
        std::this_thread::sleep_for(5ms);  // the callback that was running
        ended = true;
        ASSERT_TRUE(at_ann.wait_for<event::MessageSent>(static_cast<std::size_t>(number)));
        std::this_thread::sleep_for(20ms);
        EXPECT_EQ(late, 0);
        ended = false;
        (void)subscribe(bob, "room:tea");
    }
    EXPECT_LT(heard, number);
}

TEST_F(Subscriptions, ASlowApplicationIsToldEverythingAtItsOwnPace) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    std::promise<void> go_on;
    const auto blocked = go_on.get_future().share();
    Client bob =
        connected(ClientBuilder("bob")
                      .server_addresses(ServerAddresses().with_websocket_url("ws://" + server.websocket_addr()))
                      .with_event_callback([&](const Event& event) {
                          if (told_by(event)) blocked.wait();
                          at_bob(event);
                      }));
    gather({&ann, &bob});
    const std::string filler(20'000, 'z');
    constexpr int kMessages = 800;  // 16 MB, four times the credit of a session
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE(ann.post_message("room:tea", Message("text", Bytes(filler))));
    EXPECT_TRUE(at_ann.wait_for<event::MessageSent>(kMessages));
    EXPECT_EQ(bob.get_status(), ClientStatus::connected);
    go_on.set_value();
    ASSERT_TRUE(hears(at_bob, kMessages));
    EXPECT_EQ(offsets(at_bob), range(3, 2 + kMessages));
    EXPECT_TRUE(at_bob.all<event::Gap>().empty());
}

// What it asks for is answered although more entries are under way than it has taken.
TEST_F(Subscriptions, ACallbackMayCallWhileEntriesQueueUp) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    make_open_room(ann);
    const std::string filler(10'000, 'z');
    constexpr int kMessages = 900;  // 9 MB
    for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(ann.post_message("room:tea", Message("text", Bytes(filler))));
    ASSERT_TRUE(at_ann.wait_for<event::MessageSent>(kMessages));
    const std::uint64_t epoch = ann.conversations().get("room:tea")->head.epoch;
    std::atomic<int> heard{0};
    std::atomic<int> failed{0};
    std::optional<Client> bob;
    bob.emplace(connected(ClientBuilder("bob")
                              .server_addresses(ServerAddresses().with_websocket_url("ws://" + server.websocket_addr()))
                              .send_timeout(5s)
                              .with_event_callback([&](const Event& event) {
                                  if (!told_by(event) || ++heard % 20 != 1) return;
                                  if (!bob->conversations().history("room:tea")) ++failed;
                                  if (!bob->send_text_message("room:tea", "taken").success) ++failed;
                              })));
    join(*bob);
    (void)subscribe(*bob, "room:tea", SubscribeOptions().with_after({epoch, 0}));
    EXPECT_TRUE(eventually([&] { return heard >= kMessages + 2; })) << heard;
    EXPECT_EQ(failed, 0);
}

TEST_F(Subscriptions, AClientThatIsDestroyedLeavesNothingWaiting) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    make_open_room(ann);
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(ann.post_message("room:tea", numbered(i)));
    ASSERT_TRUE(at_ann.wait_for<event::MessageSent>(300));
    const std::uint64_t epoch = ann.conversations().get("room:tea")->head.epoch;
    boost::asio::io_context loop;
    for (int round = 0; round < 20; ++round) {
        Proxy proxy(server.websocket_addr());
        std::vector<std::future<Checked<Subscription>>> begun;
        std::future<Checked<>> ended;
        {
            Events events;
            Client bob = connected(client_of(proxy.address(), "bob", events));
            ASSERT_TRUE(bob.conversations().join("room:tea"));
            if (round % 2 == 0) proxy.stall();
            const auto whole = SubscribeOptions().with_after({epoch, 0});
            for (int i = 0; i < 3; ++i) {
                begun.push_back(boost::asio::co_spawn(loop, bob.conversations().async_subscribe("room:tea", whole),
                                                      boost::asio::use_future));
            }
            ended =
                boost::asio::co_spawn(loop, bob.conversations().async_unsubscribe("room:tea"), boost::asio::use_future);
            loop.restart();
            loop.poll();
            std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
        }
        loop.restart();
        loop.run();
        for (auto& each : begun) {
            const errc code = refused(each.get());
            EXPECT_TRUE(code == errc::client_closed || (round % 2 == 1 && code == errc::ok)) << static_cast<int>(code);
        }
        (void)ended.get();
    }
}

// ---- what they refuse ----

TEST_F(Subscriptions, SayWhyTheyCannotBegin) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    EXPECT_EQ(refused(ann.conversations().subscribe("room:nowhere")), errc::unknown_conversation);
    EXPECT_EQ(refused(ann.conversations().subscribe("")), errc::invalid_name);
    EXPECT_EQ(refused(ann.conversations().unsubscribe("room:nowhere")), errc::ok);
    auto unconnected = client_of(server.websocket_addr(), "bob", at_bob).build();
    ASSERT_TRUE(unconnected);
    EXPECT_EQ(refused(unconnected->conversations().subscribe("room:tea")), errc::not_connected);
    EXPECT_EQ(refused(unconnected->conversations().unsubscribe("room:tea")), errc::ok);

    Server without = started(quiet_server());
    Client joe = connected(client_of(without.websocket_addr(), "joe", at_eve));
    EXPECT_EQ(refused(joe.conversations().subscribe("room:tea")), errc::not_supported);
}

// ---- coroutines ----

Task<std::string> subscribe_and_end(Client& client) {
    Conversations& conversations = client.conversations();
    const auto made = co_await conversations.async_create("room:a-name-that-is-too-long-for-a-small-string");
    if (!made) co_return made.error().text;
    const auto from_the_first = SubscribeOptions().with_after({made->head.epoch, 0});
    const auto begun =
        co_await conversations.async_subscribe("room:a-name-that-is-too-long-for-a-small-string", from_the_first);
    if (!begun) co_return begun.error().text;
    const auto ended = co_await conversations.async_unsubscribe("room:a-name-that-is-too-long-for-a-small-string");
    if (!ended) co_return ended.error().text;
    const auto wrong = co_await conversations.async_subscribe("");
    co_return begun->conversation + " " + std::to_string(begun->after.offset) + " " +
        (wrong ? "taken" : std::string(name(wrong.error().code)));
}

TEST_F(Subscriptions, AreThereForCoroutines) {
    Server server = started(storing());
    boost::asio::io_context loop;
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    auto talked = boost::asio::co_spawn(loop, subscribe_and_end(ann), boost::asio::use_future);
    loop.run();
    EXPECT_EQ(talked.get(), "room:a-name-that-is-too-long-for-a-small-string 0 invalid_name");
}

}  // namespace
}  // namespace flare::test
