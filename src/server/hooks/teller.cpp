#include "server/hooks/teller.hpp"

#include "base/log.hpp"
#include "base/unix_time.hpp"
#include "server/hooks/signature.hpp"

#include <utility>

namespace flare {

std::string_view name(HookStatus::State state) noexcept {
    switch (state) {
        case HookStatus::State::running: return "running";
        case HookStatus::State::failing: return "failing";
        case HookStatus::State::paused: return "paused";
    }
    return "unknown";
}

}  // namespace flare

namespace flare::server::hooks {
namespace {

constexpr unsigned kGone = 410;

}  // namespace

void note_failure(const SettingsPtr& hook, Status& status, const std::string& why) {
    base::log().limited(base::LogKind::failing_hook, "hook {}: {}", hook->name, why);
    status.change([&](HookStatus& now) {
        ++now.failures;
        now.last_error = why;
        now.last_error_time = std::chrono::system_clock::now();
    });
}

Task<Checked<transport::http::Answer>> post_signed(const SettingsPtr& hook, const std::string& id,
                                                   const std::string& body) {
    const std::uint64_t unix_s = base::unix_ms_now() / 1000;
    transport::http::Client::Headers headers{{"webhook-id", id},
                                             {"webhook-timestamp", std::to_string(unix_s)},
                                             {"webhook-signature", signature_of(hook->keys, id, unix_s, body)}};
    co_return co_await transport::http::Client::post(hook->client, body, std::move(headers));
}

Task<Told> tell(const SettingsPtr& hook, const std::string& id, const std::string& body, Status& status) {
    const auto answer = co_await post_signed(hook, id, body);
    if (!answer) {
        note_failure(hook, status, answer.error().text);
        co_return Told::failed;
    }
    if (answer->status >= 200 && answer->status < 300) co_return Told::taken;
    const bool redirects = answer->status >= 300 && answer->status < 400;
    note_failure(hook, status,
                 "the response has status " + std::to_string(answer->status) +
                     (redirects ? "; redirects are not followed: set the url to where it leads" : ""));
    co_return answer->status == kGone ? Told::gone : Told::failed;
}

}  // namespace flare::server::hooks
