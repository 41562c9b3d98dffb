// Subscriptions while connections break, servers are started again, and logs become others.
#include "conversations/subscribing.hpp"

#include "integration/proxy.hpp"

#include <algorithm>

namespace flare::test {
namespace {

TEST_F(Subscriptions, NothingIsMissedWhileConnectionsBreak) {
    Server server = started(storing());
    Proxy proxy(server.websocket_addr());
    Client ann = user(proxy.address(), "ann", at_ann);
    Client bob = user(proxy.address(), "bob", at_bob);
    gather({&ann, &bob});
    constexpr int kEach = 300;
    for (int i = 0; i < kEach; ++i) {
        ASSERT_TRUE(ann.post_message("room:tea", numbered(i)));
        ASSERT_TRUE(bob.post_message("room:tea", numbered(i)));
        if (i % 60 == 30) proxy.reset();
        if (i % 10 == 0) std::this_thread::sleep_for(5ms);
    }
    for (Events* const events : {&at_ann, &at_bob}) {
        ASSERT_TRUE(events->wait_for<event::MessageSent>(kEach));
        ASSERT_TRUE(hears(*events, kEach));
        EXPECT_EQ(offsets(*events), range(3, 2 + 2 * kEach));
    }
}

TEST_F(Subscriptions, GoOnInTheNextSession) {
    Server server = started(storing().session_life(100ms));
    Proxy proxy(server.websocket_addr());
    Client ann = connected(client_of(proxy.address(), "ann", at_ann).reconnect_delay(50ms).connection_timeout(500ms));
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    int number = 0;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(bob.post_message("room:tea", numbered(number++)));
        proxy.swallow_new(true);
        proxy.reset();
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(bob.post_message("room:tea", numbered(number++)));
        ASSERT_TRUE(ann.post_message("room:tea", numbered(round)));  // which waits
        std::this_thread::sleep_for(400ms);
        proxy.swallow_new(false);
        proxy.reset();
        ASSERT_TRUE(at_ann.wait_for<event::MessageSent>(static_cast<std::size_t>(round) + 1));
    }
    ASSERT_TRUE(hears_text(at_ann, "bob: " + std::to_string(number - 1)));
    ASSERT_TRUE(at_bob.wait_for<event::MessageSent>(static_cast<std::size_t>(number)));
    ASSERT_TRUE(hears(at_bob, 3));
    EXPECT_GE(at_ann.all<event::Gap>().size(), 1u) << "a session was lost";
    EXPECT_EQ(texts(at_ann), counted("bob", 0, number));
    EXPECT_EQ(offsets(at_ann), range(3, 2 + static_cast<std::uint64_t>(number) + 3));
    EXPECT_EQ(offsets(at_bob), range(3, 2 + static_cast<std::uint64_t>(number) + 3));
}

TEST_F(Subscriptions, AMessageWhoseReceiptIsLostIsToldOnce) {
    Server server = started(storing().session_life(50ms));
    Proxy proxy(server.websocket_addr());
    Client ann = connected(client_of(proxy.address(), "ann", at_ann).reconnect_delay(50ms).connection_timeout(500ms));
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    constexpr int kRounds = 6;
    for (int round = 0; round < kRounds; ++round) {
        proxy.slow_down(40ms);
        ASSERT_TRUE(ann.post_message("room:tea", numbered(round)));
        ASSERT_TRUE(hears_text(at_bob, "ann: " + std::to_string(round)));  // it is stored; its receipt is on the way
        proxy.swallow_new(true);
        proxy.reset();
        ASSERT_TRUE(bob.send_text_message("room:tea", std::to_string(round)).success);
        std::this_thread::sleep_for(200ms);  // the session ends
        proxy.slow_down(0ms);
        proxy.swallow_new(false);
        proxy.reset();
        ASSERT_TRUE(at_ann.wait_for<event::MessageSent>(static_cast<std::size_t>(round) + 1));
        ASSERT_TRUE(hears_text(at_ann, "bob: " + std::to_string(round)));
    }
    EXPECT_GE(at_ann.all<event::Gap>().size(), 1u) << "a session was lost";
    EXPECT_EQ(texts(at_ann), counted("bob", 0, kRounds)) << "own messages are told as sent";
    EXPECT_EQ(offsets(at_ann), range(3, 2 + 2 * kRounds));
    EXPECT_TRUE(at_ann.all<event::MessageFailed>().empty());
    EXPECT_EQ(offsets(at_bob), range(3, 2 + 2 * kRounds));
}

TEST_F(Subscriptions, GoOnWhenTheServerIsStartedAgain) {
    auto server = std::make_unique<Server>(started(storing()));
    const std::string address = server->websocket_addr();
    Client ann = user(address, "ann", at_ann);
    Client bob = user(address, "bob", at_bob);
    gather({&ann, &bob});
    int number = 0;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 10; ++i) {
            ASSERT_TRUE(ann.post_message("room:tea", numbered(number)));
            ASSERT_TRUE(bob.post_message("room:tea", numbered(number)));
            ++number;
        }
        server->stop();
        server.reset();
        server = std::make_unique<Server>(started(storing().websocket_addr(address)));
        ASSERT_TRUE(at_ann.wait_for<event::Reconnected>(static_cast<std::size_t>(round) + 1));
        ASSERT_TRUE(at_bob.wait_for<event::Reconnected>(static_cast<std::size_t>(round) + 1));
    }
    ASSERT_TRUE(ann.post_message("room:tea", numbered(number)));
    ASSERT_TRUE(bob.post_message("room:tea", numbered(number)));
    const auto count = static_cast<std::size_t>(number) + 1;
    for (Events* const events : {&at_ann, &at_bob}) {
        ASSERT_TRUE(events->wait_for<event::MessageSent>(count));
        ASSERT_TRUE(hears(*events, count));
        EXPECT_TRUE(events->all<event::MessageFailed>().empty());
        EXPECT_EQ(offsets(*events), range(3, 2 + 2 * count));
    }
}

