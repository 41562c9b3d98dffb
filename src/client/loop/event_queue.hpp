// Runs an application's callback, one event at a time, on its own thread or on shared threads.
//
// Threads: push() any; the callback on one of `threads`, never two at a time.
// Owner:   Client::Impl; what runs shares the state, so that destruction inside a callback works.
#pragma once

#include <flare/events.hpp>

#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace flare::client {

using CallbackThreads = std::shared_ptr<boost::asio::thread_pool>;
// Its last owner may be one of the threads.
CallbackThreads make_callback_threads(unsigned count);

class EventQueue {
public:
    explicit EventQueue(EventCallback callback, CallbackThreads threads = make_callback_threads(1));
    ~EventQueue();
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    // `after` (may be empty) runs on the event thread when the callback has returned.
    void push(Event event, std::function<void()> after = {});
    // The event is made on the event thread, when its turn has come; nothing: there is none after all.
    void push(std::function<std::optional<Event>()> make, std::function<void()> after = {});
    // This thread is inside the callback.
    bool runs_here() const;
    // No callback begins after this. The first call waits for the one that is running, unless it comes from inside it.
    void stop();

private:
    struct State;

    const CallbackThreads threads_;
    const std::shared_ptr<State> state_;
};

}  // namespace flare::client
