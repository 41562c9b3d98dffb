// A server with a store, over real sockets and a real file.
#include "conversations/storing.hpp"
#include "integration/http_get.hpp"
#include "store/sqlite/sqlite.hpp"

#include <filesystem>
#include <fstream>

namespace flare::test {
namespace {

class StoredConversations : public ::testing::Test {
protected:
    ServerBuilder builder() const { return quiet_server().store(sqlite(file())); }
    std::string file() const { return folder.path("flare.db"); }
    // Texts of the log, which has no holes. No server may use it.
    std::vector<std::string> log(const std::string& one, const std::string& other) const {
        std::vector<std::string> texts;
        const auto engine = store::sqlite::open({.path = file()});
        EXPECT_TRUE(engine) << engine.error().text;
        if (!engine) return texts;
        const auto reader = (*engine)->reader();
        const auto conversation = *reader->conversation(model::ConversationKey::direct(one, other));
        if (!conversation) return texts;
        store::PageRequest request;
        request.conversation = conversation->row;
        request.from = 1;
        request.direction = store::Direction::forward;
        request.limit = 10'000;
        request.bytes = 1u << 30;
        const auto page = reader->page(request);
        EXPECT_TRUE(page);
        for (const store::Entry& entry : page->entries) {
            EXPECT_EQ(entry.offset, texts.size() + 1) << "a hole";
            texts.push_back(entry.payload);
        }
        return texts;
    }
    // Somebody of that name has been here.
    static void visit(const Server& server, const std::string& user) {
        Events events;
        known(connected(client_of(server.websocket_addr(), user, events))).disconnect();
    }