TEST_F(Subscriptions, AreInTheFlightRecordWithoutTheirContent) {
    auto server = std::make_unique<Server>(started(storing()));
    const std::string address = server->websocket_addr();
    Client ann = user(address, "ann", at_ann);
    Client bob = user(address, "bob", at_bob);
    gather({&ann, &bob});
    ASSERT_TRUE(bob.send_text_message("room:tea", "a payload").success);
    ASSERT_TRUE(hears(at_ann, 1));
    server->stop();
    server.reset();
    server = std::make_unique<Server>(started(storing().websocket_addr(address)));
    ASSERT_TRUE(at_ann.wait_for<event::Reconnected>());
    ASSERT_TRUE(bob.send_text_message("room:tea", "another payload").success);
    ASSERT_TRUE(hears(at_ann, 2));
    ann.disconnect();
    const std::string record = ann.get_flight_record();
    const auto has = [&](const std::string& text) { return record.find(text) != record.npos; };
    EXPECT_TRUE(has(R"("event":"subscribed","conversation":"room:tea",)")) << record;
    EXPECT_TRUE(has(R"("event":"subscription_renewed","conversation":"room:tea",)")) << record;
    EXPECT_TRUE(has(R"("at":3,"told":1,)")) << record;
    EXPECT_TRUE(has(R"("event":"subscription","conversation":"room:tea",)")) << record;
    EXPECT_FALSE(has("payload")) << record;
}

TEST_F(Subscriptions, OutliveADisconnect) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    ann.disconnect();
    ASSERT_TRUE(bob.send_text_message("room:tea", "0").success);
    ASSERT_TRUE(ann.connect());
    ASSERT_TRUE(bob.send_text_message("room:tea", "1").success);
    ASSERT_TRUE(hears(at_ann, 2));
    EXPECT_EQ(texts(at_ann), counted("bob", 0, 2));
    ann.disconnect();
    ASSERT_TRUE(ann.conversations().unsubscribe("room:tea")) << "without a session";
    ASSERT_TRUE(ann.connect());
    ASSERT_TRUE(bob.send_text_message("room:tea", "2").success);
    EXPECT_EQ(refused(ann.conversations().get("room:tea")), errc::ok);  // so much later
    EXPECT_EQ(texts(at_ann), counted("bob", 0, 2));
}

