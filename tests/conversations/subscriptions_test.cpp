// Subscriptions of clients, against a server with a store: everybody is told everything, once, in one order.
#include "integration/harness.hpp"
#include "integration/proxy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>

namespace flare::test {
namespace {

// What a client heard of a log.
struct Told {
    std::uint64_t offset = 0;
    std::string text;  // "bob: hello", or the kind of an entry that is no message
};

class Subscriptions : public ::testing::Test {
protected:
    Subscriptions() { std::filesystem::create_directories(folder); }
    ~Subscriptions() override { std::filesystem::remove_all(folder); }

    static ConversationLimits without_rates() {
        ConversationLimits limits;
        limits.device_per_second = limits.conversation_per_second = 0;
        return limits;
    }
    ServerBuilder storing() const {
        return quiet_server().store(sqlite(folder + "/flare.db")).conversation_limits(without_rates());
    }
    static Client user(const std::string& address, const std::string& name, Events& events) {
        Client client = connected(client_of(address, name, events).reconnect_delay(50ms));
        // The store knows them then: it learns of a user behind the Welcome of the first session.
        EXPECT_EQ(client.conversations().leave("room:nowhere").error().code, errc::unknown_conversation);
        return client;
    }
    static void make_room(Client& owner) {
        const auto made = owner.conversations().create(
            "room:tea", RoomOptions().with_join(JoinPolicy::open).with_visibility(HistoryVisibility::all));
        EXPECT_TRUE(made) << made.error().text;
    }
    static void join(Client& client) {
        const auto joined = client.conversations().join("room:tea");
        EXPECT_TRUE(joined) << joined.error().text;
    }
    static Subscription subscribe(Client& client, const std::string& name, const SubscribeOptions& options = {}) {
        const auto begun = client.conversations().subscribe(name, options);
        EXPECT_TRUE(begun) << begun.error().text;
        return begun ? *begun : Subscription();
    }
    // A room of these, who are all told what is written from now on.
    static void gather(std::vector<Client*> clients) {
        make_room(*clients.front());
        for (std::size_t i = 1; i < clients.size(); ++i) join(*clients[i]);
        for (Client* const client : clients) (void)subscribe(*client, "room:tea");
    }
    static Message numbered(int number) { return {"text", Bytes(std::to_string(number))}; }

    static std::optional<Told> told_by(const Event& event) {
        if (const auto* received = std::get_if<event::MessageReceived>(&event); received && received->stored)
            return Told{received->stored->position.offset,
                        received->message.from + ": " + received->message.payload.str()};
        if (const auto* own = std::get_if<event::OwnMessage>(&event))
            return Told{own->stored.position.offset, "I: " + own->message.payload.str()};
        if (const auto* other = std::get_if<event::EntryReceived>(&event))
            return Told{other->stored.position.offset, std::string(name(other->entry.kind))};
        return std::nullopt;
    }
    // Of subscriptions, in the order of the events.
    static std::vector<Told> told(Events& events) {
        std::vector<Told> all;
        events.wait([&](const std::vector<Event>& seen) {
            for (const Event& event : seen) {
                if (auto one = told_by(event)) all.push_back(std::move(*one));
            }
            return true;
        });
        return all;
    }
    static bool hears(Events& events, std::size_t count) {
        return events.wait([&](const std::vector<Event>& seen) {
            return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [](const Event& event) {
                       return told_by(event).has_value();
                   })) >= count;
        });
    }
    static bool hears_text(Events& events, const std::string& text) {
        return events.wait([&](const std::vector<Event>& seen) {
            return std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
                const auto one = told_by(event);
                return one && one->text == text;
            });
        });
    }
    static std::vector<std::string> texts(Events& events) {
        std::vector<std::string> all;
        for (const Told& each : told(events)) all.push_back(each.text);
        return all;
    }
    static std::vector<std::string> counted(const std::string& from, int first, int upto) {
        std::vector<std::string> all;
        for (int i = first; i < upto; ++i) all.push_back(from + ": " + std::to_string(i));
        return all;
    }
    // Offsets that were told or sent, each once; what was told ascends.
    static std::vector<std::uint64_t> offsets(Events& events) {
        std::vector<std::uint64_t> all;
        for (const Told& each : told(events)) {
            EXPECT_TRUE(all.empty() || each.offset > all.back()) << "not in the order of the log";
            all.push_back(each.offset);
        }
        for (const auto& sent : events.all<event::MessageSent>()) {
            if (sent.stored) all.push_back(sent.stored->position.offset);
        }
        std::sort(all.begin(), all.end());
        EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "told twice";
        return all;
    }
    static std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
        std::vector<std::uint64_t> all;
        for (std::uint64_t i = first; i <= last; ++i) all.push_back(i);
        return all;
    }
    template <typename T>
    static errc refused(const Checked<T>& result) {
        return result ? errc::ok : result.error().code;
    }

    const std::string folder =
        std::filesystem::temp_directory_path() / ("flare-subscriptions-" + std::to_string(::getpid()));
    Events at_ann;
    Events at_bob;
    Events at_eve;
};

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
    make_room(ann);
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
    make_room(ann);
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
    make_room(phone);
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
    make_room(ann);
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

// ---- outages ----

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
    make_room(bob);
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
    make_room(bob);
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
    make_room(ann);
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
    make_room(ann);
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
    make_room(ann);
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
