#include "server/hooks/hooks.hpp"

#include "base/log.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <utility>

#include <pthread.h>

namespace flare::server::hooks {
namespace asio = boost::asio;

namespace {

// How far all of them are, and where the log ends.
struct Places {
    std::vector<store::HookMark> marks{};
    std::uint64_t newest = 0;
};

Result<Places> read_places(store::Reader& reader) {
    auto marks = reader.backend().hook_marks();
    if (!marks) return marks.error();
    const auto end = reader.backend().log({INT64_MAX, 1});
    if (!end) return end.error();
    return Places{std::move(*marks), end->newest};
}

Checked<Places> places_of(store::Store& store) {
    auto promise = std::make_shared<std::promise<Result<Places>>>();
    auto found = promise->get_future();
    const errc code = store.read([promise](store::Reader& reader) { promise->set_value(read_places(reader)); });
    if (code != errc::ok) return Failure(code, "hooks: the store cannot be read");
    auto places = found.get();
    if (!places) return Failure(static_cast<errc>(places.error().value()), "hooks: the store cannot be read");
    return std::move(*places);
}

}  // namespace

Checked<> Hooks::load(const std::vector<ServerHook>& hooks) {
    auto loaded = hooks::load(hooks);
    if (!loaded) return loaded.error();
    settings_ = std::move(*loaded);
    wanted_ = {};
    for (const SettingsPtr& each : settings_) wanted_.add(each->events);
    return {};
}

Checked<> Hooks::open(store::Store* store) {
    if (settings_.empty()) return {};
    Places places;
    if (store != nullptr) {
        auto found = places_of(*store);
        if (!found) return found.error();
        places = std::move(*found);
        marks_ = std::make_unique<Marks>(*store);
    }
    auto context = std::make_shared<asio::io_context>(1);  // goes after those that use it
    Told told;
    std::vector<std::shared_ptr<BeforeHook>> asked;
    for (const SettingsPtr& each : settings_) {
        if (store == nullptr && each->events.any_of_log())
            return Failure(errc::invalid_config, "hooks: \"" + each->name +
                                                     "\" is to be told what the log has, and this server has no store "
                                                     "(store.file)");
        if (each->asked) {
            asked.push_back(std::make_shared<BeforeHook>(context, each, encoder_));
            continue;
        }
        // A hook that is told nothing of the log has no place in it, which would hold back what is to be removed.
        Marks* const marks = each->events.any_of_log() ? marks_.get() : nullptr;
        const auto known = std::ranges::find(places.marks, each->name, &store::HookMark::name);
        const bool fresh = marks == nullptr || known == places.marks.end();
        const store::HookMark mark = fresh ? store::HookMark{each->name, places.newest, true} : *known;
        if (fresh && marks != nullptr) marks->write(mark);
        told.push_back(std::make_shared<AfterHook>(AfterHook::Parts{context, store, marks, &waiting_}, each, mark));
    }
    store_ = store;
    const std::lock_guard lock(mutex_);
    told_ = std::move(told);
    asked_ = std::move(asked);
    context_ = std::move(context);
    return {};
}

void Hooks::start_thread() {
    if (context_ == nullptr) return;
    for (const auto& each : told_) each->start();
    thread_ = std::thread([context = context_] {
        pthread_setname_np(pthread_self(), "flare-webhooks");
        const auto work = asio::make_work_guard(*context);
        context->run();
    });
    base::log().info("{} hooks are told what happens, {} are asked", told_.size(), asked_.size());
}

void Hooks::stop() {
    std::shared_ptr<asio::io_context> context;
    Told told;
    std::vector<std::shared_ptr<BeforeHook>> asked;
    {
        const std::lock_guard lock(mutex_);
        context.swap(context_);
        told.swap(told_);
        asked.swap(asked_);
        waiting_ = false;
    }
    if (context == nullptr) return;
    context->stop();
    if (thread_.joinable()) thread_.join();
}

void Hooks::committed() noexcept {
    if (!waiting_.load(std::memory_order_acquire) || !waiting_.exchange(false)) return;
    const std::lock_guard lock(mutex_);
    if (context_ == nullptr) return;
    try {
        asio::post(*context_, [told = told_] {
            for (const auto& each : told) each->wake();
        });
    } catch (const std::bad_alloc&) {
        waiting_ = true;
    }
}

void Hooks::tell(Event event, const boost::json::object& data) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : told_) each->states().add(event, data);
}

void Hooks::ask(HookQuestion question, std::function<void(const HookDecision&)> done) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : asked_)
        if (each->settings().events.has(event_of(question.about)))
            return each->ask(std::move(question), std::move(done));
}

// ---- control ----

std::vector<HookStatus> Hooks::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<HookStatus> all;
    for (const auto& each : told_) all.push_back(each->status());
    for (const auto& each : asked_) all.push_back(each->status());
    if (store_ != nullptr && context_ != nullptr) {
        const std::uint64_t newest = store_->about().stamp;
        for (HookStatus& each : all) each.newest = std::max(each.newest, newest);
    }
    return all;
}

// Under the lock.
Checked<AfterHook*> Hooks::find(std::string_view name) const {
    for (const auto& each : told_)
        if (each->settings().name == name) return each.get();
    return Failure(errc::unknown_hook, "no hook that is told has this name");
}

Checked<> Hooks::pause(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto hook = find(name);
    if (!hook) return hook.error();
    (*hook)->pause("by an operator");
    return {};
}

Checked<> Hooks::resume(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto hook = find(name);
    if (!hook) return hook.error();
    (*hook)->resume();
    return {};
}

Checked<> Hooks::replay(std::string_view name, std::uint64_t after) {
    const std::lock_guard lock(mutex_);
    const auto hook = find(name);
    if (!hook) return hook.error();
    if (store_ == nullptr || !(*hook)->settings().events.any_of_log())
        return Failure(errc::not_supported, "this hook is told nothing that the log has");
    (*hook)->go_to(after);
    return {};
}

}  // namespace flare::server::hooks
