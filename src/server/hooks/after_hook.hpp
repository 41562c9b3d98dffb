// One hook that is told: reads the log from where the hook is, sends what it wants in batches, the next one when the
// last one was taken, and keeps how far it has come.
//
// Protocol: docs/hooks.md.
// Threads:  that of the hooks; control and status() any.
// Owner:    Hooks, and its coroutines.
#pragma once

#include "server/hooks/attempts.hpp"
#include "server/hooks/batch.hpp"
#include "server/hooks/marks.hpp"
#include "server/hooks/settings.hpp"
#include "server/hooks/state_teller.hpp"
#include "server/hooks/teller.hpp"
#include "store/store.hpp"

#include <flare/task.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace flare::server::hooks {

class AfterHook : public std::enable_shared_from_this<AfterHook> {
public:
    struct Parts {
        std::shared_ptr<boost::asio::io_context> context;
        store::Store* store;         // null: the server has none, and there is no log
        Marks* marks;                // null: likewise, or it is told nothing of the log
        std::atomic<bool>* waiting;  // a hook waits for the next commit
    };
    AfterHook(const Parts& parts, SettingsPtr settings, const store::HookMark& mark);

    // Before the thread runs.
    void start();

    // ---- any thread ----

    const Settings& settings() const noexcept { return *settings_; }
    HookStatus status() const;
    void pause(std::string why);
    void resume();
    // What is behind `place` is told again, or for the first time.
    void go_to(std::uint64_t place);
    StateTeller& states() noexcept { return *states_; }

    // ---- its own ----

    void wake();

private:
    Task<void> tell_log();
    Task<Result<Batch>> read();
    Task<void> deliver(const Batch& batch);
    // Nothing of `batch` is to be sent any more: it is paused, or was told to go elsewhere.
    bool is_off(std::uint64_t moves) const noexcept { return paused_ || moves_ != moves; }
    Task<void> sleep(std::chrono::milliseconds time);
    Task<void> rest();
    void advance(const Batch& batch, bool told);
    void set_state(HookStatus::State state);

    const std::weak_ptr<boost::asio::io_context> context_;
    store::Store* const store_;
    Marks* const marks_;
    std::atomic<bool>& waiting_;
    const SettingsPtr settings_;
    const std::shared_ptr<Status> status_ = std::make_shared<Status>();
    const std::shared_ptr<StateTeller> states_;

    // Of the thread of the hooks.
    boost::asio::steady_timer timer_;
    Attempts attempts_;
    std::uint64_t place_;
    std::uint64_t kept_;  // place that was given to Marks
    std::uint64_t wakes_ = 0;
    std::uint64_t moves_ = 0;  // how often it was told to go elsewhere
    bool paused_;
    Attempts::Clock::time_point kept_at_{};
    Attempts::Clock::time_point look_at_{};  // at the log, not sooner
};

}  // namespace flare::server::hooks
