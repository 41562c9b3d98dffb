// The list of conversations that a client keeps, against a server with a store: complete after one round trip, and
// nothing is missed or told twice between the list and what comes live.
#include "conversations/storing.hpp"
#include "integration/proxy.hpp"
#include "integration/quic_harness.hpp"

#include <algorithm>
#include <thread>

namespace flare::test {
namespace {

class ListOfConversations : public QuicHarness, public ::testing::WithParamInterface<ProtocolSelection> {
protected:
    ServerBuilder storing() { return with_store(builder(), folder); }
    ClientBuilder listing(const Server& server, const std::string& user, Events& heard) {
        return client_for(server, user, heard, GetParam()).reconnect_delay(50ms).sync_conversations(true);
    }
    // One without a list, whom the store knows.
    Client plain(const Server& server, const std::string& user, Events& heard) {
        return known(connected(client_for(server, user, heard, GetParam())));
    }
    static void synced(Events& heard, std::size_t count = 1) {
        ASSERT_TRUE(heard.wait_for<event::ConversationsSynced>(count));
    }
    static void make_room(Client& owner, const std::string& name, const std::vector<std::string>& members) {
        const auto made = owner.conversations().create(name, RoomOptions().with_members(members));
        ASSERT_TRUE(made) << made.error().text;
    }
    static void send(Client& client, const std::string& target, int first, int upto) {
        for (int i = first; i < upto; ++i) {
            const SendResult sent = client.send_text_message(target, std::to_string(i));
            ASSERT_TRUE(sent.success) << sent.error_message;
        }
    }
    // "bob: 1" of the messages of others, in the order of the events.
    static std::vector<std::string> told(Events& heard, const std::string& conversation) {
        std::vector<std::string> all;
        for (const auto& each : heard.all<event::MessageReceived>()) {
            if (each.conversation == conversation) all.push_back(each.message.payload.str());
        }
        return all;
    }
    static bool hears(Events& heard, std::size_t count) { return heard.wait_for<event::MessageReceived>(count); }
    static std::optional<ListedConversation> listed(Client& client, const std::string& name) {
        const auto list = client.conversations().list();
        EXPECT_TRUE(list);
        for (const ListedConversation& each : *list) {
            if (each.about.name == name) return each;
        }
        return std::nullopt;
    }
    static bool unread(Client& client, const std::string& name, std::uint64_t count) {
        return eventually([&] {
            const auto found = listed(client, name);
            return found && found->mark.unread == count && !found->mark.more;
        });
    }

    Folder folder;
    Events at_ann;
    Events at_bob;
};

TEST_P(ListOfConversations, IsCompleteAfterTheFirstSyncAndLive) {
    Server server = started(storing());
    Events nobody;
    plain(server, "ann", nobody).disconnect();
    Client bob = plain(server, "bob", at_bob);
    make_room(bob, "room:tea", {"ann"});
    make_room(bob, "room:soup", {"ann"});
    send(bob, "room:tea", 0, 15);
    send(bob, "ann", 0, 3);

    Client ann = connected(listing(server, "ann", at_ann));
    synced(at_ann);
    EXPECT_TRUE(at_ann.all<event::MessageReceived>().empty()) << "what is old is in the list";
    const auto list = ann.conversations().list();
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 3u);
    EXPECT_EQ((*list)[0].about.name, "bob") << "the newest activity first";
    EXPECT_EQ((*list)[1].about.name, "room:tea");
    EXPECT_EQ((*list)[2].about.name, "room:soup");
    EXPECT_EQ((*list)[0].mark.unread, 3u);
    EXPECT_EQ((*list)[1].mark.unread, 15u);
    EXPECT_EQ((*list)[1].about.members, 2u);
    ASSERT_EQ((*list)[1].entries.size(), 10u);
    EXPECT_EQ((*list)[1].entries.back().payload, "14");
    EXPECT_EQ((*list)[1].last_time, (*list)[1].entries.back().time);

