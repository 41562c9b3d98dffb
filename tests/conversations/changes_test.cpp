// Messages that are edited and deleted, and reactions to them: between clients and a server with a store.
#include "conversations/subscribing.hpp"
#include "integration/proxy.hpp"

#include <gmock/gmock.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <optional>
#include <thread>

namespace flare::test {
namespace {

using ::testing::ElementsAre;
using What = event::MessageChanged::What;

class MessageChanges : public Subscriptions {
protected:
    static StoredAt say(Client& client, const std::string& to, const std::string& text) {
        const SendResult sent = client.send_text_message(to, text);
        EXPECT_TRUE(sent.success) << sent.error_message;
        return sent.stored.value_or(StoredAt());
    }
    // What history shows: "2 ann: text (edited) up2*".
    static std::vector<std::string> shown(Client& client, const std::string& name) {
        const auto page = client.conversations().history(name);
        EXPECT_TRUE(page) << page.error().text;
        return page ? shown(page->entries) : std::vector<std::string>();
    }
    static std::vector<std::string> shown(const std::vector<Entry>& entries) {
        std::vector<std::string> all;
        for (const Entry& entry : entries) {
            if (entry.kind != EntryKind::message) continue;
            std::string text = std::to_string(entry.offset) + " " + entry.from + ": " + entry.payload.str();
            if (entry.deleted) text += "(deleted)";
            if (!entry.deleted && entry.changed_at != 0) text += " (edited)";
            for (const Reaction& each : entry.reactions)
                text += " " + each.key + std::to_string(each.users) + (each.own ? "*" : "");
            all.push_back(text);
        }
        return all;
    }
    static bool hears_change(Events& events, What what, std::uint64_t offset, const std::string& by = {}) {
        return events.wait([&](const std::vector<Event>& seen) {
            return std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
                const auto* changed = std::get_if<event::MessageChanged>(&event);
                return changed != nullptr && changed->what == what && changed->offset == offset &&
                       (by.empty() || changed->by == by);
            });
        });
    }
    static Message text(std::string what) { return {"", Bytes(std::move(what))}; }
};

TEST_F(MessageChanges, AreSeenByThoseWhoAreThereAndInHistory) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    const StoredAt first = say(ann, "room:tea", "helo");
    const StoredAt second = say(ann, "room:tea", "secret");
    const auto edited = ann.conversations().edit_message("room:tea", first.position, {"better", Bytes("hello")});
    ASSERT_TRUE(edited) << edited.error().text;
    EXPECT_EQ(edited->position, (Position{first.position.epoch, second.position.offset + 1}));
    EXPECT_GE(edited->time, second.time);
    ASSERT_TRUE(bob.conversations().react("room:tea", first.position, "up"));
    ASSERT_TRUE(ann.conversations().react("room:tea", first.position, "up"));
    ASSERT_TRUE(bob.conversations().react("room:tea", second.position, "heart"));
    ASSERT_TRUE(ann.conversations().unreact("room:tea", first.position, "up"));
    ASSERT_TRUE(ann.conversations().delete_message("room:tea", second.position));

    for (Events* const at : {&at_ann, &at_bob}) {
        ASSERT_TRUE(hears_change(*at, What::deleted, second.position.offset));
        std::vector<std::string> heard = texts(*at);
        std::erase_if(
            heard, [](const std::string& each) { return each.find("3") == each.npos && each.find("4") == each.npos; });
        EXPECT_THAT(heard, ElementsAre("ann edited 3: hello", "bob reaction_added 3: up", "ann reaction_added 3: up",
                                       "bob reaction_added 4: heart", "ann reaction_removed 3: up", "ann deleted 4: "));
    }
    const auto changes = at_bob.all<event::MessageChanged>();
    EXPECT_EQ(changes[0].type, "better");
    EXPECT_EQ(changes[0].payload, "hello");
    EXPECT_EQ(changes[0].by, "ann");
    EXPECT_EQ(changes[0].stored.position, edited->position);
    EXPECT_EQ(changes[1].reaction, "up");
    EXPECT_THAT(shown(ann, "room:tea"), ElementsAre("3 ann: hello (edited) up1", "4 ann: (deleted)"));
    EXPECT_THAT(shown(bob, "room:tea"), ElementsAre("3 ann: hello (edited) up1*", "4 ann: (deleted)"));
    const auto page = bob.conversations().history("room:tea");
    EXPECT_EQ(page->entries[2].type, "better");
    EXPECT_EQ(page->entries[2].changed_at, edited->position.offset);
    EXPECT_EQ(page->entries[3].id, at_ann.all<event::MessageSent>()[1].message_id) << "its place and its id stay";
}

