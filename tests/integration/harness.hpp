// A server and clients over loopback, and waiting for what should happen.
#pragma once

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace flare::test {

using namespace std::chrono_literals;

// Collects a client's events; any thread may wait for what it wants to see.
class Events {
public:
    void operator()(const Event& event) {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
        changed_.notify_all();
    }
    // False: it did not come within a generous time.
    bool wait(const std::function<bool(const std::vector<Event>&)>& seen) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [&] { return seen(events_); });
    }
    template <typename E>
    bool wait_for(std::size_t count = 1) {
        return wait([&](const std::vector<Event>& events) {
            return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const Event& e) {
                       return std::holds_alternative<E>(e);
                   })) >= count;
        });
    }
    template <typename E>
    std::vector<E> all() {
        const std::lock_guard lock(mutex_);
        std::vector<E> found;
        for (const Event& event : events_) {
            if (const auto* wanted = std::get_if<E>(&event)) found.push_back(*wanted);
        }
        return found;
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        events_.clear();
    }
    // The names in order, without heartbeats and messages.
    std::string turns() {
        const std::lock_guard lock(mutex_);
        std::string text;
        for (const Event& event : events_) {
            const std::string word(name(event));
            if (word != "Heartbeat" && !word.starts_with("Message")) text += word + " ";
        }
        return text;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Event> events_;
};

inline ServerBuilder quiet_server() {
    ServerBuilder builder;
    builder.websocket_only().websocket_addr("127.0.0.1:0").worker_threads(2).log_level(LogLevel::off);
    return builder;
}

inline Server started(const ServerBuilder& builder) {
    auto server = builder.build();
    EXPECT_TRUE(server) << server.error().text;
    const auto begun = server->start();
    EXPECT_TRUE(begun) << begun.error().text;
    return std::move(*server);
}

inline ClientBuilder client_of(const std::string& address, const std::string& user, Events& events) {
    ClientBuilder builder(user);
    builder.server_addresses(ServerAddresses().with_websocket_url("ws://" + address))
        .with_event_callback(std::ref(events));
    return builder;
}

inline Client connected(const ClientBuilder& builder) {
    auto client = builder.build();
    EXPECT_TRUE(client) << client.error().text;
    const auto result = client->connect();
    EXPECT_TRUE(result) << result.error().text;
    return std::move(*client);
}

// The server counts on its own threads: until `good`, or a generous time.
inline bool eventually(const std::function<bool()>& good) {
    for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
        if (good()) return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

}  // namespace flare::test
