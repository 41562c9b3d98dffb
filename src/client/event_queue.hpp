// Runs an application's callback for one event after the other, on a thread of its own.
//
// Threads: push() any; the callback on its thread.
// Owner:   Client::Impl; the thread shares the state, so that destruction inside a callback works.
#pragma once

#include <flare/events.hpp>

#include <functional>
#include <memory>
#include <thread>

namespace flare::client {

class EventQueue {
public:
    explicit EventQueue(EventCallback callback);
    ~EventQueue();
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    // `after` (may be empty) runs on the event thread when the callback has returned.
    void push(Event event, std::function<void()> after = {});
    // The event is made on the event thread, when its turn has come.
    void push(std::function<Event()> make, std::function<void()> after = {});
    bool runs_here() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }
    // No callback begins after this. Waits for the one that is running, unless called from inside it.
    void stop();

private:
    struct State;
    static void run(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
    std::thread thread_;
};

}  // namespace flare::client
