// Many sessions of one process on shared threads, sockets and files.
#include "integration/quic_harness.hpp"

#include <flare/session_pool.hpp>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

namespace flare::test {
namespace {

std::size_t entries(const char* folder) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(folder)) ++count;
    return count;
}

class Pool : public QuicHarness {
protected:
    ClientBuilder user(int number, EventCallback callback = {}) {
        Events unheard;
        ClientBuilder made = client_for(server, "user" + std::to_string(number), unheard);
        return made.with_event_callback(std::move(callback));
    }
    std::vector<std::shared_ptr<Client>> fill(SessionPool& pool, int count) {
        std::vector<std::shared_ptr<Client>> made;
        for (int i = 0; i < count; ++i) {
            auto client = pool.add(user(i, std::ref(events)));
            EXPECT_TRUE(client) << client.error().text;
            made.push_back(*client);
        }
        return made;
    }

    Server server = started(builder().with_message_handler(
        [](const SessionInfo&, const Message& message) { return Message("echo", message.payload); },
        Execution::worker));
};

TEST_F(Pool, HasAHundredSessionsOnFewThreadsAndFiles) {
    const std::size_t threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
    SessionPool pool({.io_threads = 2, .callback_threads = 2});
    const auto clients = fill(pool, 100);
    const auto warm = pool.warm_up();
    EXPECT_EQ(warm.connected, 100u);
    EXPECT_TRUE(warm.failed.empty());
    EXPECT_EQ(pool.size(), 100u);
    for (const auto& client : clients) EXPECT_TRUE(client->send_text_message("server", "hello").success);
    EXPECT_TRUE(events.wait_for<event::MessageReceived>(100));
    EXPECT_LE(entries("/proc/self/task"), threads + 4);
    EXPECT_LE(entries("/proc/self/fd"), files + 2 * 6) << "for each loop: Asio's three, netlink, a UDP socket twice";
    EXPECT_EQ(server.online_users()->size(), 100u);
}

TEST_F(Pool, WarmsUpWhomItCanAndTellsOfTheOthers) {
    SessionPool pool;
    const auto clients = fill(pool, 3);
    ASSERT_TRUE(pool.add(ClientBuilder("lost")
                             .server_addresses(ServerAddresses().with_websocket_url("ws://127.0.0.1:1"))
                             .auto_reconnect(false)));
    for (int i = 0; i < 2; ++i) {  // the second time nothing is left to do
        const auto warm = pool.warm_up();
        EXPECT_EQ(warm.connected, 3u);
        ASSERT_EQ(warm.failed.size(), 1u);
        EXPECT_EQ(warm.failed.at("lost").code, errc::connection_refused) << warm.failed.at("lost").text;
    }
    ASSERT_TRUE(events.wait_for<event::Connected>(3));
    EXPECT_EQ(events.all<event::Connected>().size(), 3u);
    EXPECT_EQ(events.all<event::Disconnected>().size(), 0u);
}

TEST_F(Pool, ConnectsAllThoughOnlySoManyAtOnce) {
    SessionPool pool({.connecting_at_once = 1});
    fill(pool, 5);
    EXPECT_EQ(pool.warm_up().connected, 5u);
    SessionPool none;
    EXPECT_EQ(none.warm_up().connected, 0u);
}

TEST_F(Pool, TellsEachSessionItsEventsInOrderAndOneAtATime) {
    constexpr int kSessions = 8, kMessages = 300;
    struct Told {
        std::atomic<bool> inside{false};
        std::atomic<int> next{0};
        std::atomic<bool> wrong{false};
    };
    std::vector<Told> told(kSessions);
    SessionPool pool({.callback_threads = 4});
    std::vector<std::shared_ptr<Client>> clients;
    for (int i = 0; i < kSessions; ++i) {
        clients.push_back(*pool.add(user(i, [&each = told[static_cast<std::size_t>(i)]](const Event& event) {
            if (each.inside.exchange(true)) each.wrong = true;
            if (const auto* const received = std::get_if<event::MessageReceived>(&event)) {
                if (received->message.payload.str() != std::to_string(each.next)) each.wrong = true;
                ++each.next;
            }
            each.inside = false;
        })));
    }
    ASSERT_EQ(pool.warm_up().connected, static_cast<std::size_t>(kSessions));
    for (int n = 0; n < kMessages; ++n) {
        for (const auto& client : clients)
            ASSERT_TRUE(client->post_message("server", Message("n", Bytes(std::to_string(n)))));
    }
    for (Told& each : told) {
        for (int i = 0; i < 3000 && each.next < kMessages; ++i) std::this_thread::sleep_for(10ms);
        EXPECT_EQ(each.next, kMessages);
        EXPECT_FALSE(each.wrong);
    }
}

