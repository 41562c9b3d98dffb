#include "server/hooks/before_hook.hpp"

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/unix_time.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace flare::server::hooks {
namespace asio = boost::asio;

BeforeHook::BeforeHook(const std::shared_ptr<asio::io_context>& context, SettingsPtr settings, const Encoder& encoder)
    : context_(context), settings_(std::move(settings)), encoder_(encoder) {
    status_.change([&](HookStatus& now) {
        now.name = settings_->name;
        now.asked = true;
        now.events = settings_->events.names();
    });
}

void BeforeHook::ask(HookQuestion question, Done done) {
    const auto context = context_.lock();
    if (context == nullptr) return;
    asio::post(*context, [self = shared_from_this(), asked = Asked(std::move(question), std::move(done))]() mutable {
        self->take(std::move(asked));
    });
}

void BeforeHook::take(Asked asked) {
    if (!breaker_.lets_ask(Breaker::Clock::now())) {
        status_.change([](HookStatus& now) { ++now.dropped; });
        return asked.second(without_answer());
    }
    if (under_way_ < kAtOnce) {
        ++under_way_;
        const auto context = context_.lock();
        if (context == nullptr) return;
        asio::co_spawn(
            *context,
            [self = shared_from_this(), asked = std::move(asked)]() mutable { return self->run(std::move(asked)); },
            asio::detached);
        return;
    }
    if (waiting_.size() < kMostWaiting) return waiting_.push_back(std::move(asked));
    // Whatever on_failure says: nothing is done unasked only because there is much of it.
    status_.change([](HookStatus& now) { ++now.dropped; });
    asked.second({{errc::busy, {}, {}}, nullptr});
}

HookDecision BeforeHook::without_answer() const {
    return {{settings_->accepts_on_failure ? errc::ok : errc::busy, {}, {}}, nullptr};
}

Task<void> BeforeHook::run(Asked asked) {
    const auto self = shared_from_this();
    for (;;) {
        const std::optional<HookDecision> verdict = co_await ask_endpoint(asked.first);
        if (verdict) {
            breaker_.succeeded();
        } else {
            breaker_.failed(Breaker::Clock::now());
        }
        status_.change([&](HookStatus& now) {
            now.state = breaker_.open() ? HookStatus::State::failing : HookStatus::State::running;
            if (verdict) ++now.delivered;
        });
        asked.second(verdict ? *verdict : without_answer());
        if (waiting_.empty()) break;
        asked = std::move(waiting_.front());
        waiting_.pop_front();
    }
    --under_way_;
}

Task<std::optional<HookDecision>> BeforeHook::ask_endpoint(const HookQuestion& question) {
    const auto body = body_of(settings_->name, question, base::unix_ms_now());
    if (!body) co_return HookDecision{{errc::bad_compression, {}, {}}, nullptr};
    const std::string id = settings_->name + "-" + base::system_random().uuid().str();
    const auto answer = co_await post_signed(settings_, id, *body);
    std::string why;
    std::optional<HookDecision> verdict;
    if (!answer) {
        why = answer.error().text;
    } else if (answer->status < 200 || answer->status >= 300) {
        why = "the response has status " + std::to_string(answer->status);
    } else {
        verdict = verdict_of(answer->body, question, encoder_, why);
    }
    if (!verdict) note_failure(settings_, status_, why);
    co_return verdict;
}

}  // namespace flare::server::hooks