TEST_F(MessageChanges, LeaveWhoWasAwayAsThoseWhoWereThere) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    make_open_room(ann);
    join(bob);
    const Position begin{ann.conversations().get("room:tea")->head.epoch, 1};
    const StoredAt first = say(ann, "room:tea", "one");
    const StoredAt second = say(ann, "room:tea", "secret");
    const StoredAt third = say(ann, "room:tea", "three");
    ASSERT_TRUE(ann.conversations().edit_message("room:tea", second.position, text("still secret")));
    ASSERT_TRUE(ann.conversations().edit_message("room:tea", first.position, text("uno")));
    ASSERT_TRUE(ann.conversations().react("room:tea", third.position, "up"));
    ASSERT_TRUE(ann.conversations().delete_message("room:tea", second.position));
    (void)subscribe(bob, "room:tea", SubscribeOptions().with_after(begin));
    ASSERT_TRUE(hears_change(at_bob, What::deleted, second.position.offset));
    const std::vector<std::string> heard = texts(at_bob);
    EXPECT_THAT(heard, ElementsAre("membership", "ann: uno", "ann: ", "ann: three", "ann edited 4: ",
                                   "ann edited 3: uno", "ann reaction_added 5: up", "ann deleted 4: "));
    EXPECT_TRUE(at_bob.all<event::MessageChanged>()[0].deleted) << "its text is gone";
    for (const std::string& each : heard) EXPECT_EQ(each.find("secret"), each.npos) << each;
}

// ---- what is refused leaves no entry ----

class RefusedChanges : public MessageChanges {
protected:
    RefusedChanges() {
        make_open_room(ann);
        join(bob);
        anns = say(ann, "room:tea", "by ann").position;
        bobs = say(bob, "room:tea", "by bob").position;
        last = bobs.offset;
    }
    ~RefusedChanges() override {
        const auto now = ann.conversations().get("room:tea");
        EXPECT_TRUE(now && now->head.last == last) << "something was written";
    }

    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Conversations& calls = bob.conversations();
    Position anns;
    Position bobs;
    std::uint64_t last = 0;
};

TEST_F(RefusedChanges, AnEditOfTheMessageOfSomebodyElse) {
    const auto edited = calls.edit_message("room:tea", anns, text("mine"));
    EXPECT_EQ(refused(edited), errc::forbidden);
    EXPECT_EQ(edited.error().text, "only its sender edits a message: send one of your own");
    EXPECT_EQ(refused(calls.delete_message("room:tea", anns)), errc::forbidden);
}

TEST_F(RefusedChanges, OfWhatWasDeleted) {
    ASSERT_TRUE(calls.delete_message("room:tea", bobs));
    ++last;
    EXPECT_EQ(refused(calls.edit_message("room:tea", bobs, text("again"))), errc::history_pruned);
    EXPECT_EQ(refused(calls.delete_message("room:tea", bobs)), errc::history_pruned);
    EXPECT_EQ(refused(calls.react("room:tea", bobs, "up")), errc::history_pruned);
    EXPECT_EQ(refused(calls.unreact("room:tea", bobs, "up")), errc::history_pruned);
}

TEST_F(RefusedChanges, InALogOfAnotherEpoch) {
    const Position other{bobs.epoch + 1, bobs.offset};
    EXPECT_EQ(refused(calls.edit_message("room:tea", other, text("x"))), errc::epoch_changed);
    EXPECT_EQ(refused(calls.delete_message("room:tea", other)), errc::epoch_changed);
    EXPECT_EQ(refused(calls.react("room:tea", other, "up")), errc::epoch_changed);
    EXPECT_TRUE(calls.react("room:tea", {0, bobs.offset}, "up")) << "in whichever log";
    ++last;
}

