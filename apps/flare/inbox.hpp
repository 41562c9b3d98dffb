// Brings what a client tells, and what the system signals, to the one thread of a command that prints.
//
// Threads: callback() runs on the client's; everything else belongs to the thread that made the inbox.
#pragma once

#include <flare/events.hpp>

#include <chrono>
#include <csignal>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <optional>

namespace flare::cli {

class Inbox {
public:
    // Takes these signals out of the hands of every thread that is made from now on; restores that at the end.
    explicit Inbox(std::initializer_list<int> signals);
    ~Inbox();
    Inbox(const Inbox&) = delete;
    Inbox& operator=(const Inbox&) = delete;

    EventCallback callback();
    // Makes wait() return, from any thread.
    void wake();

    // Waits for an event, a signal, wake(), or for `input_fd` (-1: none) to be readable. `limit` none: for as long as
    // it takes.
    struct Woken {
        bool input = false;
        int signal = 0;  // 0: none
    };
    Woken wait(std::optional<std::chrono::milliseconds> limit = {}, int input_fd = -1);
    // What has come since; in order.
    std::deque<Event> take();

private:
    int signal_fd_ = -1;
    int wake_fd_ = -1;
    sigset_t before_{};
    std::mutex mutex_;
    std::deque<Event> events_;
};

}  // namespace flare::cli
