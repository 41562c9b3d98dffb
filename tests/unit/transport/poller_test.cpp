#include "transport/poller.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace flare::transport {
namespace {

// One end is polled, the other is `peer`.
struct Pair {
    explicit Pair(Poller& poller) : socket(poller, -1) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        socket.open(ends[0]);
        peer = ends[1];
    }
    ~Pair() { hang_up(); }
    void say() const { EXPECT_EQ(::write(peer, "x", 1), 1); }
    void hang_up() {
        if (peer >= 0) ::close(std::exchange(peer, -1));
    }

    PolledSocket socket;
    int peer = -1;
};

struct Watcher final : Poller::Watcher {
    void on_ready(bool readable, bool writable) override {
        ++told;
        was_readable = readable;
        was_writable = writable;
        if (then) then();
    }
    int told = 0;
    bool was_readable = false;
    bool was_writable = false;
    std::function<void()> then;
};

TEST(Poller, TellsAgainUntilItIsRead) {
    boost::asio::io_context context;
    Pair pair(Poller::of(context));
    Watcher watcher;
    ASSERT_EQ(pair.socket.watch(watcher, true, false), 0);
    EXPECT_EQ(context.poll(), 0u);
    pair.say();
    for (int i = 1; i <= 3; ++i) {
        context.run_one();
        EXPECT_EQ(watcher.told, i);
    }
    EXPECT_TRUE(watcher.was_readable);
    EXPECT_FALSE(watcher.was_writable);
    char byte = 0;
    ASSERT_EQ(::read(pair.socket.fd(), &byte, 1), 1);
    context.poll();
    EXPECT_EQ(watcher.told, 3);
}

TEST(Poller, KeepsTheLoopGoingOnlyWhileSomethingIsWatched) {
    boost::asio::io_context context;
    Pair pair(Poller::of(context));
    Watcher watcher;
    watcher.then = [&] { EXPECT_EQ(pair.socket.watch(watcher, false, false), 0); };
    ASSERT_EQ(pair.socket.watch(watcher, false, true), 0);
    context.run();  // returns
    EXPECT_EQ(watcher.told, 1);
    EXPECT_TRUE(watcher.was_writable);
    context.restart();
    ASSERT_EQ(pair.socket.watch(watcher, true, true), 0);
    context.run();
    EXPECT_EQ(watcher.told, 2);
}

TEST(Poller, ForgetsWhoWentInTheSameTurn) {
    boost::asio::io_context context;
    std::vector<std::unique_ptr<Pair>> pairs;
    std::vector<std::unique_ptr<Watcher>> watchers;
    int told = 0;
    for (int i = 0; i < 10; ++i) {
        pairs.push_back(std::make_unique<Pair>(Poller::of(context)));
        watchers.push_back(std::make_unique<Watcher>());
        watchers.back()->then = [&] {
            ++told;
            pairs.clear();  // all of them, its own too
        };
        ASSERT_EQ(pairs.back()->socket.watch(*watchers.back(), true, false), 0);
    }
    for (const auto& pair : pairs) pair->say();
    context.run();
    EXPECT_EQ(told, 1);
}

TEST(Poller, ForgetsAWatcherThatWatchesNoMore) {
    boost::asio::io_context context;
    Pair first(Poller::of(context));
    Pair second(Poller::of(context));
    Watcher one;
    Watcher other;
    one.then = [&] { second.socket.watch(other, false, false); };
    other.then = [&] { first.socket.watch(one, false, false); };
    ASSERT_EQ(first.socket.watch(one, true, false), 0);
    ASSERT_EQ(second.socket.watch(other, true, false), 0);
    first.say();
    second.say();
    context.run_one();
    EXPECT_EQ(one.told + other.told, 1);
}

TEST(Poller, TellsAHangUpToWhoeverWaits) {
    boost::asio::io_context context;
    Pair pair(Poller::of(context));
    Watcher watcher;
    ASSERT_EQ(pair.socket.watch(watcher, true, false), 0);
    pair.hang_up();
    context.run_one();
    EXPECT_TRUE(watcher.was_readable);
    EXPECT_TRUE(watcher.was_writable);
    const int told = watcher.told;
    ASSERT_EQ(pair.socket.watch(watcher, false, false), 0);
    context.run();  // and to nobody else: the loop ends
    EXPECT_EQ(watcher.told, told);
}

TEST(Poller, GivesASocketToAnotherWatcher) {
    boost::asio::io_context context;
    Pair pair(Poller::of(context));
    Watcher before;
    Watcher after;
    ASSERT_EQ(pair.socket.watch(before, true, false), 0);
    pair.say();
    PolledSocket moved(std::move(pair.socket));
    ASSERT_EQ(moved.watch(after, true, false), 0);
    context.run_one();
    EXPECT_EQ(before.told, 0);
    EXPECT_EQ(after.told, 1);
    EXPECT_EQ(pair.socket.fd(), -1);
}

TEST(Poller, LetsASocketGoToAnotherLoop) {
    boost::asio::io_context one;
    boost::asio::io_context other;
    Pair pair(Poller::of(one));
    Watcher watcher;
    ASSERT_EQ(pair.socket.watch(watcher, true, false), 0);
    PolledSocket moved(Poller::of(other), pair.socket.release());
    pair.say();
    one.run();
    EXPECT_EQ(watcher.told, 0);
    ASSERT_EQ(moved.watch(watcher, true, false), 0);
    other.run_one();
    EXPECT_EQ(watcher.told, 1);
}

TEST(Poller, GoesOnAfterAWatcherThrew) {
    boost::asio::io_context context;
    Pair pair(Poller::of(context));
    Watcher watcher;
    watcher.then = [&] {
        if (watcher.told == 1) throw std::runtime_error("planned");
    };
    ASSERT_EQ(pair.socket.watch(watcher, true, false), 0);
    pair.say();
    EXPECT_THROW(context.run_one(), std::runtime_error);
    context.run_one();
    EXPECT_EQ(watcher.told, 2);
}

}  // namespace
}  // namespace flare::transport
