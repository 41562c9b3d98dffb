// Replies, mentions and silent messages: real clients, a real server with a store in a file.
#include "conversations/subscribing.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <optional>

namespace flare::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Mentions : public Subscriptions {
protected:
    static Client synced(const std::string& address, const std::string& name, Events& events) {
        Client client =
            known(connected(client_of(address, name, events).reconnect_delay(50ms).sync_conversations(true)));
        EXPECT_TRUE(events.wait_for<event::ConversationsSynced>());
        return client;
    }
    static Message text(const std::string& what) { return {"text", Bytes(what)}; }
    static Message naming(const std::string& what, std::vector<std::string> users) {
        Message message = text(what);
        message.mentions = std::move(users);
        return message;
    }
    static Position send(Client& client, const std::string& to, Message message) {
        const SendResult sent = client.send_message(to, std::move(message));
        EXPECT_TRUE(sent.success && sent.stored) << sent.error_message;
        return sent.stored ? sent.stored->position : Position();
    }
    static ReadMark mark_of(Client& client, const std::string& name) {
        for (const ListedConversation& each : *client.conversations().list()) {
            if (each.about.name == name) return each.mark;
        }
        return {};
    }
    static bool counts(Client& client, const std::string& name, std::uint64_t unread, std::uint64_t mentions) {
        return eventually([&] {
            const ReadMark mark = mark_of(client, name);
            return mark.unread == unread && mark.mentions == mentions && !mark.more;
        });
    }
    // The message of this text, when it has come.
    static std::optional<Message> heard(Events& events, const std::string& what) {
        std::optional<Message> found;
        events.wait([&](const std::vector<Event>& seen) {
            for (const Event& event : seen) {
                const auto* const received = std::get_if<event::MessageReceived>(&event);
                if (received != nullptr && received->message.payload.view() == what) found = received->message;
            }
            return found.has_value();
        });
        return found;
    }
    static std::optional<Entry> entry_at(Client& client, const std::string& name, std::uint64_t offset) {
        const auto page = client.conversations().history(name, HistoryQuery::after(offset - 1, 1));
        EXPECT_TRUE(page && !page->entries.empty());
        return page && !page->entries.empty() ? std::optional(page->entries.front()) : std::nullopt;
    }
};

TEST_F(Mentions, ReachThoseWhoAreThereAndThoseWhoReadLater) {
    Server server = started(storing());
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Client eve = synced(server.websocket_addr(), "eve", at_eve);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_members({"bob", "eve"})));
    const Position first = send(ann, "room:tea", text("tea?"));
    Message reply = naming("yes", {"eve", "nobody", "bob", "eve", "ann"});
    reply.reply_to = first.offset;
    const Position at = send(bob, "room:tea", reply);

    const auto told = heard(at_eve, "yes");
    ASSERT_TRUE(told);
    EXPECT_EQ(told->reply_to, first.offset);
    EXPECT_THAT(told->mentions, ElementsAre("eve", "ann")) << "neither who is unknown nor oneself";
    EXPECT_FALSE(told->mentions_all || told->silent);
    const auto entry = entry_at(eve, "room:tea", at.offset);
    EXPECT_EQ(entry->ref, first.offset);
    std::vector<std::string> names = entry->mentions;
    std::ranges::sort(names);
    EXPECT_THAT(names, ElementsAre("ann", "eve"));

    EXPECT_TRUE(counts(eve, "room:tea", 2, 1));
    EXPECT_TRUE(counts(ann, "room:tea", 1, 1));
    EXPECT_TRUE(counts(bob, "room:tea", 1, 0));
    Events at_pad;
    Client pad = synced(server.websocket_addr(), "eve", at_pad);
    EXPECT_EQ(mark_of(pad, "room:tea").mentions, 1u) << "as the server counts";
    const auto marked = eve.conversations().mark_read("room:tea", at);
    ASSERT_TRUE(marked);
    EXPECT_EQ(marked->mentions, 0u);
    EXPECT_TRUE(counts(pad, "room:tea", 0, 0));
}