TEST_F(RefusedChanges, OfAnOffsetBeyondTheHeadOrOfNoMessage) {
    for (const std::uint64_t offset : {last + 1, std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
        EXPECT_EQ(refused(calls.edit_message("room:tea", {0, offset}, text("x"))), errc::forbidden) << offset;
        EXPECT_EQ(refused(calls.delete_message("room:tea", {0, offset})), errc::forbidden) << offset;
        EXPECT_EQ(refused(calls.react("room:tea", {0, offset}, "up")), errc::forbidden) << offset;
    }
}

TEST_F(RefusedChanges, AReactionThatIsTooLongOrNoLine) {
    for (const std::string& key : {std::string(), std::string(65, 'k'), std::string("\xff"), std::string("two\nlines")})
        EXPECT_EQ(refused(calls.react("room:tea", anns, key)), errc::invalid_name) << key;
}

TEST_F(RefusedChanges, AnEditThatIsTooLarge) {
    EXPECT_EQ(refused(calls.edit_message("room:tea", bobs, text(std::string(64 * 1024 + 1, 'x')))),
              errc::message_too_large);
    EXPECT_EQ(refused(calls.edit_message("room:tea", bobs, text(std::string(256 * 1024, 'x')))),
              errc::message_too_large);
}

TEST_F(RefusedChanges, ByAStranger) {
    Client eve = user(server.websocket_addr(), "eve", at_eve);
    EXPECT_EQ(refused(eve.conversations().react("room:tea", anns, "up")), errc::unknown_conversation);
    EXPECT_EQ(refused(eve.conversations().react("ann", {0, 1}, "up")), errc::unknown_conversation)
        << "nobody has written yet";
}

TEST_F(RefusedChanges, TheFourthReactionOfAUser) {
    for (const char* const key : {"a", "b", "c"}) ASSERT_TRUE(calls.react("room:tea", anns, key));
    last += 3;
    const auto fourth = calls.react("room:tea", anns, "d");
    EXPECT_EQ(refused(fourth), errc::too_many_reactions);
    EXPECT_NE(fourth.error().text.find("take one of yours back"), std::string::npos) << fourth.error().text;
}

TEST_F(RefusedChanges, TheTwentyFirstKey) {
    std::vector<std::string> names;
    for (int i = 0; i < 7; ++i) names.push_back("user" + std::to_string(i));
    int given = 0;
    for (const std::string& name : names) {
        Events nobody;
        Client other = user(server.websocket_addr(), name, nobody);
        join(other);
        ++last;
        for (int i = 0; i < 3 && given < 20; ++i, ++given, ++last)
            ASSERT_TRUE(other.conversations().react("room:tea", anns, "key" + std::to_string(given)));
    }
    EXPECT_EQ(refused(calls.react("room:tea", anns, "key20")), errc::too_many_reactions);
    EXPECT_TRUE(calls.react("room:tea", anns, "key0")) << "it is one of the twenty";
    ++last;
}

TEST_F(MessageChanges, OfWhatAMemberMayNotReadAreRefused) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    const Position before = say(ann, "room:tea", "before bob came").position;
    ASSERT_TRUE(ann.conversations().add_members("room:tea", {"bob"}, MemberRole::moderator));
    EXPECT_EQ(refused(bob.conversations().react("room:tea", before, "up")), errc::forbidden);
    EXPECT_EQ(refused(bob.conversations().delete_message("room:tea", before)), errc::forbidden);
    const Position after = say(ann, "room:tea", "after").position;
    EXPECT_TRUE(bob.conversations().delete_message("room:tea", after)) << "moderators do";
}

TEST_F(MessageChanges, ThatChangeNothingSucceedAndLeaveNoEntry) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    const Position at = say(ann, "room:tea", "text").position;
    Conversations& calls = ann.conversations();
    const auto given = calls.react("room:tea", at, "a");
    ASSERT_TRUE(given);
    for (const auto& done : {calls.react("room:tea", at, "a"), calls.unreact("room:tea", at, "never given")}) {
        ASSERT_TRUE(done) << done.error().text;
        EXPECT_EQ(done->position, given->position) << "the end of the log";
    }
    EXPECT_EQ(calls.get("room:tea")->head.last, given->position.offset);
    EXPECT_THAT(shown(ann, "room:tea"), ElementsAre("2 ann: text a1*"));
}

