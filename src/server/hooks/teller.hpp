// Posts to one hook: signs a body, and knows what an answer means to one that is told.
//
// Protocol: docs/hooks.md, "What is sent", "When it fails"; Standard Webhooks 1.0.0.
// Threads:  that of the hooks; status() any.
// Owner:    AfterHook, BeforeHook.
#pragma once

#include "server/hooks/attempts.hpp"
#include "server/hooks/settings.hpp"

#include <flare/server_hooks.hpp>
#include <flare/task.hpp>

#include <mutex>
#include <string>

namespace flare::server::hooks {

// What is known of a hook, for whoever asks on any thread.
class Status {
public:
    template <typename Change>
    void change(const Change& change) {
        const std::lock_guard lock(mutex_);
        change(status_);
    }
    HookStatus get() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

private:
    mutable std::mutex mutex_;
    HookStatus status_;  // guarded by mutex_
};

// Posts a body with its id and its signatures.
Task<Checked<transport::http::Answer>> post_signed(const SettingsPtr& hook, const std::string& id,
                                                   const std::string& body);
void note_failure(const SettingsPtr& hook, Status& status, const std::string& why);

enum class Told : std::uint8_t { taken, failed, gone };

// One try. What has failed is in `status`.
Task<Told> tell(const SettingsPtr& hook, const std::string& id, const std::string& body, Status& status);

}  // namespace flare::server::hooks