TEST_F(Mentions, OfAllAreForModerators) {
    Server server = started(storing());
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_members({"bob"})));
    Message all = text("all");
    all.mentions_all = true;
    const SendResult refused = bob.send_message("room:tea", all);
    EXPECT_EQ(refused.error, errc::forbidden);
    EXPECT_THAT(refused.error_message, ::testing::HasSubstr("only moderators mention all members"));
    const Position at = send(ann, "room:tea", all);
    ASSERT_TRUE(heard(at_bob, "all"));
    EXPECT_TRUE(heard(at_bob, "all")->mentions_all);
    EXPECT_TRUE(counts(bob, "room:tea", 1, 1));
    EXPECT_TRUE(counts(ann, "room:tea", 0, 0)) << "an own message mentions nobody";
    ASSERT_TRUE(ann.conversations().delete_message("room:tea", at));
    EXPECT_TRUE(counts(bob, "room:tea", 0, 0));
}

TEST_F(Mentions, AreOfDirectConversationsToo) {
    Server server = started(storing());
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    const Position first = send(ann, "bob", naming("hello", {"bob"}));
    Message reply = text("hi");
    reply.reply_to = first.offset;
    (void)send(bob, "ann", reply);
    ASSERT_TRUE(heard(at_bob, "hello"));
    EXPECT_THAT(heard(at_bob, "hello")->mentions, ElementsAre("bob"));
    EXPECT_EQ(heard(at_ann, "hi")->reply_to, first.offset);
    EXPECT_TRUE(counts(bob, "ann", 1, 1));
    EXPECT_TRUE(counts(ann, "bob", 1, 0));
}

TEST_F(Mentions, ARepliedMessageIsThereOrWasDeleted) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    const Position before = send(ann, "room:tea", text("before bob"));
    ASSERT_TRUE(ann.conversations().add_members("room:tea", {"bob"}));
    const Position at = send(ann, "room:tea", text("tea?"));
    const auto answered = [&](Client& client, std::uint64_t offset) {
        Message reply = text("to " + std::to_string(offset));
        reply.reply_to = offset;
        return client.send_message("room:tea", reply);
    };
    EXPECT_EQ(answered(bob, before.offset).error, errc::unknown_entry) << "bob may not read it";
    EXPECT_TRUE(answered(ann, before.offset).success);
    const SendResult none = answered(bob, 1000);
    EXPECT_EQ(none.error, errc::unknown_entry);
    EXPECT_THAT(none.error_message, ::testing::HasSubstr("name the offset of one that is"));
    EXPECT_EQ(answered(ann, 1).error, errc::unknown_entry) << "a change of members is no message";
    ASSERT_TRUE(ann.conversations().delete_message("room:tea", at));
    EXPECT_TRUE(answered(bob, at.offset).success);
}

TEST_F(Mentions, SilentMessagesCountForNobody) {
    Server server = started(storing());
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    Message silent = naming("quiet", {"bob"});
    silent.silent = true;
    const Position at = send(ann, "bob", silent);
    const auto told = heard(at_bob, "quiet");
    ASSERT_TRUE(told);
    EXPECT_TRUE(told->silent);
    EXPECT_THAT(told->mentions, ElementsAre("bob"));
    (void)send(ann, "bob", text("loud"));
    EXPECT_TRUE(counts(bob, "ann", 1, 0));
    EXPECT_TRUE(entry_at(bob, "ann", at.offset)->silent);
}

TEST_F(Mentions, AnEditChangesTheTextAlone) {
    Server server = started(storing());
    Client bob = synced(server.websocket_addr(), "bob", at_bob);
    Client ann = synced(server.websocket_addr(), "ann", at_ann);
    const Position first = send(ann, "bob", text("one"));
    Message reply = naming("two", {"bob"});
    reply.reply_to = first.offset;
    const Position at = send(ann, "bob", reply);
    Message other = naming("better", {"ann"});
    other.silent = true;
    ASSERT_TRUE(ann.conversations().edit_message("bob", at, other));
    const auto entry = entry_at(bob, "ann", at.offset);
    EXPECT_EQ(entry->payload, "better");
    EXPECT_EQ(entry->ref, first.offset);
    EXPECT_THAT(entry->mentions, ElementsAre("bob"));
    EXPECT_FALSE(entry->silent);
    EXPECT_TRUE(counts(bob, "ann", 2, 1));
}

TEST_F(Mentions, TooManyAndBadNamesAreRefusedBeforeTheyAreSent) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    EXPECT_EQ(ann.send_message("bob", naming("x", std::vector<std::string>(51, "bob"))).error, errc::message_too_large);
    EXPECT_EQ(ann.send_message("bob", naming("x", {""})).error, errc::invalid_name);
    EXPECT_TRUE(ann.send_message("bob", naming("x", std::vector<std::string>(50, "bob"))).success);
}