TEST_F(Subscriptions, TheNextRunGoesOnBehindTheLastEntry) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    make_open_room(bob);
    Position last;
    Uuid id;
    int sent = 0;
    for (int run = 0; run < 5; ++run) {
        Events events;
        Client ann = user(server.websocket_addr(), "ann", events);
        if (run == 0) {
            join(ann);
            last = subscribe(ann, "room:tea").after;
        } else {
            (void)subscribe(ann, "room:tea", SubscribeOptions().with_after(last, id));
        }
        for (int i = 0; i < 7; ++i) ASSERT_TRUE(bob.send_text_message("room:tea", std::to_string(sent++)).success);
        ASSERT_TRUE(hears(events, run == 0 ? 4 : 7));  // it does not wait for the last ones
        std::vector<event::MessageReceived> heard = events.all<event::MessageReceived>();
        const int first = run == 0 ? 0 : static_cast<int>(last.offset) - 2;
        for (std::size_t i = 0; i < heard.size(); ++i)
            EXPECT_EQ(heard[i].message.payload.str(), std::to_string(first + static_cast<int>(i)));
        last = heard.back().stored->position;
        id = heard.back().message.id;
        EXPECT_TRUE(events.all<event::HistoryGap>().empty());
    }
}

TEST_F(Subscriptions, WhoIsTooFarBehindIsToldOfTheGap) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    make_open_room(bob);
    constexpr int kMessages = 1'500;
    for (int i = 0; i < kMessages; ++i) ASSERT_TRUE(bob.post_message("room:tea", numbered(i)));
    ASSERT_TRUE(at_bob.wait_for<event::MessageSent>(kMessages));
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    join(ann);  // the last entry, kMessages + 2
    const std::uint64_t epoch = ann.conversations().get("room:tea")->head.epoch;
    const Subscription begun = subscribe(ann, "room:tea", SubscribeOptions().with_after({epoch, 1}));
    ASSERT_TRUE(begun.gap);
    EXPECT_EQ(begun.gap->reason, HistoryGapReason::too_far_behind);
    EXPECT_EQ(begun.gap->first, 2u);
    EXPECT_EQ(begun.gap->last, begun.after.offset);
    ASSERT_TRUE(hears(at_ann, 50));
    EXPECT_EQ(told(at_ann).front().offset, begun.gap->last + 1);
    EXPECT_EQ(told(at_ann).back().offset, static_cast<std::uint64_t>(kMessages) + 2);
    ASSERT_EQ(at_ann.all<event::HistoryGap>().size(), 1u) << "it is an event, too";

    at_ann.clear();
    const auto complete = SubscribeOptions().with_after({epoch, 1}).with_complete();
    EXPECT_FALSE(subscribe(ann, "room:tea", complete).gap);
    ASSERT_TRUE(hears(at_ann, kMessages + 1));
    EXPECT_EQ(offsets(at_ann), range(2, kMessages + 2));
}

TEST_F(Subscriptions, ALogThatIsAnotherOneIsNoticed) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    make_open_room(ann);
    ASSERT_TRUE(ann.send_text_message("room:tea", "0").success);
    const std::uint64_t epoch = ann.conversations().get("room:tea")->head.epoch;
    const auto gap = [&](const Position& after, const Uuid& id) {
        return subscribe(ann, "room:tea", SubscribeOptions().with_after(after, id)).gap;
    };
    EXPECT_FALSE(gap({epoch, 1}, {}));
    EXPECT_EQ(gap({epoch, 2}, Uuid::v7())->reason, HistoryGapReason::diverged);
    EXPECT_EQ(gap({epoch, 7}, {})->reason, HistoryGapReason::diverged) << "the log is not so long";
    const auto other = gap({epoch + 1, 2}, {});
    ASSERT_TRUE(other);
    EXPECT_EQ(other->reason, HistoryGapReason::other_epoch);
    EXPECT_EQ(other->epoch, epoch);
    EXPECT_LT(other->last, other->first) << "nothing of this log is missing";
}

}  // namespace
}  // namespace flare::test
