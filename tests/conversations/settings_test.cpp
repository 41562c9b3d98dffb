// What users choose for conversations, and clear for themselves: real clients, a real server with a store in a file.
#include "conversations/subscribing.hpp"

#include <chrono>

namespace flare::test {
namespace {

using Seconds = std::chrono::sys_seconds;

class UserSettings : public Subscriptions {
protected:
    static ClientBuilder listing(const std::string& address, const std::string& name, Events& events) {
        return client_of(address, name, events).reconnect_delay(50ms).sync_conversations(true);
    }
    static Client synced(const std::string& address, const std::string& name, Events& events,
                         const std::string& device = {}) {
        ClientBuilder builder = listing(address, name, events);
        if (!device.empty()) builder.device_id(device);
        Client client = known(connected(builder));
        EXPECT_TRUE(events.wait_for<event::ConversationsSynced>());
        return client;
    }
    static Position send(Client& client, const std::string& to, const std::string& text) {
        const SendResult sent = client.send_text_message(to, text);
        EXPECT_TRUE(sent.success && sent.stored) << sent.error_message;
        return sent.stored ? sent.stored->position : Position();
    }
    static std::vector<std::string> names(Client& client, bool with_hidden = false) {
        std::vector<std::string> all;
        for (const ListedConversation& each : *client.conversations().list(with_hidden)) all.push_back(each.about.name);
        return all;
    }
    static std::optional<ListedConversation> listed(Client& client, const std::string& name) {
        const auto all = client.conversations().list(true);
        for (const ListedConversation& each : *all) {
            if (each.about.name == name) return each;
        }
        return std::nullopt;
    }
    static bool becomes(Client& client, const std::string& name, const ConversationSettings& settings) {
        return eventually([&] {
            const auto found = listed(client, name);
            return found && found->settings == settings;
        });
    }
    static std::vector<std::string> history(Client& client, const std::string& name) {
        const auto page = client.conversations().history(name, HistoryQuery::after(0));
        EXPECT_TRUE(page) << page.error().text;
        return page ? texts_of(*page) : std::vector<std::string>();
    }