    send(bob, "room:tea", 15, 17);
    send(bob, "ann", 3, 4);
    ASSERT_TRUE(hears(at_ann, 3));
    EXPECT_EQ(told(at_ann, "room:tea"), numbers(15, 17));
    EXPECT_EQ(told(at_ann, "bob"), numbers(3, 4));
    for (const auto& each : at_ann.all<event::MessageReceived>()) EXPECT_TRUE(each.stored);
    EXPECT_TRUE(unread(ann, "room:tea", 17));
    send(ann, "room:soup", 0, 1);
    ASSERT_TRUE(eventually([&] {
        const auto soup = listed(ann, "room:soup");
        return soup && !soup->entries.empty() && soup->entries.back().payload == "0";
    })) << "own messages are in it";
    EXPECT_EQ(ann.conversations().list()->front().about.name, "room:soup");
}

TEST_P(ListOfConversations, WhatWasMissedIsToldOnceAndInOrder) {
    Server server = started(storing());
    Events nobody;
    plain(server, "ann", nobody).disconnect();
    Client bob = plain(server, "bob", at_bob);
    make_room(bob, "room:few", {"ann"});
    make_room(bob, "room:many", {"ann"});
    make_room(bob, "room:none", {"ann"});
    send(bob, "ann", 0, 1);
    Client ann = connected(listing(server, "ann", at_ann));
    synced(at_ann);
    int few = 0;
    int many = 0;
    int direct = 1;
    for (std::size_t round = 1; round <= 3; ++round) {
        send(bob, "room:few", few, few + 2);
        send(bob, "ann", direct, direct + 1);
        few += 2;
        direct += 1;
        ASSERT_TRUE(eventually([&] { return told(at_ann, "room:few").size() == static_cast<std::size_t>(few); }));
        ann.disconnect();
        send(bob, "room:few", few, few + 3);
        send(bob, "room:many", many, many + 40);
        send(bob, "ann", direct, direct + 5);
        few += 3;
        many += 40;
        direct += 5;
        ASSERT_TRUE(ann.connect());
        send(bob, "ann", direct, direct + 3);  // while it catches up
        direct += 3;
        synced(at_ann, round + 1);
        ASSERT_TRUE(eventually([&] {
            return told(at_ann, "room:few").size() >= static_cast<std::size_t>(few) &&
                   told(at_ann, "room:many").size() >= static_cast<std::size_t>(many) &&
                   told(at_ann, "bob").size() >= static_cast<std::size_t>(direct - 1);
        }));
    }
    send(bob, "room:none", 0, 1);
    ASSERT_TRUE(eventually([&] { return told(at_ann, "room:none").size() == 1; })) << "it is live, too";
    EXPECT_EQ(told(at_ann, "room:few"), numbers(0, few));
    EXPECT_EQ(told(at_ann, "room:many"), numbers(0, many));
    EXPECT_EQ(told(at_ann, "bob"), numbers(1, direct));
    EXPECT_TRUE(at_ann.all<event::HistoryGap>().empty());
    EXPECT_TRUE(unread(ann, "room:many", static_cast<std::uint64_t>(many)));
    EXPECT_TRUE(unread(ann, "bob", static_cast<std::uint64_t>(direct)));
}

TEST_P(ListOfConversations, ANewRoomAndANewFriendAppear) {
    Server server = started(storing());
    Client ann = connected(listing(server, "ann", at_ann));
    synced(at_ann);
    EXPECT_TRUE(ann.conversations().list()->empty());
    Client bob = plain(server, "bob", at_bob);
    make_room(bob, "room:tea", {"ann"});
    ASSERT_TRUE(eventually([&] { return listed(ann, "room:tea").has_value(); }));
    send(bob, "room:tea", 0, 3);
    send(bob, "ann", 0, 3);
    ASSERT_TRUE(hears(at_ann, 6));
    EXPECT_EQ(told(at_ann, "room:tea"), numbers(0, 3));
    EXPECT_EQ(told(at_ann, "bob"), numbers(0, 3));
    EXPECT_TRUE(unread(ann, "bob", 3));

    // And those that are made by this client.
    make_room(ann, "room:own", {"bob"});
    ASSERT_TRUE(eventually([&] { return listed(ann, "room:own").has_value(); }));
    send(bob, "room:own", 0, 2);
    ASSERT_TRUE(eventually([&] { return told(at_ann, "room:own").size() == 2; }));
    EXPECT_TRUE(at_ann.all<event::OwnMessage>().empty());

    // While it is away: what is behind the mark.
    ann.disconnect();
    make_room(bob, "room:soup", {"ann"});
    send(bob, "room:soup", 0, 15);
    ASSERT_TRUE(ann.connect());
    ASSERT_TRUE(eventually([&] { return told(at_ann, "room:soup").size() >= 15; }));
    EXPECT_EQ(told(at_ann, "room:soup"), numbers(0, 15));
}

TEST_P(ListOfConversations, WhoIsRemovedHearsIt) {
    Server server = started(storing());
    Events nobody;
    plain(server, "ann", nobody).disconnect();
    Client bob = plain(server, "bob", at_bob);
    for (const char* name : {"room:tea", "room:soup", "room:pie"}) make_room(bob, name, {"ann"});
    Client ann = connected(listing(server, "ann", at_ann));
    synced(at_ann);
    const auto gone = [&](const std::string& name) {
        const auto all = at_ann.all<event::ConversationChanged>();
        return std::any_of(all.begin(), all.end(),
                           [&](const auto& each) { return each.conversation == name && !each.now; });
    };
    ASSERT_TRUE(bob.conversations().remove_member("room:tea", "ann"));
    ASSERT_TRUE(eventually([&] { return gone("room:tea"); }));
    EXPECT_FALSE(listed(ann, "room:tea"));
    EXPECT_TRUE(at_ann.all<event::SubscriptionEnded>().empty()) << "it has not subscribed to anything";
    ann.disconnect();
    ASSERT_TRUE(bob.conversations().remove_member("room:soup", "ann"));
    ASSERT_TRUE(ann.connect());
    synced(at_ann, 2);
    EXPECT_TRUE(gone("room:soup"));
    ASSERT_TRUE(ann.conversations().leave("room:pie"));
    EXPECT_TRUE(eventually([&] { return ann.conversations().list()->empty(); }));
    EXPECT_TRUE(eventually([&] { return gone("room:pie"); }));
}

TEST_P(ListOfConversations, ThreeHundredConversationsComeInPages) {
    constexpr int kRooms = 300;
    Server server = started(storing());
    Events nobody;
    plain(server, "ann", nobody).disconnect();
    Client bob = plain(server, "bob", at_bob);
    for (int i = 0; i < kRooms; ++i) make_room(bob, "room:" + std::to_string(i), {"ann"});
    Client ann = connected(listing(server, "ann", at_ann));
    synced(at_ann);
    EXPECT_EQ(ann.conversations().list()->size(), static_cast<std::size_t>(kRooms));
    for (int i = 0; i < kRooms; ++i) ASSERT_TRUE(bob.post_message("room:" + std::to_string(i), {"text", "x"}));
    ASSERT_TRUE(hears(at_ann, kRooms)) << "each is live";
    ann.disconnect();
    for (int i = 0; i < kRooms; ++i) ASSERT_TRUE(bob.post_message("room:" + std::to_string(i), {"text", "y"}));
    ASSERT_TRUE(at_bob.wait_for<event::MessageSent>(2 * kRooms));
    ASSERT_TRUE(ann.connect());
    synced(at_ann, 2);
    ASSERT_TRUE(hears(at_ann, 2 * kRooms));
    EXPECT_EQ(at_ann.all<event::MessageReceived>().size(), 2u * kRooms) << "and nothing is told twice";
    for (const ListedConversation& each : *ann.conversations().list()) ASSERT_EQ(each.mark.unread, 2u);
}

TEST_P(ListOfConversations, MarksAreTheUsersOnAllDevices) {
    Server server = started(storing());
    Events nobody;
    plain(server, "ann", nobody).disconnect();
    Client bob = plain(server, "bob", at_bob);
    make_room(bob, "room:tea", {"ann"});
    send(bob, "room:tea", 0, 10);  // entries 2 to 11
    Events at_desk;
    Client phone = connected(listing(server, "ann", at_ann));
    Client desk = connected(listing(server, "ann", at_desk));
    synced(at_ann);
    synced(at_desk);
    const std::uint64_t epoch = listed(phone, "room:tea")->about.head.epoch;
    EXPECT_EQ(listed(phone, "room:tea")->mark.unread, 10u);
    const auto read = phone.conversations().mark_read("room:tea", {epoch, 7});
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->offset, 7u);
    EXPECT_EQ(read->unread, 4u);
    EXPECT_EQ(listed(phone, "room:tea")->mark.unread, 4u);
    EXPECT_EQ(phone.conversations().mark_read("room:tea", {epoch, 3})->offset, 7u) << "it only grows";
    EXPECT_EQ(phone.conversations().mark_read("room:tea", {epoch + 1, 9}).error().code, errc::epoch_changed);
    EXPECT_EQ(phone.conversations().mark_read("room:no", {epoch, 9}).error().code, errc::unknown_conversation);
    EXPECT_TRUE(unread(desk, "room:tea", 4)) << "the other device hears of it at once";
    EXPECT_EQ(listed(desk, "room:tea")->mark.offset, 7u);
    const auto changes = at_desk.all<event::ConversationChanged>();
    EXPECT_TRUE(std::any_of(changes.begin(), changes.end(), [](const auto& each) {
        return each.conversation == "room:tea" && each.now && each.now->mark.offset == 7;
    }));
    // One that is away hears of it with its next sync.
    desk.disconnect();
    ASSERT_TRUE(phone.conversations().mark_read("room:tea", {epoch, 8}));
    send(bob, "room:tea", 10, 11);
    ASSERT_TRUE(desk.connect());
    synced(at_desk, 2);
    EXPECT_TRUE(unread(desk, "room:tea", 4));
    EXPECT_EQ(listed(desk, "room:tea")->mark.offset, 8u);
    // What is read without a connection is said later.
    desk.disconnect();
    EXPECT_EQ(desk.conversations().mark_read("room:tea", {epoch, 12}).error().code, errc::not_connected);
    EXPECT_EQ(listed(desk, "room:tea")->mark.unread, 0u);
    ASSERT_TRUE(desk.connect());
    synced(at_desk, 3);
    phone.disconnect();
    ASSERT_TRUE(eventually([&] {
        Events fresh;
        Client third = connected(listing(server, "ann", fresh));
        synced(fresh);
        return listed(third, "room:tea")->mark.offset == 12;
    }));
}

