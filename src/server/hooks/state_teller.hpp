// Tells one hook what is not in the log, while there is room for it: nothing of that is kept, and what an endpoint does
// not take soon is dropped and counted.
//
// Protocol: docs/hooks.md, "Events that are not in the log".
// Threads:  that of the hooks; add() any.
// Owner:    AfterHook, and its coroutine.
#pragma once

#include "server/hooks/batch.hpp"
#include "server/hooks/settings.hpp"
#include "server/hooks/teller.hpp"

#include <flare/task.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace flare::server::hooks {

class StateTeller : public std::enable_shared_from_this<StateTeller> {
public:
    static constexpr std::size_t kMostWaiting = 10'000;
    static constexpr int kTries = 3;

    StateTeller(const std::shared_ptr<boost::asio::io_context>& context, SettingsPtr settings,
                std::shared_ptr<Status> status)
        : context_(context), settings_(std::move(settings)), status_(std::move(status)), timer_(*context) {}

    // Before the thread runs.
    void start();
    // False: there is no room, or the hook does not want it.
    bool add(Event event, boost::json::object data);
    // On the thread of the hooks, or before it runs.
    void pause(bool on);

private:
    struct Waiting {
        std::string body{};  // empty: nothing waits
        std::size_t events = 0;
    };
    Task<void> run();
    Waiting take();

    const std::weak_ptr<boost::asio::io_context> context_;
    const SettingsPtr settings_;
    const std::shared_ptr<Status> status_;
    boost::asio::steady_timer timer_;
    bool paused_ = false;
    std::mutex mutex_;
    std::deque<boost::json::object> waiting_;  // guarded by mutex_
};

}  // namespace flare::server::hooks