// They share a socket, and so all of them move.
TEST_F(Pool, GoesOnWhenOneOfItsSessionsMovesToAnotherPort) {
    SessionPool pool;
    const auto clients = fill(pool, 10);
    ASSERT_EQ(pool.warm_up().connected, 10u);
    for (const auto& client : clients) EXPECT_TRUE(client->send_text_message("server", "before").success);
    ASSERT_TRUE(clients[3]->migrate());
    for (const auto& client : clients) EXPECT_TRUE(client->send_text_message("server", "after").success);
    EXPECT_TRUE(events.wait_for<event::MessageReceived>(20));
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
}

TEST_F(Pool, RefusesWhatItCannotHave) {
    SessionPool pool;
    ASSERT_TRUE(pool.add(user(1)));
    const auto again = pool.add(user(1));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, errc::invalid_config);
    EXPECT_NE(again.error().text.find("'user1' has a session in this pool"), std::string::npos);
    boost::asio::io_context loop;
    const auto elsewhere = pool.add(user(2).io_context(loop));
    ASSERT_FALSE(elsewhere);
    EXPECT_EQ(elsewhere.error().code, errc::invalid_config);
    EXPECT_FALSE(pool.add(ClientBuilder("")));
    EXPECT_EQ(pool.size(), 1u);
}

TEST_F(Pool, FindsAndForgetsItsSessions) {
    SessionPool pool;
    fill(pool, 2);
    ASSERT_EQ(pool.warm_up().connected, 2u);
    EXPECT_EQ(pool.find("nobody"), nullptr);
    const auto found = pool.find("user1");
    ASSERT_NE(found, nullptr);
    EXPECT_TRUE(pool.remove("user1"));
    EXPECT_FALSE(pool.remove("user1"));
    EXPECT_TRUE(found->send_text_message("server", "held, it goes on").success);
    EXPECT_TRUE(pool.add(user(1)).has_value());
}

TEST_F(Pool, MayLoseASessionInsideItsCallback) {
    SessionPool pool;
    std::promise<bool> removed;
    ASSERT_TRUE(pool.add(user(1, [&](const Event& event) {
        if (std::holds_alternative<event::Connected>(event)) removed.set_value(pool.remove("user1"));
    })));
    fill(pool, 1);
    EXPECT_EQ(pool.warm_up().failed.count("user0"), 0u);
    EXPECT_TRUE(removed.get_future().get());
    EXPECT_TRUE(pool.find("user0")->send_text_message("server", "hello").success);
}

TEST_F(Pool, MayEndInsideACallback) {
    auto pool = std::make_unique<SessionPool>();
    std::promise<void> warm, gone;
    auto warmed = warm.get_future().share();
    ASSERT_TRUE(pool->add(user(1, [&, warmed](const Event& event) {
        if (!std::holds_alternative<event::Connected>(event)) return;
        warmed.wait();
        pool.reset();
        gone.set_value();
    })));
    fill(*pool, 1);
    EXPECT_EQ(pool->warm_up().connected, 2u);
    warm.set_value();
    gone.get_future().wait();
}

TEST_F(Pool, MayEndBeforeItsSessions) {
    std::vector<std::shared_ptr<Client>> clients;
    {
        SessionPool pool({.io_threads = 2});
        clients = fill(pool, 4);
        ASSERT_EQ(pool.warm_up().connected, 4u);
        clients.pop_back();
    }
    for (const auto& client : clients) EXPECT_TRUE(client->send_text_message("server", "hello").success);
}

TEST_F(Pool, DoesNotWaitForItself) {
    SessionPool pool;
    SessionPool::WarmUp warm;
    ASSERT_TRUE(pool.add(user(1).token([&] {
        warm = pool.warm_up();  // on the I/O thread
        pool.disconnect();
        return std::string();
    })));
    EXPECT_EQ(pool.warm_up().connected, 1u);
    ASSERT_EQ(warm.failed.size(), 1u);
    EXPECT_EQ(warm.failed.at("user1").code, errc::would_deadlock);
}

TEST_F(Pool, SaysGoodbyeForAll) {
    SessionPool pool;
    fill(pool, 20);
    ASSERT_EQ(pool.warm_up().connected, 20u);
    pool.disconnect();
    EXPECT_TRUE(server.online_users()->empty());
    EXPECT_EQ(pool.warm_up().connected, 20u) << "and may come back";
}

}  // namespace
}  // namespace flare::test
