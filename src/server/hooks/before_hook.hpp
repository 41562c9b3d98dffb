// One hook that is asked: each question is posted once, and what comes back is a verdict. What waits for the endpoint
// is bounded, in time and in number.
//
// Protocol: docs/hooks.md, "Before-hooks".
// Threads:  that of the hooks; ask() and status() any.
// Owner:    Hooks, and its coroutines.
#pragma once

#include "server/conversations/asked_hooks.hpp"
#include "server/encoder.hpp"
#include "server/hooks/breaker.hpp"
#include "server/hooks/settings.hpp"
#include "server/hooks/teller.hpp"

#include <flare/task.hpp>

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace flare::server::hooks {

class BeforeHook : public std::enable_shared_from_this<BeforeHook> {
public:
    static constexpr std::size_t kAtOnce = 128;        // requests
    static constexpr std::size_t kMostWaiting = 4096;  // questions beyond those
    using Done = std::function<void(const HookDecision&)>;

    BeforeHook(const std::shared_ptr<boost::asio::io_context>& context, SettingsPtr settings, const Encoder& encoder);

    const Settings& settings() const noexcept { return *settings_; }
    void ask(HookQuestion question, Done done);
    HookStatus status() const { return status_.get(); }

private:
    using Asked = std::pair<HookQuestion, Done>;
    void take(Asked asked);
    Task<void> run(Asked asked);
    Task<std::optional<HookDecision>> ask_endpoint(const HookQuestion& question);
    HookDecision without_answer() const;

    const std::weak_ptr<boost::asio::io_context> context_;
    const SettingsPtr settings_;
    const Encoder& encoder_;
    Status status_;
    Breaker breaker_;
    std::size_t under_way_ = 0;
    std::deque<Asked> waiting_;
};

Event event_of(HookQuestion::About about) noexcept;
// The body that asks. Nothing: the payload cannot be unpacked.
std::optional<std::string> body_of(std::string_view hook, const HookQuestion& question, std::uint64_t unix_ms);
// What an endpoint has answered with 2xx. Nothing: it is no verdict; `why` says what is wrong.
std::optional<HookDecision> verdict_of(std::string_view body, const HookQuestion& question, const Encoder& encoder,
                                       std::string& why);

}  // namespace flare::server::hooks
