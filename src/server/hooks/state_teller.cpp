#include "server/hooks/state_teller.hpp"

#include "base/random.hpp"
#include "base/unix_time.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include <chrono>
#include <utility>

namespace flare::server::hooks {
namespace asio = boost::asio;

namespace {

constexpr auto kForEver = std::chrono::hours(24 * 365);

}  // namespace

void StateTeller::start() {
    const auto context = context_.lock();
    asio::co_spawn(
        *context, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void StateTeller::pause(bool on) {
    paused_ = on;
    timer_.cancel();
}

bool StateTeller::add(Event event, boost::json::object data) {
    if (!settings_->events.has(event)) return false;
    auto made = event_of(event, base::system_random().uuid().str(), base::unix_ms_now(), std::move(data));
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= kMostWaiting) {
            status_->change([](HookStatus& now) { ++now.dropped; });
            return false;
        }
        waiting_.push_back(std::move(made));
        if (waiting_.size() != 1) return true;  // it is awake
    }
    if (const auto context = context_.lock())
        asio::post(*context, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->timer_.cancel();
        });
    return true;
}

StateTeller::Waiting StateTeller::take() {
    boost::json::array events;
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty() && events.size() < kMostEvents) {
        events.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    const std::size_t count = events.size();
    return {count == 0 ? std::string() : body_of(settings_->name, std::move(events)), count};
}

Task<void> StateTeller::run() {
    const auto self = shared_from_this();
    const std::string begin = settings_->name + "-" + base::system_random().uuid().str() + "-";
    boost::system::error_code ignored;
    for (std::uint64_t number = 0;;) {
        const Waiting waiting = paused_ ? Waiting() : take();
        if (waiting.events == 0) {
            timer_.expires_after(kForEver);
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            continue;
        }
        const std::string id = begin + std::to_string(++number);
        Told told = Told::failed;
        for (int i = 0; i < kTries && told == Told::failed; ++i) {
            if (i != 0) {
                timer_.expires_after(Attempts::kFirst);
                co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            }
            told = co_await tell(settings_, id, waiting.body, *status_);
        }
        status_->change(
            [&](HookStatus& now) { (told == Told::taken ? now.delivered : now.dropped) += waiting.events; });
    }
}

}  // namespace flare::server::hooks