// A client without conversations gets Data, and so does everybody of a server without a store.
TEST_F(Mentions, TravelUnchangedWithoutAStore) {
    Server server = started(quiet_server());
    Client bob = connected(client_of(server.websocket_addr(), "bob", at_bob));
    Client ann = connected(client_of(server.websocket_addr(), "ann", at_ann));
    Message message = naming("hello", {"bob", "nobody"});
    message.reply_to = 7;
    message.silent = message.mentions_all = true;
    ASSERT_TRUE(ann.send_message("bob", message).success);
    const auto told = heard(at_bob, "hello");
    ASSERT_TRUE(told);
    EXPECT_EQ(told->reply_to, 7u);
    EXPECT_TRUE(told->silent && told->mentions_all);
    EXPECT_THAT(told->mentions, ElementsAre("bob", "nobody"));
}

TEST_F(Mentions, AreToldToHandlersAndByTheServer) {
    std::optional<Message> asked;
    const auto answer = [&](const SessionInfo&, const Message& message) {
        asked = message;
        Message done("text", Bytes("done"));
        done.mentions = message.mentions;
        return HandlerResult(std::move(done));
    };
    Server server = started(quiet_server().on_message_type("text", answer));
    Client ann = connected(client_of(server.websocket_addr(), "ann", at_ann));
    Message message = naming("hello", {"ann"});
    message.reply_to = 3;
    ASSERT_TRUE(ann.send_message("server", message).success);
    ASSERT_TRUE(heard(at_ann, "done"));
    EXPECT_THAT(heard(at_ann, "done")->mentions, ElementsAre("ann"));
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->reply_to, 3u);
    EXPECT_THAT(asked->mentions, ElementsAre("ann"));
    Message note = naming("note", {"ann"});
    ASSERT_TRUE(server.send("ann", note));
    ASSERT_TRUE(heard(at_ann, "note"));
    EXPECT_THAT(heard(at_ann, "note")->mentions, ElementsAre("ann"));
}

TEST_F(Mentions, AreInTheCacheOfAClient) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    const auto caching = [&](Events& events) {
        return client_of(server.websocket_addr(), "ann", events)
            .reconnect_delay(50ms)
            .sync_conversations(true)
            .cache_file(folder.path("ann.cache"));
    };
    Position first;
    {
        Client ann = known(connected(caching(at_ann)));
        ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
        first = send(ann, "bob", naming("mine", {"bob"}));
        Message reply = naming("yours", {"ann"});
        reply.reply_to = first.offset;
        (void)send(bob, "ann", reply);
        ASSERT_TRUE(heard(at_ann, "yours"));
        ASSERT_TRUE(counts(ann, "bob", 1, 1));
        ASSERT_TRUE(told_that(at_ann, [](const ListedConversation& now) {
            return now.mark.mentions == 1 && !now.entries.empty() && now.entries.back().payload.str() == "yours";
        }));
    }
    Events offline;
    const auto ann = caching(offline).build();
    ASSERT_TRUE(ann) << ann.error().text;
    Client client = std::move(const_cast<Client&>(*ann));
    EXPECT_EQ(mark_of(client, "bob").mentions, 1u);
    const auto page = client.conversations().history("bob");
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_TRUE(page->from_cache);
    ASSERT_EQ(page->entries.size(), 2u);
    EXPECT_THAT(page->entries[0].mentions, ElementsAre("bob"));
    EXPECT_THAT(page->entries[1].mentions, ElementsAre("ann"));
    EXPECT_EQ(page->entries[1].ref, first.offset);
    const ListedConversation listed = client.conversations().list()->front();
    EXPECT_THAT(listed.entries.back().mentions, ElementsAre("ann"));
}

TEST_F(Mentions, OfWhoIsErasedAreGone) {
    Server server = started(storing());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client eve = user(server.websocket_addr(), "eve", at_eve);
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_members({"bob", "eve"})));
    const Position at = send(ann, "room:tea", naming("both", {"bob", "eve"}));
    ASSERT_TRUE(server.erase("bob"));
    EXPECT_TRUE(eventually([&] { return entry_at(eve, "room:tea", at.offset)->mentions.size() == 1; }));
    EXPECT_THAT(entry_at(eve, "room:tea", at.offset)->mentions, ElementsAre("eve"));
}

}  // namespace
}  // namespace flare::test
