// Clients whose conversations and outbox survive the end of their process, against a server with a store.
#include "conversations/storing.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <optional>

namespace flare::test {
namespace {

// An application of its own, until it is killed.
class PostingProcess {
public:
    PostingProcess(const std::string& address, const std::string& cache, const std::string& count, const char* how) {
        int out[2];
        if (::pipe(out) != 0) return;
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(out[1], STDOUT_FILENO);
            ::close(out[0]);
            ::close(out[1]);
            ::execl(FLARE_KEPT_CLIENT, "kept_client", address.c_str(), cache.c_str(), "ann", "bob", count.c_str(), how,
                    nullptr);
            ::_exit(127);
        }
        ::close(out[1]);
        lines_ = out[0];
    }
    ~PostingProcess() { (void)kill(); }
    PostingProcess(const PostingProcess&) = delete;
    PostingProcess& operator=(const PostingProcess&) = delete;

    // How many it has posted, when there are `count`, or it has ended.
    int posted(int count) {
        for (char each = 0; lines_read_ < count && ::read(lines_, &each, 1) == 1;) lines_read_ += each == '\n' ? 1 : 0;
        return lines_read_;
    }
    // How many it had posted at last.
    int kill() {
        if (pid_ <= 0) return lines_read_;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
        (void)posted(INT32_MAX);
        ::close(lines_);
        return lines_read_;
    }

private:
    pid_t pid_ = 0;
    int lines_ = -1;
    int lines_read_ = 0;
};

class CachedConversations : public ::testing::Test {
protected:
    ServerBuilder storing(const std::string& address = "127.0.0.1:0") const {
        return with_store(quiet_server().websocket_addr(address), folder);
    }
    ClientBuilder ann(const std::string& address, Events& events) const {
        return client_of(address, "ann", events).reconnect_delay(50ms).cache_file(cache);
    }
    // All messages of a conversation, as the server has them.
    static std::vector<std::string> log(Client& client, const std::string& conversation) {
        std::vector<std::string> all;
        std::uint64_t after = 0;
        for (bool more = true; more;) {
            const auto page = client.conversations().history(conversation, HistoryQuery::after(after, 200));
            EXPECT_TRUE(page) << page.error().text;
            if (!page || page->entries.empty()) break;
            EXPECT_FALSE(page->from_cache);
            for (std::string& text : texts_of(*page)) all.push_back(std::move(text));
            after = page->entries.back().offset;
            more = page->more;
        }
        return all;
    }
    static std::vector<std::string> received(Events& events) {
        std::vector<std::string> all;
        for (const auto& each : events.all<event::MessageReceived>()) all.push_back(each.message.payload.str());
        return all;
    }
    static bool hears(Events& events, const std::string& text) {
        return eventually([&] {
            const auto all = received(events);
            return std::find(all.begin(), all.end(), text) != all.end();
        });
    }