// Nobody is told every entry of it.
TEST_P(ListOfConversations, ARoomOfThreeHundredIsCurrentWithoutASubscription) {
    constexpr int kMembers = 300;
    constexpr int kAtOnce = 100;
    Server server = started(storing());
    Events nobody;
    std::vector<std::string> users;
    for (int i = 2; i < kMembers; ++i) {
        users.push_back("user" + std::to_string(i));
        plain(server, users.back(), nobody).disconnect();
    }
    plain(server, "ann", nobody).disconnect();
    Client bob = plain(server, "bob", at_bob);
    make_room(bob, "room:all", {"ann"});
    for (std::size_t at = 0; at < users.size(); at += kAtOnce) {
        const auto first = users.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last = users.begin() + static_cast<std::ptrdiff_t>(std::min(at + kAtOnce, users.size()));
        const auto added = bob.conversations().add_members("room:all", {first, last});
        ASSERT_TRUE(added) << added.error().text;
    }
    Events at_desk;
    Client phone = connected(listing(server, "ann", at_ann));
    Client desk = connected(listing(server, "ann", at_desk));
    synced(at_ann);
    synced(at_desk);
    const std::uint64_t before = listed(phone, "room:all")->about.head.last;
    EXPECT_EQ(listed(phone, "room:all")->about.members, static_cast<std::uint32_t>(kMembers));
    send(bob, "room:all", 0, 20);
    for (Client* const each : {&phone, &desk}) {
        EXPECT_TRUE(unread(*each, "room:all", 20));
        EXPECT_EQ(listed(*each, "room:all")->about.head.last, before + 20);
    }
    EXPECT_TRUE(at_ann.all<event::MessageReceived>().empty()) << "no entry is told";
    const std::uint64_t epoch = listed(phone, "room:all")->about.head.epoch;
    ASSERT_TRUE(phone.conversations().mark_read("room:all", {epoch, before + 15}));
    EXPECT_TRUE(unread(desk, "room:all", 5)) << "what the desk does not know has been counted";
    // Opened on one device, it is told there entry by entry.
    ASSERT_TRUE(phone.conversations().subscribe("room:all"));
    send(bob, "room:all", 20, 22);
    ASSERT_TRUE(hears(at_ann, 2));
    EXPECT_TRUE(unread(phone, "room:all", 7));
    EXPECT_TRUE(unread(desk, "room:all", 7));
    // Whoever is removed hears that, and then nothing.
    ASSERT_TRUE(bob.conversations().remove_member("room:all", "ann"));
    for (Client* const each : {&phone, &desk}) ASSERT_TRUE(eventually([&] { return !listed(*each, "room:all"); }));
    ASSERT_TRUE(at_desk.wait([](const std::vector<Event>& seen) {
        return std::ranges::any_of(seen, [](const Event& event) {
            const auto* const changed = std::get_if<event::ConversationChanged>(&event);
            return changed != nullptr && changed->conversation == "room:all" && !changed->now;
        });
    }));
    const std::size_t changes = at_desk.all<event::ConversationChanged>().size();
    send(bob, "room:all", 22, 25);
    std::this_thread::sleep_for(1500ms);
    EXPECT_EQ(at_desk.all<event::ConversationChanged>().size(), changes);
    EXPECT_FALSE(listed(desk, "room:all"));
    ASSERT_TRUE(bob.conversations().add_members("room:all", {"ann"}));
    ASSERT_TRUE(eventually([&] { return listed(desk, "room:all").has_value(); }));
    send(bob, "room:all", 25, 26);
    EXPECT_TRUE(unread(desk, "room:all", 1));
}

