#include "server/hooks/after_hook.hpp"

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/unix_time.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace flare::server::hooks {
namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr auto kBetween = 20ms;  // two looks that find nothing: what others commit must not cost a look each
constexpr auto kIdle = 10s;      // without a commit
constexpr auto kReadAgain = 1s;  // after the store could not be read
constexpr auto kKeepEvery = 5s;  // how far a hook is that is told nothing
constexpr auto kForEver = std::chrono::hours(24 * 365);

}  // namespace

AfterHook::AfterHook(const Parts& parts, SettingsPtr settings, const store::HookMark& mark)
    : context_(parts.context),
      store_(parts.store),
      marks_(parts.marks),
      waiting_(*parts.waiting),
      settings_(std::move(settings)),
      states_(std::make_shared<StateTeller>(parts.context, settings_, status_)),
      timer_(*parts.context),
      place_(mark.place),
      kept_(mark.place),
      paused_(mark.paused.value_or(false)) {
    status_->change([&](HookStatus& now) {
        now.name = settings_->name;
        now.events = settings_->events.names();
        now.place = place_;
        now.state = paused_ ? HookStatus::State::paused : HookStatus::State::running;
    });
    states_->pause(paused_);
}

void AfterHook::start() {
    const auto context = context_.lock();
    const auto self = shared_from_this();
    if (store_ != nullptr && settings_->events.any_of_log())
        asio::co_spawn(
            *context, [self] { return self->tell_log(); }, asio::detached);
    states_->start();
}

// ---- control ----

HookStatus AfterHook::status() const { return status_->get(); }

void AfterHook::wake() {
    ++wakes_;
    timer_.cancel();
}

void AfterHook::set_state(HookStatus::State state) {
    status_->change([&](HookStatus& now) {
        now.state = state;
        if (state != HookStatus::State::failing) now.next_try.reset();
    });
}

void AfterHook::pause(std::string why) {
    const auto context = context_.lock();
    if (context == nullptr) return;
    asio::post(*context, [self = shared_from_this(), why = std::move(why)] {
        self->paused_ = true;
        self->states_->pause(true);
        self->set_state(HookStatus::State::paused);
        base::log().warn("hook {} is paused: {}", self->settings_->name, why);
        if (self->marks_ != nullptr) self->marks_->write({self->settings_->name, self->place_, false, false, true});
        self->wake();
    });
}

void AfterHook::resume() {
    const auto context = context_.lock();
    if (context == nullptr) return;
    asio::post(*context, [self = shared_from_this()] {
        self->paused_ = false;
        self->attempts_.succeeded();
        self->set_state(HookStatus::State::running);
        if (self->marks_ != nullptr) self->marks_->write({self->settings_->name, self->place_, false, false, false});
        self->states_->pause(false);
        self->wake();
    });
}

void AfterHook::go_to(std::uint64_t place) {
    const auto context = context_.lock();
    if (context == nullptr) return;
    asio::post(*context, [self = shared_from_this(), place] {
        self->place_ = self->kept_ = place;
        ++self->moves_;
        self->attempts_.succeeded();
        self->status_->change([&](HookStatus& now) { now.place = place; });
        if (!self->paused_) self->set_state(HookStatus::State::running);
        self->marks_->write({self->settings_->name, place, true, false, {}});
        self->wake();
    });
}