    const Folder folder;
    const std::string cache = folder.path("ann.cache");
    Events at_ann, at_bob;
};

TEST_F(CachedConversations, WhatWasPostedOfflineIsSentByTheNextRunOnceAndInOrder) {
    std::optional<Server> server(started(storing()));
    const std::string address = server->websocket_addr();
    Client bob = user(address, "bob", at_bob);
    bob.disconnect();
    server->stop();
    server.reset();

    PostingProcess application(address, cache, "5", "offline");
    EXPECT_EQ(application.posted(5), 5);
    EXPECT_EQ(application.kill(), 5);

    server.emplace(started(storing(address)));
    {
        auto client = ann(address, at_ann).build();
        ASSERT_TRUE(client) << client.error().text;
        EXPECT_EQ(client->get_message_queue_length(), 5u);
        ASSERT_TRUE(client->connect());
        ASSERT_TRUE(client->post_message("bob", Message("text", Bytes("5"))));
        ASSERT_TRUE(at_ann.wait_for<event::MessageSent>(6));
        EXPECT_EQ(log(*client, "bob"), numbers(0, 6));
        client->disconnect();
    }
    at_ann.clear();
    Client again = connected(ann(address, at_ann));
    EXPECT_EQ(again.get_message_queue_length(), 0u) << "what has its outcome is not sent once more";
    EXPECT_EQ(log(again, "bob"), numbers(0, 6));
}

TEST_F(CachedConversations, AKilledApplicationLosesAndRepeatsNothing) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    Client bob = user(address, "bob", at_bob);
    // Each run posts some, is killed with some of them on their way, and the next one begins with what is left.
    int posted = 0;
    for (const int count : {20, 45}) {
        PostingProcess application(address, cache, "400", "connect");
        ASSERT_GE(application.posted(count), count);
        posted += application.kill();
    }
    Client client = connected(ann(address, at_ann));
    ASSERT_TRUE(eventually([&] { return client.get_message_queue_length() == 0; }));
    const auto all = log(client, "bob");
    EXPECT_TRUE(at_ann.all<event::MessageFailed>().empty());
    // Each run counts from 0: two ascending rows, each without a hole.
    std::vector<std::size_t> ends;
    int expected = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i] == "0" && i != 0) {
            ends.push_back(i);
            expected = 0;
        }
        ASSERT_EQ(all[i], std::to_string(expected++)) << "at " << i;
    }
    EXPECT_EQ(ends.size(), 1u);
    EXPECT_GE(all.size(), static_cast<std::size_t>(posted)) << "what post_message() has accepted is sent";
    EXPECT_LE(all.size(), static_cast<std::size_t>(posted) + 2) << "and perhaps one a run that it was about to accept";
}

TEST_F(CachedConversations, PostedMessagesOutliveDisconnectAndFailedConnects) {
    std::optional<Server> server(started(storing()));
    const std::string address = server->websocket_addr();
    Client bob = user(address, "bob", at_bob);
    bob.disconnect();
    server->stop();
    server.reset();
    {
        auto client = ann(address, at_ann).build();
        ASSERT_TRUE(client);
        ASSERT_TRUE(client->post_message("bob", Message("text", Bytes("0"))));
        EXPECT_FALSE(client->connect());
        ASSERT_TRUE(client->post_message("bob", Message("text", Bytes("1"))));
        client->disconnect();
        EXPECT_EQ(client->get_message_queue_length(), 2u);
        EXPECT_EQ(client->send_text_message("bob", "x").error, errc::not_connected) << "who waits is told";
        EXPECT_TRUE(at_ann.all<event::MessageFailed>().empty());
        ASSERT_TRUE(client->post_message("bob", Message("text", Bytes("2"))));
        EXPECT_EQ(client->clear_message_queue(), 3u);
        ASSERT_TRUE(client->post_message("bob", Message("text", Bytes("3"))));
    }
    server.emplace(started(storing(address)));
    Client client = connected(ann(address, at_ann));
    ASSERT_TRUE(at_ann.wait_for<event::MessageSent>());
    EXPECT_EQ(log(client, "bob"), std::vector<std::string>{"3"}) << "those that were cancelled are not in the cache";
}

TEST_F(CachedConversations, HistoryIsThereWithoutASession) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    Client bob = user(address, "bob", at_bob);
    {
        Client client = connected(ann(address, at_ann));
        make_open_room(client);
        ASSERT_TRUE(bob.conversations().join("room:tea"));
        const auto begun = client.conversations().subscribe("room:tea");
        ASSERT_TRUE(begun);
        EXPECT_FALSE(begun->continued);
        ASSERT_TRUE(bob.send_text_message("room:tea", "0").success);
        ASSERT_TRUE(client.send_text_message("room:tea", "1").success);
        ASSERT_TRUE(bob.send_text_message("room:tea", "2").success);
        ASSERT_TRUE(hears(at_ann, "2"));
        // A page that was read is kept, too.
        ASSERT_TRUE(bob.send_text_message("ann", "hello").success);
        ASSERT_TRUE(client.conversations().history("bob"));
        client.disconnect();
        const auto page = client.conversations().history("room:tea");
        ASSERT_TRUE(page) << page.error().text;
        EXPECT_TRUE(page->from_cache);
        EXPECT_EQ(texts_of(*page), numbers(0, 3));
    }
    server.stop();
    auto client = ann(address, at_ann).build();
    ASSERT_TRUE(client);
    const auto page = client->conversations().history("room:tea");
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_TRUE(page->from_cache);
    EXPECT_EQ(texts_of(*page), numbers(0, 3));
    EXPECT_EQ(page->entries[1].from, "ann") << "own messages, of which only a receipt has come";
    EXPECT_TRUE(page->more) << "what was written before the subscription";
    EXPECT_EQ(page->head.last, page->entries.back().offset);
    const auto direct = client->conversations().history("bob");
    ASSERT_TRUE(direct);
    EXPECT_EQ(texts_of(*direct), std::vector<std::string>{"hello"});
    const auto before = HistoryQuery::before(page->entries.front().offset);
    EXPECT_EQ(client->conversations().history("room:tea", before).error().code, errc::not_connected);
    EXPECT_EQ(client->conversations().history("room:soup").error().code, errc::not_connected);
}

