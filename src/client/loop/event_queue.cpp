#include "client/loop/event_queue.hpp"

#include "base/log.hpp"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace flare::client {
namespace asio = boost::asio;

namespace {

constexpr int kEventsPerTurn = 32;  // then the queues that share the thread have their turn

}  // namespace

CallbackThreads make_callback_threads(unsigned count) {
    return {new asio::thread_pool(count), [](asio::thread_pool* pool) {
                if (!pool->get_executor().running_in_this_thread()) {
                    delete pool;
                    return;
                }
                std::thread([pool] { delete pool; }).detach();  // a thread cannot wait for itself
            }};
}

struct EventQueue::State : std::enable_shared_from_this<State> {
    State(EventCallback each, asio::thread_pool::executor_type threads)
        : callback(std::move(each)), executor(std::move(threads)) {}

    struct Entry {
        std::optional<Event> event;
        std::function<std::optional<Event>()> make;  // empty: `event` is there
        std::function<void()> after;
    };
    const EventCallback callback;
    const asio::thread_pool::executor_type executor;
    std::mutex mutex;
    std::condition_variable returned;
    std::deque<Entry> waiting;
    bool scheduled = false;  // a thread runs it, or will
    std::thread::id inside;  // the thread that is inside the callback
    bool stopped = false;

    void push(Entry entry) {
        {
            const std::lock_guard lock(mutex);
            if (stopped) return;
            waiting.push_back(std::move(entry));
            if (std::exchange(scheduled, true)) return;
        }
        schedule();
    }
    void schedule() {
        asio::post(executor, [self = shared_from_this()] { self->run(); });
    }
    void run() {
        std::unique_lock lock(mutex);
        for (int i = 0; i < kEventsPerTurn && !stopped && !waiting.empty(); ++i) {
            Entry entry = std::move(waiting.front());
            waiting.pop_front();
            inside = std::this_thread::get_id();
            lock.unlock();
            tell(entry);
            lock.lock();
            inside = {};
            returned.notify_all();
        }
        scheduled = !stopped && !waiting.empty();
        if (scheduled) schedule();
    }
    void tell(Entry& entry) const {
        try {
            if (entry.make) entry.event = entry.make();
            if (callback && entry.event) callback(*entry.event);
        } catch (const std::exception& error) {
            base::log().limited(base::LogKind::event_handler_threw, "the event callback threw: {}", error.what());
        } catch (...) {
            base::log().limited(base::LogKind::event_handler_threw,
                                "the event callback threw something that is not an exception");
        }
        if (entry.after) entry.after();
        entry = {};  // what it holds goes while it is still this callback's time
    }
};

EventQueue::EventQueue(EventCallback callback, CallbackThreads threads)
    : threads_(std::move(threads)), state_(std::make_shared<State>(std::move(callback), threads_->get_executor())) {}

EventQueue::~EventQueue() { stop(); }

void EventQueue::push(Event event, std::function<void()> after) {
    state_->push({std::move(event), {}, std::move(after)});
}

void EventQueue::push(std::function<std::optional<Event>()> make, std::function<void()> after) {
    state_->push({std::nullopt, std::move(make), std::move(after)});
}

bool EventQueue::runs_here() const {
    const std::lock_guard lock(state_->mutex);
    return state_->inside == std::this_thread::get_id();
}

void EventQueue::stop() {
    std::unique_lock lock(state_->mutex);
    if (std::exchange(state_->stopped, true)) return;  // the first has waited, or is inside the callback
    if (state_->inside == std::this_thread::get_id()) return;
    state_->returned.wait(lock, [this] { return state_->inside == std::thread::id(); });
}

}  // namespace flare::client
