// How far others have come: real clients, a real server with a store in a file.
#include "conversations/storing.hpp"

#include <algorithm>
#include <optional>

namespace flare::test {
namespace {

class Marks : public ::testing::Test {
protected:
    ServerBuilder storing() const { return with_store(quiet_server(), folder); }
    static ClientBuilder listing(const std::string& address, const std::string& name, Events& events) {
        return client_of(address, name, events).reconnect_delay(50ms).sync_conversations(true);
    }
    static Client synced(const std::string& address, const std::string& name, Events& events) {
        Client client = known(connected(listing(address, name, events)));
        EXPECT_TRUE(events.wait_for<event::ConversationsSynced>());
        return client;
    }
    static Position send(Client& client, const std::string& to, const std::string& text) {
        const SendResult sent = client.send_text_message(to, text);
        EXPECT_TRUE(sent.success && sent.stored) << sent.error_message;
        return sent.stored ? sent.stored->position : Position();
    }
    // A user has come at least so far, as an event says.
    static bool hears(Events& events, const std::string& user, std::uint64_t read, std::uint64_t delivered) {
        return events.wait([&](const std::vector<Event>& seen) {
            return std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
                const auto* const moved = std::get_if<event::MarksChanged>(&event);
                return moved != nullptr && moved->user == user && moved->read >= read && moved->delivered >= delivered;
            });
        });
    }
    static std::optional<ListedConversation> listed(Client& client, const std::string& name) {
        for (const ListedConversation& each : *client.conversations().list()) {
            if (each.about.name == name) return each;
        }
        return std::nullopt;
    }

    Folder folder;
    Events at_ann;
    Events at_bob;
    Events at_eve;
};

TEST_F(Marks, AMessageIsDeliveredAndThenRead) {
    Server server = started(storing());
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    const Position at = send(ann, "bob", "hello");
    EXPECT_TRUE(hears(at_ann, "bob", 0, at.offset)) << "bob's client has it";
    EXPECT_EQ(listed(ann, "bob")->others, (std::vector<UserMark>{{"bob", 0, at.offset}}));
    ASSERT_TRUE(bob.conversations().mark_read("ann", at));
    EXPECT_TRUE(hears(at_ann, "bob", at.offset, at.offset));
    EXPECT_EQ(listed(ann, "bob")->others, (std::vector<UserMark>{{"bob", at.offset, at.offset}}));
}

TEST_F(Marks, WhatComesWithTheListIsDelivered) {
    Server server = started(storing());
    {
        Events ignored;
        Client bob = user(server.websocket_addr(), "bob", ignored);
    }
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    const Position at = send(ann, "bob", "hello");
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    EXPECT_TRUE(hears(at_ann, "bob", 0, at.offset));
}

TEST_F(Marks, AreThereAfterARestartOfTheServer) {
    std::optional<Server> server(started(storing()));
    const std::string address = server->websocket_addr();
    Client bob = synced(address, "bob", at_bob);
    Client ann = synced(address, "ann", at_ann);
    const Position at = send(ann, "bob", "hello");
    ASSERT_TRUE(bob.conversations().mark_read("ann", at));
    ASSERT_TRUE(hears(at_ann, "bob", at.offset, at.offset));
    server.reset();
    server.emplace(started(storing().websocket_addr(address)));
    Events at_pad;
    Client pad = synced(address, "ann", at_pad);
    EXPECT_TRUE(hears(at_pad, "bob", at.offset, at.offset)) << "the list has it";
}

TEST_F(Marks, ReadersAreListedInPages) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client eve = user(server.websocket_addr(), "eve", at_eve);
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_members({"bob", "eve"})));
    const Position at = send(ann, "room:tea", "hello");
    ASSERT_TRUE(bob.conversations().mark_read("room:tea", at));
    auto page = ann.marks().readers("room:tea", at);
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_EQ(page->readers, (std::vector<UserMark>{{"bob", at.offset, at.offset}}));
    EXPECT_EQ(page->read, 1u);
    EXPECT_EQ(page->members, 2u);
    ASSERT_TRUE(eve.conversations().mark_read("room:tea", at));
    page = ann.marks().readers("room:tea", at, {}, 1);
    ASSERT_TRUE(page && page->more);
    page = ann.marks().readers("room:tea", at, page->readers.back().user, 1);
    ASSERT_TRUE(page);
    EXPECT_EQ(page->readers, (std::vector<UserMark>{{"eve", at.offset, at.offset}}));
    EXPECT_FALSE(page->more);
    EXPECT_EQ(refused(ann.marks().readers("room:tea", {at.epoch, at.offset + 1})), errc::unknown_entry);
    EXPECT_EQ(refused(ann.marks().readers("room:tea", {at.epoch + 1, at.offset})), errc::epoch_changed);
}

TEST_F(Marks, UnreadIsShownOnAllDevicesUntilOneReads) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Events at_pad;
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    Client pad = known(connected(listing(server.websocket_addr(), "ann", at_pad).device_id("pad")));
    ASSERT_TRUE(at_pad.wait_for<event::ConversationsSynced>());
    const Position at = send(bob, "ann", "hello");
    const auto shows = [&](Client& client, std::uint64_t from) {
        return eventually([&] {
            const auto found = listed(client, "bob");
            return found && found->mark.unread_from == from && found->mark.unread == 0;
        });
    };
    ASSERT_TRUE(eventually([&] { return listed(ann, "bob").has_value() && listed(pad, "bob").has_value(); }));
    ASSERT_TRUE(ann.conversations().mark_read("bob", at));
    const auto marked = ann.marks().mark_unread("bob", at);
    ASSERT_TRUE(marked) << marked.error().text;
    EXPECT_EQ(marked->unread_from, at.offset);
    EXPECT_TRUE(shows(ann, at.offset));
    EXPECT_TRUE(shows(pad, at.offset));
    ASSERT_TRUE(pad.conversations().mark_read("bob", at));
    EXPECT_TRUE(shows(ann, 0));
    EXPECT_EQ(refused(ann.marks().mark_unread("bob", {at.epoch, at.offset + 1})), errc::unknown_entry);
}

TEST_F(Marks, TheCacheKeepsThemForTheNextRun) {
    Server server = started(storing());
    const std::string cache = folder.path("ann.cache");
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Position at;
    {
        Client ann = connected(listing(server.websocket_addr(), "ann", at_ann).cache_file(cache));
        ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
        at = send(ann, "bob", "hello");
        ASSERT_TRUE(bob.conversations().mark_read("ann", at));
        ASSERT_TRUE(hears(at_ann, "bob", at.offset, at.offset));
        ASSERT_TRUE(ann.marks().mark_unread("bob", at));
        const auto is_unread = [&](const ListedConversation& now) { return now.mark.unread_from == at.offset; };
        ASSERT_TRUE(told_that(at_ann, is_unread));
    }
    Events later;
    auto next = listing(server.websocket_addr(), "ann", later).cache_file(cache).build();
    ASSERT_TRUE(next) << next.error().text;
    const auto found = listed(*next, "bob");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->others, (std::vector<UserMark>{{"bob", at.offset, at.offset}}));
    EXPECT_EQ(found->mark.unread_from, at.offset);
}

}  // namespace
}  // namespace flare::test