TEST_P(ListOfConversations, ConnectionsThatBreakMissNothing) {
    Server server = started(storing().session_life(100ms));
    Events nobody;
    plain(server, "ann", nobody).disconnect();
    Client bob = plain(server, "bob", at_bob);
    make_room(bob, "room:tea", {"ann"});
    Client ann = connected(listing(server, "ann", at_ann));
    synced(at_ann);
    int number = 0;
    for (std::size_t round = 2; round <= 5; ++round) {
        for (int i = 0; i < 30; ++i) {
            ASSERT_TRUE(bob.post_message("room:tea", {"text", Bytes(std::to_string(number))}));
            ASSERT_TRUE(bob.post_message("ann", {"text", Bytes(std::to_string(number++))}));
            if (i == 15) {
                ann.disconnect();
                ASSERT_TRUE(ann.connect());
            }
        }
        synced(at_ann, round);
    }
    ASSERT_TRUE(eventually([&] {
        return told(at_ann, "room:tea").size() >= static_cast<std::size_t>(number) &&
               told(at_ann, "bob").size() >= static_cast<std::size_t>(number);
    }));
    EXPECT_EQ(told(at_ann, "room:tea"), numbers(0, number));
    EXPECT_EQ(told(at_ann, "bob"), numbers(0, number));
    EXPECT_TRUE(unread(ann, "room:tea", static_cast<std::uint64_t>(number)));
    EXPECT_TRUE(unread(ann, "bob", static_cast<std::uint64_t>(number)));
}