TEST_F(CachedConversations, ASubscriptionGoesOnWhereTheLastRunWasTold) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    Client bob = user(address, "bob", at_bob);
    {
        Client client = connected(ann(address, at_ann));
        make_open_room(client);
        ASSERT_TRUE(bob.conversations().join("room:tea"));
        ASSERT_TRUE(client.conversations().subscribe("room:tea"));
        ASSERT_TRUE(bob.send_text_message("room:tea", "0").success);
        ASSERT_TRUE(hears(at_ann, "0"));
    }
    for (const char* text : {"1", "2", "3"}) ASSERT_TRUE(bob.send_text_message("room:tea", text).success);
    at_ann.clear();
    {
        Client client = connected(ann(address, at_ann));
        const auto begun = client.conversations().subscribe("room:tea");
        ASSERT_TRUE(begun);
        EXPECT_TRUE(begun->continued);
        EXPECT_FALSE(begun->gap);
        ASSERT_TRUE(hears(at_ann, "3"));
        EXPECT_EQ(received(at_ann), numbers(1, 4)) << "nothing is missing, nothing comes twice";
    }
    ASSERT_TRUE(bob.send_text_message("room:tea", "4").success);
    at_ann.clear();
    Client client = connected(ann(address, at_ann));
    const auto begun = client.conversations().subscribe("room:tea", SubscribeOptions().with_new_only());
    ASSERT_TRUE(begun);
    EXPECT_FALSE(begun->continued);
    ASSERT_TRUE(bob.send_text_message("room:tea", "5").success);
    ASSERT_TRUE(hears(at_ann, "5"));
    EXPECT_EQ(received(at_ann), std::vector<std::string>{"5"});
}

// The callback of the last entry had not returned when the application ended.
TEST_F(CachedConversations, WhatWasNotToldToItsEndIsToldAgain) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    Client bob = user(address, "bob", at_bob);
    {
        std::optional<Client> client;
        std::promise<void> inside;
        auto built = client_of(address, "ann", at_ann)
                         .cache_file(cache)
                         .with_event_callback([&](const Event& event) {
                             at_ann(event);
                             const auto* const got = std::get_if<event::MessageReceived>(&event);
                             if (got == nullptr || got->message.payload.str() != "1") return;
                             client.reset();  // in the callback
                             inside.set_value();
                         })
                         .build();
        ASSERT_TRUE(built);
        client.emplace(std::move(*built));
        ASSERT_TRUE(client->connect());
        make_open_room(*client);
        ASSERT_TRUE(bob.conversations().join("room:tea"));
        ASSERT_TRUE(client->conversations().subscribe("room:tea"));
        for (const char* text : {"0", "1", "2"}) ASSERT_TRUE(bob.send_text_message("room:tea", text).success);
        ASSERT_EQ(inside.get_future().wait_for(30s), std::future_status::ready);
    }
    at_ann.clear();
    std::optional<Client> client;
    ASSERT_TRUE(eventually([&] {  // the cache is closed behind the callback
        auto built = ann(address, at_ann).build();
        if (built) client.emplace(std::move(*built));
        return client.has_value();
    }));
    ASSERT_TRUE(client->connect());
    ASSERT_TRUE(client->conversations().subscribe("room:tea"));
    ASSERT_TRUE(hears(at_ann, "2"));
    const auto all = received(at_ann);
    EXPECT_TRUE(all == numbers(1, 3) || all == numbers(2, 3)) << "at least once: the client ended in its callback";
}