TEST_F(MessageChanges, AMessageIsEditedAHundredTimes) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    const Position at = say(ann, "room:tea", "0").position;
    for (int i = 1; i <= 100; ++i)
        ASSERT_TRUE(ann.conversations().edit_message("room:tea", at, text(std::to_string(i)))) << i;
    EXPECT_EQ(refused(ann.conversations().edit_message("room:tea", at, text("101"))), errc::too_many_edits);
    const auto page = ann.conversations().history("room:tea", HistoryQuery::before(3));
    ASSERT_TRUE(page);
    EXPECT_THAT(shown(page->entries), ElementsAre("2 ann: 100 (edited)"));
}

TEST_F(MessageChanges, WorkInDirectConversations) {
    Server server = started(storing());
    Client ann = connected(client_of(server.websocket_addr(), "ann", at_ann).sync_conversations(true));
    Client bob = connected(client_of(server.websocket_addr(), "bob", at_bob).sync_conversations(true));
    ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
    ASSERT_TRUE(at_bob.wait_for<event::ConversationsSynced>());
    const StoredAt first = say(ann, "bob", "helo");
    ASSERT_TRUE(at_bob.wait_for<event::MessageReceived>());
    const auto unread = [&] {
        const auto list = bob.conversations().list();
        return list && list->size() == 1 ? list->front().mark.unread : 99;
    };
    ASSERT_TRUE(ann.conversations().edit_message("bob", first.position, text("hello")));
    ASSERT_TRUE(hears_change(at_bob, What::edited, first.position.offset));
    EXPECT_EQ(at_bob.all<event::MessageChanged>()[0].conversation, "ann");
    const auto listed = bob.conversations().list();
    EXPECT_THAT(shown(listed->front().entries), ElementsAre("1 ann: hello (edited)"));
    EXPECT_EQ(unread(), 1u);
    ASSERT_TRUE(bob.conversations().react("ann", first.position, "up"));
    ASSERT_TRUE(hears_change(at_ann, What::reaction_added, first.position.offset));
    EXPECT_THAT(shown(ann.conversations().list()->front().entries), ElementsAre("1 ann: hello (edited) up1"));
    ASSERT_TRUE(ann.conversations().delete_message("bob", first.position));
    ASSERT_TRUE(hears_change(at_bob, What::deleted, first.position.offset));
    EXPECT_THAT(shown(bob.conversations().list()->front().entries), ElementsAre("1 ann: (deleted)"));
    EXPECT_EQ(unread(), 0u);
}

TEST_F(MessageChanges, AreInTheListOfWhoComesBack) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    {
        Events nobody;
        user(server.websocket_addr(), "bob", nobody).disconnect();
        user(server.websocket_addr(), "eve", nobody).disconnect();
    }
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_members({"bob", "eve"})));
    const Position first = say(ann, "room:tea", "one").position;
    const Position second = say(ann, "room:tea", "two").position;
    ASSERT_TRUE(ann.conversations().edit_message("room:tea", first, text("uno")));
    ASSERT_TRUE(ann.conversations().delete_message("room:tea", second));
    ASSERT_TRUE(ann.conversations().react("room:tea", first, "up"));
    Client bob = connected(client_of(server.websocket_addr(), "bob", at_bob).sync_conversations(true));
    ASSERT_TRUE(at_bob.wait_for<event::ConversationsSynced>());
    const auto list = bob.conversations().list();
    ASSERT_TRUE(list && list->size() == 1);
    EXPECT_THAT(shown(list->front().entries), ElementsAre("2 ann: uno (edited) up1", "3 ann: (deleted)"));
    EXPECT_EQ(list->front().mark.unread, 1u) << "what was deleted is not";
    ASSERT_TRUE(bob.conversations().react("room:tea", first, "up"));
    ASSERT_TRUE(hears_change(at_bob, What::reaction_added, first.offset, "bob"));
    EXPECT_THAT(shown(bob.conversations().list()->front().entries),
                ElementsAre("2 ann: uno (edited) up2*", "3 ann: (deleted)"));
    // What is the same for others is encoded once, and whose a reaction is is not.
    Client eve = connected(client_of(server.websocket_addr(), "eve", at_eve).sync_conversations(true));
    ASSERT_TRUE(at_eve.wait_for<event::ConversationsSynced>());
    EXPECT_THAT(shown(eve.conversations().list()->front().entries),
                ElementsAre("2 ann: uno (edited) up2", "3 ann: (deleted)"));
}