    Events at_pad;
};

TEST_F(UserSettings, AreTheSameOnAllDevicesAndAfterARestart) {
    std::optional<Server> server(started(storing()));
    const std::string address = server->websocket_addr();
    Client bob = user(address, "bob", at_bob);
    Client ann = synced(address, "ann", at_ann);
    Client pad = synced(address, "ann", at_pad, "pad");
    send(bob, "ann", "hello");
    ASSERT_TRUE(becomes(ann, "bob", {}) && becomes(pad, "bob", {}));
    const ConversationSettings chosen{NotifyLevel::mentions, Seconds(std::chrono::seconds(1'900'000'000)), 7};
    const auto set = ann.settings().set("bob", {chosen.notify, chosen.muted_until, chosen.pinned, {}});
    ASSERT_TRUE(set) << set.error().text;
    EXPECT_EQ(*set, chosen);
    EXPECT_EQ(listed(ann, "bob")->settings, chosen) << "at once";
    EXPECT_TRUE(becomes(pad, "bob", chosen));
    const auto muted = pad.settings().set("bob", {{}, Conversations::kForever, {}, {}});
    ASSERT_TRUE(muted);
    EXPECT_EQ(muted->muted_until, Conversations::kForever);
    EXPECT_EQ(muted->pinned, 7u) << "what is not said stays";
    server.reset();
    server.emplace(started(storing().websocket_addr(address)));
    Events later;
    Client phone = synced(address, "ann", later, "phone");
    EXPECT_TRUE(becomes(phone, "bob", *muted));
    EXPECT_TRUE(becomes(ann, "bob", *muted));
}

TEST_F(UserSettings, PinnedOnesComeFirstAndHiddenOnesUntilTheNextMessage) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client eve = user(server.websocket_addr(), "eve", at_eve);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    Client pad = synced(server.websocket_addr(), "ann", at_pad, "pad");
    send(bob, "ann", "one");
    send(eve, "ann", "two");
    ASSERT_TRUE(eventually([&] { return names(ann) == std::vector<std::string>{"eve", "bob"}; }));
    ASSERT_TRUE(ann.settings().set("bob", {.pinned = 1}));
    EXPECT_EQ(names(ann), (std::vector<std::string>{"bob", "eve"}));
    EXPECT_TRUE(eventually([&] { return names(pad) == std::vector<std::string>{"bob", "eve"}; }));
    ASSERT_TRUE(pad.settings().set("bob", {.hidden = true}));
    EXPECT_EQ(names(pad), std::vector<std::string>{"eve"});
    EXPECT_EQ(names(pad, true), (std::vector<std::string>{"bob", "eve"}));
    EXPECT_TRUE(eventually([&] { return names(ann) == std::vector<std::string>{"eve"}; }));
    send(bob, "ann", "three");
    EXPECT_TRUE(eventually([&] { return names(ann) == std::vector<std::string>{"bob", "eve"}; }));
    EXPECT_TRUE(eventually([&] { return !listed(pad, "bob")->settings.hidden; })) << "without a word of the server";
}

TEST_F(UserSettings, WhatIsClearedIsGoneForItsUserAlone) {
    Server server = started(storing());
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    Client pad = synced(server.websocket_addr(), "ann", at_pad, "pad");
    Position at;
    for (int i = 0; i < 5; ++i) at = send(bob, "ann", std::to_string(i));
    ASSERT_TRUE(eventually([&] { return listed(pad, "bob") && listed(pad, "bob")->mark.unread == 5; }));
    const auto cleared = ann.settings().clear("bob", {at.epoch, at.offset - 1});
    ASSERT_TRUE(cleared) << cleared.error().text;
    EXPECT_EQ(cleared->cleared_to, at.offset - 1);
    const auto shows_the_rest = [&](Client& client) {
        return eventually([&] {
            const auto found = listed(client, "bob");
            return found && found->mark.unread == 1 && found->entries.size() == 1 &&
                   found->settings.cleared_to == at.offset - 1;
        });
    };
    EXPECT_TRUE(shows_the_rest(ann));
    EXPECT_TRUE(shows_the_rest(pad));
    EXPECT_EQ(listed(pad, "bob")->mark.offset, 0u) << "it was not read";
    EXPECT_EQ(history(ann, "bob"), std::vector<std::string>{"4"});
    EXPECT_EQ(history(bob, "ann"), numbers(0, 5)) << "others see it as before";
    const auto others = listed(bob, "ann")->others;
    EXPECT_TRUE(others.empty() || others.front().read == 0);
    // A change of what is cleared says nothing of it.
    ASSERT_TRUE(bob.conversations().edit_message("ann", {at.epoch, at.offset - 1}, Message("", Bytes("edited"))));
    const Position newest = send(bob, "ann", "5");
    ASSERT_TRUE(hears_text(at_ann, "bob: 5"));
    const auto heard = texts(at_ann);
    EXPECT_EQ(std::count(heard.begin(), heard.end(), "bob edited 4: edited"), 0);
    const auto page = ann.conversations().history("bob", HistoryQuery::after(0));
    ASSERT_TRUE(page && page->entries.size() == 3);
    EXPECT_TRUE(page->entries[1].deleted && page->entries[1].payload.size() == 0);
    // A device that comes later, and a subscription from before.
    Events later;
    Client phone = synced(server.websocket_addr(), "ann", later, "phone");
    EXPECT_EQ(listed(phone, "bob")->mark.unread, 2u);
    EXPECT_EQ(history(phone, "bob"), (std::vector<std::string>{"4", "5"}));
    Events raw;
    Client plain = user(server.websocket_addr(), "ann", raw);
    (void)subscribe(plain, "bob", SubscribeOptions().with_after({at.epoch, 1}));
    EXPECT_TRUE(hears(raw, 3));
    EXPECT_EQ(offsets(raw), range(at.offset, newest.offset));
}

TEST_F(UserSettings, ClearingToTheEndLeavesNothingUnread) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    Position at;
    for (int i = 0; i < 3; ++i) at = send(bob, "ann", std::to_string(i));
    ASSERT_TRUE(eventually([&] { return listed(ann, "bob") && listed(ann, "bob")->mark.unread == 3; }));
    const auto cleared = ann.settings().clear("bob", {at.epoch, 1'000});
    ASSERT_TRUE(cleared);
    EXPECT_EQ(cleared->cleared_to, at.offset) << "the end of the log";
    EXPECT_EQ(listed(ann, "bob")->mark.unread, 0u);
    EXPECT_TRUE(listed(ann, "bob")->entries.empty());
    EXPECT_TRUE(history(ann, "bob").empty());
    EXPECT_EQ(ann.settings().clear("bob", {at.epoch, 1})->cleared_to, at.offset) << "it only grows";
    send(bob, "ann", "news");
    EXPECT_TRUE(eventually([&] { return listed(ann, "bob")->mark.unread == 1; }));
    EXPECT_EQ(history(ann, "bob"), std::vector<std::string>{"news"});
}

TEST_F(UserSettings, AreRefusedToWhoIsNoMember) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    make_open_room(bob);
    const Position at = send(bob, "room:tea", "hello");
    EXPECT_EQ(refused(ann.settings().set("room:tea", {.pinned = 1})), errc::unknown_conversation);
    EXPECT_EQ(refused(ann.settings().clear("room:tea", at)), errc::unknown_conversation);
    EXPECT_EQ(refused(bob.settings().clear("room:tea", {at.epoch + 1, at.offset})), errc::epoch_changed);
    EXPECT_EQ(refused(bob.settings().set("", {.pinned = 1})), errc::invalid_name);
    join(ann);
    ASSERT_TRUE(ann.settings().clear("room:tea", at));
    EXPECT_TRUE(history(ann, "room:tea").empty());
    ASSERT_TRUE(ann.conversations().leave("room:tea"));
    join(ann);
    EXPECT_EQ(history(ann, "room:tea"), std::vector<std::string>{"hello"}) << "whoever joins again begins anew";
}

TEST_F(UserSettings, TheCacheKeepsNothingOfWhatIsCleared) {
    Server server = started(storing());
    const std::string cache = folder.path("ann.cache");
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Position at;
    {
        Client ann = connected(listing(server.websocket_addr(), "ann", at_ann).cache_file(cache));
        ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
        for (int i = 0; i < 5; ++i) at = send(bob, "ann", "secret " + std::to_string(i));
        ASSERT_TRUE(at_ann.wait_for<event::MessageReceived>(5));  // the first one may come as Data
        ASSERT_TRUE(ann.settings().clear("bob", {at.epoch, at.offset - 2}));
        ASSERT_TRUE(ann.settings().set("bob", {.hidden = true}));
        ASSERT_TRUE(told_that(at_ann, [](const ListedConversation& now) { return now.settings.hidden; }));
    }
    Events later;
    auto next = listing(server.websocket_addr(), "ann", later).cache_file(cache).build();
    ASSERT_TRUE(next) << next.error().text;
    const auto found = listed(*next, "bob");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->settings.cleared_to, at.offset - 2);
    EXPECT_TRUE(found->settings.hidden);
    EXPECT_EQ(found->entries.size(), 2u);
    const auto page = next->conversations().history("bob", HistoryQuery::before(0));
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_TRUE(page->from_cache);
    EXPECT_EQ(texts_of(*page), (std::vector<std::string>{"secret 3", "secret 4"}));
    EXPECT_FALSE(page->more);
}

}  // namespace
}  // namespace flare::test