TEST_F(CachedConversations, TheListIsThereWithoutASessionAndGoesOnWhereItWas) {
    std::optional<Server> server(started(storing()));
    const std::string address = server->websocket_addr();
    Client bob = user(address, "bob", at_bob);
    const auto listing = [&] { return ann(address, at_ann).sync_conversations(true); };
    {
        Client client = connected(listing());
        make_open_room(client);
        ASSERT_TRUE(bob.conversations().join("room:tea"));
        ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
        ASSERT_TRUE(bob.send_text_message("room:tea", "0").success);
        ASSERT_TRUE(bob.send_text_message("ann", "hello").success);
        for (const char* const text : {"0", "hello"}) {
            ASSERT_TRUE(told_that(at_ann, [&](const ListedConversation& now) {
                return !now.entries.empty() && now.entries.back().payload.str() == text;
            }));
        }
    }
    bob.disconnect();
    server->stop();
    server.reset();
    {
        auto client = listing().build();
        ASSERT_TRUE(client) << client.error().text;
        const auto list = client->conversations().list();
        ASSERT_TRUE(list) << list.error().text;
        ASSERT_EQ(list->size(), 2u);
        EXPECT_EQ((*list)[0].about.name, "bob") << "newest activity first";
        EXPECT_EQ((*list)[0].mark.unread, 1u);
        EXPECT_EQ((*list)[1].about.name, "room:tea");
        EXPECT_EQ((*list)[1].about.role, MemberRole::owner);
        ASSERT_FALSE((*list)[1].entries.empty());
        EXPECT_EQ((*list)[1].entries.back().payload.str(), "0");
        EXPECT_EQ(texts_of(*client->conversations().history("bob")), std::vector<std::string>{"hello"});
    }
    server.emplace(started(storing(address)));
    ASSERT_TRUE(bob.connect());
    ASSERT_TRUE(bob.send_text_message("room:tea", "1").success);
    ASSERT_TRUE(bob.send_text_message("room:tea", "2").success);
    at_ann.clear();
    Client client = connected(listing());
    ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
    ASSERT_TRUE(hears(at_ann, "2"));
    EXPECT_EQ(received(at_ann), numbers(1, 3)) << "what came while it was away, and nothing twice";
    ASSERT_TRUE(bob.send_text_message("ann", "there?").success);
    ASSERT_TRUE(hears(at_ann, "there?"));
    const auto list = client.conversations().list();
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 2u);
    EXPECT_EQ((*list)[0].about.name, "bob");
    EXPECT_EQ((*list)[0].mark.unread, 2u);
}

// It ended between what the list said and what the application was told: more was missed than a page has.
TEST_F(CachedConversations, WhatTheListHasAndWasNotToldIsToldByTheNextRun) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    Client bob = user(address, "bob", at_bob);
    {
        Client client = connected(ann(address, at_ann).sync_conversations(true));
        make_open_room(client);
        ASSERT_TRUE(bob.conversations().join("room:tea"));
        ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
        ASSERT_TRUE(bob.send_text_message("room:tea", "0").success);
        ASSERT_TRUE(hears(at_ann, "0"));
    }
    {
        // Of this run the application hears what the list is, and ends before it hears the messages.
        for (const std::string& text : numbers(1, 31)) ASSERT_TRUE(bob.send_text_message("room:tea", text).success);
        std::promise<void> listed;
        std::promise<void> ended;
        bool first = true;
        auto wait = ended.get_future().share();
        auto client = client_of(address, "ann", at_ann)
                          .sync_conversations(true)
                          .cache_file(cache)
                          .with_event_callback([&](const Event& event) {
                              const auto* const changed = std::get_if<event::ConversationChanged>(&event);
                              if (changed == nullptr || !std::exchange(first, false)) return;
                              listed.set_value();
                              wait.wait_for(2s);
                          })
                          .build();
        ASSERT_TRUE(client);
        ASSERT_TRUE(client->connect());
        ASSERT_EQ(listed.get_future().wait_for(30s), std::future_status::ready);
        // The client is destroyed while the callback runs: nothing behind it is told.
        std::thread release([&] {
            std::this_thread::sleep_for(300ms);
            ended.set_value();
        });
        { const Client gone = std::move(*client); }
        release.join();
    }
    at_ann.clear();
    Client client = connected(ann(address, at_ann).sync_conversations(true));
    ASSERT_TRUE(at_ann.wait_for<event::ConversationsSynced>());
    ASSERT_TRUE(hears(at_ann, "30"));
    EXPECT_EQ(received(at_ann), numbers(1, 31));
}