TEST_F(MessageChanges, KeepTheirPlaceAmongMessagesAndAreMadeOnce) {
    Server server = started(storing());
    Proxy proxy(server.websocket_addr());
    Client ann = connected(client_of(proxy.address(), "ann", at_ann).reconnect_delay(50ms));
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    const Position at = say(ann, "room:tea", "text").position;
    std::uint64_t last = at.offset;
    for (int round = 0; round < 20; ++round) {
        std::thread cutter([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(137 * round));
            proxy.reset();
        });
        ASSERT_TRUE(ann.post_message("room:tea", numbered(round)));
        const auto edited = ann.conversations().edit_message("room:tea", at, text("edit " + std::to_string(round)));
        cutter.join();
        ASSERT_TRUE(edited) << round << ": " << edited.error().text;
        EXPECT_EQ(edited->position.offset, last + 2) << "behind its message, and once";
        last = edited->position.offset;
        const auto given = ann.conversations().react("room:tea", at, "up");
        ASSERT_TRUE(given) << round;
        const auto taken = ann.conversations().unreact("room:tea", at, "up");
        ASSERT_TRUE(taken) << round;
        last = taken->position.offset;
    }
    EXPECT_EQ(ann.conversations().get("room:tea")->head.last, last);
}

TEST_F(MessageChanges, EditsAreAskedOfThePolicyAsMessagesAre) {
    Server server =
        started(storing().with_delivery_policy([](std::string_view, std::string_view, const Message& message) {
            return message.payload.str().find("rude") == std::string::npos;
        }));
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    const Position at = say(ann, "room:tea", "kind").position;
    EXPECT_EQ(refused(ann.conversations().edit_message("room:tea", at, text("rude"))), errc::forbidden);
    EXPECT_TRUE(ann.conversations().edit_message("room:tea", at, text("kinder")));
    EXPECT_TRUE(ann.conversations().delete_message("room:tea", at));
}

TEST_F(MessageChanges, ThatAreInTheCacheAreThereWithoutAServer) {
    std::optional<Server> server(started(storing()));
    Client ann = user(server->websocket_addr(), "ann", at_ann);
    Client bob = connected(client_of(server->websocket_addr(), "bob", at_bob).cache_file(folder.path("bob.cache")));
    gather({&ann, &bob});
    const Position first = say(ann, "room:tea", "one").position;
    const Position second = say(ann, "room:tea", "two").position;
    ASSERT_TRUE(bob.conversations().react("room:tea", first, "up"));
    ASSERT_TRUE(ann.conversations().edit_message("room:tea", first, text("uno")));
    ASSERT_TRUE(ann.conversations().delete_message("room:tea", second));
    ASSERT_TRUE(hears_change(at_bob, What::deleted, second.offset));
    ann.disconnect();
    bob.disconnect();
    server.reset();
    const auto page = bob.conversations().history("room:tea");
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_TRUE(page->from_cache);
    EXPECT_THAT(shown(page->entries), ElementsAre("3 ann: uno (edited) up1*", "4 ann: (deleted)"));
}

TEST_F(MessageChanges, ForCoroutinesAreTheSame) {
    boost::asio::io_context context;  // it outlives the client
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    const Position at = say(ann, "room:tea", "text").position;
    const auto run = [&context](auto task) {
        context.restart();
        auto result = boost::asio::co_spawn(context, std::move(task), boost::asio::use_future);
        context.run();
        return result.get();
    };
    Conversations& calls = ann.conversations();
    EXPECT_EQ(run(calls.async_edit_message("room:tea", at, text("edited")))->position.offset, 3u);
    EXPECT_EQ(run(calls.async_react("room:tea", at, "up"))->position.offset, 4u);
    EXPECT_EQ(run(calls.async_unreact("room:tea", at, "up"))->position.offset, 5u);
    EXPECT_EQ(run(calls.async_delete_message("room:tea", at))->position.offset, 6u);
    EXPECT_THAT(shown(ann, "room:tea"), ElementsAre("2 ann: (deleted)"));
}

}  // namespace
}  // namespace flare::test
