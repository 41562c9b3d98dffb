#include "client/loop/event_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

namespace flare::client::test {
namespace {

Event error_event(const std::string& text) { return event::Error{Failure(errc::internal, text)}; }

TEST(EventQueue, DeliversInOrderOneAtATimeAndTellsWhenEachIsDone) {
    std::string order;
    std::promise<void> last;
    EventQueue queue([&](const Event& event) { order += std::get<event::Error>(event).failure.text; });
    for (const char* text : {"1", "2", "3"}) {
        queue.push(error_event(text), [&order] { order += "."; });
    }
    queue.push(error_event("end"), [&] { last.set_value(); });
    last.get_future().wait();
    EXPECT_EQ(order, "1.2.3.end");
}

TEST(EventQueue, AnEventThatIsNotMadeAfterAllIsNotTold) {
    std::string order;
    std::promise<void> last;
    EventQueue queue([&](const Event& event) { order += std::get<event::Error>(event).failure.text; });
    queue.push([]() -> std::optional<Event> { return std::nullopt; }, [&order] { order += "."; });
    queue.push([]() -> std::optional<Event> { return error_event("1"); });
    queue.push(error_event("end"), [&] { last.set_value(); });
    last.get_future().wait();
    EXPECT_EQ(order, ".1end");
}

TEST(EventQueue, OutlivesACallbackThatThrows) {
    std::promise<void> second;
    std::atomic<int> calls{0};
    EventQueue queue([&](const Event&) {
        if (++calls == 1) throw std::runtime_error("no");
        second.set_value();
    });
    queue.push(error_event("1"));
    queue.push(error_event("2"));
    second.get_future().wait();
}

TEST(EventQueue, BeginsNothingAfterStop) {
    std::atomic<int> calls{0};
    EventQueue queue([&](const Event&) { ++calls; });
    queue.stop();
    queue.push(error_event("late"));
    queue.stop();
    EXPECT_EQ(calls, 0);
}

TEST(EventQueue, StopWaitsForTheCallbackThatRuns) {
    std::promise<void> entered;
    std::promise<void> go_on;
    std::atomic<bool> finished{false};
    EventQueue queue([&](const Event&) {
        entered.set_value();
        go_on.get_future().wait();
        finished = true;
    });
    queue.push(error_event("1"));
    entered.get_future().wait();
    auto stopping = std::async(std::launch::async, [&] { queue.stop(); });
    go_on.set_value();
    stopping.get();
    EXPECT_TRUE(finished);
}

TEST(EventQueue, MayBeDestroyedInsideItsCallback) {
    std::promise<void> done;
    std::unique_ptr<EventQueue> queue;
    std::promise<void> made;
    auto ready = made.get_future().share();
    queue = std::make_unique<EventQueue>([&, ready](const Event&) {
        ready.wait();
        queue.reset();
        done.set_value();
    });
    queue->push(error_event("1"));
    made.set_value();
    done.get_future().wait();
}

}  // namespace
}  // namespace flare::client::test