    Folder folder;
};

TEST_F(StoredConversations, KeepWhatIsSentToAUserWhoIsOffline) {
    Server server = started(builder());
    visit(server, "bob");
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    for (const std::string& number : numbers(0, 50))
        EXPECT_TRUE(ann.send_text_message("bob", number).success) << number;
    ann.disconnect();
    server.stop();
    EXPECT_EQ(log("ann", "bob"), numbers(0, 50));
}

TEST_F(StoredConversations, GoOnAfterARestart) {
    for (int round = 0; round < 3; ++round) {
        Server server = started(builder());
        visit(server, "bob");
        Events events;
        Client ann = connected(client_of(server.websocket_addr(), "ann", events));
        for (const std::string& number : numbers(10 * round, 10 * (round + 1)))
            EXPECT_TRUE(ann.send_text_message("bob", number).success) << number;
        ann.disconnect();
        server.stop();
    }
    EXPECT_EQ(log("bob", "ann"), numbers(0, 30));
}

TEST_F(StoredConversations, ReachWhoIsConnectedAndRefuseWhoIsUnknown) {
    Server server = started(builder());
    Events at_bob;
    Events at_ann;
    Client bob = known(connected(client_of(server.websocket_addr(), "bob", at_bob)));
    Client ann = connected(client_of(server.websocket_addr(), "ann", at_ann));
    EXPECT_TRUE(ann.send_text_message("bob", "hello").success);
    EXPECT_TRUE(at_bob.wait_for<event::MessageReceived>());
    EXPECT_EQ(ann.send_text_message("nobody", "hello").error, errc::unknown_target);
    EXPECT_EQ(ann.send_text_message("room:tea", "hello").error, errc::unknown_conversation);
    EXPECT_TRUE(ann.send_text_message("server", "hello").success);
}

TEST_F(StoredConversations, KeepWhatWasCompressedAsItCanBeRead) {
    Server server = started(builder().compression(true));
    visit(server, "bob");
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events).compression(true));
    EXPECT_TRUE(ann.send_text_message("bob", std::string(20'000, 'x')).success);
    ann.disconnect();
    server.stop();
    const auto stored = log("ann", "bob");
    ASSERT_EQ(stored.size(), 1u);
    EXPECT_LT(stored.front().size(), 1000u) << "it came compressed, and stays so";
}

TEST_F(StoredConversations, AreToldOfInFiguresAndInWelcome) {
    Server server = started(builder().admin_addr("127.0.0.1:0").conversation_limits({.max_payload_bytes = 1000}));
    visit(server, "bob");
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    EXPECT_EQ(ann.get_connection_stats().durability, Durability::commit);
    EXPECT_TRUE(ann.send_text_message("bob", "one").success);
    EXPECT_TRUE(ann.send_text_message("bob", std::string(1000, 'x')).success);
    EXPECT_EQ(ann.send_text_message("bob", std::string(1001, 'x')).error, errc::message_too_large);
    const auto stats = server.stats();
    ASSERT_TRUE(stats);
    const StoreStats& store = stats->store;
    EXPECT_EQ(store.engine, "sqlite");
    EXPECT_EQ(store.file, file());
    EXPECT_EQ(store.durability, Durability::commit);
    EXPECT_EQ(store.state, errc::ok);
    EXPECT_NE(store.generation, 0u);
    EXPECT_EQ(store.schema, 9u);
    EXPECT_GT(store.bytes, 0u);
    EXPECT_GT(store.free_bytes, 0u);
    EXPECT_EQ(store.appends, 2u);
    EXPECT_GE(store.changes, 3u) << "two users and their conversation";
    EXPECT_GE(store.commits, 4u);
    EXPECT_GT(store.commit_p99.count(), 0);
    const auto sum = [](const StoreStats::Histogram& histogram) {
        std::uint64_t all = 0;
        for (const auto& [upto, count] : histogram.buckets) all += count;
        return all;
    };
    EXPECT_EQ(sum(store.commit_seconds), store.commits);
    EXPECT_EQ(sum(store.commit_writes), store.commits);
    const std::string json = http_get(server.admin_addr(), "/stats");
    EXPECT_NE(json.find(R"("store":{"engine":"sqlite","file":")" + file()), std::string::npos) << json;
    EXPECT_NE(json.find(R"("durability":"commit")"), std::string::npos) << json;
    EXPECT_NE(http_get(server.admin_addr(), "/metrics").find("\nflare_store_appends_total 2\n"), std::string::npos);
}

TEST_F(StoredConversations, AreNotThereWithoutAStore) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    EXPECT_EQ(ann.get_connection_stats().durability, Durability::none);
    EXPECT_EQ(server.stats()->store.engine, "");
    EXPECT_NE(http_get(server.admin_addr(), "/stats").find(R"("store":null)"), std::string::npos);
}

TEST_F(StoredConversations, AreBackedUpWhileTheServerRunsAndRestoredWhenItDoesNot) {
    Server server = started(builder());
    visit(server, "bob");
    Events events;
    {
        Client ann = connected(client_of(server.websocket_addr(), "ann", events));
        EXPECT_TRUE(ann.send_text_message("bob", "before").success);
        const auto copied = back_up_store(file(), folder.path("backup.db"));
        ASSERT_TRUE(copied) << copied.error().text;
        EXPECT_EQ(copied->entries, 1u);
        EXPECT_EQ(copied->users, 2u);
        EXPECT_TRUE(ann.send_text_message("bob", "after").success);
        ann.disconnect();
    }
    EXPECT_EQ(check_store(file()).error().code, errc::store_in_use);
    EXPECT_EQ(restore_store(folder.path("backup.db"), file(), {.replace = true}).error().code, errc::store_in_use);
    server.stop();
    EXPECT_EQ(check_store(file())->fault_count, 0u);
    EXPECT_EQ(log("ann", "bob"), (std::vector<std::string>{"before", "after"}));
    ASSERT_TRUE(restore_store(folder.path("backup.db"), file(), {.replace = true}));
    EXPECT_EQ(log("ann", "bob"), std::vector<std::string>{"before"});
}

TEST_F(StoredConversations, BelongToOneServerAtATime) {
    Server server = started(builder());
    auto second = builder().build();
    ASSERT_TRUE(second);
    const auto begun = second->start();
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, errc::store_in_use);
    server.stop();
    EXPECT_TRUE(second->start()) << "the first has gone";
}

TEST_F(StoredConversations, OfANewerVersionAreLeftAlone) {
    {
        Server server = started(builder());
        visit(server, "bob");
        server.stop();
    }
    // SQLite's file format, section 1.3: the user version.
    std::fstream changed(file(), std::ios::in | std::ios::out | std::ios::binary);
    changed.seekp(60);
    changed.write("\0\0\0\x63", 4);
    changed.close();
    ASSERT_TRUE(changed);
    const auto size = std::filesystem::file_size(file());
    auto server = builder().build();
    ASSERT_TRUE(server);
    const auto begun = server->start();
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, errc::store_too_new);
    EXPECT_NE(begun.error().text.find(file()), std::string::npos) << begun.error().text;
    EXPECT_EQ(std::filesystem::file_size(file()), size);
}

TEST_F(StoredConversations, WantAFolderThatExists) {
    auto server = quiet_server().store(sqlite(folder.path("missing/flare.db"))).build();
    ASSERT_TRUE(server);
    const auto begun = server->start();
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, errc::file_not_found);
    EXPECT_NE(begun.error().text.find("missing"), std::string::npos) << begun.error().text;
}

}  // namespace
}  // namespace flare::test