Task<void> AfterHook::sleep(std::chrono::milliseconds time) {
    boost::system::error_code ignored;
    timer_.expires_after(time);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

// Until it may look at the log again.
Task<void> AfterHook::rest() {
    for (auto now = Attempts::Clock::now(); now < look_at_; now = Attempts::Clock::now())
        co_await sleep(std::chrono::ceil<std::chrono::milliseconds>(look_at_ - now));
}

// ---- the log ----

Task<Result<Batch>> AfterHook::read() {
    struct Asked {
        std::optional<Result<Batch>> found;
    };
    const auto asked = std::make_shared<Asked>();
    const std::uint64_t generation = store_->about().generation;
    const errc code = store_->read([asked, context = context_, settings = settings_, after = place_, generation,
                                    weak = weak_from_this()](store::Reader& reader) {
        auto found = read_batch(reader, settings->name, settings->events, after, generation);
        const auto there = context.lock();
        if (there == nullptr) return;
        asio::post(*there, [asked, weak, found = std::move(found)]() mutable {
            asked->found = std::move(found);
            if (const auto self = weak.lock()) self->timer_.cancel();
        });
    });
    if (code != errc::ok) co_return Result<Batch>(code);
    while (!asked->found) co_await sleep(kForEver);
    co_return std::move(*asked->found);
}

Task<void> AfterHook::tell_log() {
    const auto self = shared_from_this();
    for (;;) {
        if (paused_) {
            co_await sleep(kForEver);
            continue;
        }
        co_await rest();
        const std::uint64_t wakes = wakes_;
        const std::uint64_t moves = moves_;
        waiting_.store(true, std::memory_order_release);  // before it looks: what is committed from now on wakes it
        const Result<Batch> batch = co_await read();
        if (!batch) {
            base::log().limited(base::LogKind::failing_hook, "hook {}: the store cannot be read: {}", settings_->name,
                                batch.error().message());
            co_await sleep(kReadAgain);
            continue;
        }
        if (is_off(moves)) continue;
        status_->change([&](HookStatus& now) {
            now.newest = std::max(now.newest, batch->newest);
            if (place_ < batch->removed) now.may_have_missed = true;
        });
        if (batch->events != 0) {
            co_await deliver(*batch);
            look_at_ = {};
        } else {
            if (!batch->more) look_at_ = Attempts::Clock::now() + kBetween;
            advance(*batch, false);
            marks_->flush();
            if (!batch->more && wakes_ == wakes) co_await sleep(kIdle);
        }
    }
}

Task<void> AfterHook::deliver(const Batch& batch) {
    const std::uint64_t moves = moves_;
    while (!is_off(moves)) {
        const std::uint64_t unix_ms = base::unix_ms_now();
        status_->change([&](HookStatus& now) {
            now.behind = std::chrono::milliseconds(unix_ms - std::min(unix_ms, batch.oldest_ms));
        });
        const Told told = co_await tell(settings_, batch.id, batch.body, *status_);
        if (told == Told::taken) {
            if (moves_ != moves) co_return;
            attempts_.succeeded();
            if (!paused_) set_state(HookStatus::State::running);
            status_->change([&](HookStatus& now) { now.delivered += batch.events; });
            advance(batch, true);
            co_return;
        }
        const auto wait = attempts_.failed(Attempts::Clock::now(), base::system_random().next_u64());
        if (told == Told::gone || !wait) {
            pause(told == Told::gone ? "its endpoint says that it is gone (410)" : "it has failed for three days");
            co_await sleep(kForEver);
            continue;
        }
        if (is_off(moves)) continue;
        status_->change([&](HookStatus& now) {
            now.state = HookStatus::State::failing;
            now.next_try = std::chrono::system_clock::now() + *wait;
        });
        const auto until = Attempts::Clock::now() + *wait;
        while (!is_off(moves) && Attempts::Clock::now() < until && attempts_.failing())
            co_await sleep(std::chrono::ceil<std::chrono::milliseconds>(until - Attempts::Clock::now()));
    }
}

void AfterHook::advance(const Batch& batch, bool told) {
    place_ = std::max(place_, batch.last);
    status_->change([&](HookStatus& now) {
        now.place = place_;
        if (!batch.more) now.behind = {};
    });
    const auto now = Attempts::Clock::now();
    if (place_ == kept_ || (!told && now - kept_at_ < kKeepEvery)) return;
    kept_ = place_;
    kept_at_ = now;
    marks_->write({settings_->name, place_, false, false, {}});
}

}  // namespace flare::server::hooks