TEST_P(ListOfConversations, AServerWithoutAStoreHasNone) {
    Server server = started(builder());
    Client ann = connected(listing(server, "ann", at_ann));
    Client bob = connected(listing(server, "bob", at_bob));
    ASSERT_TRUE(at_ann.wait_for<event::CapabilityUnavailable>());
    EXPECT_EQ(at_ann.all<event::CapabilityUnavailable>()[0].capability, "sync_conversations");
    ASSERT_TRUE(at_bob.wait_for<event::CapabilityUnavailable>());
    ASSERT_TRUE(ann.send_text_message("bob", "hello").success);
    ASSERT_TRUE(hears(at_bob, 1));
    EXPECT_FALSE(at_bob.all<event::MessageReceived>()[0].stored);
    EXPECT_TRUE(bob.conversations().list()->empty());
    EXPECT_EQ(bob.conversations().mark_read("ann", {1, 1}).error().code, errc::not_supported);
}

TEST_P(ListOfConversations, WithoutItNothingIsAskedAndEverythingIsAsBefore) {
    Server server = started(storing());
    Client ann = plain(server, "ann", at_ann);
    Client bob = plain(server, "bob", at_bob);
    EXPECT_EQ(ann.conversations().list().error().code, errc::not_supported);
    make_room(bob, "room:tea", {"ann"});
    send(bob, "room:tea", 0, 2);
    send(bob, "ann", 0, 2);
    ASSERT_TRUE(hears(at_ann, 2));
    EXPECT_EQ(told(at_ann, "bob"), numbers(0, 2));
    EXPECT_FALSE(at_ann.all<event::MessageReceived>()[0].stored);
    EXPECT_TRUE(at_ann.all<event::ConversationChanged>().empty());
    const auto room = ann.conversations().get("room:tea");
    ASSERT_TRUE(room);
    const auto read = ann.conversations().mark_read("room:tea", {room->head.epoch, 2});
    ASSERT_TRUE(read) << "a mark needs no list";
    EXPECT_EQ(read->unread, 1u);
}

INSTANTIATE_TEST_SUITE_P(Over, ListOfConversations,
                         ::testing::Values(ProtocolSelection::websocket, ProtocolSelection::quic),
                         [](const auto& each) { return each.param == ProtocolSelection::quic ? "Quic" : "WebSocket"; });

}  // namespace
}  // namespace flare::test