TEST_F(CachedConversations, OfARestoredServerOnlyWhatItHasIsShown) {
    std::optional<Server> server(started(storing()));
    const std::string address = server->websocket_addr();
    Client bob = user(address, "bob", at_bob);
    {
        Client client = connected(ann(address, at_ann));
        make_open_room(client);
        ASSERT_TRUE(bob.conversations().join("room:tea"));
        ASSERT_TRUE(client.conversations().subscribe("room:tea"));
        ASSERT_TRUE(bob.send_text_message("room:tea", "0").success);
        ASSERT_TRUE(back_up_store(folder.path("flare.db"), folder.path("backup.db")));
        ASSERT_TRUE(bob.send_text_message("room:tea", "1").success);
        ASSERT_TRUE(hears(at_ann, "1"));
    }
    bob.disconnect();
    server->stop();
    server.reset();
    ASSERT_TRUE(restore_store(folder.path("backup.db"), folder.path("flare.db"), {.replace = true}));
    server.emplace(started(storing(address)));
    ASSERT_TRUE(bob.connect());
    ASSERT_TRUE(bob.send_text_message("room:tea", "2").success);
    at_ann.clear();
    Client client = connected(ann(address, at_ann));
    const auto begun = client.conversations().subscribe("room:tea");
    ASSERT_TRUE(begun);
    EXPECT_TRUE(begun->continued);
    ASSERT_TRUE(begun->gap);
    EXPECT_EQ(begun->gap->reason, HistoryGapReason::other_epoch);
    ASSERT_TRUE(bob.send_text_message("room:tea", "3").success);
    ASSERT_TRUE(hears(at_ann, "3"));
    client.disconnect();
    const auto page = client.conversations().history("room:tea");
    ASSERT_TRUE(page) << page.error().text;
    EXPECT_TRUE(page->from_cache);
    EXPECT_EQ(texts_of(*page), (std::vector<std::string>{"0", "2", "3"})) << "1 is in no log any more";
}

TEST_F(CachedConversations, ErrorsOfTheFileAreErrorsOfBuild) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    {
        auto first = ann(address, at_ann).build();
        ASSERT_TRUE(first);
        EXPECT_EQ(ann(address, at_ann).build().error().code, errc::cache_in_use);
    }
    EXPECT_EQ(client_of(address, "eve", at_bob).cache_file(cache).build().error().code, errc::cache_of_another_user);
    EXPECT_EQ(client_of(address, "ann", at_bob).cache_file(folder.path("no/where")).build().error().code,
              errc::file_not_found);
    folder.write("letter", "dear ann");
    EXPECT_EQ(client_of(address, "ann", at_bob).cache_file(folder.path("letter")).build().error().code,
              errc::invalid_config);
}

TEST_F(CachedConversations, ADamagedFileIsToldAndANewOneIsFilled) {
    Server server = started(storing());
    const std::string address = server.websocket_addr();
    Client bob = user(address, "bob", at_bob);
    { Client client = connected(ann(address, at_ann)); }
    folder.write("ann.cache", "SQLite format 3" + std::string(5000, 'x'));
    at_ann.clear();
    Client client = connected(ann(address, at_ann));
    ASSERT_TRUE(at_ann.wait_for<event::Error>(1));
    const auto errors = at_ann.all<event::Error>();
    EXPECT_EQ(errors[0].failure.code, errc::cache_damaged);
    EXPECT_NE(errors[0].failure.text.find(cache + ".damaged"), std::string::npos) << errors[0].failure.text;
    ASSERT_TRUE(bob.send_text_message("ann", "hello").success);
    ASSERT_TRUE(client.conversations().history("bob"));
    client.disconnect();
    EXPECT_EQ(texts_of(*client.conversations().history("bob")), std::vector<std::string>{"hello"});
}

}  // namespace
}  // namespace flare::test
