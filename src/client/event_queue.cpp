#include "client/event_queue.hpp"

#include "base/log.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>

namespace flare::client {

struct EventQueue::State {
    struct Entry {
        Event event;
        std::function<Event()> make;  // empty: `event` is there
        std::function<void()> after;
    };
    EventCallback callback;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Entry> waiting;
    bool stopped = false;

    void push(Entry entry);
};

EventQueue::EventQueue(EventCallback callback) : state_(std::make_shared<State>()) {
    state_->callback = std::move(callback);
    thread_ = std::thread([state = state_] { run(state); });
}

EventQueue::~EventQueue() { stop(); }

void EventQueue::push(Event event, std::function<void()> after) {
    state_->push({std::move(event), {}, std::move(after)});
}

void EventQueue::push(std::function<Event()> make, std::function<void()> after) {
    state_->push({event::Draining{}, std::move(make), std::move(after)});
}

void EventQueue::State::push(Entry entry) {
    {
        const std::lock_guard lock(mutex);
        if (stopped) return;
        waiting.push_back(std::move(entry));
    }
    wake.notify_one();
}

void EventQueue::run(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->wake.wait(lock, [&] { return state->stopped || !state->waiting.empty(); });
        if (state->stopped) return;
        State::Entry entry = std::move(state->waiting.front());
        state->waiting.pop_front();
        lock.unlock();
        try {
            if (entry.make) entry.event = entry.make();
            if (state->callback) state->callback(entry.event);
        } catch (const std::exception& error) {
            base::log().error("the event callback threw: {}", error.what());
        } catch (...) {
            base::log().error("the event callback threw something that is no exception");
        }
        if (entry.after) entry.after();
        lock.lock();
    }
}

void EventQueue::stop() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
    }
    state_->wake.notify_all();
    if (!thread_.joinable()) return;
    if (runs_here()) {
        thread_.detach();
    } else {
        thread_.join();
    }
}

}  // namespace flare::client
