// The hooks of a server: a thread of their own, on which each is told what happens, or asked what may.
//
// Protocol: docs/hooks.md.
// Threads:  open(), start_thread() and stop() one at a time, under the server's locks; the rest any.
// Owner:    Server::Impl; it outlives the store, which is stopped after it.
#pragma once

#include "server/hooks/after_hook.hpp"
#include "server/hooks/before_hook.hpp"
#include "server/hooks/marks.hpp"
#include "server/hooks/settings.hpp"
#include "store/store.hpp"

#include <flare/failure.hpp>
#include <flare/server_hooks.hpp>

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace flare::server::hooks {

class Hooks final : public AskedHooks {
public:
    explicit Hooks(const Encoder& encoder) : encoder_(encoder) {}
    ~Hooks() override { stop(); }
    Hooks(const Hooks&) = delete;
    Hooks& operator=(const Hooks&) = delete;

    // Errors: invalid_config, those of files.
    Checked<> load(const std::vector<ServerHook>& hooks);
    // Reads how far each has come. One that is new begins with what comes from now on. store: null: the server has
    // none. Errors: invalid_config (a hook is of the log, and there is none), those of the store.
    Checked<> open(store::Store* store);
    void start_thread();
    // Nothing is sent any more. What is being written of places is written while the store is stopped.
    void stop();

    // Something was committed. On the thread that commits.
    void committed() noexcept;
    // It has happened: for those hooks that want it. Nobody waits.
    void tell(Event event, const boost::json::object& data);
    bool wants(Event event) const noexcept { return wanted_.has(event); }

    bool asks(HookQuestion::About about) const noexcept override { return wanted_.has(event_of(about)); }
    void ask(HookQuestion question, std::function<void(const HookDecision&)> done) override;

    std::vector<HookStatus> status() const;
    // Errors: unknown_hook; of replay also not_supported: it is told nothing of a log.
    Checked<> pause(std::string_view name);
    Checked<> resume(std::string_view name);
    Checked<> replay(std::string_view name, std::uint64_t after);

private:
    using Told = std::vector<std::shared_ptr<AfterHook>>;
    Checked<AfterHook*> find(std::string_view name) const;

    const Encoder& encoder_;
    std::vector<SettingsPtr> settings_;
    EventSet wanted_;
    store::Store* store_ = nullptr;
    std::unique_ptr<Marks> marks_;
    std::atomic<bool> waiting_{false};  // for the next commit
    mutable std::mutex mutex_;          // of the next two, and the two behind them, against stop()
    std::shared_ptr<boost::asio::io_context> context_;
    Told told_;
    std::vector<std::shared_ptr<BeforeHook>> asked_;
    std::thread thread_;
};

}  // namespace flare::server::hooks
